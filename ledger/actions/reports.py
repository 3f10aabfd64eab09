"""Writing a report: entries with their proofs and whatever facts the caller attaches, for offline checking.

    manifest.json             origin, keys, checkpoints, each entry's place in the chain, openings and erasures,
                              digest of every file
    manifest.note             the digest of manifest.json, signed by the report key
    checkpoint                the signed note that all proofs end in
    checkpoints/<old>         an older checkpoint
    consistency/<old>-<size>  the proof that the log was only added to since: base64 hashes, one to a line
    entries/<n>.json          the canonical bytes of entry n
    proofs/<n>.tlog-proof     its inclusion proof, C2SP tlog-proof
    facts.json                {"sections": [{"title": text, "facts": [{…, "entry": n or null}]}]}
    …                         attachments

The same files make a folder or one zip file. `ledger/verifier.py` reads both and keeps the same limits.
"""

import json
import os
import re
import shutil
import tempfile
import zipfile
from base64 import b64encode
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from hashlib import sha256
from io import BytesIO
from pathlib import Path
from typing import Any

from ledger import queries
from ledger.domain import canonical, notes, proofs
from ledger.domain.entry import timestamp
from ledger.domain.keys import Keys, report_origin
from ledger.errors import NotCanonical, ReportRefused
from ledger.models import Checkpoint

FORMAT = "wenshi-report/2"
MANIFEST, MANIFEST_NOTE, CHECKPOINT, FACTS = "manifest.json", "manifest.note", "checkpoint", "facts.json"
LARGEST_FILE = 16 * 2**20
LARGEST_REPORT = 64 * 2**20
MOST_ENTRIES = 20_000
MOST_FILES = 3 * MOST_ENTRIES
_NAME = re.compile(r"[A-Za-z0-9_-][A-Za-z0-9._-]{0,99}(/[A-Za-z0-9_-][A-Za-z0-9._-]{0,99}){0,3}")
_OURS = re.compile(
    r"manifest\.(json|note)|facts\.json|(checkpoint|checkpoints|consistency|entries|proofs)(/.*)?"
)


@dataclass(frozen=True)
class Opening:
    """What a commitment of an entry hides, disclosed: the salt and the value under it."""

    entry: int
    field: str
    salt: bytes
    value: Any


@dataclass(frozen=True)
class Erased:
    """A commitment whose value and salt are gone, and the entry that says so, where there is one."""

    entry: int
    field: str
    by: int | None = None


@dataclass(frozen=True)
class Fact:
    """What the caller states, in its own members, and the entry that proves it, where there is one."""

    fields: Mapping[str, Any]
    entry: int | None = None


@dataclass(frozen=True)
class Section:
    """Facts under a title."""

    title: str
    facts: Sequence[Fact]


def write(
    *,
    out: Path,
    entry_numbers: Iterable[int],
    attachments: Mapping[str, bytes],
    now: datetime,
    openings: Sequence[Opening] = (),
    erased: Sequence[Erased] = (),
    sections: Sequence[Section] = (),
    older: Iterable[int] = (),
    size: int | None = None,
) -> Path:
    """Write the report into a new folder, whole or not at all; an older report there is replaced.

    `older` are the sizes of checkpoints to prove as beginnings of this log. The proofs end in the published
    checkpoint of a size, else in the newest.
    Raises EntryNotFound, EntryNotSigned, CheckpointNotFound, ReportRefused.
    """
    report = _Report(str(out), entry_numbers, attachments, now, openings, erased, sections, older, size)
    _place(out, report.files())
    return out


def bundle(
    *,
    entry_numbers: Iterable[int],
    attachments: Mapping[str, bytes],
    now: datetime,
    openings: Sequence[Opening] = (),
    erased: Sequence[Erased] = (),
    sections: Sequence[Section] = (),
    older: Iterable[int] = (),
    size: int | None = None,
) -> bytes:
    """Return the same report as one zip file; the same facts, time and checkpoint make the same bytes.

    Raises EntryNotFound, EntryNotSigned, CheckpointNotFound, ReportRefused.
    """
    report = _Report("report.zip", entry_numbers, attachments, now, openings, erased, sections, older, size)
    return packed(report.files())


