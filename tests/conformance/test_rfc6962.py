"""RFC 6962 and RFC 9162, section 2.1: the tree of eight leaves that implementations of CT agree on."""

import hashlib

import pytest

from ledger.domain import merkle

LEAVES = [
    bytes.fromhex(each)
    for each in (
        "",
        "00",
        "10",
        "2021",
        "3031",
        "40414243",
        "5051525354555657",
        "606162636465666768696a6b6c6d6e6f",
    )
]
HASHES = [merkle.leaf_hash(leaf) for leaf in LEAVES]
ROOTS = [
    bytes.fromhex(each)
    for each in (
        "6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d",
        "fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125",
        "aeb6bcfe274b70a14fb067a5e5578264db0fa9b51af5e0ba159158f329e06e77",
        "d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7",
        "4e3bbb1f7b478dcfe71fb631631519a3bca12c9aefca1612bfce4c13a86264d4",
        "76e67dadbcdf1e10e1b74ddc608abd2f98dfb16fbce75277b5232a127f2087ef",
        "ddb89be403809e325750d3d263cd78929c2942b7942a34b77e122c9594a74c8c",
        "5dc9da79a70659a9ad559cb701ded9a2ab9d823aad2f4960cfe370eff4604328",
    )
]
INCLUSION = [  # index, size, path; RFC 6962, section 2.1.1
    (0, 1, []),
    (0, 8, ["96a296d2", "5f083f0a", "6b47aaf2"]),
    (5, 8, ["bc1a0643", "ca854ea1", "d37ee418"]),
    (2, 3, ["fac54203"]),
    (1, 5, ["6e340b9c", "5f083f0a", "bc1a0643"]),
]
CONSISTENCY = [  # old size, new size, path; RFC 6962, section 2.1.2
    (1, 1, []),
    (1, 8, ["96a296d2", "5f083f0a", "6b47aaf2"]),
    (6, 8, ["0ebc5d34", "ca854ea1", "d37ee418"]),
    (2, 5, ["5f083f0a", "bc1a0643"]),
    (6, 7, ["0ebc5d34", "b08693ec", "d37ee418"]),
]


def beginnings(proof):
    return [each.hex()[:8] for each in proof]


def test_the_empty_tree_has_the_hash_of_nothing():
    assert merkle.root([]).hex() == "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"
    assert merkle.Frontier().root() == merkle.root([])


@pytest.mark.parametrize("size", range(1, 9))
def test_a_tree_has_its_published_root(size):
    assert merkle.root(HASHES[:size]) == ROOTS[size - 1]
    assert merkle.Frontier().extend(HASHES[:size]).root() == ROOTS[size - 1]


@pytest.mark.parametrize(("index", "size", "path"), INCLUSION)
def test_an_inclusion_proof_is_the_published_one_and_verifies(index, size, path):
    proof = merkle.inclusion_proof(HASHES[:size], index)
    assert beginnings(proof) == path
    assert merkle.verify_inclusion(
        leaf_hash=HASHES[index], index=index, size=size, proof=proof, root=ROOTS[size - 1]
    )


@pytest.mark.parametrize(("old", "new", "path"), CONSISTENCY)
def test_a_consistency_proof_is_the_published_one_and_verifies(old, new, path):
    proof = merkle.consistency_proof(HASHES[:new], old)
    assert beginnings(proof) == path
    assert merkle.verify_consistency(
        old_size=old, new_size=new, old_root=ROOTS[old - 1], new_root=ROOTS[new - 1], proof=proof
    )


