"""Identifiers: none twice, and a slip of the pen is seen."""

import random

import pytest

from licensing.domain.identifiers import (
    ALPHABET,
    CAPACITY,
    check_character,
    is_valid,
    likely,
    mint,
    normalise,
    permute,
)
from licensing.errors import IdentifierRefused

KEY = b"a key of this node"


def minted(counter):
    return mint(counter, key=KEY, naan="99999", shoulder="w5")


def test_the_check_character_is_that_of_the_noid_specification():
    assert check_character("13030/xf93gt2") == "q"  # the example of the NOID documentation


def test_no_identifier_comes_twice_and_none_follows_the_one_before():
    arks = [minted(counter) for counter in range(20_000)]
    assert len(set(arks)) == len(arks)
    assert len({ark[:17] for ark in arks[:1_000]}) > 900


def test_the_permutation_stays_inside_and_another_key_gives_another_order():
    edge = [0, 1, CAPACITY - 1]
    assert all(0 <= permute(number, KEY) < CAPACITY for number in edge)
    assert [permute(number, KEY) for number in edge] != [permute(number, b"another") for number in edge]


@pytest.mark.parametrize("counter", [-1, CAPACITY])
def test_a_shoulder_that_is_used_up_mints_nothing(counter):
    with pytest.raises(IdentifierRefused):
        minted(counter)


def test_spellings_of_one_identifier_are_one():
    ark = minted(41)
    body = ark.removeprefix("ark:99999/")
    for spelled in (
        f"ark:/99999/{body}",
        ark.upper(),
        f"ark:99999/{body[:4]}-{body[4:]}",
        f"https://example.org/id/{ark}/",
    ):
        assert normalise(spelled) == ark


def test_every_wrong_character_and_every_swapped_pair_is_found():
    chance = random.Random(20261123)
    for counter in range(300):
        ark = minted(counter)
        at = chance.randrange(len("ark:99999/w5"), len(ark))
        wrong = chance.choice(ALPHABET.replace(ark[at], ""))
        assert not is_valid(ark[:at] + wrong + ark[at + 1 :])
        if at + 1 < len(ark) and ark[at] != ark[at + 1]:
            assert not is_valid(ark[:at] + ark[at + 1] + ark[at] + ark[at + 2 :])


def test_a_wrong_check_character_is_answered_with_the_likely_right_one():
    ark = minted(7)
    wrong = ark[:-1] + ALPHABET[(ALPHABET.index(ark[-1]) + 1) % len(ALPHABET)]
    assert likely(wrong) == ark
    with pytest.raises(IdentifierRefused, match=ark):
        normalise(wrong)


@pytest.mark.parametrize(
    "text", ["", "ark:", "ark:99999/w5", "doi:10.1/abc", "ark:99999/w5aeiou1234", "x" * 5000]
)
def test_what_is_no_identifier_is_refused(text):
    assert not is_valid(text)
    assert likely(text) is None