def packed(files: Mapping[str, bytes]) -> bytes:
    """Return the zip file of a report: by name, not deflated, of no date; its comment marks this form."""
    held = BytesIO()
    with zipfile.ZipFile(held, "w") as archive:
        archive.comment = FORMAT.encode()
        for name in sorted(files):
            member = zipfile.ZipInfo(name)
            member.create_system, member.external_attr = 3, 0o100644 << 16
            archive.writestr(member, files[name])
    return held.getvalue()


@dataclass(frozen=True)
class _Report:
    """What a report is made from."""

    name: str
    entry_numbers: Iterable[int]
    attachments: Mapping[str, bytes]
    now: datetime
    openings: Sequence[Opening]
    erased: Sequence[Erased]
    sections: Sequence[Section]
    older: Iterable[int]
    size: int | None

    def files(self) -> dict[str, bytes]:
        """Return every file with its name."""
        keys, signed = queries.keys(), queries.checkpoint_at(self.size)
        keys = keys.starting_with(queries.house_policy().log_keys(origin=keys.origin, size=signed.size))
        numbers = sorted(set(self.entry_numbers))
        self._check_names(set(numbers))
        files, places = _entries(numbers, signed)
        older = self._add_older(files, signed)
        files[CHECKPOINT] = signed.note.encode()
        files.update(self.attachments)
        if self.sections:
            files[FACTS] = self._encoded({"sections": [_section(each) for each in self.sections]})
        self._check_limits(numbers, files)
        files[MANIFEST] = self._encoded(
            {
                "format": FORMAT,
                "origin": keys.origin,
                "keys": {"log": keys.log_vkey, "report": keys.report_vkey},
                "made_at": timestamp(self.now),
                "checkpoint": {"size": signed.size, "root": bytes(signed.root).hex()},
                "older": older,
                "entries": places,
                "openings": [_opening(each) for each in self.openings],
                "erased": [{"entry": each.entry, "field": each.field, "by": each.by} for each in self.erased],
                "files": {name: _digest(data) for name, data in files.items()},
            }
        )
        files[MANIFEST_NOTE] = _manifest_note(keys, files[MANIFEST])
        return files

    def _check_names(self, numbers: set[int]) -> None:
        """Refuse what the verifier would not follow: strange names, and entries that are not in the report."""
        for name in self.attachments:
            if not _NAME.fullmatch(name) or _OURS.fullmatch(name):
                raise ReportRefused(self.name, f"{name!r} is no name for an attachment")
        named = {each.entry for each in self.openings} | {each.entry for each in self.erased}
        named |= {each.by for each in self.erased if each.by is not None}
        named |= {fact.entry for each in self.sections for fact in each.facts if fact.entry is not None}
        for number in sorted(named - numbers):
            raise ReportRefused(self.name, f"entry {number} is named and not in the report")

    def _add_older(self, files: dict[str, bytes], signed: Checkpoint) -> list[dict[str, Any]]:
        """Add older checkpoints with their proofs; return what the manifest says of them."""
        points = [queries.checkpoint_at(size) for size in sorted(set(self.older) - {signed.size})]
        for point in points:
            files[f"checkpoints/{point.size}"] = point.note.encode()
            hashes = queries.consistency(point.size, signed.size)
            text = "".join(f"{b64encode(each).decode()}\n" for each in hashes)
            files[f"consistency/{point.size}-{signed.size}"] = text.encode()
        return [{"size": point.size, "root": bytes(point.root).hex()} for point in points]

    def _encoded(self, value: Any) -> bytes:
        """Return the canonical bytes, which hold nothing that the verifier would not read."""
        try:
            data = canonical.encode(value)
            json.loads(data, parse_float=_refuse)
        except (NotCanonical, ValueError) as error:
            raise ReportRefused(self.name, str(error)) from error
        return data

    def _check_limits(self, numbers: Sequence[int], files: Mapping[str, bytes]) -> None:
        if len(numbers) > MOST_ENTRIES:
            raise ReportRefused(self.name, f"{len(numbers)} entries, a report takes {MOST_ENTRIES}")
        if len(files) > MOST_FILES:
            raise ReportRefused(self.name, f"{len(files)} files, a report takes {MOST_FILES}")
        for name, data in files.items():
            if len(data) > LARGEST_FILE:
                raise ReportRefused(self.name, f"{name} has {len(data)} bytes, a report takes {LARGEST_FILE}")
        total = sum(map(len, files.values()))
        if total > LARGEST_REPORT:
            raise ReportRefused(self.name, f"{total} bytes in all, a report takes {LARGEST_REPORT}")


