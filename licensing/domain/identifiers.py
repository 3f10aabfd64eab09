"""ARK identifiers: `ark:<NAAN>/<shoulder><8 betanumerics><check>`, minted without asking anybody.

The eight characters are a keyed permutation of a counter: no two alike, none to be guessed from another.
The last is the NOID check character over NAAN and name; it finds each wrong character and each swapped pair
of neighbours. Hyphens, `ark:/` and an address in front are spelling; so is the case of letters.
"""

import hmac
import re

from licensing.errors import IdentifierRefused

ALPHABET = "0123456789bcdfghjkmnpqrstvwxz"  # betanumeric: no vowels, no l, no y
LENGTH = 8
_HALF: int = len(ALPHABET) ** (LENGTH // 2)
CAPACITY = _HALF * _HALF
ROUNDS = 6
_SHAPE = re.compile(rf"ark:([0-9]{{5,9}})/([a-z]+[0-9])([{ALPHABET}]{{{LENGTH}}})([{ALPHABET}])")


def mint(counter: int, *, key: bytes, naan: str, shoulder: str) -> str:
    """Return the identifier that belongs to a count. Raises IdentifierRefused when none are left."""
    if not 0 <= counter < CAPACITY:
        raise IdentifierRefused(str(counter), f"a shoulder has {CAPACITY} names")
    name = shoulder + _spell(permute(counter, key))
    return f"ark:{naan}/{name}{check_character(f'{naan}/{name}')}"


def permute(number: int, key: bytes) -> int:
    """Return where a number below CAPACITY goes: a Feistel network of HMAC-SHA-256 on its halves."""
    left, right = divmod(number, _HALF)
    for turn in range(ROUNDS):
        digest = hmac.digest(key, bytes([turn]) + right.to_bytes(4, "big"), "sha256")
        left, right = right, (left + int.from_bytes(digest[:8], "big")) % _HALF
    return left * _HALF + right


def check_character(text: str) -> str:
    """Return the NOID check character of `<NAAN>/<name>`: positions times values, modulo 29."""
    values = (ALPHABET.find(character) for character in text)
    total = sum(position * max(value, 0) for position, value in enumerate(values, start=1))
    return ALPHABET[total % len(ALPHABET)]


def normalise(text: str) -> str:
    """Return the one spelling of an identifier. Raises IdentifierRefused unless its check holds."""
    naan, shoulder, body, check = _parts(text)
    right = check_character(f"{naan}/{shoulder}{body}")
    if check != right:
        raise IdentifierRefused(
            text, f"the check character does not fit; likely ark:{naan}/{shoulder}{body}{right}"
        )
    return f"ark:{naan}/{shoulder}{body}{check}"


def is_valid(text: str) -> bool:
    """Tell whether a text is an identifier with the right check character."""
    try:
        normalise(text)
    except IdentifierRefused:
        return False
    return True


def likely(text: str) -> str | None:
    """Return the identifier that a wrong check character likely hides, or None if it is no ARK."""
    try:
        naan, shoulder, body, _ = _parts(text)
    except IdentifierRefused:
        return None
    return f"ark:{naan}/{shoulder}{body}{check_character(f'{naan}/{shoulder}{body}')}"


def _parts(text: str) -> tuple[str, ...]:
    start = text.lower().find("ark:")
    spelled = text[max(start, 0) :].lower().replace("-", "").replace("ark:/", "ark:").strip().rstrip("/")
    match = _SHAPE.fullmatch(spelled)
    if not match:
        raise IdentifierRefused(text, "not an identifier of this kind")
    return match.groups()


def _spell(number: int) -> str:
    characters = []
    for _ in range(LENGTH):
        number, value = divmod(number, len(ALPHABET))
        characters.append(ALPHABET[value])
    return "".join(reversed(characters))
