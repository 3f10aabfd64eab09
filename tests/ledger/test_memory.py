"""What a signer remembers: never a smaller tree, never a second root, whatever is killed or comes at once."""

import subprocess
import sys

import pytest

from ledger.domain import checkpoint
from ledger.errors import MemoryUnreadable, NotConsistent, Rollback, SecondRoot, StaleSize
from ledger.gateways.memory import Memory
from tests.ledger.witnessing import ORIGIN, ROOT, Log

# A process of its own that remembers the sizes it is given, and may be killed on the way.
WRITER = """
import os, sys
from pathlib import Path
from django.conf import settings
settings.configure(USE_I18N=False)
from ledger.errors import NotConsistent, Rollback
from ledger.gateways.memory import Memory
from tests.ledger.witnessing import Log
folder, die, *sizes = sys.argv[1:]
log, memory, won = Log(), Memory(Path(folder)), 0
if die == "yes":
    os.replace = lambda *_: os.kill(os.getpid(), 9)
for size in map(int, sizes):
    last = memory.last(log.origin)
    old = last[0] if last else 0
    try:
        proof = log.proof(old, size) if size > old else []
        memory.advance(origin=log.origin, size=size, root=log.root(size), proof=proof)
        won += 1
    except (Rollback, NotConsistent):
        pass
print(won)
"""


@pytest.fixture
def log():
    return Log()


@pytest.fixture
def memory(tmp_path):
    return Memory(tmp_path / "memory")


def advance(memory, log, size, old=0, **changes):
    given = {"origin": log.origin, "size": size, "root": log.root(size), "proof": log.proof(old, size)}
    memory.advance(**{**given, **changes})


def writer(memory, sizes, die="no"):
    command = [sys.executable, "-c", WRITER, str(memory.folder), die, *map(str, sizes)]
    return subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, text=True)


def test_the_first_checkpoint_is_trusted_and_the_next_must_extend_it(memory, log):
    assert memory.last(ORIGIN) is None
    advance(memory, log, 5)
    assert memory.last(ORIGIN) == (5, log.root(5))
    advance(memory, log, 9, old=5)
    assert memory.last(ORIGIN) == Memory(memory.folder).last(ORIGIN) == (9, log.root(9))
    assert memory.note(ORIGIN) == checkpoint.text(origin=ORIGIN, size=9, root=log.root(9))


def test_the_same_checkpoint_again_changes_nothing(memory, log):
    advance(memory, log, 5)
    before = memory.path(ORIGIN).stat().st_mtime_ns
    advance(memory, log, 5, proof=[])
    assert memory.path(ORIGIN).stat().st_mtime_ns == before


def test_a_smaller_tree_a_second_root_and_a_false_proof_are_refused(memory, log):
    advance(memory, log, 5)
    with pytest.raises(Rollback):
        advance(memory, log, 4, proof=[])
    with pytest.raises(SecondRoot):
        advance(memory, log, 5, root=bytes(32), proof=[])
    for proof in ([], log.proof(4, 9), [bytes(32)] * 3):
        with pytest.raises(NotConsistent):
            advance(memory, log, 9, proof=proof)
    with pytest.raises(NotConsistent):
        advance(memory, Log(other="x"), 9, old=5)
    assert memory.last(ORIGIN) == (5, log.root(5))


def test_a_caller_that_starts_from_another_size_is_told_the_remembered_one(memory, log):
    advance(memory, log, 5, old_size=0)
    for old_size in (0, 4, 9):
        with pytest.raises(StaleSize) as refused:
            advance(memory, log, 9, old=5, old_size=old_size)
        assert refused.value.remembered == 5
    advance(memory, log, 9, old=5, old_size=5)


def test_an_empty_tree_grows_without_a_proof(memory, log):
    with pytest.raises(NotConsistent):
        advance(memory, log, 0, root=bytes(32))
    advance(memory, log, 0)
    assert memory.last(ORIGIN) == (0, log.root(0))
    advance(memory, log, 9)


def test_each_log_has_its_own_place(memory, log):
    other = Log(origin="elsewhere.example/../log")
    advance(memory, log, 5)
    advance(memory, other, 3)
    assert memory.last(ORIGIN)[0] == 5 and memory.last(other.origin)[0] == 3
    assert {path.parent for path in memory.folder.rglob("*")} == {memory.folder}


@pytest.mark.parametrize("left", ["", "museum", "museum.example/log\n5\n", "other.example/log\n5\n{root}\n"])
def test_what_cannot_be_read_is_never_taken_for_a_first_time(memory, log, left):
    advance(memory, log, 5)
    lines = memory.note(ORIGIN).split("\n")
    memory.path(ORIGIN).write_text(left.format(root=lines[2]))
    with pytest.raises(MemoryUnreadable):
        memory.last(ORIGIN)
    with pytest.raises(MemoryUnreadable):
        advance(memory, log, 9)


def test_a_half_written_draft_is_not_read(memory, log):
    advance(memory, log, 5)
    memory.path(ORIGIN, ".draft").write_text("museum.example/log\n9")
    assert memory.last(ORIGIN) == (5, log.root(5))
    advance(memory, log, 9, old=5)
    assert memory.last(ORIGIN) == (9, log.root(9))


def test_a_writer_killed_before_the_rename_leaves_the_old_checkpoint(memory, log):
    advance(memory, log, 5)
    killed = writer(memory, [9], die="yes")
    killed.communicate(timeout=30)
    assert killed.returncode == -9
    assert memory.path(ORIGIN, ".draft").exists()
    assert memory.last(ORIGIN) == (5, log.root(5))
    advance(memory, log, 9, old=5)


def test_two_processes_at_once_never_roll_back(memory, log):
    both = [writer(memory, range(1, 200, 2)), writer(memory, range(2, 201, 2))]
    won = [int(each.communicate(timeout=60)[0]) for each in both]
    assert all(each.returncode == 0 for each in both)
    assert memory.last(ORIGIN)[0] >= 199 and min(won) >= 1
