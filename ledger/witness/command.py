"""Starting a witness: its options, what it prints, and its end."""

import argparse
import signal
import threading
from dataclasses import replace
from pathlib import Path

from ledger.domain.policy import Log, Policy
from ledger.errors import WitnessUnusable
from ledger.witness.cosigner import Cosigner
from ledger.witness.server import Server


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Say what the command line takes."""
    parser.add_argument("--state", type=Path, required=True, help="the folder of its key and memory")
    parser.add_argument("--port", type=int, default=0, help="the port; 0 takes a free one")
    parser.add_argument("--host", default="127.0.0.1", help="the address to listen on")
    parser.add_argument("--name", help="its name, as in witness.example/w1; fixed at the first start")
    parser.add_argument("--log", action="append", default=[], metavar="VKEY", help="a log to watch")
    parser.add_argument("--policy", type=Path, help="a policy file whose logs to watch")


def run(*, state: Path, port: int, host: str, name: str | None, log: list[str], policy: Path | None) -> None:
    """Serve until SIGTERM or Ctrl-C. Raises WitnessUnusable, PolicyInvalid."""
    cosigner = Cosigner(state, policy=_watched(log, policy), name=name)
    try:
        server = Server(cosigner, port=port, host=host)
    except OSError as error:
        raise WitnessUnusable(str(state), f"{host}:{port} cannot be listened on: {error.strerror}") from error

    def stop(*_: object) -> None:
        threading.Thread(target=server.shutdown).start()

    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, stop)
    print(f"witness {cosigner.name} {server.url}")
    for vkey in cosigner.vkeys:
        print(f"vkey {vkey}")
    print("# For the policies of the logs watched; either line will do, both are this one witness.")
    print(cosigner.policy_lines(server.url), end="", flush=True)
    server.serve_forever(poll_interval=0.1)


def _watched(log: list[str], path: Path | None) -> Policy:
    """Return the logs of the file and of the command line, as one policy."""
    try:
        data = path.read_bytes() if path else b"quorum none\n"
    except OSError as error:
        raise WitnessUnusable(str(path), str(error.strerror)) from error
    given = Policy.parse(data)
    watched = replace(given, logs=given.logs + tuple(map(Log, log)))
    if not watched.logs:
        raise WitnessUnusable("the command line", "it watches no log: give --log or --policy")
    return Policy.parse(watched.render())  # no key twice, and what the command line gives is a log's key
