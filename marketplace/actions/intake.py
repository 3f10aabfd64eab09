"""Reading the files of a catalogue's folder: each source once, however many datasets are made of it."""

import hashlib
from collections import defaultdict
from collections.abc import Callable, Iterable
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

from marketplace.domain import selection
from marketplace.domain.catalogue import Dataset
from marketplace.domain.faults import Fault
from marketplace.domain.selection import Counted, FieldUnknown, Form, SourceUnreadable
from marketplace.gateways import storage


@dataclass(frozen=True, slots=True)
class Source:
    """A file of the folder: what it is, and for texts how it is written."""

    path: Path
    name: str
    sha256: str
    size: int


@dataclass(frozen=True, slots=True)
class Prepared:
    """One file of a dataset, ready to be kept: a draft of the chosen records, or the source as it is."""

    source: Source
    counted: Counted
    encoding: str
    draft: storage.Draft | None

    @property
    def sha256(self) -> str:
        return self.draft.sha256 if self.draft else self.source.sha256

    @property
    def size(self) -> int:
        return self.draft.size if self.draft else self.source.size

    @property
    def name(self) -> str:
        return selection.delivered_name(self.source.name, selected=self.draft is not None)

    def open(self) -> BinaryIO:
        return self.draft.open() if self.draft else self.source.path.open("rb")

    def open_plain(self) -> BinaryIO:
        """Open the file uncompressed."""
        return selection.opened(self.open(), self.name)

    def keep(self) -> str:
        """Put the file into the store and return its address. Raises SourceUnreadable if it changed meanwhile."""
        if self.draft:
            return self.draft.keep()
        key = storage.key_of(self.source.sha256)
        if not storage.holds(key, self.source.size):
            with self.source.path.open("rb") as stream:
                key, sha256, _ = storage.keep_file(stream)
            if sha256 != self.source.sha256:
                raise SourceUnreadable("the file changed while it was read")
        return key


class Folder:
    """The data folder: its files by their path in the catalogue, hashed once."""

    def __init__(self, root: Path) -> None:
        self._root = root.resolve()
        self._sources: dict[str, Source | None] = {}

    def source(self, name: str) -> Source | None:
        """Return a file, or None where there is none inside the folder; links out of it count as none."""
        if name not in self._sources:
            path = self._root / name
            try:
                inside = path.resolve().is_relative_to(self._root) and path.is_file()
                self._sources[name] = _hashed(path, name) if inside else None
            except (OSError, ValueError):
                self._sources[name] = None
        return self._sources[name]

    def digest(self, name: str) -> str | None:
        source = self.source(name)
        return source.sha256 if source else None


def _hashed(path: Path, name: str) -> Source:
    with path.open("rb") as stream:
        digest = hashlib.file_digest(stream, "sha256")
        return Source(path, name, digest.hexdigest(), stream.tell())


class Intake:
    """The files of several datasets, prepared source by source. `close` removes what was not kept."""

    def __init__(self, folder: Folder) -> None:
        self._folder = folder
        self._drafts = ExitStack()
        self._prepared: dict[str, dict[str, Prepared]] = defaultdict(dict)
        self._faults: dict[str, list[Fault]] = defaultdict(list)

    def close(self) -> None:
        self._drafts.close()

    def prepare(self, datasets: Iterable[Dataset], progress: Callable[[str], None]) -> None:
        """Read every source of the datasets once and make the files that are offered."""
        users: dict[str, list[Dataset]] = defaultdict(list)
        for dataset in datasets:
            for name in dataset.source_files:
                users[name].append(dataset)
        for name, wanting in users.items():
            source = self._folder.source(name)
            assert source, f"{name} was admitted and is gone"
            progress(name)
            self._read(source, wanting)

    def files(self, dataset: Dataset) -> list[Prepared]:
        """Return the files of a dataset, in its own order."""
        return [self._prepared[dataset.id][name] for name in dataset.source_files]

    def faults(self, dataset: Dataset) -> list[Fault]:
        """Return what reading the files brought to light, the number of records above all."""
        if found := self._faults[dataset.id]:
            return found
        counted = selection.record_count([file.counted for file in self.files(dataset)])
        if counted != dataset.record_count:
            said = {"said": f"{dataset.record_count:,}", "counted": f"{counted:,}"}
            return [Fault("wrong-record-count", "record_count", said)]
        return []

    def _read(self, source: Source, wanting: list[Dataset]) -> None:
        form = selection.form_of(source.name)
        try:
            if form is Form.WHOLE:
                for dataset in wanting:
                    self._prepared[dataset.id][source.name] = Prepared(source, Counted(form, 1), "", None)
                return
            with source.path.open("rb") as stream:
                encoding = selection.encoding_of(selection.opened(stream, source.name))
            self._copy(source, form, encoding, wanting)
        except SourceUnreadable as error:
            for dataset in wanting:
                values = {"file": source.name, "reason": str(error)}
                self._faults[dataset.id].append(Fault("unreadable-file", "source_files", values))

    def _copy(self, source: Source, form: Form, encoding: str, wanting: list[Dataset]) -> None:
        while wanting:
            drafts = [self._drafts.enter_context(storage.draft()) if d.selection else None for d in wanting]
            wanted = [(d.selection, draft) for d, draft in zip(wanting, drafts, strict=True)]
            try:
                with source.path.open("rb") as stream:
                    plain = selection.opened(stream, source.name)
                    counts = selection.copy_records(plain, form=form, encoding=encoding, wanted=wanted)
                break
            except FieldUnknown as unknown:  # the others shall not suffer for it
                for dataset in wanting:
                    if any(condition.field == unknown.field for condition in dataset.selection):
                        fault = Fault("unknown-selection-field", "selection", {"name": unknown.field})
                        self._faults[dataset.id].append(fault)
                wanting = [dataset for dataset in wanting if not self._faults[dataset.id]]
        else:
            return
        text = (
            _text_digest(source, encoding) if form is Form.CSV and any(_several(d) for d in wanting) else ""
        )
        for dataset, draft, count in zip(wanting, drafts, counts, strict=True):
            counted = Counted(form, count, text if _several(dataset) else "")
            self._prepared[dataset.id][source.name] = Prepared(source, counted, encoding, draft)


def _several(dataset: Dataset) -> bool:
    return sum(selection.form_of(name) is Form.CSV for name in dataset.source_files) > 1


def _text_digest(source: Source, encoding: str) -> str:
    with source.path.open("rb") as stream:
        return selection.text_digest(selection.opened(stream, source.name), encoding)
