"""The text of a checkpoint, C2SP tlog-checkpoint.

    <origin>
    <size, decimal>
    <root, base64>

Our own log has no extension lines after these three, so `parse` refuses them; `read` takes them, for other logs.
"""

import binascii
import re
from base64 import b64decode, b64encode
from dataclasses import dataclass

from ledger.domain.merkle import HASH_SIZE
from ledger.errors import NoteInvalid

_SIZE = re.compile("0|[1-9][0-9]{0,18}")


@dataclass(frozen=True)
class Checkpoint:
    """What the text of a checkpoint says."""

    origin: str
    size: int
    root: bytes
    extensions: tuple[str, ...] = ()


def text(*, origin: str, size: int, root: bytes) -> str:
    """Return the text to sign."""
    return f"{origin}\n{size}\n{b64encode(root).decode()}\n"


def parse(text: str, *, origin: str) -> tuple[int, bytes]:
    """Return the size and root of a verified text. Raises NoteInvalid if it is not this log's checkpoint."""
    lines = text.split("\n")
    if len(lines) != 4 or lines[0] != origin:
        raise NoteInvalid(f"not a checkpoint of {origin}")
    found = read(text)
    return found.size, found.root


def read(text: str) -> Checkpoint:
    """Return what a verified text says. Raises NoteInvalid if it is no checkpoint."""
    lines = text.split("\n")
    if len(lines) < 4 or lines.pop() or not all(lines) or not _SIZE.fullmatch(lines[1]):
        raise NoteInvalid("not a checkpoint")
    try:
        root = b64decode(lines[2], validate=True)
    except (binascii.Error, ValueError) as error:
        raise NoteInvalid("the root is not base64") from error
    if len(root) != HASH_SIZE or b64encode(root).decode() != lines[2]:
        raise NoteInvalid("the root is not 32 bytes in base64")
    return Checkpoint(lines[0], int(lines[1]), root, tuple(lines[3:]))
