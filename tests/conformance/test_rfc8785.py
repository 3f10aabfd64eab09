"""RFC 8785, JSON canonicalisation: the examples of the text and of the author's test data."""

import json
import math
import struct
from hashlib import sha256
from itertools import count, islice

import pytest

from ledger import verifier
from ledger.domain import canonical
from ledger.errors import NotCanonical


def test_the_sample_of_section_3_2_2_has_its_published_bytes():
    source = (
        '{"numbers": [333333333.33333329, 1E30, 4.50, 2e-3, 0.000000000000000000000000001],'
        r'"string": "\u20ac$\u000F\u000aA'
        "'"
        r'\u0042\u0022\u005c\\\"\/", "literals": [null, true, false]}'
    )
    expected = (
        '{"literals":[null,true,false],'
        '"numbers":[333333333.3333333,1e+30,4.5,0.002,1e-27],'
        '"string":"€$\\u000f\\nA\'B\\"\\\\\\\\\\"/"}'
    )
    assert canonical.encode(json.loads(source)) == expected.encode()


def test_keys_are_sorted_by_utf_16_code_units_as_in_section_3_2_3():
    value = {
        "\u20ac": "Euro Sign",
        "\r": "Carriage Return",
        "\ufb33": "Hebrew Letter Dalet With Dagesh",
        "1": "One",
        "\U0001f600": "Emoji: Grinning Face",
        "\u0080": "Control",
        "\u00f6": "Latin Small Letter O With Diaeresis",
    }
    order = [
        "Carriage Return",
        "One",
        "Control",
        "Latin Small Letter O With Diaeresis",
        "Euro Sign",
        "Emoji: Grinning Face",
        "Hebrew Letter Dalet With Dagesh",
    ]
    assert list(json.loads(canonical.encode(value)).values()) == order


# The pairs of cyberphone/json-canonicalization, testdata/input and testdata/output. Two of them were changed
# over the years; both states stand here.
PAIRS = {
    "arrays": (r"""[ 56, { "d": true, "10": null, "1": [ ] } ]""", """[56,{"1":[],"10":null,"d":true}]"""),
    "french": (
        """{
  "peach": "This sorting order",
  "péché": "is wrong according to French",
  "pêche": "but canonicalization MUST",
  "sin":   "ingnore locale"
}
""",
        """{"peach":"This sorting order","péché":"is wrong according to French","""
        """"pêche":"but canonicalization MUST","sin":"ingnore locale"}""",
    ),
    "simpleString": ("""    "this is a test string 1235\"""", """"this is a test string 1235\""""),
    "structures": (
        r"""{
  "1": {"f": {"f": "hi","F": 5} ,"\n": 56.0},
  "10": { },
  "": "empty",
  "a": { },
  "111": [ { } ],
  "A": { }
}""",
        r"""{"":"empty","1":{"\n":56,"f":{"F":5,"f":"hi"}},"10":{},"111":[{}],"A":{},"a":{}}""",
    ),
    "unicode": (
        r"""{ "Unnormalized Unicode":"A\u030a" }""",
        """{"Unnormalized Unicode":"A\u030a"}""",
    ),
    "unicode, earlier": (
        r"""{ "Unnormalized Unicode":"\u1e0d\u0307" }""",
        """{"Unnormalized Unicode":"\u1e0d\u0307"}""",
    ),
    "values": (
        r"""{
  "numbers": [333333333.33333329, 1E30, 4.50, 2e-3, 0.000000000000000000000000001],
  "string": "\u20ac$\u000F\u000aA'\u0042\u0022\u005c\\\"\/",
  "literals": [null, true, false]
}""",
        r"""{"literals":[null,true,false],"numbers":[333333333.3333333,1e+30,4.5,0.002,1e-27],"""
        r""""string":"€$\u000f\nA'B\"\\\\\"/"}""",
    ),
    "values, earlier": (
        r"""{
  "numbers": [1E30, 4.50, 333333333.33333329, 2e-3, 0.000000000000000000000000001],
  "escaping": "\u20ac$\u000F\u000aA'\u0042\u0022\u005c\\\"\/",
  "literals": [null, true, false]
}""",
        r"""{"escaping":"€$\u000f\nA'B\"\\\\\"/","literals":[null,true,false],"""
        r""""numbers":[1e+30,4.5,333333333.3333333,0.002,1e-27]}""",
    ),
    "weird": (
        r"""{
  "\u20ac": "Euro Sign",
  "\r": "Carriage Return",
  "\u000a": "Newline",
  "1": "One",
  "\u0080": "Control\u007f",
  "\ud83d\ude02": "Smiley",
  "\u00f6": "Latin Small Letter O With Diaeresis",
  "\ufb33": "Hebrew Letter Dalet With Dagesh",
  "</script>": "Browser Challenge"
}""",
        r"""{"\n":"Newline","\r":"Carriage Return","1":"One","</script>":"Browser Challenge","""
        """"\u0080":"Control\u007f","ö":"Latin Small Letter O With Diaeresis","€":"Euro Sign","""
        """"😂":"Smiley","\ufb33":"Hebrew Letter Dalet With Dagesh"}""",
    ),
}


