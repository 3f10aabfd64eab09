"""Canonical bytes: RFC 8785 (JCS) JSON, and the stricter profile of what the log takes.

The profile, `check`: no floats, integers within 2^53-1, NFC strings and keys, at most 8 levels of
arrays and objects, at most 65,535 bytes. A value outside it is refused, never repaired.
"""

import json
import re
import unicodedata
from collections.abc import Mapping
from typing import Any

import orjson
import rfc8785

from ledger.errors import NotCanonical

MAX_INTEGER = 2**53 - 1
MAX_DEPTH = 8
MAX_BYTES = 65_535  # a tlog-tiles entry bundle gives the length two bytes

# A number with a fraction or an exponent: a member of an object, an element of an array. Two, for each is quick alone.
_MEMBER_IN_DOUBT = re.compile(rb'":-?[0-9]+[.eE]')
_ELEMENT_IN_DOUBT = re.compile(rb"[\[,]-?[0-9]+[.eE]")
_ORDER_IN_DOUBT = re.compile(rb"[\xee-\xff]")  # beyond U+E000 UTF-16 and UTF-8 order keys differently
_SORTED = orjson.OPT_SORT_KEYS | orjson.OPT_STRICT_INTEGER


def encode(value: Any) -> bytes:
    """Return the RFC 8785 bytes of a value. Raises NotCanonical where it has none."""
    try:
        return rfc8785.dumps(value)
    except (rfc8785.CanonicalizationError, UnicodeEncodeError) as error:
        raise NotCanonical("$", str(error)) from error
    except RecursionError as error:
        raise NotCanonical("$", "nested too deeply") from error


def check(value: Any) -> None:
    """Refuse a value outside the log's profile. Raises NotCanonical naming the path."""
    log_bytes(value)


def log_bytes(value: Any) -> bytes:
    """Return the canonical bytes of a value inside the profile. Raises NotCanonical naming the path."""
    _check(value, "$", 1)
    data = encode(value)
    if len(data) > MAX_BYTES:
        raise NotCanonical("$", f"{len(data)} bytes, at most {MAX_BYTES}")
    return data


def decode(data: bytes) -> Any:
    """Read back what `log_bytes` wrote. Raises NotCanonical unless the bytes are exactly canonical."""
    if len(data) > MAX_BYTES:
        raise NotCanonical("$", f"{len(data)} bytes, at most {MAX_BYTES}")
    try:
        value = json.loads(data.decode("utf-8"), parse_float=_refuse_float, parse_constant=_refuse_float)
    except NotCanonical:
        raise
    except (ValueError, RecursionError) as error:
        raise NotCanonical("$", f"not JSON: {error}") from error
    if log_bytes(value) != data:  # duplicate keys, spaces, key order and number spellings all end here
        raise NotCanonical("$", "not in canonical form")
    return value


def is_canonical(data: bytes) -> bool:
    """Tell whether `decode` takes the bytes. Most are told ten times as quickly; what is in doubt goes the long way."""
    arrays = data.count(b"[")
    try:
        if (
            len(data) <= MAX_BYTES
            and arrays + data.count(b"{") <= MAX_DEPTH
            and data.startswith((b"{", b"["))
            and not _MEMBER_IN_DOUBT.search(data)
            and not (arrays and _ELEMENT_IN_DOUBT.search(data))
            and (data.isascii() or _is_plain(data))
            and orjson.dumps(orjson.loads(data), option=_SORTED) == data
        ):
            return True
        decode(data)
    except (ValueError, orjson.JSONEncodeError):  # the latter for an integer beyond 2^53-1
        return False
    return True


def _is_plain(data: bytes) -> bool:
    return not _ORDER_IN_DOUBT.search(data) and unicodedata.is_normalized("NFC", data.decode())


def _check(value: Any, path: str, depth: int) -> None:
    if value is None or isinstance(value, bool):
        return
    if isinstance(value, int):
        if abs(value) > MAX_INTEGER:
            raise NotCanonical(path, "an integer beyond 2^53-1")
    elif isinstance(value, str):
        _check_text(value, path)
    elif isinstance(value, Mapping | list | tuple):
        if depth > MAX_DEPTH:
            raise NotCanonical(path, f"nested deeper than {MAX_DEPTH}")
        _check_members(value, path, depth)
    else:
        raise NotCanonical(path, f"a {type(value).__name__} cannot be logged")


def _check_members(value: Any, path: str, depth: int) -> None:
    if not isinstance(value, Mapping):
        for index, member in enumerate(value):
            _check(member, f"{path}[{index}]", depth + 1)
        return
    for key, member in value.items():
        if not isinstance(key, str):
            raise NotCanonical(path, "a key that is no string")
        _check_text(key, f"{path}.{key}")
        _check(member, f"{path}.{key}", depth + 1)


def _check_text(text: str, path: str) -> None:
    if not unicodedata.is_normalized("NFC", text):
        raise NotCanonical(path, "text that is not in Unicode form NFC")
    if any("\ud800" <= character <= "\udfff" for character in text):
        raise NotCanonical(ascii(path), "half of a surrogate pair")


def _refuse_float(spelling: str) -> Any:
    raise NotCanonical("$", f"the number {spelling[:20]} is not an integer")
