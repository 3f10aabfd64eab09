"""Properties of the tree and the chain: every entry is provable, no prefix ever changes."""

from hypothesis import given, seed, settings
from hypothesis import strategies as st

from ledger.domain import merkle

leaves = st.lists(st.binary(max_size=8).map(merkle.leaf_hash), min_size=1, max_size=140)


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
