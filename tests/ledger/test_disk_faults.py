"""A disk that is full, broken or closed to us: the work stops with its error, nothing half-written is served.

Every call by which the log's files and the signer's memory reach the disk fails once, with each error in turn.
"""

import errno
import os

import pytest

from ledger.actions import inspections, sequencer
from ledger.gateways import memory, storage
from ledger.gateways import tiles as reading
from tests.ledger.conftest import append, fill

ERRORS = (errno.ENOSPC, errno.EIO, errno.EINTR, errno.EACCES)
MOST_CALLS = 60


class Disk:
    """The modules by which a gateway reaches the disk; the call with a given number fails."""

    def __init__(self, number, error):
        self.left, self.error = number, error

    @property
    def has_failed(self):
        return self.left < 0

    def failing(self, function):
        def call(*given, **named):
            self.left -= 1
            if self.left == -1:
                raise OSError(self.error, os.strerror(self.error))
            return function(*given, **named)

        return call

    def standing_for(self, module, *names):
        return Beside(module, {name: self.failing(getattr(module, name)) for name in names})

    def opening(self, function):
        """Return what opens a file whose write may fail after half of the bytes."""

        def open_(*given, **named):
            file = function(*given, **named)
            if {"wb", "xb"} & set(given):
                file = Half(file, self)
            return file

        return open_


class Beside:
    """A module, some of its functions replaced."""

    def __init__(self, module, replaced):
        self.__dict__.update(replaced)
        self.module = module

    def __getattr__(self, name):
        return getattr(self.module, name)


class Half:
    """A file that writes half of the bytes before its write fails."""

    def __init__(self, file, disk):
        self.file, self.disk = file, disk

    def __enter__(self):
        return self

    def __exit__(self, *raised):
        self.file.close()

    def __getattr__(self, name):
        return getattr(self.file, name)

    def write(self, data):
        self.file.write(data[: len(data) // 2])
        self.file.flush()
        self.disk.failing(lambda: self.file.write(data[len(data) // 2 :]))()


@pytest.fixture
def folder(settings, tmp_path):
    """Keep the files of the log in a real folder."""
    backend = {"BACKEND": "ledger.gateways.storage.LogFiles", "OPTIONS": {"location": tmp_path / "log"}}
    settings.STORAGES = {**settings.STORAGES, "ledger": backend}
    reading.forget()
    return tmp_path / "log"


def served(folder):
    """Return what a stranger can read, apart from the one file that is replaced."""
    files = [path for path in folder.rglob("*") if path.is_file() and path.name != "checkpoint"]
    return {path: path.read_bytes() for path in files}


def test_a_file_that_was_named_before_a_kill_is_made_to_last_by_the_next_run(folder, monkeypatch):
    """Else the next run would sign over a name that a power cut may still take away."""
    synced = []

    def sync(path):
        synced.append(path)
        if len(synced) == 2:  # the folder was made, the file named in it
            raise InterruptedError

    monkeypatch.setattr(storage, "_sync_folder", sync)
    folder.mkdir()
    with pytest.raises(InterruptedError):
        storage.put("tile/one", b"1")
    storage.put("tile/one", b"1")
    assert synced[-1] == folder / "tile"
    assert len(synced) == 3


def test_what_a_signer_remembered_before_a_kill_is_made_to_last_by_the_next(tmp_path, monkeypatch):
    kept, synced = memory.Memory(tmp_path), []
    kept.advance(origin="one", size=1, root=bytes(32))
    monkeypatch.setattr(memory, "sync_folder", synced.append)
    kept.advance(origin="one", size=1, root=bytes(32))
    assert synced == [tmp_path]


@pytest.mark.django_db
@pytest.mark.parametrize("error", ERRORS, ids=[errno.errorcode[each] for each in ERRORS])
def test_whatever_call_fails_the_work_stops_and_the_next_run_goes_on(folder, now, error):
    fill(254)  # so that a tile becomes full on the way, and its partial ones are tidied away
    number, failed = 254, 0
    for call in range(MOST_CALLS):
        disk = Disk(call, error)
        append(number)
        number += 1
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(storage, "os", disk.standing_for(os, "fsync", "replace", "fchmod", "open"))
            patch.setattr(storage, "open", disk.opening(disk.failing(open)), raising=False)
            patch.setattr(memory, "os", disk.standing_for(os, "fsync", "replace", "open"))
            patch.setattr(memory, "open", disk.opening(open), raising=False)
            try:
                sequencer.catch_up(now=now)
            except OSError as raised:
                assert raised.errno == error
                failed += 1
            else:
                assert not disk.has_failed
        half_way = served(folder)
        assert not [path.name for path in half_way if path.name.startswith(".draft-")]
        sequencer.catch_up(now=now)
        whole = served(folder)
        assert all(whole.get(path, data) == data for path, data in half_way.items())
        verdict = inspections.inspect(now=now)
        assert verdict.holds, (call, verdict.faults)
        assert verdict.size == number
        if not disk.has_failed:
            break
    assert failed == call
    assert failed > 20
