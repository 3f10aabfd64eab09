"""Properties of the tree and the chain: every entry is provable, no prefix ever changes.

`Plain` is the second implementation: the definitions of RFC 6962, sections 2.1 to 2.1.2, as they stand there.
"""

from functools import cache
from hashlib import sha256

from hypothesis import given, seed, settings
from hypothesis import strategies as st

from ledger.domain import merkle

leaves = st.lists(st.binary(max_size=8).map(merkle.leaf_hash), min_size=1, max_size=140)
sizes = st.integers(1, 300) | st.sampled_from([1, 2, 127, 128, 129, 255, 256, 257, 300])
MANY = [merkle.leaf_hash(b"entry %d" % number) for number in range(300)]


@seed(20261123)
@settings(max_examples=60, deadline=None)
@given(leaves)
def test_every_entry_of_every_tree_is_provable(hashes):
    root = merkle.root(hashes)
    for index, leaf in enumerate(hashes):
        proof = merkle.inclusion_proof(hashes, index)
        assert merkle.verify_inclusion(leaf_hash=leaf, index=index, size=len(hashes), proof=proof, root=root)
        assert len(proof) <= (len(hashes) - 1).bit_length()


@seed(20261123)
@settings(max_examples=60, deadline=None)
@given(leaves, st.data())
def test_every_prefix_is_consistent_and_a_changed_one_is_not(hashes, data):
    old = data.draw(st.integers(1, len(hashes)))
    proof = merkle.consistency_proof(hashes, old)
    sizes = {"old_size": old, "new_size": len(hashes), "new_root": merkle.root(hashes), "proof": proof}
    assert merkle.verify_consistency(**sizes, old_root=merkle.root(hashes[:old]))
    changed = [merkle.leaf_hash(b"changed, which is longer than eight"), *hashes[1:old]]
    assert not merkle.verify_consistency(**sizes, old_root=merkle.root(changed))


@seed(20261123)
@settings(max_examples=60, deadline=None)
@given(leaves, st.data())
def test_a_frontier_extended_in_parts_has_the_root_of_the_whole(hashes, data):
    at = data.draw(st.integers(0, len(hashes)))
    frontier = merkle.Frontier().extend(hashes[:at])
    stored = merkle.Frontier.from_bytes(frontier.size, bytes(frontier))
    assert stored == frontier
    assert stored.extend(hashes[at:]).root() == merkle.root(hashes)


def test_a_leaf_a_node_and_a_link_of_the_same_bytes_differ():
    left, right = bytes(32), bytes([1] * 32)
    assert (
        len({merkle.leaf_hash(left + right), merkle.node_hash(left, right), merkle.chain_hash(left, right)})
        == 3
    )


# Against the definitions of RFC 6962 ----------------------------------------------------------------------


class Plain:
    """Merkle tree hash, audit path and consistency proof over D[start:end], by the recursion of the text."""

    def __init__(self, leaf_hashes):
        self.leaf_hashes = leaf_hashes
        self.mth = cache(self.mth)

    def mth(self, start, end):
        """MTH(D[start:end])."""
        if end == start:
            return sha256(b"").digest()
        if end - start == 1:
            return self.leaf_hashes[start]
        k = start + split(end - start)
        return sha256(b"\x01" + self.mth(start, k) + self.mth(k, end)).digest()

    def path(self, m, start, end):
        """PATH(m, D[start:end]); m counts from the start."""
        if end - start == 1:
            return []
        k = split(end - start)
        if m < k:
            return [*self.path(m, start, start + k), self.mth(start + k, end)]
        return [*self.path(m - k, start + k, end), self.mth(start, start + k)]

    def subproof(self, m, start, end, whole):
        """SUBPROOF(m, D[start:end], whole); PROOF is the one that begins with the whole tree."""
        if m == end - start:
            return [] if whole else [self.mth(start, end)]
        k = split(end - start)
        if m <= k:
            return [*self.subproof(m, start, start + k, whole), self.mth(start + k, end)]
        return [*self.subproof(m - k, start + k, end, False), self.mth(start, start + k)]


def node(level, index):
    """Return the hash of a full subtree, as tiles give it."""
    return PLAIN.mth(index << level, index + 1 << level)


def split(n):
    """Return k, the largest power of two smaller than n."""
    k = 1
    while k * 2 < n:
        k *= 2
    return k


PLAIN = Plain(MANY)


