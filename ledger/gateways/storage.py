"""The files of the log, in the Django storage named "ledger": a folder, or a bucket that a CDN stands before.

Tiles, bundles and published checkpoints are written once and never changed; `checkpoint` alone is replaced.
"""

import os
from collections.abc import Callable, Collection, Iterable, Mapping
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from secrets import token_hex

from django.core.files.base import ContentFile
from django.core.files.storage import FileSystemStorage, Storage, storages

from ledger.errors import FileContradicts

THREADS = 16


class LogFiles(FileSystemStorage):
    """A folder whose files are there whole or not at all, and stay there when the power goes."""

    def get_available_name(self, name: str, max_length: int | None = None) -> str:
        """Return the name itself: nothing of the log may stand under another."""
        return name

    def _save(self, name: str, content: ContentFile) -> str:
        self.save_all({name: content.read()})
        return name

    def save_all(self, contents: Mapping[str, bytes]) -> None:
        """Write some files and wait for the disk once for all of them, then once for the names."""
        paths = {Path(self.path(name)): data for name, data in contents.items()}
        changed = {folder for path in paths for folder in _made_in(path.parent)}
        drafts = {path: path.with_name(f".draft-{token_hex(8)}") for path in paths}
        mode = self.file_permissions_mode or 0o644
        try:
            _beside(lambda path: _write_draft(drafts[path], paths[path], mode), paths)
            for path, draft in drafts.items():
                os.replace(draft, path)
        except BaseException:
            for draft in drafts.values():
                draft.unlink(missing_ok=True)
            raise
        _beside(_sync_folder, changed.union(path.parent for path in paths))

    def keep(self, names: Iterable[str]) -> None:
        """Make sure of files that are there: who named them may have been killed before their folder was synced."""
        _beside(_sync_folder, {Path(self.path(name)).parent for name in names})


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
    put_all({name: data})


def put_all(contents: Mapping[str, bytes]) -> None:
    """Write files that never change, and read them back. Raises FileContradicts if other bytes stand there."""
    found = {name: read(name) for name in contents}
    for name, data in contents.items():
        if found[name] not in (None, data):
            raise FileContradicts(name)
    new = {name: data for name, data in contents.items() if found[name] is None}
    store = files()
    if isinstance(store, LogFiles):
        store.keep(name for name in contents if name not in new)
        store.save_all(new)
    else:
        for name, data in new.items():
            store.save(name, ContentFile(data))
    for name, data in new.items():
        if read(name) != data:
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


def _write_draft(draft: Path, data: bytes, mode: int) -> None:
    with open(draft, "xb") as file:
        os.fchmod(file.fileno(), mode)
        file.write(data)
        file.flush()
        os.fsync(file.fileno())


def _made_in(folder: Path) -> list[Path]:
    """Make a folder, and return the folders above it that have a new name in them."""
    if folder.exists():
        return []
    made = _made_in(folder.parent)
    folder.mkdir(exist_ok=True)
    return [*made, folder.parent]


def _beside(act: Callable[[Path], None], paths: Collection[Path]) -> None:
    """Do something with each path, in threads: each of them does nothing but wait for the disk."""
    if len(paths) < 2:
        for path in paths:
            act(path)
        return
    with ThreadPoolExecutor(min(len(paths), THREADS)) as threads:
        for _ in threads.map(act, paths):
            pass


def _sync_folder(folder: Path) -> None:
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
