"""The files of the log, in the Django storage named "ledger": a folder, or a bucket that a CDN stands before.

Tiles, bundles and published checkpoints are written once and never changed; `checkpoint` alone is replaced.
"""

import os
import tempfile
from collections.abc import Iterable
from pathlib import Path

from django.core.files.base import ContentFile
from django.core.files.storage import FileSystemStorage, Storage, storages

from ledger.errors import FileContradicts


class LogFiles(FileSystemStorage):
    """A folder whose files are there whole or not at all, and stay there when the power goes."""

    def get_available_name(self, name: str, max_length: int | None = None) -> str:
        """Return the name itself: nothing of the log may stand under another."""
        return name

    def _save(self, name: str, content: ContentFile) -> str:
        path = Path(self.path(name))
        _make_folder(path.parent)
        descriptor, draft = tempfile.mkstemp(dir=path.parent, prefix=".draft-")
        try:
            with os.fdopen(descriptor, "wb") as file:
                file.write(content.read())
                file.flush()
                os.fsync(file.fileno())
            os.chmod(draft, self.file_permissions_mode or 0o644)
            os.replace(draft, path)
        except BaseException:
            os.unlink(draft)
            raise
        _sync_folder(path.parent)
        return name

    def keep(self, name: str) -> None:
        """Make sure of a file that is there: who named it may have been killed before the folder was synced."""
        _sync_folder(Path(self.path(name)).parent)


def files() -> Storage:
    """Return where the files of the log lie."""
    return storages["ledger"]


def read(name: str) -> bytes | None:
    """Return the bytes of a file, or None where there is none."""
    try:
        with files().open(name) as file:
            return file.read()
    except FileNotFoundError:
        return None


def put(name: str, data: bytes) -> None:
    """Write a file that never changes, and read it back. Raises FileContradicts if other bytes stand there."""
    store, found = files(), read(name)
    if found is None:
        store.save(name, ContentFile(data))
        found = read(name)
    elif isinstance(store, LogFiles):
        store.keep(name)
    if found != data:
        raise FileContradicts(name)


def replace(name: str, data: bytes) -> None:
    """Write a file anew."""
    store = files()
    if not isinstance(
        store, LogFiles
    ):  # a storage without LogFiles' rename; object stores replace in one step
        store.delete(name)
    store.save(name, ContentFile(data))


def remove(folder: str) -> None:
    """Remove the files of a folder, and the folder."""
    store = files()
    try:
        _, names = store.listdir(folder)
    except FileNotFoundError:
        return
    for name in names:
        store.delete(f"{folder}/{name}")
    if isinstance(store, FileSystemStorage):
        store.delete(folder)


def names(folder: str) -> Iterable[str]:
    """Return the names of the files in a folder, in no order."""
    try:
        return files().listdir(folder)[1]
    except FileNotFoundError:
        return []


def _make_folder(folder: Path) -> None:
    """Make a folder so that it is still there when the power goes."""
    if not folder.exists():
        _make_folder(folder.parent)
        folder.mkdir(exist_ok=True)
        _sync_folder(folder.parent)


def _sync_folder(folder: Path) -> None:
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
