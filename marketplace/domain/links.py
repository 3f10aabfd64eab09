"""Signed download links: who may fetch what until when, in the address itself, so that making one stores nothing.

16 bytes  link          identifies the link; one delivery at most comes of it
16 bytes  grant
16 bytes  file
 4 bytes  expiry        seconds since 1970, big-endian, unsigned
16 bytes  HMAC-SHA-256 of the 52 bytes above, cut to its first half; all of it base64url without padding
"""

import hmac
import struct
from base64 import urlsafe_b64decode, urlsafe_b64encode
from dataclasses import dataclass
from datetime import UTC, datetime
from uuid import UUID

_LAYOUT = struct.Struct(">16s16s16sI")
_SEAL_SIZE = 16


class NotSigned(Exception):
    """Not a link that was made with this key."""


@dataclass(frozen=True, slots=True)
class Link:
    """What a download link says."""

    link: UUID
    grant: UUID
    file: UUID
    expires_at: datetime


def write(link: Link, *, key: bytes) -> str:
    """Return a link as the text that stands in an address."""
    expiry = int(link.expires_at.timestamp())
    body = _LAYOUT.pack(link.link.bytes, link.grant.bytes, link.file.bytes, expiry)
    return urlsafe_b64encode(body + _seal(body, key)).decode().rstrip("=")


def read(text: str, *, key: bytes) -> Link:
    """Read a link back. Raises NotSigned; whether it has expired is for the caller to see."""
    try:
        data = urlsafe_b64decode(text + "=" * (-len(text) % 4))
    except ValueError as error:
        raise NotSigned from error
    body, seal = data[: _LAYOUT.size], data[_LAYOUT.size :]
    if len(body) != _LAYOUT.size or not hmac.compare_digest(seal, _seal(body, key)):
        raise NotSigned
    link, grant, file, expiry = _LAYOUT.unpack(body)
    return Link(UUID(bytes=link), UUID(bytes=grant), UUID(bytes=file), datetime.fromtimestamp(expiry, UTC))


def _seal(body: bytes, key: bytes) -> bytes:
    return hmac.digest(key, b"wenshi file link\0" + body, "sha256")[:_SEAL_SIZE]
