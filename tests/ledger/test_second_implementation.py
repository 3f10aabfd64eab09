"""The verifier shares no code with the ledger: here both are asked the same, and must answer alike."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ledger import verifier
from ledger.domain import canonical, merkle
from ledger.errors import NotCanonical
from tests.ledger import corpus
from tests.mutants import verifier as mutants

hashes = st.binary(min_size=32, max_size=32)
scalars = st.none() | st.booleans() | st.integers(-(2**54), 2**54) | st.text(max_size=5)
values = st.recursive(
    scalars,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=3), inner, max_size=3),
)


def leaves_of(size):
    return [merkle.leaf_hash(b"%d" % number) for number in range(size)]


@st.composite
def tampered(draw, path):
    """Return a proof with a hash changed, dropped, added or moved, or as it is."""
    path, at = list(path), draw(st.integers(0, len(path)))
    match draw(st.sampled_from(["as it is", "change", "drop", "add", "swap"])):
        case "change" if path:
            path[at % len(path)] = draw(hashes)
        case "drop" if path:
            del path[at % len(path)]
        case "add":
            path.insert(at, draw(hashes))
        case "swap" if path:
            path[0], path[at % len(path)] = path[at % len(path)], path[0]
    return path


@given(st.data())
def test_both_agree_on_inclusion(data):
    size = data.draw(st.integers(1, 40))
    index = data.draw(st.integers(0, size - 1))
    leaves = leaves_of(size)
    path = data.draw(tampered(merkle.inclusion_proof(leaves, index)))
    index, size = data.draw(
        st.sampled_from([(index, size), (index ^ 1, size), (index, size + 1), (index, max(1, size - 1))])
    )
    root = merkle.root(leaves)
    ours = merkle.verify_inclusion(
        leaf_hash=leaves[index % len(leaves)], index=index, size=size, proof=path, root=root
    )
    try:
        theirs = verifier.root_from_path("x", leaves[index % len(leaves)], index, size, path) == root
    except verifier.Invalid:
        theirs = False
    assert ours == theirs


@given(st.data())
def test_both_agree_on_consistency(data):
    size = data.draw(st.integers(2, 40))
    old = data.draw(st.integers(1, size - 1))
    leaves = leaves_of(size)
    path = data.draw(tampered(merkle.consistency_proof(leaves, old)))
    before, after = merkle.root(leaves[:old]), merkle.root(leaves)
    old, size = data.draw(
        st.sampled_from([(old, size), (old + 1, size), (old, size + 1), (size, size), (0, size)])
    )
    ours = merkle.verify_consistency(old_size=old, new_size=size, old_root=before, new_root=after, proof=path)
    try:
        theirs = verifier.roots_from_proof("x", old, size, before, path) == (before, after)
    except verifier.Invalid:
        theirs = False
    assert (ours and old < size) == theirs


@given(st.integers(1, 70), st.integers(1, 70))
def test_both_agree_on_every_sound_proof(one, other):
    old, size = sorted((one, other))
    leaves = leaves_of(size)
    path = merkle.inclusion_proof(leaves, old - 1)
    assert verifier.root_from_path("x", leaves[old - 1], old - 1, size, path) == merkle.root(leaves)
    if old < size:
        roots = (merkle.root(leaves[:old]), merkle.root(leaves))
        assert (
            verifier.roots_from_proof("x", old, size, roots[0], merkle.consistency_proof(leaves, old))
            == roots
        )


@given(values, st.sampled_from(["canonical", "plain", "spaced", "unsorted"]))
def test_both_agree_on_what_is_canonical(body, spelling):
    value = {**corpus.document(6), "body": {"n": body}}
    try:
        data = {
            "canonical": lambda: canonical.encode(value),
            "plain": lambda: json.dumps(value, separators=(",", ":"), sort_keys=True).encode(),
            "spaced": lambda: json.dumps(value, ensure_ascii=False, sort_keys=True).encode(),
            "unsorted": lambda: json.dumps(value, ensure_ascii=False, separators=(",", ":")).encode(),
        }[spelling]()
    except (NotCanonical, UnicodeEncodeError):
        data = json.dumps(value, separators=(",", ":"), sort_keys=True).encode()
    assert accepts(lambda: canonical.decode(data), NotCanonical) == accepts(
        lambda: verifier.read_entry("entry 6", data), verifier.Invalid
    )


@given(st.data())
def test_both_agree_on_bytes_that_were_changed(data):
    whole = bytearray(corpus.BYTES[8])
    at = data.draw(st.integers(0, len(whole) - 1))
    whole[at : at + data.draw(st.integers(0, 2))] = data.draw(st.binary(max_size=3))
    changed = bytes(whole)
    if accepts(lambda: verifier.read_entry("entry 8", changed), verifier.Invalid):
        assert accepts(lambda: canonical.decode(changed), NotCanonical)


def accepts(read, refusal):
    try:
        read()
    except refusal:
        return False
    return True


# A verifier with a hole in it -------------------------------------------------------------------------------


def test_a_verifier_with_one_condition_broken_is_noticed_in_a_sample():
    tried, alive = mutants.survivors(every=40, start=7)
    assert tried >= 15
    assert len(alive) <= 2, [(mutant.line, mutant.what) for mutant in alive]


@pytest.mark.nightly
def test_nineteen_of_twenty_broken_verifiers_are_noticed():
    tried, alive = mutants.survivors()
    assert tried > 500
    assert len(alive) <= 0.05 * tried, [(mutant.line, mutant.what) for mutant in alive]
