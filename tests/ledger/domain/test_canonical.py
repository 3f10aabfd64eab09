"""What the log takes, and that it reads back only what it would have written."""

import json
from unicodedata import normalize

import pytest
from hypothesis import given, seed, settings
from hypothesis import strategies as st

from ledger.domain import canonical
from ledger.errors import NotCanonical

text = st.text(st.characters(codec="utf-8"), max_size=8).map(lambda value: normalize("NFC", value))
scalars = st.none() | st.booleans() | st.integers(-canonical.MAX_INTEGER, canonical.MAX_INTEGER) | text
values = st.recursive(
    scalars, lambda inner: st.lists(inner, max_size=4) | st.dictionaries(text, inner, max_size=4)
)


def nested(depth):
    value = 1
    for _ in range(depth):
        value = [value]
    return value


@seed(20261123)
@settings(max_examples=200, deadline=None)
@given(values)
def test_what_is_written_reads_back_and_is_json(value):
    try:
        data = canonical.log_bytes(value)
    except NotCanonical as refused:
        assert "nested" in refused.reason
        return
    assert canonical.decode(data) == value == json.loads(data)


@pytest.mark.parametrize(
    ("value", "path"),
    [
        ({"a": {"b": [1, 1.5]}}, "$.a.b[1]"),
        ({"a": 2**53}, "$.a"),
        ({"a": "e\u0301"}, "$.a"),
        ({"e\u0301": 1}, "$.e\u0301"),
        ({1: 2}, "$"),
        ({"a": b"bytes"}, "$.a"),
        ({"a": {1, 2}}, "$.a"),
        ("\ud800", "'$'"),
        (nested(9), "$" + "[0]" * 8),
        ("x" * 65_534, "$"),
    ],
)
def test_a_value_outside_the_profile_is_refused_by_its_path(value, path):
    with pytest.raises(NotCanonical) as refused:
        canonical.check(value)
    assert refused.value.path == path


@pytest.mark.parametrize("value", [nested(8), "x" * 65_533, 2**53 - 1, -(2**53) + 1, {}, [], ""])
def test_a_value_at_the_edge_of_the_profile_is_taken(value):
    assert canonical.decode(canonical.log_bytes(value)) == value


@pytest.mark.parametrize(
    "data",
    [
        b'{"a":1,"a":1}',
        b'{"a": 1}',
        b'{"b":1,"a":2}',
        b'{"a":1.0}',
        b'{"a":1e0}',
        b'{"a":-0}',
        b'{"a":9007199254740993}',
        b'{"a":NaN}',
        b'"\\u0041"',
        b'"\\/"',
        b'"e\xcc\x81"',
        b'"\\ud800"',
        b'"\xff"',
        b"[" * 100_000,
        b"[" * 9 + b"]" * 9,
        b"\xef\xbb\xbf1",
        b"1\n",
        b"",
        b'"' + b"x" * 65_534 + b'"',
    ],
)
def test_bytes_in_any_other_spelling_are_refused(data):
    with pytest.raises(NotCanonical):
        canonical.decode(data)


spellings = st.sampled_from(
    [
        b"1.5",
        b"-1.0",
        b"1e3",
        b"-0",
        b"0.",
        b"9007199254740992",
        b"\xee\x80\x80",
        b"\xf0\x9f\x98\x80",
        b"e\xcc\x81",
    ]
)
whole = st.recursive(
    scalars | st.floats() | st.integers() | st.text(max_size=4),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=4), inner, max_size=3),
)


@st.composite
def near_canonical(draw):
    """Return bytes that are canonical, or nearly so, or not at all."""
    value = draw(whole)
    try:
        data = canonical.encode(value)
    except NotCanonical:
        data = json.dumps(value).encode("utf-8", "surrogatepass")
    for _ in range(draw(st.integers(0, 2))):
        start = draw(st.integers(0, len(data)))
        end = draw(st.integers(start, min(len(data), start + 2)))
        data = data[:start] + draw(spellings | st.binary(max_size=2)) + data[end:]
    return data


@seed(20261124)
@settings(max_examples=800, deadline=None)
@given(near_canonical())
def test_the_quick_look_takes_exactly_what_is_read_back(data):
    try:
        canonical.decode(data)
    except NotCanonical:
        assert not canonical.is_canonical(data)
    else:
        assert canonical.is_canonical(data)