@seed(20261123)
@settings(max_examples=40, deadline=None)
@given(sizes)
def test_root_and_every_inclusion_proof_are_those_of_the_definition_and_verify(size):
    hashes, levels = MANY[:size], merkle.levels(MANY[:size])
    root = merkle.root(hashes)
    assert root == PLAIN.mth(0, size) == merkle.Frontier().extend(hashes).root()
    assert root == merkle.range_root(node, 0, size)
    assert merkle.root([]) == PLAIN.mth(0, 0)
    for index, leaf in enumerate(hashes):
        proof = merkle.path(levels, index)
        assert proof == PLAIN.path(index, 0, size) == merkle.inclusion_from(node, index, size)
        assert merkle.verify_inclusion(leaf_hash=leaf, index=index, size=size, proof=proof, root=root)


@seed(20261123)
@settings(max_examples=15, deadline=None)
@given(sizes)
def test_every_consistency_proof_is_that_of_the_definition_and_verifies(size):
    hashes, root = MANY[:size], PLAIN.mth(0, size)
    for old in range(1, size + 1):
        proof = merkle.consistency_proof(hashes, old)
        assert proof == PLAIN.subproof(old, 0, size, True) == merkle.consistency_from(node, old, size)
        trees = {"old_size": old, "new_size": size, "old_root": PLAIN.mth(0, old), "new_root": root}
        assert merkle.verify_consistency(**trees, proof=proof)


@seed(20261123)
@settings(max_examples=60, deadline=None)
@given(sizes, st.data())
def test_an_inclusion_proof_with_any_one_bit_another_is_false(size, data):
    index = data.draw(st.integers(0, size - 1))
    good = {
        "leaf_hash": MANY[index],
        "index": index,
        "size": size,
        "proof": PLAIN.path(index, 0, size),
        "root": PLAIN.mth(0, size),
    }
    assert merkle.verify_inclusion(**good)
    for name in ("leaf_hash", "root"):
        for bit in range(256):
            assert not merkle.verify_inclusion(**{**good, name: flipped(good[name], bit)})
    for at in range(len(good["proof"])):
        bit = data.draw(st.integers(0, 255))
        assert not merkle.verify_inclusion(**{**good, "proof": flipped_in(good["proof"], at, bit)})
    for bit in range(64):
        assert not merkle.verify_inclusion(**{**good, "index": index ^ 1 << bit})
        other = size ^ 1 << bit  # no root tells its size, the signed checkpoint does: the way may be the same
        alike = index < other and way_to_leaf(index, other) == way_to_leaf(index, size)
        assert merkle.verify_inclusion(**{**good, "size": other}) is alike


@seed(20261123)
@settings(max_examples=60, deadline=None)
@given(sizes, st.data())
def test_a_consistency_proof_with_any_one_bit_another_is_false(size, data):
    old = data.draw(st.integers(1, size))
    good = {
        "old_size": old,
        "new_size": size,
        "old_root": PLAIN.mth(0, old),
        "new_root": PLAIN.mth(0, size),
        "proof": PLAIN.subproof(old, 0, size, True),
    }
    assert merkle.verify_consistency(**good)
    for name in ("old_root", "new_root"):
        for bit in range(256):
            assert not merkle.verify_consistency(**{**good, name: flipped(good[name], bit)})
    for at in range(len(good["proof"])):
        bit = data.draw(st.integers(0, 255))
        assert not merkle.verify_consistency(**{**good, "proof": flipped_in(good["proof"], at, bit)})
    for bit in range(64):
        assert not merkle.verify_consistency(**{**good, "old_size": old ^ 1 << bit})
        other = size ^ 1 << bit
        alike = old <= other and way_to_prefix(old, other) == way_to_prefix(old, size)
        assert merkle.verify_consistency(**{**good, "new_size": other}) is alike


def way_to_leaf(m, n):
    """Return the turns that PATH(m, D[n]) takes."""
    if n == 1:
        return ""
    k = split(n)
    return "left " + way_to_leaf(m, k) if m < k else "right " + way_to_leaf(m - k, n - k)


def way_to_prefix(m, n):
    """Return the turns that PROOF(m, D[n]) takes."""
    if m == n:
        return ""
    k = split(n)
    return "left " + way_to_prefix(m, k) if m <= k else "right " + way_to_prefix(m - k, n - k)


def flipped(data, bit):
    """Return the bytes with one bit flipped."""
    return bytes([*data[: bit // 8], data[bit // 8] ^ 1 << bit % 8, *data[bit // 8 + 1 :]])


def flipped_in(proof, at, bit):
    """Return the proof with one bit of one hash flipped."""
    return [*proof[:at], flipped(proof[at], bit), *proof[at + 1 :]]
