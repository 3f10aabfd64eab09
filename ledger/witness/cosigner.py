"""What a witness does with a request, without HTTP: check the log's signature and the proof, remember, cosign.

A request, each line ending in a newline:

    old <size>
    <consistency proof, base64>        none to 63 lines
    (empty line)
    <checkpoint, a signed note>
"""

import binascii
import fcntl
import os
import re
import secrets
import sys
import threading
from base64 import b64decode, b64encode
from dataclasses import dataclass
from pathlib import Path

from ledger import clock
from ledger.domain import checkpoint, merkle, notes
from ledger.domain.checkpoint import Checkpoint
from ledger.domain.cosignatures import ED25519_COSIGNATURE, ML_DSA_44
from ledger.domain.policy import Policy
from ledger.errors import LogNotSigned, LogUnknown, NoteInvalid, RequestMalformed, WitnessUnusable
from ledger.gateways.memory import Memory, sync_folder

MOST_HASHES = 63
_OLD = re.compile("old (0|[1-9][0-9]{0,18})")


@dataclass(frozen=True)
class Request:
    """A checkpoint to cosign, and the proof from the size that its sender believes was the last."""

    old_size: int
    proof: list[bytes]
    note: str
    head: Checkpoint

    @classmethod
    def read(cls, body: bytes) -> "Request":
        """Return what a body asks for. Raises RequestMalformed."""
        try:
            top, separator, note = body.decode().partition("\n\n")
            first, *hashes = top.split("\n")
            old = _OLD.fullmatch(first)
            if not separator or not old or len(hashes) > MOST_HASHES:
                raise RequestMalformed(f"not an old size, at most {MOST_HASHES} hashes and an empty line")
            head = checkpoint.read(notes.text_of(note))
            found = cls(int(old[1]), [_hash(line) for line in hashes], note, head)
        except (UnicodeDecodeError, NoteInvalid) as error:
            raise RequestMalformed(str(error)) from error
        if found.old_size > head.size:
            raise RequestMalformed(f"the old size {found.old_size} is above the checkpoint's {head.size}")
        return found