@pytest.mark.parametrize("name", PAIRS)
def test_a_published_document_has_its_published_bytes(name):
    source, canonical_text = PAIRS[name]
    assert canonical.encode(json.loads(source)) == canonical_text.encode()


@pytest.mark.parametrize("name", ["arrays", "french", "simpleString", "unicode", "unicode, earlier", "weird"])
def test_the_verifier_of_reports_gives_a_document_without_fractions_the_same_bytes(name):
    source, canonical_text = PAIRS[name]
    assert verifier.encode(name, json.loads(source)) == canonical_text.encode()


@pytest.mark.parametrize("name", PAIRS)
def test_the_log_takes_of_these_what_has_neither_fractions_nor_unnormalised_text(name):
    value = json.loads(PAIRS[name][0])
    if name in ("arrays", "french", "simpleString", "unicode, earlier"):
        assert canonical.decode(canonical.log_bytes(value)) == value
    else:
        with pytest.raises(NotCanonical):
            canonical.check(value)


def test_key_order_is_that_of_code_units_and_not_of_code_points():
    assert canonical.encode({"\ufb33": 1, "\U0001f602": 2}) == '{"\U0001f602":2,"\ufb33":1}'.encode()
    assert sorted(["\ufb33", "\U0001f602"]) == ["\ufb33", "\U0001f602"]


@pytest.mark.parametrize(
    ("bits", "spelling"),
    [  # RFC 8785, appendix B
        ("0000000000000000", "0"),
        ("8000000000000000", "0"),
        ("0000000000000001", "5e-324"),
        ("8000000000000001", "-5e-324"),
        ("7fefffffffffffff", "1.7976931348623157e+308"),
        ("ffefffffffffffff", "-1.7976931348623157e+308"),
        ("4340000000000000", "9007199254740992"),
        ("c340000000000000", "-9007199254740992"),
        ("4430000000000000", "295147905179352830000"),
        ("44b52d02c7e14af5", "9.999999999999997e+22"),
        ("44b52d02c7e14af6", "1e+23"),
        ("44b52d02c7e14af7", "1.0000000000000001e+23"),
        ("444b1ae4d6e2ef4e", "999999999999999700000"),
        ("444b1ae4d6e2ef4f", "999999999999999900000"),
        ("444b1ae4d6e2ef50", "1e+21"),
        ("3eb0c6f7a0b5ed8c", "9.999999999999997e-7"),
        ("3eb0c6f7a0b5ed8d", "0.000001"),
        ("41b3de4355555553", "333333333.3333332"),
        ("41b3de4355555554", "333333333.33333325"),
        ("41b3de4355555555", "333333333.3333333"),
        ("41b3de4355555556", "333333333.3333334"),
        ("41b3de4355555557", "333333333.33333343"),
        ("becbf647612f3696", "-0.0000033333333333333333"),
        ("43143ff3c1cb0959", "1424953923781206.2"),
    ],
)
def test_a_number_of_appendix_b_is_spelled_as_there(bits, spelling):
    assert canonical.encode(struct.unpack(">d", bytes.fromhex(bits))[0]) == spelling.encode()


@pytest.mark.parametrize("bits", ["7fffffffffffffff", "7ff0000000000000", "fff0000000000000"])
def test_not_a_number_and_the_infinities_of_appendix_b_are_refused(bits):
    with pytest.raises(NotCanonical):
        canonical.encode(struct.unpack(">d", bytes.fromhex(bits))[0])


@pytest.mark.parametrize("number", [math.nan, math.inf, -math.inf, 2**53, -(2**53)])
def test_a_number_that_json_cannot_carry_is_refused(number):
    with pytest.raises(NotCanonical):
        canonical.encode(number)


@pytest.mark.parametrize("text", ["\ud800", "a\udfffb", {"\ud800": 1}])
def test_half_of_a_surrogate_pair_is_refused(text):
    with pytest.raises(NotCanonical):
        canonical.encode(text)


