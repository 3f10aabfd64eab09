"""The tree and the entries cut into files: C2SP tlog-tiles.

    tile/<L>/<N>[.p/<W>]        256 (or, where the tree ends, W) hashes of level 8*L, one after the other
    tile/entries/<N>[.p/<W>]    as many entries, each behind its length in two bytes, big-endian

<N> is written in groups of three digits, all but the last behind an `x`: 1234067 is x001/x234/067.
"""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from hashlib import sha256

from ledger.domain import merkle
from ledger.domain.merkle import HASH_SIZE
from ledger.errors import TileInvalid

HEIGHT = 8
WIDTH = 1 << HEIGHT
ENTRIES = "entries"


@dataclass(frozen=True)
class Place:
    """Which file: a level, or "entries", the index within it, and how much of it there is."""

    level: int | str
    index: int
    width: int = WIDTH

    @property
    def path(self) -> str:
        """The name of the file, relative to the log."""
        suffix = "" if self.width == WIDTH else f".p/{self.width}"
        return f"{self.whole_path}{suffix}"

    @property
    def whole_path(self) -> str:
        """The name that the file has, or will have, once it is full."""
        groups = [f"{self.index % 1000:03}"]
        rest = self.index // 1000
        while rest:
            groups.append(f"x{rest % 1000:03}")
            rest //= 1000
        return f"tile/{self.level}/{'/'.join(reversed(groups))}"


def edge(size: int) -> list[Place]:
    """Return the rightmost tile of each level of a tree, partial or full, the leaves' first."""
    found = []
    for level in range(64 // HEIGHT):
        count = size >> HEIGHT * level
        if not count:
            break
        index = (count - 1) // WIDTH
        found.append(Place(level, index, count - index * WIDTH))
    return found


def grown(level: int | str, old_count: int, new_count: int) -> Iterator[Place]:
    """Yield the files of one level that change when it grows from one number of hashes, or entries, to another."""
    for index in range(old_count // WIDTH, -(-new_count // WIDTH)):
        yield Place(level, index, min(WIDTH, new_count - index * WIDTH))


def bundle(entries: Iterable[bytes]) -> bytes:
    """Return the file of some entries."""
    return b"".join(len(data).to_bytes(2, "big") + data for data in entries)


def unbundle(data: bytes, count: int) -> list[bytes]:
    """Return the entries of a file that must hold so many. Raises TileInvalid."""
    found, at = [], 0
    for _ in range(count):
        start = at + 2
        at = start + int.from_bytes(data[at:start], "big")
        found.append(data[start:at])
    if at != len(data):
        raise TileInvalid(f"{len(data)} bytes are not {count} entries")
    return found


def leaf_row(data: bytes, count: int) -> bytes:
    """Return the leaf hashes of a bundle that must hold so many, one after the other. Raises TileInvalid."""
    found, at = [], 0
    try:
        for _ in range(count):
            start = at + 2
            at = start + (data[at] << 8 | data[at + 1])
            found.append(sha256(b"\x00" + data[start:at]).digest())
    except IndexError:
        at = -1
    if at != len(data):
        raise TileInvalid(f"{len(data)} bytes are not {count} entries")
    return b"".join(found)


def hashes(data: bytes, count: int) -> list[bytes]:
    """Return the hashes of a tile that must hold so many. Raises TileInvalid."""
    if len(data) != count * HASH_SIZE:
        raise TileInvalid(f"{len(data)} bytes are not {count} hashes")
    return [data[at : at + HASH_SIZE] for at in range(0, len(data), HASH_SIZE)]


class Subtree:
    """A tile with the levels of the tree between its hashes and their root, each as one string of bytes."""

    def __init__(self, data: bytes) -> None:
        """Take the bytes of a tile of 1 to 256 hashes. Raises TileInvalid."""
        if not 0 < len(data) <= WIDTH * HASH_SIZE or len(data) % HASH_SIZE:
            raise TileInvalid(f"{len(data)} bytes are no tile")
        self.levels = [data]
        while len(data) >= 2 * HASH_SIZE:
            data = merkle.level_above(data)
            self.levels.append(data)

    def node(self, height: int, index: int) -> bytes:
        """Return the hash over the 2^height hashes of the tile that start at index * 2^height."""
        return self.levels[height][index * HASH_SIZE : (index + 1) * HASH_SIZE]

    @cached_property
    def root(self) -> bytes:
        """The root of a full tile."""
        return self.levels[HEIGHT]


def whole_roots(tiles: Sequence[bytes]) -> list[bytes]:
    """Return the root of each of some full tiles."""
    return [Subtree(data).root for data in tiles]
