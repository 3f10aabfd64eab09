"""The text of a checkpoint, C2SP tlog-checkpoint without extension lines.

    <origin>
    <size, decimal>
    <root, base64>

A text with extension lines is refused.
"""

import binascii
import re
from base64 import b64decode, b64encode

from ledger.domain.merkle import HASH_SIZE
from ledger.errors import NoteInvalid

_SIZE = re.compile("0|[1-9][0-9]{0,18}")


def text(*, origin: str, size: int, root: bytes) -> str:
    """Return the text to sign."""
    return f"{origin}\n{size}\n{b64encode(root).decode()}\n"


def parse(text: str, *, origin: str) -> tuple[int, bytes]:
    """Return the size and root of a verified text. Raises NoteInvalid if it is not this log's checkpoint."""
    lines = text.split("\n")
    if len(lines) != 4 or lines[3] or lines[0] != origin or not _SIZE.fullmatch(lines[1]):
        raise NoteInvalid(f"not a checkpoint of {origin}")
    try:
        root = b64decode(lines[2], validate=True)
    except (binascii.Error, ValueError) as error:
        raise NoteInvalid("the root is not base64") from error
    if len(root) != HASH_SIZE or b64encode(root).decode() != lines[2]:
        raise NoteInvalid("the root is not 32 bytes in base64")
    return int(lines[1]), root