# The sequence of numbers that cyberphone/json-canonicalization publishes as es6testfile100m.txt, and the
# digests of its first lines: chosen numbers, then 2,000 around the smallest normal one, then random bits.
SIGNED = """
    c46696695dbd1cc3 c43211ede4974a35 c3fce97ca0f21056 c3c7213080c1a6ac c39280f39a348556 c35d9b1f5d20d557
    c327af4c4a80aaac c2f2f2a36ecd5556 c2be51057e155558 c28840d131aaaaac c253670dc1555557 c21f0b4935555557
    c1e8d5d42aaaaaac c1b3de4355555556 c17fca0555555556 c1496e6aaaaaaaab c114585555555555 c0e046aaaaaaaaab
    c0aa0aaaaaaaaaaa c074d55555555555 c040aaaaaaaaaaab c00aaaaaaaaaaaab bfd5555555555555 bfa1111111111111
    bf6b4e81b4e81b4f bf35d867c3ece2a5 bf0179ec9cbd821e becbf647612f3696 be965e9f80f29212 be61e54c672874db
    be2ca213d840baf8 bdf6e80fe033c8c6 bdc2533fe68fd3d2 bd8d51ffd74c861c bd5774ccac3d3817 bd22c3d6f030f9ac
    bcee0624b3818f79 bcb804ea293472c7 bc833721ba905bd3 bc4ebe9c5db3c61e bc18987d17c304e5 bbe3ad30dfcf371d
    bbaf7b816618582f bb792f9ab81379bf bb442615600f9499 bb101e77800c76e1 bad9ca58cce0be35 baa4a1e0a3e6fe90
    ba708180831f320d ba3a68cd9e985016
"""
CHOSEN = """
    4024000000000000 4014000000000000 3fe0000000000000 3fa999999999999a 3f747ae147ae147b 3f40624dd2f1a9fc
    3f0a36e2eb1c432d 3ed4f8b588e368f1 3ea0c6f7a0b5ed8d 3e6ad7f29abcaf48 3e35798ee2308c3a 3ed539223589fa95
    3ed4ff26cd5a7781 3ed4f95a762283ff 3ed4f8c60703520c 3ed4f8b72f19cd0d 3ed4f8b5b31c0c8d 3ed4f8b58d1c461a
    3ed4f8b5894f7f0e 3ed4f8b588ee37f3 3ed4f8b588e47da4 3ed4f8b588e3849c 3ed4f8b588e36bb5 3ed4f8b588e36937
    3ed4f8b588e368f8 3ed4f8b588e368f1 3ff0000000000000 bff0000000000000 bfeffffffffffffa bfeffffffffffffb
    3feffffffffffffa 3feffffffffffffb 3feffffffffffffc 3feffffffffffffe bfefffffffffffff bfefffffffffffff
    3fefffffffffffff 3fefffffffffffff 3fd3333333333332 3fd3333333333333 3fd3333333333334 0010000000000000
    000ffffffffffffd 000fffffffffffff 7fefffffffffffff ffefffffffffffff 4340000000000000 c340000000000000
    4430000000000000 44b52d02c7e14af5 44b52d02c7e14af6 44b52d02c7e14af7 444b1ae4d6e2ef4e 444b1ae4d6e2ef4f
    444b1ae4d6e2ef50 3eb0c6f7a0b5ed8c 3eb0c6f7a0b5ed8d 41b3de4355555553 41b3de4355555554 41b3de4355555555
    41b3de4355555556 41b3de4355555557 becbf647612f3696 43143ff3c1cb0959
"""
DIGESTS = {
    1_000: "be18b62b6f69cdab33a7e0dae0d9cfa869fda80ddc712221570f9f40a5878687",
    10_000: "b9f7a8e75ef22a835685a52ccba7f7d6bdc99e34b010992cbc5864cd12be6892",
    100_000: "22776e6d4b49fa294a0d0f349268e5c28808fe7e0cb2bcbe28f63894e494d4c7",
    1_000_000: "49415fee2c56c77864931bd3624faad425c3c577d6d74e89a83bc725506dad16",
}


@pytest.mark.parametrize(
    "lines",
    [1_000, 10_000, *(pytest.param(each, marks=pytest.mark.nightly) for each in (100_000, 1_000_000))],
)
def test_the_published_sequence_of_numbers_has_its_published_digest(lines):
    digest = sha256()
    for bits in islice(number_sequence(), lines):
        number = struct.unpack(">d", bits.to_bytes(8, "big"))[0]
        digest.update(b"%x,%s\n" % (bits, canonical.encode(number)))
    assert digest.hexdigest() == DIGESTS[lines]


def number_sequence():
    """Yield the bits of the published numbers, one after another, without end."""
    signed = [int(each, 16) for each in SIGNED.split()]
    yield from (0, 1 << 63, 1, 1 << 63 | 1)
    yield from signed
    yield from (bits ^ 1 << 63 for bits in signed)
    yield from (int(each, 16) for each in CHOSEN.split())
    yield from range(0x0010000000000000, 0x0010000000000000 + 2000)
    block = bytes(32)
    for _ in count():
        block = sha256(block).digest()
        for bits in struct.unpack("<4Q", block):
            if (
                bits << 1 & (1 << 64) - 1 and bits >> 52 & 0x7FF != 0x7FF
            ):  # neither zero, infinite nor no number
                yield bits
