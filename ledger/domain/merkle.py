"""The tree and the chain over the log: RFC 6962 and RFC 9162, section 2.1, as pure functions.

Hashes are 32 bytes. A leaf is H(00 || data), a node H(01 || left || right); a chain link, which is
ours, is H(02 || previous link || leaf hash). The three prefixes keep one from passing for another.
"""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from hashlib import sha256
from itertools import islice
from typing import Any

HASH_SIZE = 32
ROW = 4096  # hashes that are worked on at once
GENESIS = bytes(HASH_SIZE)  # what entry 0 names as the link before it

# Gives the hash of the full subtree over the 2^level leaves that start at index * 2^level.
Node = Callable[[int, int], bytes]


def leaf_hash(data: bytes) -> bytes:
    """Hash one entry's bytes."""
    return sha256(b"\x00" + data).digest()


def node_hash(left: bytes, right: bytes) -> bytes:
    """Hash two subtrees into one."""
    return sha256(b"\x01" + left + right).digest()


def chain_hash(previous: bytes, leaf: bytes) -> bytes:
    """Hash the link of one entry to the link before it."""
    return sha256(b"\x02" + previous + leaf).digest()


def chain(tip: bytes, leaf_hashes: Iterable[bytes]) -> list[bytes]:
    """Return the chain hash of each leaf, the first of which follows `tip`."""
    found = []
    for leaf in leaf_hashes:
        tip = sha256(b"\x02" + tip + leaf).digest()
        found.append(tip)
    return found


def chain_row(tip: bytes, row: bytes) -> bytes:
    """Return the chain hash of the last of a row of leaf hashes, given as one string of bytes."""
    for at in range(0, len(row), HASH_SIZE):
        tip = sha256(b"\x02" + tip + row[at : at + HASH_SIZE]).digest()
    return tip


def root(leaf_hashes: Sequence[bytes]) -> bytes:
    """Return the root of the tree over all leaf hashes."""  # RFC 6962, section 2.1
    return levels(leaf_hashes)[-1][0] if leaf_hashes else sha256(b"").digest()


def inclusion_proof(leaf_hashes: Sequence[bytes], index: int) -> list[bytes]:
    """Return the audit path of one leaf, from its sibling up. Raises ValueError outside the tree."""
    if not 0 <= index < len(leaf_hashes):
        raise ValueError(f"no leaf {index} in a tree of {len(leaf_hashes)}")
    return path(levels(leaf_hashes), index)


def consistency_proof(leaf_hashes: Sequence[bytes], old_size: int) -> list[bytes]:
    """Return the proof that the first `old_size` leaves are a prefix. Raises ValueError outside the tree."""
    return _consistency(lambda start, end: root(leaf_hashes[start:end]), old_size, len(leaf_hashes))


def verify_inclusion(*, leaf_hash: bytes, index: int, size: int, proof: Sequence[bytes], root: bytes) -> bool:
    """Tell whether the leaf stands at the index of the tree with this size and root."""
    if not (_are_hashes([leaf_hash, root], proof) and _are_counts(index, size) and index < size):
        return False
    position, last, found = index, size - 1, leaf_hash  # RFC 9162, section 2.1.3.2
    for sibling in proof:
        if last == 0:
            return False
        if position & 1 or position == last:
            found = node_hash(sibling, found)
            while not position & 1 and position:
                position, last = position >> 1, last >> 1
        else:
            found = node_hash(found, sibling)
        position, last = position >> 1, last >> 1
    return last == 0 and found == root


def verify_consistency(
    *, old_size: int, new_size: int, old_root: bytes, new_root: bytes, proof: Sequence[bytes]
) -> bool:
    """Tell whether the older tree is a prefix of the newer one. From size 0 nothing can be told: False."""
    if not (_are_counts(old_size, new_size) and 0 < old_size <= new_size):
        return False
    if old_size == new_size:  # whatever the roots are, there must be one; a published vector has short ones
        return _is_empty(proof) and isinstance(old_root, bytes) and old_root == new_root
    if not _are_hashes([old_root, new_root], proof):
        return False
    path = [old_root, *proof] if old_size & (old_size - 1) == 0 else list(proof)
    if not path:
        return False
    position, last = old_size - 1, new_size - 1  # RFC 9162, section 2.1.4.2
    while position & 1:
        position, last = position >> 1, last >> 1
    old = new = path[0]
    for sibling in path[1:]:
        if last == 0:
            return False
        if position & 1 or position == last:
            old, new = node_hash(sibling, old), node_hash(sibling, new)
            while not position & 1 and position:
                position, last = position >> 1, last >> 1
        else:
            new = node_hash(new, sibling)
        position, last = position >> 1, last >> 1
    return last == 0 and old == old_root and new == new_root