class Cosigner:
    """One witness: its folder, its keys, and the logs that it watches."""

    def __init__(self, state: Path, *, policy: Policy, name: str | None = None) -> None:
        """Take the folder for this process. Raises WitnessUnusable."""
        self.state, self.policy, self.turn = state, policy, threading.Lock()
        try:
            state.mkdir(mode=0o700, parents=True, exist_ok=True)
            self.hold = open(state / "lock", "a")  # noqa: SIM115 (held as long as the process lives)
            fcntl.flock(self.hold, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            raise WitnessUnusable(str(state), "another witness runs there") from error
        except OSError as error:
            raise WitnessUnusable(str(state), str(error.strerror)) from error
        self.keys = _own_keys(state, name)
        self.vkeys = [notes.verifier_key(key) for key in self.keys]
        self.name = self.vkeys[0].partition("+")[0]
        self.memory = Memory(state / "memory")

    def add_checkpoint(self, request: Request) -> str:
        """Return the cosignature lines, once the checkpoint is on disk.

        Raises LogUnknown, LogNotSigned, StaleSize, SecondRoot, NotConsistent, MemoryUnreadable.
        """
        head = request.head
        if not self.policy.knows(head.origin):
            raise LogUnknown(head.origin)
        try:
            notes.verify(request.note, self.policy.log_keys(origin=head.origin, size=head.size))
        except NoteInvalid as error:
            raise LogNotSigned(head.origin, error.reason) from error
        with self.turn:  # a cosignature says that this is the largest tree seen, as of its time
            self._keep_evidence(request)
            timestamp = int(clock.now().timestamp())
            self.memory.advance(
                origin=head.origin,
                size=head.size,
                root=head.root,
                proof=request.proof,
                old_size=request.old_size,
                note=request.note,
            )
            keys = [key for key in self.keys if not head.extensions or not _is_ml_dsa(key)]
            text = notes.text_of(request.note)
            return "".join(notes.cosign(text, key, timestamp=timestamp) for key in keys)

    def policy_lines(self, url: str) -> str:
        """Return the lines by which others name this witness in their policy."""
        short = re.sub("[^0-9A-Za-z.-]", "-", self.name)
        lines = [
            f"witness {short}-{'ml-dsa' if _is_ml_dsa(key) else 'ed25519'} {vkey} {url}"
            for key, vkey in zip(self.keys, self.vkeys, strict=True)
        ]
        return "\n".join(lines) + "\n"

    def page(self) -> str:
        """Return what this witness is and what it has seen, for people."""
        lines = [f"witness {self.name}", "", *self.vkeys, "", "logs and the last size seen:"]
        for origin in dict.fromkeys(log.vkey.partition("+")[0] for log in self.policy.logs):
            last = self.memory.last(origin)
            lines.append(f"{origin} {last[0] if last else '-'}")
        found = self.evidence()
        lines += ["", f"split views found: {len(found)}", *(f"evidence/{each.name}" for each in found)]
        return "\n".join(lines) + "\n"

    def evidence(self) -> list[Path]:
        """Return the folders that each hold two checkpoints of one size with different roots."""
        return sorted((self.state / "evidence").glob("[0-9]*-*"))

    def _keep_evidence(self, request: Request) -> None:
        """Keep both notes, whole and as they are, where a log has signed two roots for the size last seen."""
        head, first = request.head, self.memory.note(request.head.origin)
        last = self.memory.last(head.origin)
        if first is None or last is None or last[0] != head.size or last[1] == head.root:
            return
        folder = self.state / "evidence" / f"{head.size}-{last[1].hex()[:16]}-{head.root.hex()[:16]}"
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        for name, note in (("first", first), ("second", request.note)):
            with open(folder / name, "wb") as file:
                file.write(note.encode())
                file.flush()
                os.fsync(file.fileno())
        sync_folder(folder)
        print(f"SPLIT VIEW of {head.origin} at size {head.size}: {folder}", file=sys.stderr, flush=True)


def _hash(line: str) -> bytes:
    try:
        found = b64decode(line, validate=True)
    except (binascii.Error, ValueError) as error:
        raise RequestMalformed("a hash is not base64") from error
    if len(found) != merkle.HASH_SIZE or b64encode(found).decode() != line:
        raise RequestMalformed("a hash is not 32 bytes in base64")
    return found


def _own_keys(state: Path, name: str | None) -> list[str]:
    """Return the keys of this witness, made at its first start: first ML-DSA-44, then Ed25519."""
    path = state / "key"
    try:
        if not path.exists():
            _make_keys(path, name or f"witness.example/{secrets.token_hex(4)}")
        keys = path.read_text().split()
        names = {notes.verifier_key(key).partition("+")[0] for key in keys}
    except (OSError, ValueError) as error:
        raise WitnessUnusable(str(path), f"the key cannot be read or made: {error}") from error
    if len(keys) != 2 or len(names) != 1 or not _is_ml_dsa(keys[0]):
        raise WitnessUnusable(str(path), "it does not hold an ML-DSA-44 and an Ed25519 key of one name")
    if name and names != {name}:
        raise WitnessUnusable(str(path), f"its key is named {names.pop()}")
    return keys


def _make_keys(path: Path, name: str) -> None:
    kinds = (ML_DSA_44, ED25519_COSIGNATURE)
    text = "".join(f"{notes.new_key(name, secrets.token_bytes(32), kind=kind)}\n" for kind in kinds)
    draft = path.with_suffix(".draft")
    with open(os.open(draft, os.O_CREAT | os.O_WRONLY | os.O_TRUNC, 0o600), "w") as file:
        file.write(text)
        file.flush()
        os.fsync(file.fileno())
    os.replace(draft, path)
    sync_folder(path.parent)


def _is_ml_dsa(key: str) -> bool:
    return notes.read_vkey(notes.verifier_key(key)).kind == ML_DSA_44