def _refuse(spelling: str) -> Any:
    raise ValueError(f"the number {spelling[:20]} is not an integer")


def _section(section: Section) -> dict[str, Any]:
    return {"title": section.title, "facts": [{**fact.fields, "entry": fact.entry} for fact in section.facts]}


def _entries(numbers: Sequence[int], signed: Checkpoint) -> tuple[dict[str, bytes], list[dict[str, Any]]]:
    """Return the files of the entries, and what the manifest says of each."""
    files, places = {}, []
    for entry in queries.proved_entries(numbers, signed.size):
        files[f"entries/{entry.number}.json"] = entry.canonical
        text = proofs.text(index=entry.number, path=entry.proof.path, note=signed.note)
        files[f"proofs/{entry.number}.tlog-proof"] = text.encode()
        places.append(
            {
                "number": entry.number,
                "leaf_hash": bytes(entry.leaf_hash).hex(),
                "prev": bytes(entry.prev).hex(),
                "chain_hash": bytes(entry.chain_hash).hex(),
            }
        )
    return files, places


def _opening(opening: Opening) -> dict[str, Any]:
    return {
        "entry": opening.entry,
        "field": opening.field,
        "salt": opening.salt.hex(),
        "value": opening.value,
    }


def _digest(data: bytes) -> dict[str, Any]:
    return {"bytes": len(data), "sha256": sha256(data).hexdigest()}


def _manifest_note(keys: Keys, manifest: bytes) -> bytes:
    """Sign the digest under a name that no checkpoint has."""
    text = f"{report_origin(keys.origin)}\n{sha256(manifest).hexdigest()}\n"
    return notes.sign(text, [keys.report]).encode()


def _place(out: Path, files: Mapping[str, bytes]) -> None:
    """Write beside the folder's final name, then rename: an incomplete report never stands."""
    if out.is_symlink() or (out.exists() and not _may_replace(out)):
        raise ReportRefused(str(out), "something else is there already")
    try:
        out.parent.mkdir(parents=True, exist_ok=True)
        draft = Path(tempfile.mkdtemp(prefix=f".{out.name}-", dir=out.parent))
    except OSError as error:
        raise ReportRefused(str(out), str(error.strerror)) from error
    try:
        for name, data in files.items():
            _write_file(draft / name, data)
        draft.chmod(0o755)
        _swap(draft, out)
    except OSError as error:
        raise ReportRefused(str(out), str(error.strerror)) from error
    finally:
        shutil.rmtree(draft, ignore_errors=True)


def _may_replace(out: Path) -> bool:
    return out.is_dir() and ((out / MANIFEST).is_file() or not any(out.iterdir()))


def _write_file(path: Path, data: bytes) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("wb") as file:
        file.write(data)
        file.flush()
        os.fsync(file.fileno())


def _swap(draft: Path, out: Path) -> None:
    if not out.exists() or not any(out.iterdir()):
        draft.rename(out)  # over an empty folder this is one step too
        return
    with tempfile.TemporaryDirectory(prefix=f".{out.name}-", dir=out.parent) as old:
        replaced = out.rename(Path(old) / "replaced")
        try:
            draft.rename(out)
        except OSError:
            replaced.rename(out)
            raise
