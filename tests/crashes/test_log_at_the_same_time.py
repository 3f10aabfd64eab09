"""Many processes at one log: writers, two sequencers by mistake, one that was stopped and woke, a lost tail.

All are real processes with connections of their own, in a house with a real PostgreSQL. None may fork the log,
leave a gap or lose what was acknowledged; and no reading of a sound log may find a fault.
"""

import os
import shutil
import signal
import time
from pathlib import Path

import pytest

from marketplace.local.live import CommandFailed, LiveHouse

PATIENCE_SECONDS = 30
BROKEN = {"SecondRoot", "NotConsistent", "FileContradicts"}


def wait(what, found, *, seconds=PATIENCE_SECONDS):
    """Look until something is so."""
    began = time.monotonic()
    while not found():
        assert time.monotonic() - began < seconds, f"waited in vain for {what}"
        time.sleep(0.05)


def state(pid):
    """Return the kernel's letter for how a child is: T where it is stopped, Z where it has ended."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
    except FileNotFoundError:
        return "Z"


def begin(house):
    """See that there is a log, and return how many entries it has."""
    house.do({"do": "work", "appends": [[f"begin-{time.monotonic_ns()}"]]})
    return recover(house)


def recover(house):
    """Go on as a fresh process does; nothing may be wrong. Returns how many entries there are."""
    [told] = house.do({"do": "recover", "acknowledged": house.acknowledged()})
    assert "raised" not in told, told["told"]
    assert told["wrong"] == []
    return told["size"]


@pytest.mark.parametrize(
    ("writers", "count", "each"),
    [(64, 5, 1), (16, 640, 10), pytest.param(64, 15_700, 20, marks=pytest.mark.nightly)],
)
def test_many_writers_and_two_sequencers_neither_fork_nor_gap_nor_lose(quiet_house, writers, count, each):
    """Some 10,000 appends by day and a million by night, and a reader beside them that must not raise an alarm."""
    before, known = begin(quiet_house), len(quiet_house.acknowledged())
    jobs = [
        {"do": "write", "name": f"{writers}-writers-{number}", "count": count, "each": each}
        for number in range(writers)
    ]
    beside = [{"do": "sequence"}, {"do": "sequence"}, {"do": "inspect", "fast": False}]
    with quiet_house.doing(*beside, *jobs) as (_, answers):
        goal = known + writers * count
        wait("the writers", lambda: len(quiet_house.acknowledged()) >= goal, seconds=3600)
        quiet_house.stop()
    first, second, reader, *written = answers
    assert written == [{}] * writers
    assert reader["faults"] == []
    assert reader["times"] > 0
    assert first["moments"] and second["moments"]
    assert recover(quiet_house) == before + writers * count


@pytest.mark.parametrize(
    "step",
    [
        "a batch is copied, not committed",
        "the files are written, nothing is signed",
        "a checkpoint is cosigned",
    ],
)
def test_a_stopped_process_is_cut_off_and_harms_nothing_when_it_wakes(quiet_house, step):
    before = begin(quiet_house)
    hand_in(quiet_house, f"{step}-first")
    (quiet_house.house.state / "stopped").unlink(missing_ok=True)
    other = {"do": "sequence", "pause_seconds": 1, "after": "stopped"}
    jobs = [{"do": "pause", "step": step, "pause_seconds": 1}, other]
    with quiet_house.doing(*jobs) as ((paused, _), answers):
        wait("the stop", lambda: state(paused) == "T")
        (quiet_house.house.state / "stopped").touch()
        wait("the other to sign", lambda: quiet_house.signed() == before + 1)
        os.kill(paused, signal.SIGCONT)
        wait("the end of it", lambda: state(paused) == "Z")
        quiet_house.stop()
    assert "raised" not in answers[0], answers[0]
    assert recover(quiet_house) == before + 1


def test_a_clock_that_is_set_back_stops_nothing(quiet_house):
    before = begin(quiet_house)
    [told] = quiet_house.do({"do": "work", "appends": [["an-hour-ago"]], "offset": -3600})
    assert told == {"signed": before + 1}
    assert recover(quiet_house) == before + 1


def hand_in(house, *keys):
    [told] = house.do({"do": "work", "appends": [list(keys)], "sequence": False})
    assert told == {}


@pytest.fixture
def promoted(new_house):
    """Have a replica promoted that had not received the last entries: 3 of the 8 that were signed are gone."""
    house = new_house
    data = house.house.state / "postgres/data"
    house.do({"do": "work", "appends": [[f"kept-{number}" for number in range(5)]]})
    with house.postgres_stopped():
        shutil.copytree(data, data.with_name("replica"), symlinks=True)
    house.do({"do": "work", "appends": [[f"lost-{number}" for number in range(3)]]})
    assert house.signed() == 8
    with house.postgres_stopped():
        data.rename(data.with_name("lost"))
        data.with_name("replica").rename(data)
    assert house.signed() == 5
    return house


def test_nothing_is_signed_over_a_lost_tail(promoted):
    """Whatever is appended meanwhile: as long as the signer or a stranger knows of the lost entries, it stops."""
    folder = promoted.house.state
    hidden = {"memory": folder / "ledger/memory", "checkpoint": folder / "log/checkpoint"}
    for more, expected in [(0, {"Rollback"}), (2, {"Rollback"}), (1, BROKEN), (4, BROKEN)]:
        if more:
            hand_in(promoted, *(f"other-{more}-{number}" for number in range(more)))
        for gone in (None, "memory", "checkpoint"):
            if gone:
                hidden[gone].rename(folder / "hidden")
            [told] = promoted.do({"do": "work"})
            assert told.get("raised") in expected, (more, gone, told)
            if gone:
                shutil.rmtree(
                    hidden[gone], ignore_errors=True
                )  # the folder is made again, without a memory in it
                (folder / "hidden").rename(hidden[gone])
    assert promoted.signed() == 5
    with pytest.raises(CommandFailed, match="The ledger does not hold"):
        promoted.manage("ledger_fsck")


@pytest.mark.nightly
@pytest.mark.parametrize("count", [0, 300])
def test_what_many_wrote_is_dumped_restored_and_verified(new_house, tmp_path, count):
    jobs = [
        {"do": "write", "name": f"dump-{number}", "count": 6, "each": 1}
        for number in range(50 if count else 0)
    ]
    with new_house.doing({"do": "sequence"}, *jobs):
        wait("the writers", lambda: len(new_house.acknowledged()) >= count)
        new_house.stop()
    if count:
        assert recover(new_house) == count
    new_house.manage("ledger_fsck")
    new_house.manage("backup", str(tmp_path / "house.tar"))
    with LiveHouse(tmp_path / "restored") as restored:
        restored.manage("restore", str(tmp_path / "house.tar"))
        restored.manage(
            "shell", "-v0", "-c", "from ledger.tasks import sequence, publish; sequence(); publish()"
        )
        told = restored.manage("ledger_fsck")  # which also says that its signer remembers nothing yet
        assert [line.split()[1] for line in told.splitlines() if line.startswith("ok")] == [str(count)]
        if count:
            published = (new_house.house.state / "log/checkpoint").read_bytes()
            assert (restored.house.state / "log/checkpoint").read_bytes() == published
