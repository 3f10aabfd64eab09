"""The database is really stopped: what strangers check the log by is still answered, all of it."""

import os
import signal
import urllib.request
from contextlib import contextmanager
from pathlib import Path

SECONDS = 5


@contextmanager
def database_stopped(house):
    """Kill PostgreSQL and hold still who would start it again, until the block ends."""
    first = int((house.house.state / "postgres/data/postmaster.pid").read_text().splitlines()[0])
    keeper = int(Path(f"/proc/{first}/stat").read_text().rpartition(")")[2].split()[1])
    os.kill(keeper, signal.SIGSTOP)
    try:
        os.kill(first, signal.SIGKILL)
        yield
    finally:
        os.kill(keeper, signal.SIGCONT)
        house.revive("postgres")


def ask(house, name):
    with urllib.request.urlopen(f"{house.base}/ledger/log/{name}", timeout=SECONDS) as answer:
        return answer.status, answer.read()


def published(house):
    return ask(house, "checkpoint")[1].decode()


def test_checkpoint_tiles_bundles_and_proofs_are_answered_with_postgresql_stopped(live_house):
    live_house.manage(
        "shell", "-v0", "-c", "from ledger.tasks import sequence, publish; sequence(); publish()"
    )
    size = int(published(live_house).splitlines()[1])
    width = f".p/{size % 256}" if size < 256 else ""
    names = (
        "checkpoint",
        f"checkpoints/{size}",
        f"tile/0/000{width}",
        f"tile/entries/000{width}",
        f"proof/{size}/0",
        f"proof/{size}/{size - 1}",
    )
    with database_stopped(live_house):
        answers = {name: ask(live_house, name) for name in names}
    assert {status for status, _ in answers.values()} == {200}
    assert all(body for _, body in answers.values())
    assert answers["checkpoint"][1] == answers[f"checkpoints/{size}"][1]
    assert answers[f"proof/{size}/0"][1].endswith(answers["checkpoint"][1])
