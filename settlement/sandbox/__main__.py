"""`python -m settlement.sandbox`: start the Stripe stand-in and serve until SIGTERM or Ctrl-C.

A first line on standard output tells the address, `sandbox http://127.0.0.1:PORT`. With `--clock FILE` the
time is ahead by the seconds that stand in the file, as for the rest of a house in test mode.
"""

import argparse
import signal
import threading
import time
from pathlib import Path

from .calls import Provider
from .faults import Faults
from .server import Server
from .store import Store
from .webhooks import Clockwork


def main() -> None:
    """Read the options and serve."""
    options = _options()
    server = Server(options.port, later_seconds=options.later_seconds)
    store = Store(options.state)
    server.provider = Provider(store, base=options.base or server.base, now=lambda: _now(options.clock))
    server.faults = Faults(seed=options.seed)
    clockwork = Clockwork(server.provider, server.faults, url=options.webhook, secret=options.secret)
    clockwork.start()

    def stop(*_: object) -> None:
        threading.Thread(target=server.shutdown).start()

    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, stop)
    print("sandbox", server.base, flush=True)
    server.serve_forever(poll_interval=0.1)
    clockwork.stop()
    store.close()


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="settlement.sandbox", description="The Stripe stand-in.")
    parser.add_argument("--port", type=int, default=0, help="port on 127.0.0.1; 0 takes a free one")
    parser.add_argument("--state", type=Path, required=True, help="journal file, kept between starts")
    parser.add_argument("--webhook", help="address that gets the events; without it they can only be listed")
    parser.add_argument("--secret", default="", help="secret that signs the webhooks")
    parser.add_argument("--base", help="address that payers reach this server by, if not its own")
    parser.add_argument(
        "--clock", type=Path, help="file with the seconds by which the house's clock is ahead"
    )
    parser.add_argument(
        "--later-seconds", type=int, default=10, help="when the money of a slow method arrives"
    )
    parser.add_argument("--seed", type=int, help="make faults at random, the same for the same seed")
    return parser.parse_args()


def _now(clock: Path | None) -> int:
    try:
        ahead = int(clock.read_text()) if clock else 0
    except (FileNotFoundError, ValueError):
        ahead = 0
    return int(time.time()) + ahead


if __name__ == "__main__":
    main()