@pytest.mark.parametrize(("index", "size", "path"), INCLUSION)
def test_no_corruption_of_an_inclusion_proof_verifies(index, size, path):
    proof, leaf, root = merkle.inclusion_proof(HASHES[:size], index), HASHES[index], ROOTS[size - 1]
    some = hashlib.sha256(b"some").digest()
    wrong = [
        (leaf, index - 1, size, proof, root),
        (leaf, index + 1, size, proof, root),
        (leaf, index ^ 2, size, proof, root),
        (leaf, index, size * 2, proof, root),
        (leaf, index, size // 2, proof, root),
        (b"WrongLeaf", index, size, proof, root),
        (leaf, index, size, proof, merkle.root([])),
        (leaf, index, size, proof, some),
        (leaf, index, size, [*proof, b""], root),
        (leaf, index, size, [*proof, root], root),
        (leaf, index, size, [b"", *proof], root),
        (leaf, index, size, [root, *proof], root),
        *((leaf, index, size, flipped(proof, at), root) for at in range(len(proof))),
        *([(leaf, index, size, proof[:-1], root)] if proof else []),
        *([(leaf, index, size, [proof[0], some, *proof[1:]], root)] if len(proof) > 1 else []),
    ]
    for case in wrong:
        names = ("leaf_hash", "index", "size", "proof", "root")
        assert merkle.verify_inclusion(**dict(zip(names, case, strict=True))) is False, case


@pytest.mark.parametrize(("old", "new", "path"), CONSISTENCY[1:])
def test_no_corruption_of_a_consistency_proof_verifies(old, new, path):
    proof, old_root, new_root = merkle.consistency_proof(HASHES[:new], old), ROOTS[old - 1], ROOTS[new - 1]
    wrong = [
        (old - 1, new, old_root, new_root, proof),
        (old + 1, new, old_root, new_root, proof),
        (old ^ 2, new, old_root, new_root, proof),
        (old, new * 2, old_root, new_root, proof),
        (old, new // 2, old_root, new_root, proof),
        (old, new, b"WrongRoot", new_root, proof),
        (old, new, old_root, b"WrongRoot", proof),
        (old, new, new_root, old_root, proof),
        (old, new, old_root, new_root, []),
        (old, new, old_root, new_root, [*proof, b""]),
        (old, new, old_root, new_root, [*proof, old_root]),
        (old, new, old_root, new_root, [*proof, new_root]),
        (old, new, old_root, new_root, [b"", *proof]),
        (old, new, old_root, new_root, [old_root, *proof]),
        (old, new, old_root, new_root, [new_root, *proof]),
        (old, new, old_root, new_root, [proof[0], *proof]),
        (old, new, old_root, new_root, proof[:-1]),
        *((old, new, old_root, new_root, flipped(proof, at)) for at in range(len(proof))),
    ]
    for case in wrong:
        names = ("old_size", "new_size", "old_root", "new_root", "proof")
        assert merkle.verify_consistency(**dict(zip(names, case, strict=True))) is False, case


def test_sizes_that_prove_nothing_are_false():
    root, proof = merkle.root([]), [merkle.root([])]
    for old, new, given in [(0, 0, []), (0, 0, proof), (0, 1, []), (1, 0, []), (2, 1, []), (1, 1, proof)]:
        assert not merkle.verify_consistency(
            old_size=old, new_size=new, old_root=root, new_root=root, proof=given
        )
    for index, size in [(0, 0), (1, 0), (2, 1), (-1, 1)]:
        assert not merkle.verify_inclusion(leaf_hash=root, index=index, size=size, proof=[], root=root)


@pytest.mark.parametrize("ill_formed", [None, 7, "text", [None], ["x" * 32], [b"x" * 31], {}, b"x" * 32])
def test_an_ill_formed_proof_is_false_and_never_an_exception(ill_formed):
    root = ROOTS[7]
    assert merkle.verify_inclusion(leaf_hash=HASHES[0], index=0, size=8, proof=ill_formed, root=root) is False
    assert (
        merkle.verify_consistency(old_size=3, new_size=8, old_root=ROOTS[2], new_root=root, proof=ill_formed)
        is False
    )
    assert merkle.verify_inclusion(leaf_hash=None, index="0", size=8.0, proof=[], root=None) is False


@pytest.mark.parametrize("old", [-1, 0, 9])
def test_a_consistency_proof_from_outside_the_tree_is_an_error(old):
    with pytest.raises(ValueError, match="no proof from size"):
        merkle.consistency_proof(HASHES, old)


def flipped(proof, at):
    """Return the proof with one bit of one hash flipped."""
    return [*proof[:at], bytes([proof[at][0] ^ 8, *proof[at][1:]]), *proof[at + 1 :]]
