"""Reading the tree from its tiles, without the database.

Tiles never change, so what was read once is kept: some 4,000 of them, which is all of a log of a million entries.
"""

from functools import lru_cache

from ledger.domain import merkle
from ledger.domain.tiles import ENTRIES, HEIGHT, WIDTH, Place, Subtree, unbundle
from ledger.errors import FileMissing
from ledger.gateways import storage

KEPT = 4400
WIDTHS = frozenset(map(str, range(1, WIDTH)))  # of partial files, as they are spelled


class Tree:
    """The tree of one size. Its methods raise FileMissing where a tile is gone."""

    def __init__(self, size: int, *, fresh: bool = False) -> None:
        """Take the size; a fresh tree reads its files anew instead of trusting what was read before."""
        self.size = size
        self.counts = [size >> HEIGHT * level for level in range(64 // HEIGHT)]
        self.subtree = lru_cache(KEPT)(_subtree.__wrapped__) if fresh else _subtree

    def node(self, level: int, index: int) -> bytes:
        """Return the hash of the full subtree over 2^level leaves from index * 2^level on."""
        tile_level, height = divmod(level, HEIGHT)
        above = HEIGHT - height
        tile = index >> above
        width = min(WIDTH, self.counts[tile_level] - tile * WIDTH)
        return self.subtree(tile_level, tile, width).node(height, index - (tile << above))

    def root(self) -> bytes:
        """Return the root of the tree."""
        return merkle.range_root(self.node, 0, self.size) if self.size else merkle.root([])

    def prefix_root(self, size: int) -> bytes:
        """Return the root that the tree had when it was of a smaller size, from 1 on."""
        return merkle.range_root(self.node, 0, size)

    def leaf(self, index: int) -> bytes:
        """Return the hash of one entry."""
        return self.node(0, index)

    def inclusion(self, index: int) -> list[bytes]:
        """Return the audit path of an entry. Raises ValueError outside the tree."""
        return merkle.inclusion_from(self.node, index, self.size)

    def consistency(self, old_size: int) -> list[bytes]:
        """Return the proof that a smaller tree is a prefix. Raises ValueError where it is none."""
        return merkle.consistency_from(self.node, old_size, self.size)

    def frontier(self) -> merkle.Frontier:
        """Return the roots of the full subtrees."""
        return merkle.Frontier(self.size, tuple(self.node(*place) for place in merkle.peaks(0, self.size)))

    def entry(self, index: int) -> bytes:
        """Return the bytes of an entry, from its bundle."""
        place = Place(ENTRIES, index // WIDTH, min(WIDTH, self.size - index // WIDTH * WIDTH))
        return unbundle(read(place), place.width)[index % WIDTH]


def read(place: Place) -> bytes:
    """Return a file of the tree; where a partial one was tidied away, what the full one begins with."""
    data = storage.read(place.path)
    if data is None and place.width < WIDTH:
        whole = storage.read(place.whole_path)
        if whole is not None:
            return beginning(place, whole)
    if data is None:
        raise FileMissing(place.path)
    return data


def partial_widths(place: Place) -> list[int]:
    """Return the widths of the partial files that stand there of a tile; other names in the folder are ignored."""
    names = storage.names(f"{place.whole_path}.p")
    return [int(name) for name in names if name in WIDTHS]


def forget() -> None:
    """Forget what was read, for a log that has other files now."""
    _subtree.cache_clear()


def beginning(place: Place, whole: bytes) -> bytes:
    """Return what a partial file holds, given a longer one of the same tile."""
    if place.level != ENTRIES:
        return whole[: place.width * merkle.HASH_SIZE]
    at = 0
    for _ in range(place.width):
        at += 2 + int.from_bytes(whole[at : at + 2], "big")
    return whole[:at]


@lru_cache(maxsize=KEPT)
def _subtree(level: int, index: int, width: int) -> Subtree:
    return Subtree(read(Place(level, index, width)))
