"""Which bytes of a file a request asks for: Range and If-Range with one range, RFC 9110, section 14.

Several ranges at once are answered with the whole file, as the specification allows.
"""

import re
from dataclasses import dataclass

_RANGE = re.compile(r"bytes=\s*(\d{0,18})-(\d{0,18})\s*")


class Unsatisfiable(Exception):
    """No byte of the file lies in the range."""


@dataclass(frozen=True, slots=True)
class Span:
    """The bytes from `start` up to, not with, `end`."""

    start: int
    end: int
    is_part: bool

    @property
    def length(self) -> int:
        return self.end - self.start


def span(header: str, *, size: int, if_range: str = "", etag: str = "") -> Span:
    """Return the bytes to send. Raises Unsatisfiable."""
    whole = Span(0, size, is_part=False)
    found = _RANGE.fullmatch(header.strip())
    if not found or (not found[1] and not found[2]) or (if_range and if_range.strip() != etag):
        return whole
    if not found[1]:  # the last n bytes
        length = int(found[2])
        if not length or not size:
            raise Unsatisfiable
        return Span(max(0, size - length), size, is_part=True)
    start, last = int(found[1]), int(found[2]) if found[2] else size - 1
    if found[2] and last < start:
        return whole  # not a valid range, so it is ignored
    if start >= size:
        raise Unsatisfiable
    return Span(start, min(last, size - 1) + 1, is_part=True)


def matches(header: str, etag: str) -> bool:
    """Tell whether a list of entity tags, or a star, names this one; weak tags compare as strong ones."""
    tags = [tag.strip().removeprefix("W/") for tag in header.split(",")]
    return "*" in tags or etag in tags
