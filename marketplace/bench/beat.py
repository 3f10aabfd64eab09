"""The sequencer and the publisher of a house, in a process of their own, at the pace of the celery beat.

`python -m marketplace.bench.beat` goes on until its standard input ends.
"""

import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager

from marketplace.local.house import BASE_DIR
from marketplace.local.live import LiveHouse

SEQUENCE_SECONDS, PUBLISH_SECONDS = 0.2, 1.0  # as in CELERY_BEAT_SCHEDULE


@contextmanager
def beat(house: LiveHouse) -> Iterator[subprocess.Popen]:
    """Let a house's log be numbered, signed and published until the block ends."""
    command = [sys.executable, "-m", "marketplace.bench.beat"]
    pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE}
    with subprocess.Popen(
        command, cwd=BASE_DIR, env=house.services.variables(), text=True, **pipes
    ) as process:
        process.stdout.readline()
        yield process
        process.stdin.close()


def serve() -> None:
    """Number, sign and publish until standard input ends."""
    import django

    django.setup()
    from ledger.actions import publications, sequencer
    from ledger.clock import now

    ended = threading.Event()
    threading.Thread(target=lambda: (sys.stdin.read(), ended.set()), daemon=True).start()
    print("ready", flush=True)
    published = 0.0
    while not ended.is_set():
        began = time.monotonic()
        sequencer.advance(now=now())
        if began - published >= PUBLISH_SECONDS:
            publications.publish(now=now())
            published = began
        ended.wait(max(0.0, began + SEQUENCE_SECONDS - time.monotonic()))


if __name__ == "__main__":
    serve()
