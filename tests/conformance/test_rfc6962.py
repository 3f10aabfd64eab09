"""RFC 6962 and RFC 9162, section 2.1: the tree of eight leaves, and every proof published over it."""

import hashlib
from base64 import b64decode

import pytest

from ledger import verifier
from ledger.domain import merkle
from tests.conformance.proof_cases import (
    CONSISTENCY,
    INCLUSION,
    LEAVES,
    ROOTS,
    as_published,
    consistency_cases,
    inclusion_cases,
    path,
)

HASHES = [merkle.leaf_hash(leaf) for leaf in LEAVES]
INCLUSION_CASES, CONSISTENCY_CASES = inclusion_cases(), consistency_cases()
PUBLISHED = {  # the beginning of the SHA-256 of the published file
    "inclusion/0/leafIdx-sub-@1": "e85d8d50c729f782",
    "inclusion/0/wrong-leaf": "1da0ded53e2dac76",
    "inclusion/0/trailing-garbage": "1ec76ed568c6ed4b",
    "inclusion/0/trailing-root": "931ec4202a1a797c",
    "inclusion/1/happy-path": "d345b72a74b4647f",
    "inclusion/2/treeSize-div-@2": "57d282d5629097d2",
    "inclusion/4/happy-path": "0d5679d8a828eebd",
    "inclusion/4/modified-proof[1]-bit-@3": "8ef528da21f59672",
    "inclusion/4/removed-component": "f23baf1da87b054d",
    "inclusion/4/preceding-garbage": "d7d70f059711a1b2",
    "inclusion/additional/2/empty-root": "f9ff0889ce8130a1",
    "consistency/0/happy-path": "5aae6059f25e905b",
    "consistency/1/modified-proof@2-bit-@4": "93fbbc14cb1f8ab4",
    "consistency/1/size1-sub-@1": "e784ea9ce8505c2c",
    "consistency/2/happy-path": "084d20811521ec20",
    "consistency/2/wrong-root2": "70ff2bb5a5072eb4",
    "consistency/3/preceding-proof-@0": "56284726d95dae03",
    "consistency/3/truncated-proof": "dc9f13d86c5c89c0",
    "consistency/4/happy-path": "e57266a3bff16d99",
    "consistency/4/trailing-garbage": "2fbf98562c089581",
    "consistency/additional/sizes-are-equal-one-and-proof-is-empty": "c2c2292dcd1a35d7",
    "consistency/additional/sizes-are-equal-zero-and-proof-is-empty": "536902781661a754",
    "consistency/additional/sizes-match-but-proof-is-not-empty-and-sizes-are-zero": "98f195a665b1f824",
}


def test_the_empty_tree_has_the_hash_of_nothing():
    assert merkle.root([]).hex() == "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"
    assert merkle.Frontier().root() == merkle.root([])


@pytest.mark.parametrize("size", range(1, 9))
def test_a_tree_has_its_published_root(size):
    assert merkle.root(HASHES[:size]) == ROOTS[size - 1]
    assert merkle.Frontier().extend(HASHES[:size]).root() == ROOTS[size - 1]


@pytest.mark.parametrize(("index", "size", "nodes"), INCLUSION)
def test_an_inclusion_proof_is_made_as_it_is_published(index, size, nodes):
    assert merkle.inclusion_proof(HASHES[:size], index) == (path(nodes) or [])


@pytest.mark.parametrize(("old", "new", "nodes"), CONSISTENCY)
def test_a_consistency_proof_is_made_as_it_is_published(old, new, nodes):
    assert merkle.consistency_proof(HASHES[:new], old) == (path(nodes) or [])


# Proofs that must verify, and proofs that must not ---------------------------------------------------------


def test_there_are_as_many_cases_as_are_published():
    for cases in (INCLUSION_CASES, CONSISTENCY_CASES):
        assert len(cases) == 98
        assert sum(case.wantErr for case in cases.values()) == 92


@pytest.mark.parametrize("name", PUBLISHED)
def test_a_case_is_the_published_one_to_the_byte(name):
    file = as_published({**INCLUSION_CASES, **CONSISTENCY_CASES}[name])
    assert hashlib.sha256(file).hexdigest()[:16] == PUBLISHED[name]


@pytest.mark.parametrize("name", INCLUSION_CASES)
def test_an_inclusion_proof_is_judged_as_published(name):
    case = INCLUSION_CASES[name]
    verified = merkle.verify_inclusion(
        leaf_hash=case.leafHash,
        index=case.leafIdx,
        size=case.treeSize,
        proof=case.proof or [],
        root=case.root,
    )
    assert verified is not case.wantErr


@pytest.mark.parametrize("name", CONSISTENCY_CASES)
def test_a_consistency_proof_is_judged_as_published(name):
    case = CONSISTENCY_CASES[name]
    verified = merkle.verify_consistency(
        old_size=case.size1,
        new_size=case.size2,
        old_root=case.root1,
        new_root=case.root2,
        proof=case.proof or [],
    )
    assert verified is not case.wantErr


