"""What a signer remembers of a log outside the log's database: the last size and root, so that it is never led back."""

import fcntl
import os
from collections.abc import Sequence
from hashlib import sha256
from pathlib import Path

from ledger.domain import checkpoint, merkle
from ledger.errors import Rollback, SecondRoot


class Memory:
    """One file for each log, its name the hash of the log's origin."""

    def __init__(self, folder: Path) -> None:
        self.folder = Path(folder)

    def path(self, origin: str) -> Path:
        """Return where a log is remembered."""
        return self.folder / sha256(origin.encode()).hexdigest()

    def last(self, origin: str) -> tuple[int, bytes] | None:
        """Return the last size and root, or None for a log that is new."""
        try:
            return checkpoint.parse(self.path(origin).read_text(), origin=origin)
        except FileNotFoundError:
            return None

    def advance(self, *, origin: str, size: int, root: bytes, proof: Sequence[bytes]) -> None:
        """Remember a newer size and root. Raises Rollback or SecondRoot."""
        self.folder.mkdir(parents=True, exist_ok=True)
        with open(self.path(origin).with_suffix(".lock"), "a") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            last = self.last(origin)
            if last and size < last[0]:
                raise Rollback(last[0], size)
            if last and not _follows(last, size, root, proof):
                raise SecondRoot(size, last[1], root)
            draft = self.path(origin).with_suffix(".draft")
            with open(draft, "w") as file:
                file.write(checkpoint.text(origin=origin, size=size, root=root))
                file.flush()
                os.fsync(file.fileno())
            os.replace(draft, self.path(origin))


def _follows(last: tuple[int, bytes], size: int, root: bytes, proof: Sequence[bytes]) -> bool:
    if size == last[0]:
        return root == last[1]
    return merkle.verify_consistency(
        old_size=last[0], new_size=size, old_root=last[1], new_root=root, proof=list(proof)
    )
