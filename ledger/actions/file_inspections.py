"""Reading the log again from its files alone, with the database stopped: bundles, tiles and the published checkpoint.

Every leaf hash, node and link is recomputed from the bytes of the entries. Entries and tiles can be hashed by several
processes; the chain is followed by one, for it has no shortcut.
"""

from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass, field
from functools import partial
from multiprocessing import get_context

from django.conf import settings

from ledger import queries
from ledger.actions.inspections import Fault, Verdict
from ledger.domain import canonical, merkle
from ledger.domain.merkle import HASH_SIZE
from ledger.domain.tiles import ENTRIES, HEIGHT, WIDTH, Place, Subtree, grown, leaf_row, unbundle
from ledger.errors import FileMissing, NoteInvalid, TileInvalid
from ledger.gateways import storage
from ledger.gateways.tiles import read

STRETCH = 32  # tiles that are read in one go


@dataclass
class Stretch:
    """What was read of some neighbouring tiles: their leaf hashes, the roots of those that are full, what was wrong."""

    row: bytes = b""
    roots: list[bytes] = field(default_factory=list)
    faults: list[Fault] = field(default_factory=list)


def inspect(*, processes: int = 1, profile: bool = True) -> Verdict:
    """Hold the files against the published checkpoint and return what was found. The database is not asked.

    `profile` says whether each entry is also seen to be in canonical form. Raises PolicyInvalid, KeyUnusable.
    """
    verdict = Verdict()
    size, root = _published(verdict)
    if not size:
        return verdict
    verdict.size, verdict.checkpoints = size, 1
    tip, roots, row = merkle.GENESIS, [], b""
    for stretch in _stretches(size, processes, profile):
        for fault in stretch.faults:
            verdict.fault(fault.layer, fault.number, fault.reason)
        tip = merkle.chain_row(tip, stretch.row)
        roots += stretch.roots
        row = stretch.row
    if len(roots) != size // WIDTH:
        return verdict  # a bundle cannot be read, and the root cannot be told without it
    rest = row[len(row) - size % WIDTH * HASH_SIZE :]
    leaves = [rest[at : at + HASH_SIZE] for at in range(0, len(rest), HASH_SIZE)]
    found = merkle.Frontier().extend(roots, level=HEIGHT).extend(leaves).root()
    verdict.root, verdict.tip = found.hex(), tip.hex()
    _compare_above(verdict, roots)
    if found != root:
        verdict.fault("published", size, f"root: expected {found.hex()}, found {root.hex()}")
    return verdict


def _published(verdict: Verdict) -> tuple[int, bytes]:
    """Return size and root of the published checkpoint, if it is signed and cosigned as the policy asks."""
    note = storage.read("checkpoint")
    if note is None:
        if any(storage.names("checkpoints")):
            verdict.fault("published", 0, "the newest checkpoint is missing")
        verdict.notes["checkpoint"] = "none is published"
        return 0, b""
    try:
        found = queries.house_policy().verify_checkpoint(note.decode())
    except (NoteInvalid, UnicodeDecodeError) as error:
        verdict.fault("published", 0, str(error))
        return 0, b""
    if found.origin != settings.LEDGER_ORIGIN:
        verdict.fault("published", found.size, f"it is of the log {found.origin}")
        return 0, b""
    return found.size, found.root


def _stretches(size: int, processes: int, profile: bool) -> Iterator[Stretch]:
    """Yield what is read of all bundles and of the tiles over them, in order."""
    starts = range(0, -(-size // WIDTH), STRETCH)
    read_one = partial(_stretch, size=size, profile=profile)
    if processes == 1:
        yield from map(read_one, starts)
        return
    with ProcessPoolExecutor(processes, mp_context=get_context("fork")) as pool:
        yield from pool.map(read_one, starts)


def _stretch(start: int, *, size: int, profile: bool) -> Stretch:
    found, rows = Stretch(), []
    for place in grown(ENTRIES, start * WIDTH, min(size, (start + STRETCH) * WIDTH)):
        try:
            data = read(place)
            row = leaf_row(data, place.width)
        except (FileMissing, TileInvalid) as error:
            found.faults.append(Fault("bundle", place.index * WIDTH, f"{place.path}: {error}"))
            continue
        rows.append(row)
        if place.width == WIDTH:
            found.roots.append(Subtree(row).root)
        found.faults += _compared(Place(0, place.index, place.width), row)
        if profile:
            found.faults += _in_form(place, data)
    found.row = b"".join(rows)
    return found


def _in_form(place: Place, data: bytes) -> Iterator[Fault]:
    for number, entry in enumerate(unbundle(data, place.width), start=place.index * WIDTH):
        if not canonical.is_canonical(entry):
            yield Fault("canonical", number, "is not in canonical form")


def _compare_above(verdict: Verdict, roots: list[bytes]) -> None:
    """Hold the tiles of the higher levels against the roots of those below."""
    level = 1
    while roots:
        above = []
        for place in grown(level, 0, len(roots)):
            row = b"".join(roots[place.index * WIDTH :][: place.width])
            for fault in _compared(place, row):
                verdict.fault(fault.layer, fault.number, fault.reason)
            if place.width == WIDTH:
                above.append(Subtree(row).root)
        level, roots = level + 1, above


def _compared(place: Place, row: bytes) -> Iterator[Fault]:
    """Yield what is wrong with a tile that must hold a row of hashes."""
    covers = 1 << HEIGHT * place.level  # entries under one of its hashes
    first = place.index * WIDTH * covers
    try:
        found = read(place)
    except FileMissing as error:
        yield Fault("tile", first, str(error))
        return
    if found != row:
        at = next((at for at, pair in enumerate(zip(found, row, strict=False)) if pair[0] != pair[1]), 0)
        number = first + at // HASH_SIZE * covers
        yield Fault("tile", number, f"{place.path} does not hold what the entries say")
