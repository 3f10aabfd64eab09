"""What a cosignature signs, after C2SP tlog-cosignature: a checkpoint, and when it was the largest one seen.

    64-bit timestamp, big-endian || signature over the message below

Ed25519 (0x04) signs a header and the whole text; ML-DSA-44 (0x06) signs a `cosigned_message`, which has no
room for extension lines, so a checkpoint that bears some gets none.
"""

from ledger.domain import checkpoint
from ledger.errors import NoteInvalid

ED25519_COSIGNATURE = b"\x04"
ML_DSA_44 = b"\x06"
KINDS = (ED25519_COSIGNATURE, ML_DSA_44)
TIMESTAMP_BYTES = 8
_LATEST = 2**63 - 1


def pack(timestamp: int, signature: bytes) -> bytes:
    """Return a `timestamped_signature`."""
    return timestamp.to_bytes(TIMESTAMP_BYTES, "big") + signature


def unpack(packed: bytes) -> tuple[int, bytes]:
    """Return the timestamp and the signature of a `timestamped_signature`."""
    return int.from_bytes(packed[:TIMESTAMP_BYTES], "big"), packed[TIMESTAMP_BYTES:]


def message(*, kind: bytes, name: str, text: str, timestamp: int) -> bytes:
    """Return what a cosigner of this name signs. Raises NoteInvalid if it can make no statement on the text."""
    if not 0 <= timestamp <= _LATEST:
        raise NoteInvalid("the time of a cosignature is outside 0 to 2^63-1")
    seen = checkpoint.read(text)
    if kind == ED25519_COSIGNATURE:
        return f"cosignature/v1\ntime {timestamp}\n{text}".encode()
    if seen.extensions:
        raise NoteInvalid("ML-DSA-44 does not cosign a checkpoint with extension lines")
    return subtree(name=name, timestamp=timestamp, origin=seen.origin, start=0, end=seen.size, root=seen.root)


def subtree(*, name: str, timestamp: int, origin: str, start: int, end: int, root: bytes) -> bytes:
    """Return a `cosigned_message`; that of a checkpoint starts at 0. Raises NoteInvalid."""
    numbers = [number.to_bytes(8, "big") for number in (timestamp, start, end)]
    return b"subtree/v1\n\0" + b"".join(
        [_short(name), numbers[0], _short(origin), numbers[1], numbers[2], root]
    )


def _short(text: str) -> bytes:
    data = text.encode()
    if not 0 < len(data) < 256:
        raise NoteInvalid("a name in a cosigned message has 1 to 255 bytes")
    return bytes([len(data)]) + data
