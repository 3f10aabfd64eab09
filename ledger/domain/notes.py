"""Signed notes after C2SP signed-note: the envelope of checkpoints.

    text, ending in a newline
    (empty line)
    — <key name> base64(4 bytes key ID || signature)

Keys are strings: `PRIVATE+KEY+<name>+<id>+<base64(kind || seed)>` signs, `<name>+<id>+<base64(kind || public
key)>` verifies. Kinds: Ed25519 (0x01) signs any text; Ed25519 (0x04) and ML-DSA-44 (0x06) cosign checkpoints.
"""

import binascii
from base64 import b64decode, b64encode
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from hashlib import sha256

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from cryptography.hazmat.primitives.asymmetric.mldsa import MLDSA44PrivateKey, MLDSA44PublicKey

from ledger.domain import cosignatures
from ledger.domain.cosignatures import ED25519_COSIGNATURE, ML_DSA_44
from ledger.errors import NoteInvalid

ED25519 = b"\x01"
MAX_SIGNATURES = 100
MAX_BYTES = 1_000_000
_PRIVATE = "PRIVATE+KEY+"
_DASH = "\u2014 "
_SEED_BYTES = 32
_PUBLIC_BYTES = {ED25519: 32, ED25519_COSIGNATURE: 32, ML_DSA_44: 1312}


@dataclass(frozen=True)
class Signature:
    """One line under a note, made by a key that the verifier knows; `timestamp` is that of a cosignature."""

    name: str
    key_id: str
    signature: bytes
    timestamp: int | None = None

    @property
    def line(self) -> str:
        """The line as it stands under the note."""
        packed = (
            self.signature if self.timestamp is None else cosignatures.pack(self.timestamp, self.signature)
        )
        return _line(self.name, bytes.fromhex(self.key_id), packed)


@dataclass(frozen=True)
class Note:
    """A verified text and the signatures that verified it."""

    text: str
    signatures: tuple[Signature, ...]


@dataclass(frozen=True)
class Vkey:
    """What a public key string says."""

    name: str
    key_id: str
    kind: bytes
    public: bytes


def new_key(name: str, seed: bytes, *, kind: bytes = ED25519) -> str:
    """Return the private key string for a name and a 32-byte seed. Raises NoteInvalid for a bad name."""
    if not _is_name(name):
        raise NoteInvalid("a key name must not be empty nor hold spaces or plus signs")
    key_id = _key_id(name, kind, _private_key(kind, seed).public_key().public_bytes_raw())
    return f"{_PRIVATE}{name}+{key_id.hex()}+{b64encode(kind + seed).decode()}"


def verifier_key(private_key: str) -> str:
    """Return the public vkey string that belongs to a private key string. Raises NoteInvalid."""
    name, key_id, kind, key = _signer(private_key)
    return f"{name}+{key_id.hex()}+{b64encode(kind + key.public_key().public_bytes_raw()).decode()}"


def read_vkey(vkey: str) -> Vkey:
    """Return what a public key string says, of whichever kind. Raises NoteInvalid."""
    name, key_id, kind, public = _key_fields(vkey)
    if len(public) != _PUBLIC_BYTES[kind]:
        raise NoteInvalid("the key does not have the length of its kind")
    if key_id != _key_id(name, kind, public):
        raise NoteInvalid("the key's ID does not belong to it")
    return Vkey(name, key_id.hex(), kind, public)


def sign(text: str, keys: Sequence[str]) -> str:
    """Return the note of a text signed by each private key. Raises NoteInvalid."""
    if not text.endswith("\n"):
        raise NoteInvalid("the text must end in a newline")
    _check_characters(text)
    if not 0 < len(keys) <= MAX_SIGNATURES:
        raise NoteInvalid(f"a note takes 1 to {MAX_SIGNATURES} keys")
    lines = []
    for name, key_id, kind, key in map(_signer, keys):
        if kind != ED25519:
            raise NoteInvalid(f"the key {name} cosigns, it does not sign notes")
        lines.append(_line(name, key_id, key.sign(text.encode())))
    return text + "\n" + "".join(lines)


def cosign(text: str, key: str, *, timestamp: int) -> str:
    """Return the line by which a private key cosigns the text of a checkpoint. Raises NoteInvalid."""
    name, key_id, kind, signer = _signer(key)
    if kind not in cosignatures.KINDS:
        raise NoteInvalid(f"the key {name} signs notes, it does not cosign")
    _check_characters(text)
    message = cosignatures.message(kind=kind, name=name, text=text, timestamp=timestamp)
    return _line(name, key_id, cosignatures.pack(timestamp, signer.sign(message)))


def add_lines(note: str, lines: Iterable[str]) -> str:
    """Return the note with more signature lines under it; one that stands there is not added again."""
    text, present = _split(note)
    for line in lines:
        _signature_line(line.removesuffix("\n"))
        if line.removesuffix("\n") not in present:
            present.append(line.removesuffix("\n"))
    whole = text + "\n" + "".join(f"{line}\n" for line in present)
    _split(whole)  # the limits hold for what others will read
    return whole


