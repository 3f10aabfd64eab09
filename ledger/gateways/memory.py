"""What a signer remembers of each log outside any database: the last checkpoint, in one file per origin.

A file is named for the SHA-256 of the origin and holds the checkpoint's text, or the whole note where that was
given. It is replaced whole under a lock, so it is the old one or the new one whatever happens; a draft that a
killed writer left behind is never read. What cannot be read stops the signer: it never begins anew by itself.
"""

import fcntl
import os
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from hashlib import sha256
from pathlib import Path

from ledger.domain import checkpoint, merkle
from ledger.domain.checkpoint import Checkpoint
from ledger.errors import MemoryUnreadable, NotConsistent, NoteInvalid, Rollback, SecondRoot, StaleSize

LARGEST = 1_000_000


class Memory:
    """The last checkpoint of each log, in a folder that only its owner reads."""

    def __init__(self, folder: Path | str) -> None:
        self.folder = Path(folder)
        self.folder.mkdir(mode=0o700, parents=True, exist_ok=True)

    def last(self, origin: str) -> tuple[int, bytes] | None:
        """Return the size and root last seen of a log; None before the first. Raises MemoryUnreadable."""
        kept = self._read(origin)
        return (kept.size, kept.root) if kept else None

    def note(self, origin: str) -> str | None:
        """Return what is kept of a log's last checkpoint: its note where that was given, else its text."""
        try:
            data = self.path(origin).read_bytes()
            return data.decode() if len(data) <= LARGEST else ""
        except FileNotFoundError:
            return None
        except (OSError, UnicodeDecodeError) as error:
            raise MemoryUnreadable(str(self.path(origin)), str(error)) from error

    def advance(
        self,
        *,
        origin: str,
        size: int,
        root: bytes,
        proof: Sequence[bytes] = (),
        old_size: int | None = None,
        note: str | None = None,
    ) -> None:
        """Remember a checkpoint that extends the last one; the first is trusted, the same again changes nothing.

        With `old_size` the proof must start there, so from 0 there is none. Raises StaleSize if the caller starts
        from another size than the one remembered, Rollback, SecondRoot, and NotConsistent if the proof does not
        lead from the last checkpoint to this one.
        """
        with self._lock(origin):
            kept = self._read(origin)
            remembered = kept.size if kept else 0
            if old_size is not None and old_size != remembered:
                raise StaleSize(remembered, old_size)
            if old_size == 0 and proof:
                raise NotConsistent(0, size)
            _check_extends(kept, size=size, root=root, proof=proof)
            if kept is None or size > kept.size:
                self._write(origin, note or checkpoint.text(origin=origin, size=size, root=root))
            else:
                sync_folder(self.folder)  # who wrote it may have been killed before this

    def path(self, origin: str, suffix: str = "") -> Path:
        """Return where a log is remembered."""
        return self.folder / (sha256(origin.encode()).hexdigest() + suffix)

    @contextmanager
    def _lock(self, origin: str) -> Iterator[None]:
        with open(self.path(origin, ".lock"), "a") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            yield

    def _read(self, origin: str) -> Checkpoint | None:
        kept = self.note(origin)
        if kept is None:
            return None
        try:
            found = checkpoint.read(kept.partition("\n\n")[0].rstrip("\n") + "\n")
        except NoteInvalid as error:
            raise MemoryUnreadable(str(self.path(origin)), error.reason) from error
        if found.origin != origin:
            raise MemoryUnreadable(str(self.path(origin)), f"it is of the log {found.origin}")
        return found

    def _write(self, origin: str, text: str) -> None:
        draft = self.path(origin, ".draft")
        with open(os.open(draft, os.O_CREAT | os.O_WRONLY | os.O_TRUNC, 0o600), "wb") as file:
            file.write(text.encode())
            file.flush()
            os.fsync(file.fileno())
        os.replace(draft, self.path(origin))
        sync_folder(self.folder)


def sync_folder(folder: Path) -> None:
    """Make sure that the names in a folder outlast a power cut."""
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _check_extends(kept: Checkpoint | None, *, size: int, root: bytes, proof: Sequence[bytes]) -> None:
    old_size = kept.size if kept else 0
    if size < old_size:
        raise Rollback(old_size, size)
    if kept and size == old_size and root != kept.root:
        raise SecondRoot(size, kept.root, root)
    if size == 0 and root != merkle.root([]):
        raise NotConsistent(old_size, size)
    if kept is None or old_size == 0:
        return
    if not merkle.verify_consistency(
        old_size=old_size, new_size=size, old_root=kept.root, new_root=root, proof=list(proof)
    ):
        raise NotConsistent(old_size, size)
