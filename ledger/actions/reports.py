"""Writing a report: entries with their proofs and whatever facts the caller attaches, for offline checking.

    manifest.json           origin, keys, checkpoint, each entry's place in the chain, openings, digest of every file
    manifest.note           the digest of manifest.json, signed by the report key
    checkpoint              the signed note that all proofs end in
    entries/<n>.json        the canonical bytes of entry n
    proofs/<n>.tlog-proof   its inclusion proof, C2SP tlog-proof
    …                       attachments

`ledger/verifier.py` reads this format and keeps the same limits.
"""

import os
import re
import shutil
import tempfile
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from hashlib import sha256
from pathlib import Path
from typing import Any

from ledger import queries
from ledger.domain import canonical, notes, proofs
from ledger.domain.entry import timestamp
from ledger.domain.keys import Keys, report_origin
from ledger.errors import ReportRefused

FORMAT = "wenshi-report/1"
MANIFEST, MANIFEST_NOTE, CHECKPOINT = "manifest.json", "manifest.note", "checkpoint"
LARGEST_FILE = 16 * 2**20
LARGEST_REPORT = 64 * 2**20
MOST_ENTRIES = 20_000
_NAME = re.compile(r"[A-Za-z0-9_-][A-Za-z0-9._-]{0,99}(/[A-Za-z0-9_-][A-Za-z0-9._-]{0,99}){0,3}")
_OURS = re.compile(r"manifest\.(json|note)|checkpoint|(entries|proofs)(/.*)?")


@dataclass(frozen=True)
class Opening:
    """What a commitment of an entry hides, disclosed: the salt and the value under it."""

    entry: int
    field: str
    salt: bytes
    value: Any


def write(
    *,
    out: Path,
    entry_numbers: Iterable[int],
    attachments: Mapping[str, bytes],
    now: datetime,
    openings: Sequence[Opening] = (),
    size: int | None = None,
) -> Path:
    """Write the report into a new folder, whole or not at all; an older report there is replaced.

    Its proofs end in the published checkpoint of a size, else in the newest.

    Raises EntryNotFound, EntryNotSigned, CheckpointNotFound, ReportRefused.
    """
    keys, signed = queries.keys(), queries.checkpoint_at(size)
    numbers = sorted(set(entry_numbers))
    files, places = _entries(numbers, signed.size)
    files[CHECKPOINT] = signed.note.encode()
    for name, data in attachments.items():
        if not _NAME.fullmatch(name) or _OURS.fullmatch(name):
            raise ReportRefused(str(out), f"{name!r} is no name for an attachment")
        files[name] = data
    _check_limits(out, numbers, files)
    files[MANIFEST] = canonical.encode(
        {
            "format": FORMAT,
            "origin": keys.origin,
            "keys": {"log": keys.log_vkey, "report": keys.report_vkey},
            "made_at": timestamp(now),
            "checkpoint": {"size": signed.size, "root": bytes(signed.root).hex()},
            "entries": places,
            "openings": [_opening(each) for each in openings],
            "files": {name: _digest(data) for name, data in files.items()},
        }
    )
    files[MANIFEST_NOTE] = _manifest_note(keys, files[MANIFEST])
    _place(out, files)
    return out


def _entries(numbers: Sequence[int], size: int) -> tuple[dict[str, bytes], list[dict[str, Any]]]:
    """Return the files of the entries, and what the manifest says of each."""
    files, places = {}, []
    for entry in queries.proved_entries(numbers, size):
        files[f"entries/{entry.number}.json"] = entry.canonical
        text = proofs.text(index=entry.number, path=entry.proof.path, note=entry.proof.note)
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


def _check_limits(out: Path, numbers: Sequence[int], files: Mapping[str, bytes]) -> None:
    if len(numbers) > MOST_ENTRIES:
        raise ReportRefused(str(out), f"{len(numbers)} entries, a report takes {MOST_ENTRIES}")
    for name, data in files.items():
        if len(data) > LARGEST_FILE:
            raise ReportRefused(str(out), f"{name} has {len(data)} bytes, a report takes {LARGEST_FILE}")
    total = sum(map(len, files.values()))
    if total > LARGEST_REPORT:
        raise ReportRefused(str(out), f"{total} bytes in all, a report takes {LARGEST_REPORT}")


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