def verify(note: str, verifier_keys: Iterable[str]) -> Note:
    """Return the text and the signatures of known keys. Raises NoteInvalid if none holds or one is false."""
    text, lines = _split(note)
    known: dict[tuple[str, str], list[Vkey]] = {}
    for vkey in map(read_vkey, verifier_keys):
        known.setdefault((vkey.name, vkey.key_id), []).append(vkey)
    verified: dict[tuple[str, str], Signature] = {}
    for name, key_id, packed in map(_signature_line, lines):
        place = name, key_id.hex()
        keys = known.get(place, [])
        if not keys or place in verified:
            continue
        if len(keys) > 1:
            raise NoteInvalid(f"ambiguous key {name}+{key_id.hex()}")
        verified[place] = _verified(text, keys[0], packed)
    if not verified:
        raise NoteInvalid("no signature by a known key")
    return Note(text, tuple(verified.values()))


def text_of(note: str) -> str:
    """Return the text of a note without looking at its signatures. Raises NoteInvalid when malformed."""
    text, lines = _split(note)
    for line in lines:
        _signature_line(line)
    return text


def is_signed_by(note: str, vkey: str) -> bool:
    """Tell whether a note bears a line of this key, true or false. Raises NoteInvalid when malformed."""
    key = read_vkey(vkey)
    return any(
        (name, key_id.hex()) == (key.name, key.key_id)
        for name, key_id, _ in map(_signature_line, _split(note)[1])
    )


def signer(line: str) -> tuple[str, str]:
    """Return the name and the key ID that a line under a note bears. Raises NoteInvalid."""
    name, key_id, _ = _signature_line(line.removesuffix("\n"))
    return name, key_id.hex()


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


def _line(name: str, key_id: bytes, packed: bytes) -> str:
    return f"{_DASH}{name} {b64encode(key_id + packed).decode()}\n"


def _verified(text: str, vkey: Vkey, packed: bytes) -> Signature:
    """Return the signature of a known key. Raises NoteInvalid if it is false."""
    timestamp, signature, message = None, packed, text.encode()
    if vkey.kind in cosignatures.KINDS:
        timestamp, signature = cosignatures.unpack(packed)
        message = cosignatures.message(kind=vkey.kind, name=vkey.name, text=text, timestamp=timestamp)
    try:
        _public_key(vkey.kind, vkey.public).verify(signature, message)
    except InvalidSignature as error:
        raise NoteInvalid(f"invalid signature for key {vkey.name}+{vkey.key_id}") from error
    return Signature(vkey.name, vkey.key_id, signature, timestamp)


def _signer(private_key: str) -> tuple[str, bytes, bytes, Ed25519PrivateKey | MLDSA44PrivateKey]:
    if not private_key.startswith(_PRIVATE):
        raise NoteInvalid("not a private key string")
    name, key_id, kind, seed = _key_fields(private_key.removeprefix(_PRIVATE))
    key = _private_key(kind, seed)
    if key_id != _key_id(name, kind, key.public_key().public_bytes_raw()):
        raise NoteInvalid("the private key's ID does not belong to it")
    return name, key_id, kind, key


def _key_fields(text: str) -> tuple[str, bytes, bytes, bytes]:
    fields = text.split("+", 2)  # base64 may hold a plus sign, a name may not
    if len(fields) != 3 or not _is_name(fields[0]):
        raise NoteInvalid("not a key string")
    name, hex_id, encoded = fields
    key = _base64(encoded)
    if len(hex_id) != 8 or set(hex_id) - set("0123456789abcdef"):
        raise NoteInvalid("a key ID has 8 hexadecimal digits")
    if key[:1] not in _PUBLIC_BYTES:
        raise NoteInvalid("neither an Ed25519 nor an ML-DSA-44 key")
    return name, bytes.fromhex(hex_id), key[:1], key[1:]


def _private_key(kind: bytes, seed: bytes) -> Ed25519PrivateKey | MLDSA44PrivateKey:
    if kind not in _PUBLIC_BYTES or len(seed) != _SEED_BYTES:
        raise NoteInvalid("a private key is a known kind and 32 bytes")
    if kind == ML_DSA_44:
        return MLDSA44PrivateKey.from_seed_bytes(seed)
    return Ed25519PrivateKey.from_private_bytes(seed)


def _public_key(kind: bytes, public: bytes) -> Ed25519PublicKey | MLDSA44PublicKey:
    if kind == ML_DSA_44:
        return MLDSA44PublicKey.from_public_bytes(public)
    return Ed25519PublicKey.from_public_bytes(public)


def _key_id(name: str, kind: bytes, public: bytes) -> bytes:
    return sha256(name.encode() + b"\n" + kind + public).digest()[:4]


def _is_name(name: str) -> bool:
    if not name or "+" in name or any(character.isspace() or character < " " for character in name):
        return False
    return not any("\ud800" <= character <= "\udfff" for character in name)


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