@dataclass(frozen=True)
class Frontier:
    """The roots of the full subtrees of a tree, largest first: all that appending to it needs.

    As bytes: the hashes one after another, one for each 1-bit of `size`.
    """

    size: int = 0
    hashes: tuple[bytes, ...] = ()

    @classmethod
    def from_bytes(cls, size: int, data: bytes) -> "Frontier":
        """Read a stored frontier. Raises ValueError when the length does not fit the size."""
        if size < 0 or len(data) != HASH_SIZE * size.bit_count():
            raise ValueError(f"{len(data)} bytes are no frontier of size {size}")
        return cls(size, tuple(data[at : at + HASH_SIZE] for at in range(0, len(data), HASH_SIZE)))

    def __bytes__(self) -> bytes:
        return b"".join(self.hashes)

    def extend(self, hashes: Iterable[bytes], *, level: int = 0) -> "Frontier":
        """Return the frontier after these leaves, or after full subtrees of 2^level leaves each.

        Subtrees can be added only where one may start: at a size that is a multiple of theirs.
        """
        found, rest = self, iter(hashes)
        while row := b"".join(islice(rest, ROW)):
            found = found._extended(row, level)
        return found

    def _extended(self, row: bytes, level: int) -> "Frontier":
        kept, odd = list(self.hashes), []
        size = self.size + (len(row) // HASH_SIZE << level)
        while row:
            if self.size >> level & 1:
                row = kept.pop() + row
            if len(row) // HASH_SIZE & 1:
                odd.append(row[-HASH_SIZE:])
            row, level = level_above(row), level + 1
        return Frontier(size, (*kept, *reversed(odd)))

    def root(self) -> bytes:
        """Return the root of the tree."""
        return _folded(self.hashes) if self.hashes else sha256(b"").digest()


def peaks(start: int, end: int) -> list[tuple[int, int]]:
    """Return level and index of the full subtrees that a range of leaves falls into, largest first.

    The range starts where a subtree of its size may start, as RFC 6962 splits trees.
    """
    found = []
    while start < end:
        level = (end - start).bit_length() - 1
        found.append((level, start >> level))
        start += 1 << level
    return found


def range_root(node: Node, start: int, end: int) -> bytes:
    """Return the root over a range of leaves, given the hashes of full subtrees."""
    return _folded([node(level, index) for level, index in peaks(start, end)])


def inclusion_from(node: Node, index: int, size: int) -> list[bytes]:
    """Return the audit path of a leaf, given the hashes of full subtrees. Raises ValueError outside the tree."""
    if not 0 <= index < size:
        raise ValueError(f"no leaf {index} in a tree of {size}")
    places = peaks(0, size)
    at = next(at for at, (level, place) in enumerate(places) if index < (place + 1) << level)
    proof = [node(height, (index >> height) ^ 1) for height in range(places[at][0])]
    if at + 1 < len(places):
        proof.append(_folded([node(level, place) for level, place in places[at + 1 :]]))
    return proof + [node(level, place) for level, place in reversed(places[:at])]


def consistency_from(node: Node, old_size: int, size: int) -> list[bytes]:
    """Return the proof that the first leaves are a prefix, given the hashes of full subtrees. Raises ValueError."""
    return _consistency(lambda start, end: range_root(node, start, end), old_size, size)


def levels(leaf_hashes: Sequence[bytes]) -> list[list[bytes]]:
    """Return the tree level by level, the leaves first; a last node without a sibling moves up as it is."""
    found = [list(leaf_hashes)]
    while len(found[-1]) > 1:
        found.append(_level_above(found[-1]))
    return found


def path(levels: Sequence[Sequence[bytes]], index: int) -> list[bytes]:
    """Return the audit path of one leaf of a tree that `levels` has built."""  # RFC 6962, section 2.1.1
    proof = []
    for level in levels[:-1]:
        if index ^ 1 < len(level):
            proof.append(level[index ^ 1])
        index >>= 1
    return proof


def level_above(level: bytes) -> bytes:
    """Return the hashes of the pairs of a row of hashes, both as one string of bytes; an odd one out is left out."""
    pairs = range(0, len(level) - 2 * HASH_SIZE + 1, 2 * HASH_SIZE)
    return b"".join([sha256(b"\x01" + level[at : at + 2 * HASH_SIZE]).digest() for at in pairs])


def _consistency(subtree: Callable[[int, int], bytes], old_size: int, size: int) -> list[bytes]:
    if not 0 < old_size <= size:
        raise ValueError(f"no proof from size {old_size} to {size}")
    proof: list[bytes] = []  # RFC 6962, section 2.1.2: the recursion, walked down and collected upwards
    start, end, whole = 0, size, True
    while old_size != end - start:
        middle = start + _largest_power_below(end - start)
        if old_size <= middle - start:
            proof.append(subtree(middle, end))
            end = middle
        else:
            proof.append(subtree(start, middle))
            old_size, start, whole = old_size - (middle - start), middle, False
    if not whole:
        proof.append(subtree(start, end))
    return proof[::-1]


def _folded(hashes: Sequence[bytes]) -> bytes:
    """Join the roots of full subtrees, largest first, from the right."""
    found = hashes[-1]
    for left in reversed(hashes[:-1]):
        found = node_hash(left, found)
    return found


def _level_above(level: list[bytes]) -> list[bytes]:
    above = [sha256(b"\x01" + level[at] + level[at + 1]).digest() for at in range(0, len(level) - 1, 2)]
    if len(level) & 1:
        above.append(level[-1])
    return above


def _largest_power_below(size: int) -> int:
    return 1 << (size - 1).bit_length() - 1


def _are_hashes(hashes: list[Any], proof: Any) -> bool:
    if not isinstance(proof, list | tuple):
        return False
    return all(isinstance(each, bytes) and len(each) == HASH_SIZE for each in [*hashes, *proof])


def _is_empty(proof: Any) -> bool:
    return isinstance(proof, list | tuple) and not proof


def _are_counts(*numbers: Any) -> bool:
    return all(type(each) is int and each >= 0 for each in numbers)
