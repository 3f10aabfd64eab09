"""Writing the tree into its files: C2SP tlog-tiles. A file is written once; what stands there must be the same.

A partial file is followed by a longer one; once the full one stands, its partial ones are tidied away.
"""

from collections.abc import Sequence

from ledger.domain import merkle
from ledger.domain.tiles import ENTRIES, WIDTH, Place, Subtree, bundle, grown
from ledger.errors import SecondRoot
from ledger.gateways import storage
from ledger.gateways.tiles import read
from ledger.models import Entry


def write(*, old_size: int, entries: Sequence[bytes], leaf_hashes: Sequence[bytes]) -> None:
    """Write the files that these entries change, given that those of the old size stand. Returns when all are kept.

    Raises FileContradicts, and FileMissing where a file of the old size is gone.
    """
    _write_bundles(old_size, entries)
    level, count, hashes = 0, old_size, list(leaf_hashes)
    while hashes:
        roots = _write_level(level, count, hashes)
        level, count, hashes = level + 1, count // WIDTH, roots


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
    if storage.read(place.path) != data:
        storage.replace(place.path, data)


def _write_bundles(old_size: int, entries: Sequence[bytes]) -> None:
    begun = _begun(ENTRIES, old_size)
    start = old_size // WIDTH * WIDTH
    for place in grown(ENTRIES, old_size, old_size + len(entries)):
        first = max(0, start - old_size)
        last = place.index * WIDTH + place.width - old_size
        _put(place, begun + bundle(entries[first:last]))
        begun, start = b"", start + WIDTH


def _write_level(level: int, old_count: int, hashes: Sequence[bytes]) -> list[bytes]:
    """Write the tiles of one level, and return the roots of those that became full."""
    row = _begun(level, old_count) + b"".join(hashes)
    roots, at = [], 0
    for place in grown(level, old_count, old_count + len(hashes)):
        end = at + place.width * merkle.HASH_SIZE
        _put(place, row[at:end])
        if place.width == WIDTH:
            roots.append(Subtree(row[at:end]).root)
        at = end
    return roots


def _begun(level: int | str, count: int) -> bytes:
    """Return what the unfinished file of a level holds already."""
    width = count % WIDTH
    return read(Place(level, count // WIDTH, width)) if width else b""


def _put(place: Place, data: bytes) -> None:
    storage.put(place.path, data)
    if place.width == WIDTH:
        storage.remove(f"{place.whole_path}.p")
