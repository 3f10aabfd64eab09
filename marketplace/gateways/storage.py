"""The file store: Django's default storage, addressed by content, so that one file is kept once.

A file appears under its address whole or not at all: on a local disk by renaming, in an object store by its own put.
"""

import hashlib
import os
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path
from typing import Any, BinaryIO, cast

from django.core.files import File
from django.core.files.storage import default_storage

BLOCK = 1 << 20


def key_of(sha256: str) -> str:
    """Return the address of a file."""
    return f"sha256/{sha256[:2]}/{sha256[2:4]}/{sha256}"


class Draft:
    """A file on its way in: written to a temporary place, hashed as it is written, kept by `keep`."""

    def __init__(self) -> None:
        incoming = _incoming()
        self._file = tempfile.NamedTemporaryFile(dir=incoming, delete=False)  # noqa: SIM115
        self._hash = hashlib.sha256()
        self.size = 0

    def write(self, data: bytes) -> None:
        self._hash.update(data)
        self.size += len(data)
        self._file.write(data)

    @property
    def sha256(self) -> str:
        return self._hash.hexdigest()

    def open(self) -> BinaryIO:
        """Open what was written so far."""
        self._file.flush()
        return Path(self._file.name).open("rb")

    def keep(self) -> str:
        """Put the file under its address and return that; does nothing where it stands already."""
        key = key_of(self.sha256)
        self._file.flush()
        if not holds(key, self.size):
            os.fsync(self._file.fileno())
            named = default_storage.save(key, _Arriving(self._file))
            if named != key:  # somebody else was faster
                default_storage.delete(named)
        return key

    def discard(self) -> None:
        """Remove the temporary file, if it is still there."""
        self._file.close()
        Path(self._file.name).unlink(missing_ok=True)


class _Arriving(File):
    """A file that a local storage takes over by renaming it."""

    def temporary_file_path(self) -> str:
        return cast(str, self.file.name)


def _incoming() -> Path | None:
    """Return the folder for drafts: beside the files, where there is one, so that renaming works."""
    try:
        folder = Path(default_storage.path("incoming"))
    except NotImplementedError:
        return None
    folder.mkdir(parents=True, exist_ok=True)
    return folder


@contextmanager
def draft() -> Iterator[Draft]:
    """Give a draft and remove its temporary file afterwards, kept or not."""
    made = Draft()
    try:
        yield made
    finally:
        made.discard()


def sweep_drafts(*, before: datetime) -> int:
    """Remove drafts that a process left behind when it died, and return how many there were."""
    folder = _incoming()
    old = [p for p in folder.iterdir() if p.stat().st_mtime < before.timestamp()] if folder else []
    for path in old:
        path.unlink(missing_ok=True)
    return len(old)


def holds(key: str, size: int) -> bool:
    """Tell whether a file of this size stands under an address."""
    return default_storage.exists(key) and default_storage.size(key) == size


def keep_bytes(data: bytes) -> str:
    """Keep a small file and return its address."""
    with draft() as made:
        made.write(data)
        return made.keep()


def keep_file(source: BinaryIO) -> tuple[str, str, int]:
    """Keep a file and return its address, SHA-256 and size."""
    with draft() as made:
        while block := source.read(BLOCK):
            made.write(block)
        return made.keep(), made.sha256, made.size


def open_file(key: str) -> Any:
    """Open a kept file for reading. Raises FileNotFoundError."""
    return default_storage.open(key, "rb")


def redirect_url(key: str, *, seconds: int, name: str, media_type: str) -> str | None:
    """Return a signed address at the object store; None where the files are on a local disk."""
    if not hasattr(default_storage, "bucket"):
        return None
    return default_storage.url(
        key,
        parameters={
            "ResponseContentDisposition": f"attachment; filename*=UTF-8''{name}",
            "ResponseContentType": media_type,
        },
        expire=seconds,
    )


def digest(key: str) -> str | None:
    """Return the SHA-256 of a kept file, read anew; None where it is gone."""
    try:
        with open_file(key) as stored:
            found = hashlib.sha256()
            while block := stored.read(BLOCK):
                found.update(block)
    except FileNotFoundError:
        return None
    return found.hexdigest()
