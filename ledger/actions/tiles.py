"""Writing the tree into its files: C2SP tlog-tiles. A file is written once; what stands there must be the same.

A partial file is followed by a longer one; once the full one stands, its partial ones are tidied away.
"""

import dataclasses
from collections.abc import Iterator, Sequence
from itertools import islice

from ledger.domain import merkle
from ledger.domain.tiles import ENTRIES, WIDTH, Place, Subtree, bundle, grown
from ledger.errors import SecondRoot
from ledger.gateways import storage
from ledger.gateways.tiles import beginning, partial_widths, read
from ledger.models import Entry

GROUP = 128  # files that are written beside each other


def write(*, old_size: int, entries: Sequence[bytes], leaf_hashes: Sequence[bytes]) -> None:
    """Write the files that these entries change, given that those of the old size stand. Returns when all are kept.

    Raises FileContradicts, and FileMissing where a file of the old size is gone.
    """
    made = _made(old_size, entries, leaf_hashes)
    while group := list(islice(made, GROUP)):
        storage.put_all({place.path: data for place, data in group})
        for place, _ in group:
            if place.width == WIDTH:
                storage.remove(f"{place.whole_path}.p")


def rewrite(size: int, root: bytes) -> None:
    """Write every file of a size anew where it does not hold what the entries say. For repairs alone.

    Raises SecondRoot, and writes nothing, where the entries do not have the root that was signed.
    """
    rows = (
        Entry.objects.filter(number__lt=size).order_by("number").values_list("intent__canonical", flat=True)
    )
    entries = [bytes(data) for data in rows.iterator(2000)]
    level, hashes = 0, [merkle.leaf_hash(data) for data in entries]
    found = merkle.Frontier().extend(hashes).root()
    if found != root:
        raise SecondRoot(size, root, found)
    for place in grown(ENTRIES, 0, size):
        _replace(place, bundle(entries[place.index * WIDTH :][: place.width]))
    while hashes:
        roots = []
        for place in grown(level, 0, len(hashes)):
            row = b"".join(hashes[place.index * WIDTH :][: place.width])
            _replace(place, row)
            if place.width == WIDTH:
                roots.append(Subtree(row).root)
        level, hashes = level + 1, roots


def _replace(place: Place, data: bytes) -> None:
    """Write a file anew, and those that older sizes have of the same tile."""
    for width in {*partial_widths(place), place.width}:
        other = dataclasses.replace(place, width=width)
        if width <= place.width and storage.read(other.path) != (whole := beginning(other, data)):
            storage.replace(other.path, whole)


def _made(
    old_size: int, entries: Sequence[bytes], leaf_hashes: Sequence[bytes]
) -> Iterator[tuple[Place, bytes]]:
    """Yield the files that these entries change, and what they must hold: bundles, then the tiles of each level."""
    yield from _bundles(old_size, entries)
    level, count, row = 0, old_size, b"".join(leaf_hashes)
    while row:
        roots: list[bytes] = []
        yield from _tiles(level, count, row, roots)
        level, count, row = level + 1, count // WIDTH, b"".join(roots)


def _bundles(old_size: int, entries: Sequence[bytes]) -> Iterator[tuple[Place, bytes]]:
    begun = _begun(ENTRIES, old_size)
    start = old_size // WIDTH * WIDTH
    for place in grown(ENTRIES, old_size, old_size + len(entries)):
        first = max(0, start - old_size)
        last = place.index * WIDTH + place.width - old_size
        yield place, begun + bundle(entries[first:last])
        begun, start = b"", start + WIDTH


def _tiles(level: int, old_count: int, row: bytes, roots: list[bytes]) -> Iterator[tuple[Place, bytes]]:
    """Yield the tiles of one level that a row of hashes changes; the roots of those that become full are added."""
    new_count = old_count + len(row) // merkle.HASH_SIZE
    row, at = _begun(level, old_count) + row, 0
    for place in grown(level, old_count, new_count):
        tile = row[at : at + place.width * merkle.HASH_SIZE]
        if place.width == WIDTH:
            roots.append(Subtree(tile).root)
        yield place, tile
        at += len(tile)


def _begun(level: int | str, count: int) -> bytes:
    """Return what the unfinished file of a level holds already."""
    width = count % WIDTH
    return read(Place(level, count // WIDTH, width)) if width else b""
