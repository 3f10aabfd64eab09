"""The text of an inclusion proof, C2SP tlog-proof without extra data.

    c2sp.org/tlog-proof@v1
    index <decimal>
    <hash, base64>        none, one or more
    (empty line)
    <checkpoint, a signed note>

The hashes go from the leaf's sibling up.
"""

import binascii
import re
from base64 import b64decode, b64encode
from collections.abc import Sequence
from dataclasses import dataclass

from ledger.domain.merkle import HASH_SIZE
from ledger.errors import ProofInvalid

HEADER = "c2sp.org/tlog-proof@v1"
MAX_CHARACTERS = 1_100_000  # of the checkpoint 1,000,000
MOST_HASHES = 64
_INDEX = re.compile("index (0|[1-9][0-9]{0,18})")


@dataclass(frozen=True)
class ProofText:
    """What the text of a proof says. Nothing of it is verified."""

    index: int
    path: tuple[bytes, ...]
    note: str


def text(*, index: int, path: Sequence[bytes], note: str) -> str:
    """Return the proof that an entry stands under a checkpoint."""
    hashes = "".join(f"{b64encode(each).decode()}\n" for each in path)
    return f"{HEADER}\nindex {index}\n{hashes}\n{note}"


def parse(text: str) -> ProofText:
    """Return what the text of a proof says. Raises ProofInvalid."""
    if len(text) > MAX_CHARACTERS:
        raise ProofInvalid(f"more than {MAX_CHARACTERS} characters")
    head, found, note = text.partition("\n\n")
    header, *lines = head.split("\n")
    if not found or header != HEADER:
        raise ProofInvalid(f"it does not begin with {HEADER}")
    index = _INDEX.fullmatch(lines[0]) if lines else None
    if index is None:
        raise ProofInvalid("the second line names no index")
    if len(lines) > MOST_HASHES + 1:
        raise ProofInvalid(f"more than {MOST_HASHES} hashes")
    return ProofText(int(index[1]), tuple(map(_hash, lines[1:])), note)


def _hash(line: str) -> bytes:
    try:
        data = b64decode(line, validate=True)
    except (binascii.Error, ValueError) as error:
        raise ProofInvalid("a hash is not base64") from error
    if len(data) != HASH_SIZE or b64encode(data).decode() != line:
        raise ProofInvalid("a hash is not 32 bytes in base64")
    return data