def test_two_trees_of_one_size_have_one_root_and_no_proof():
    same = {"old_size": 8, "new_size": 8, "old_root": ROOTS[7]}
    assert merkle.verify_consistency(**same, new_root=ROOTS[7], proof=[]) is True
    assert merkle.verify_consistency(**same, new_root=ROOTS[6], proof=[]) is False
    assert merkle.verify_consistency(**same, new_root=ROOTS[7], proof=[ROOTS[7]]) is False
    assert merkle.verify_consistency(**same, new_root=ROOTS[7], proof=None) is False
    assert merkle.verify_consistency(**{**same, "old_root": None}, new_root=None, proof=[]) is False


@pytest.mark.parametrize("name", INCLUSION_CASES)
def test_the_verifier_of_reports_judges_an_inclusion_proof_as_published(name):
    case = INCLUSION_CASES[name]
    assert accepted_by_the_verifier(case) is not case.wantErr


def accepted_by_the_verifier(case):
    """Tell what a report makes of the case. It gives roots and leaf hashes 64 digits before any is followed."""
    if len(case.root) != 32 or len(case.leafHash) != 32:
        return False
    try:
        found = verifier.root_from_path("case", case.leafHash, case.leafIdx, case.treeSize, case.proof or [])
    except verifier.Invalid:
        return False
    return found == case.root


# Certificate Transparency: Google's log Argon 2020 --------------------------------------------------------


def test_a_proof_of_a_log_of_certificates_verifies():
    proof = [b64decode(each) for each in ARGON_INCLUSION.split()]
    entry = {"leaf_hash": ARGON_LEAF, "index": 10_000, "size": ARGON_SIZE, "root": ARGON_ROOT}
    assert merkle.verify_inclusion(**entry, proof=proof)
    assert verifier.root_from_path("argon", ARGON_LEAF, 10_000, ARGON_SIZE, proof) == ARGON_ROOT
    assert not merkle.verify_inclusion(**{**entry, "index": 10_001}, proof=proof)


def test_two_states_of_a_log_of_certificates_are_consistent():
    proof = [b64decode(each) for each in ARGON_CONSISTENCY.split()]
    trees = {"old_root": ARGON_OLD_ROOT, "new_size": ARGON_SIZE, "new_root": ARGON_ROOT, "proof": proof}
    assert merkle.verify_consistency(old_size=3_654_490, **trees)
    assert not merkle.verify_consistency(old_size=3_654_491, **trees)


# The forms that no proof may have -------------------------------------------------------------------------


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


