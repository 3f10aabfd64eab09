"""Signed notes after C2SP signed-note, Ed25519 only: the envelope of checkpoints.

    text, ending in a newline
    (empty line)
    — <key name> base64(4 bytes key ID || 64 bytes signature)

Keys are strings: `PRIVATE+KEY+<name>+<id>+<base64(01 || seed)>` signs,
`<name>+<id>+<base64(01 || public key)>` verifies. Left out: every other signature type.
"""

import binascii
from base64 import b64decode, b64encode
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from hashlib import sha256

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey

from ledger.errors import NoteInvalid

ED25519 = b"\x01"
MAX_SIGNATURES = 100
MAX_BYTES = 1_000_000
_PRIVATE = "PRIVATE+KEY+"
_DASH = "\u2014 "


@dataclass(frozen=True)
class Signature:
    """One line under a note, made by a key that the verifier knows."""

    name: str
    key_id: str
    signature: bytes


@dataclass(frozen=True)
class Note:
    """A verified text and the signatures that verified it."""

    text: str
    signatures: tuple[Signature, ...]


def new_key(name: str, seed: bytes) -> str:
    """Return the private key string for a name and a 32-byte seed. Raises NoteInvalid for a bad name."""
    if not _is_name(name):
        raise NoteInvalid("a key name must not be empty nor hold spaces or plus signs")
    public = _public_bytes(Ed25519PrivateKey.from_private_bytes(seed))
    return f"{_PRIVATE}{name}+{_key_id(name, public).hex()}+{b64encode(ED25519 + seed).decode()}"


def verifier_key(private_key: str) -> str:
    """Return the public vkey string that belongs to a private key string. Raises NoteInvalid."""
    name, key_id, key = _signer(private_key)
    return f"{name}+{key_id.hex()}+{b64encode(ED25519 + _public_bytes(key)).decode()}"


def sign(text: str, keys: Sequence[str]) -> str:
    """Return the note of a text signed by each private key. Raises NoteInvalid."""
    if not text.endswith("\n"):
        raise NoteInvalid("the text must end in a newline")
    _check_characters(text)
    if not 0 < len(keys) <= MAX_SIGNATURES:
        raise NoteInvalid(f"a note takes 1 to {MAX_SIGNATURES} keys")
    lines = []
    for name, key_id, key in map(_signer, keys):
        signature = key.sign(text.encode())
        lines.append(f"{_DASH}{name} {b64encode(key_id + signature).decode()}\n")
    return text + "\n" + "".join(lines)


def verify(note: str, verifier_keys: Iterable[str]) -> Note:
    """Return the text and the signatures of known keys. Raises NoteInvalid if none holds or one is false."""
    text, lines = _split(note)
    known: dict[tuple[str, bytes], list[Ed25519PublicKey]] = {}
    for vkey in verifier_keys:
        name, key_id, key = _verifier(vkey)
        known.setdefault((name, key_id), []).append(key)
    verified: dict[tuple[str, bytes], Signature] = {}
    for name, key_id, signature in map(_signature_line, lines):
        keys = known.get((name, key_id), [])
        if not keys or (name, key_id) in verified:
            continue
        if len(keys) > 1:
            raise NoteInvalid(f"ambiguous key {name}+{key_id.hex()}")
        try:
            keys[0].verify(signature, text.encode())
        except InvalidSignature as error:
            raise NoteInvalid(f"invalid signature for key {name}+{key_id.hex()}") from error
        verified[name, key_id] = Signature(name, key_id.hex(), signature)
    if not verified:
        raise NoteInvalid("no signature by a known key")
    return Note(text, tuple(verified.values()))


def text_of(note: str) -> str:
    """Return the text of a note without looking at its signatures. Raises NoteInvalid when malformed."""
    text, lines = _split(note)
    for line in lines:
        _signature_line(line)
    return text


def _split(note: str) -> tuple[str, list[str]]:
    if not isinstance(note, str) or len(note) > MAX_BYTES:
        raise NoteInvalid("not a text of at most a megabyte")
    _check_characters(note)
    if len(note.encode()) > MAX_BYTES:
        raise NoteInvalid("not a text of at most a megabyte")
    at = note.rfind("\n\n")
    if at < 0 or not note.endswith("\n") or at + 2 == len(note):
        raise NoteInvalid("no signatures after an empty line")
    lines = note[at + 2 : -1].split("\n")
    if len(lines) > MAX_SIGNATURES:
        raise NoteInvalid(f"more than {MAX_SIGNATURES} signatures")
    return note[: at + 1], lines


def _signature_line(line: str) -> tuple[str, bytes, bytes]:
    name, _, encoded = line.removeprefix(_DASH).partition(" ")
    decoded = _base64(encoded)
    if not line.startswith(_DASH) or not _is_name(name) or len(decoded) < 5:
        raise NoteInvalid(f"not a signature line: {line[:60]!r}")
    return name, decoded[:4], decoded[4:]


def _signer(private_key: str) -> tuple[str, bytes, Ed25519PrivateKey]:
    if not private_key.startswith(_PRIVATE):
        raise NoteInvalid("not a private key string")
    name, key_id, seed = _key_fields(private_key.removeprefix(_PRIVATE))
    key = Ed25519PrivateKey.from_private_bytes(seed)
    if key_id != _key_id(name, _public_bytes(key)):
        raise NoteInvalid("the private key's ID does not belong to it")
    return name, key_id, key


def _verifier(vkey: str) -> tuple[str, bytes, Ed25519PublicKey]:
    name, key_id, public = _key_fields(vkey)
    if key_id != _key_id(name, public):
        raise NoteInvalid("the key's ID does not belong to it")
    return name, key_id, Ed25519PublicKey.from_public_bytes(public)


def _key_fields(text: str) -> tuple[str, bytes, bytes]:
    fields = text.split("+", 2)  # base64 may hold a plus sign, a name may not
    if len(fields) != 3 or not _is_name(fields[0]):
        raise NoteInvalid("not a key string")
    name, hex_id, encoded = fields
    key = _base64(encoded)
    if len(hex_id) != 8 or set(hex_id) - set("0123456789abcdef"):
        raise NoteInvalid("a key ID has 8 hexadecimal digits")
    if len(key) != 33 or key[:1] != ED25519:
        raise NoteInvalid("not an Ed25519 key")
    return name, bytes.fromhex(hex_id), key[1:]


def _key_id(name: str, public: bytes) -> bytes:
    return sha256(name.encode() + b"\n" + ED25519 + public).digest()[:4]


def _public_bytes(key: Ed25519PrivateKey) -> bytes:
    return key.public_key().public_bytes_raw()


def _is_name(name: str) -> bool:
    return bool(name) and "+" not in name and not any(character.isspace() for character in name)


def _base64(text: str) -> bytes:
    try:
        decoded = b64decode(text, validate=True)
    except (binascii.Error, ValueError) as error:
        raise NoteInvalid("not base64") from error
    if b64encode(decoded).decode() != text:
        raise NoteInvalid("not base64 in its one spelling")
    return decoded


def _check_characters(text: str) -> None:
    if any(character < " " and character != "\n" for character in text):
        raise NoteInvalid("control characters are not allowed")
    try:
        text.encode()
    except UnicodeEncodeError as error:
        raise NoteInvalid("not valid Unicode") from error