# golang.org/x/mod holds these answers of ct.googleapis.com/logs/argon2020 in sumdb/tlog/testdata; the leaf
# hash is that of entry 10,000, which is left out.
ARGON_SIZE = 961_984_013
ARGON_ROOT = b64decode("dwlueapdd7LaOEnX2W2Wp9v2XE+KzejHRQGHwEx0oaM=")
ARGON_OLD_ROOT = b64decode("AuIZ5V6sDUj1vn3Y1K85oOaQ7y+FJJKtyRTl1edIKBQ=")
ARGON_LEAF = bytes.fromhex("9c2b3799f232761f71e022b243ebb6c6d9a9c66160800e4c2f2987c0d41294b8")
ARGON_INCLUSION = """
T46AmJsuOM/gFiGlUp+IJJebp+1Z5qratFNW7U0JyOQ= 9Jj1Feodn42uRYEfffkV4HF/EIPFQ5Zo9IwkxbQ2uhk=
D53/1oCNebF4J59HHgioovKZxrmrKcVuCVhy3Izg8Ck= wSFDgGSrsXRPA+1c8WHoAFCsWeUv8NDyP/Q/SgsyVyY=
516/RcwsgdwdzHn18v1dJHqBkgFUbNhmCIWOGjsMJaE= naTFY2ajLFgrgs5XUl+zJYZnnlJksLGsA1VYwpLfqbY=
mKBRJo6qao+0Kdh/rhGkZUbHUAxMhrtrclrTpIbNjIg= Co4ueOFE7lpifLio94irxxsv1wFMMaK3tPu2ZQkHlro=
yRgy800K6JMYCC05sWfqF2kvCg2riT/pVM+nEa6V5+0= n2O38XJZC8/Wpbwi9HhgVizlUyeUHVZvYyQB1607MRc=
go3tAjuNfNSCj87y2Rg1xOroDknGN1eaf3cgvzObf7Q= 8D0Mj3/J7ySSnFb0afIHYXv6rlOhECnsebY6XKi1IR8=
6rcez46ZU8M5vPiWVMAUfJfAOV0pPP/mch/lYzZhj/M= 2rtIeXrPvSdUyHc5maIgSAVB2BzaKaupWxSAiVayDE4=
nniW/IMFQPN5xw8UsHFn7CRStYbm1gLu7NNa6kkRqJQ= mRPPi7sQS22MduIEyvcNzCNFqIt6kLwYPkNKrVtIcu8=
JvTivzESNS9wHI8aph5a7uieVmtS/p9PciMZ5D6GyOo= UTyQd+Ym0wY4zG+qK806bBORwi1CSVvFQ/KknnqoZj8=
hXODrqN+ff+U6zPqRQ+ZQKs6im1fPcxIerDSfNwflhE= II6GE+WY/DrpZzfHztLwkR46o37zVkNLCyPYlf68zA0=
d609kWWcNBllbA8Jb/ad4XAVVGnScLRmtP8FYyr+Dck= rikBsP0G0gioXRpBFED2CzQdSLrGPvRd0bEcbEZw1rI=
GXIElfmnRuWfbA4z7ubV/UwlpSRUbUeec7oL5HDDnh0= pR0SH/NYP6s9+8azWwaeUXA4Ze/3WCIgMfh5YW6wvcE=
f3GuAKYVrF8RBg3s15jvA/YvV9oAliWtzP/imwPhQVA= WHn8zDxlVgkV+lSlmzaOdfSBrTHoRr5nT3d76q0KKWE=
f2uV2ZxVgULzLPKuZcowRY3ZY7fRlX59iDBjV1R8kNQ= NzQVjJsvQwbi7WStMr9oFkh9VbHfK7LB6o7WwAqwNTs=
C0LttBeYHZHgL+032JIcJC3CTBIyza/hsbmJUgJfmDI= nixU5CWTFVDlF4BGdcU6kA7WSYurEpe9jRWc+F/7sOc=
"""
ARGON_CONSISTENCY = """
80Sfbj6UQEdVSZCSIgh9NMPj3vCBzcc1A48B2crJSWg= FZcrgAHUk6nNPviJZq8kEK6jCG1d18pJOFE45ZDc1TQ=
Q67reWXmPBo1UfmwBap4Xi9PMPfFdUSSw3WGlRZdG7k= eJ7CyhR4PxzBxDIsWgrVYW1eFUb9ndgf46tFmiqVrxA=
QrDwp062Grm5WY8KdrhFsBuuNjGzRox2Jb8PmVL5OYw= XM4YMjMEdLH/XJam/ZWyaP14k3cmsOtnPsOWQ54lW1s=
SGiBh+jOTGccXU48ZzgQ88lRcBmtB4wz4oSDndv2QTg= WAS6txqNLYKGL1GdBdpqmV42TTfn6cJsuDsqLXuTCNI=
QFmRS0rirUA7ZN3lxFjDncV+E1OCrn3NUB4RCp+5fzc= Hdbp7It2XBNZmNDBpCN/KPd7vfVqxgzwOosqVIaEA9E=
mxvHL0ZiblBdD7j7pIa1jlfB0gSqfJ6oX0UGo7L0VsU= q5hjyvoW6TL/PThgcitpDcSTrnKX2p1+aqscqH2euRA=
jTOWDqt3IHj2NVFeezyBz2ofpru+ztEywqKUAfFclKI= GIRn0w3HqJdvU9j1WVD//eR6lk2AaTVjyzjsJNP8U88=
x52GJvxG81fnQBrgOTbll1A5tz95/LXK0Ag1NhB0r1I= 6/0OqrcTgc3o5dD5PymmoC96lB9yLPFuTHVvLy8fSGk=
Gf+iKLfcXO5l4JEFmsZvSdG5q1uEeWPfYLrds6pmjz0= DGuaco+McyM3AfRSF6qX7RwSetwe2ieYJmxw5e9rVx0=
2tQJ9V32hnYp+fdpP6TcjmgJmLeNVOMKM0Ml1kk4cNU= 3PapK+IkyJr8I9yAErAmzuZezzLMzsg+PfeRCgNW8NQ=
s6xiYeejb+wtqHA+URJZ2I/SCPyIW8coP6aB00FJbMY= z9lSpmdTcr5M5ZzKlc4EPh3SrSypKFdk6JUF/UccaZU=
GXIElfmnRuWfbA4z7ubV/UwlpSRUbUeec7oL5HDDnh0= pR0SH/NYP6s9+8azWwaeUXA4Ze/3WCIgMfh5YW6wvcE=
f3GuAKYVrF8RBg3s15jvA/YvV9oAliWtzP/imwPhQVA= WHn8zDxlVgkV+lSlmzaOdfSBrTHoRr5nT3d76q0KKWE=
f2uV2ZxVgULzLPKuZcowRY3ZY7fRlX59iDBjV1R8kNQ= NzQVjJsvQwbi7WStMr9oFkh9VbHfK7LB6o7WwAqwNTs=
C0LttBeYHZHgL+032JIcJC3CTBIyza/hsbmJUgJfmDI= nixU5CWTFVDlF4BGdcU6kA7WSYurEpe9jRWc+F/7sOc=
"""
