"""Reports made without a database, sound ones and all sorts of others, each with what the verifier must say.

One log of twelve entries, two keys of the log, three witnesses: two with Ed25519, one with ML-DSA-44.
Entry 8 commits to two fields, one opened and one erased; entry 10 tells of the erasure.
"""

import json
import os
import struct
import zipfile
from base64 import b64decode, b64encode
from contextlib import redirect_stderr, redirect_stdout
from dataclasses import dataclass, field
from datetime import UTC, datetime
from hashlib import sha256
from io import BytesIO, TextIOWrapper
from uuid import UUID

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.asymmetric.mldsa import MLDSA44PrivateKey

from ledger.domain import canonical, entry, merkle, notes, proofs

ORIGIN = "ledger.example/log"
AT = datetime(2026, 11, 23, 8, tzinfo=UTC)
TIME = 1_795_420_800
LOG, NEXT, STRANGE = (notes.new_key(ORIGIN, bytes([number]) * 32) for number in (1, 2, 3))
REPORTS, OTHER_REPORTS = (notes.new_key(f"{ORIGIN}/reports", bytes([number]) * 32) for number in (4, 5))
SALT, NAME = bytes(range(32)), {"name": "张三", "born": 1970}
SIZE, NUMBERS = 12, [0, 1, 2, 6, 8, 10]


class Witness:
    """A witness with its key: type 4 is Ed25519, type 6 is ML-DSA-44."""

    def __init__(self, name, kind, seed):
        self.name, self.kind = name, kind
        new = MLDSA44PrivateKey.from_seed_bytes if kind == 6 else Ed25519PrivateKey.from_private_bytes
        self.key = new(bytes([seed]) * 32)
        self.public = bytes([kind]) + self.key.public_key().public_bytes_raw()
        self.id = sha256(name.encode() + b"\n" + self.public).digest()[:4]
        self.vkey = f"{name}+{self.id.hex()}+{b64encode(self.public).decode()}"

    def line(self, text, time=TIME):
        """Cosign the text of a checkpoint; the form is that of C2SP tlog-cosignature."""
        origin, size, root, _ = text.split("\n")
        if self.kind == 6:
            message = (
                b"subtree/v1\n\0" + bytes([len(self.name)]) + self.name.encode() + struct.pack(">Q", time)
            )
            message += (
                bytes([len(origin)]) + origin.encode() + struct.pack(">QQ", 0, int(size)) + b64decode(root)
            )
        else:
            message = f"cosignature/v1\ntime {time}\n{text}".encode()
        return self.as_line(struct.pack(">Q", time) + self.key.sign(message))

    def as_line(self, signature):
        """Return the line of a note for whatever signature."""
        return f"\u2014 {self.name} {b64encode(self.id + signature).decode()}\n"


ONE, TWO = Witness("one.example", 4, 11), Witness("two.example", 6, 12)
THREE, HOUSE, UNKNOWN = (
    Witness("three.example", 4, 13),
    Witness(ORIGIN, 6, 14),
    Witness("four.example", 4, 15),
)


def document(number):
    """Return one entry of the log."""
    commitments = {}
    if number == 8:
        commitments = {"licensee": entry.commitment(SALT, NAME), "address": "ab" * 32, "phone": "cd" * 32}
    made = entry.document(
        kind="grant.issued",
        id=UUID(int=number),
        at=AT,
        actor="party:1",
        subject=f"asset:{number}",
        body={"n": number},
        commitments=commitments,
    )
    return {**made, "ledger": ORIGIN}


BYTES = [canonical.log_bytes(document(number)) for number in range(SIZE)]


def text_of(leaves, size, origin=ORIGIN):
    return f"{origin}\n{size}\n{b64encode(merkle.root(leaves[:size])).decode()}\n"


def log_line(text, key):
    return notes.sign(text, [key]).rpartition("\n\n")[2]


def note_of(text, keys=(LOG,), witnesses=(ONE, TWO), more=""):
    """Return the note of a checkpoint: lines of the log, then of witnesses, then whatever."""
    lines = [log_line(text, key) for key in keys] + [each.line(text) for each in witnesses]
    return text + "\n" + "".join(lines) + more


def report(
    *,
    data=BYTES,
    size=SIZE,
    numbers=NUMBERS,
    older=(5,),
    note=None,
    text=None,
    keys=(LOG,),
    witnesses=(ONE, TWO),
    more="",
    change=lambda manifest, files: None,
    list_key=REPORTS,
    named=LOG,
):
    """Return the files of a report with every hash, proof and signature right, but for what is asked for."""
    leaves = [merkle.leaf_hash(each) for each in data[:size]]
    text = text or text_of(leaves, size)
    note = note or note_of(text, keys, witnesses, more)
    files = {
        "report.json": b'{"fact":1}',
        "pages/report.html": "<p>事实</p>".encode(),
        "checkpoint": note.encode(),
    }
    files["facts.json"] = canonical.encode(
        {"sections": [{"title": "Grants", "facts": [{"a": 1, "entry": 6}, {"a": 2, "entry": None}]}]}
    )
    places, link = [], merkle.GENESIS
    for number, leaf in enumerate(leaves):
        prev, link = link, merkle.chain_hash(link, leaf)
        if number in numbers:
            files[f"entries/{number}.json"] = data[number]
            proof = proofs.text(index=number, path=merkle.inclusion_proof(leaves, number), note=note)
            files[f"proofs/{number}.tlog-proof"] = proof.encode()
            place = {"leaf_hash": leaf.hex(), "prev": prev.hex(), "chain_hash": link.hex()}
            places.append({"number": number, **place})
    for old in older:
        files[f"checkpoints/{old}"] = note_of(text_of(leaves, old), keys[:1], ()).encode()
        files[f"consistency/{old}-{size}"] = lines_of(merkle.consistency_proof(leaves, old))
    manifest = {
        "format": "wenshi-report/2",
        "origin": ORIGIN,
        "keys": {"log": notes.verifier_key(named), "report": notes.verifier_key(list_key)},
        "made_at": "2026-11-23T08:00:00.000000Z",
        "checkpoint": {"size": size, "root": merkle.root(leaves).hex()},
        "older": [{"size": old, "root": merkle.root(leaves[:old]).hex()} for old in older],
        "entries": places,
        "openings": [{"entry": 8, "field": "licensee", "salt": SALT.hex(), "value": NAME}],
        "erased": [{"entry": 8, "field": "address", "by": 10}],
    }
    change(manifest, files)
    return signed(manifest, files, list_key)


def signed(manifest, files, list_key=REPORTS):
    """Return the files with a list of them that is signed as it is, whether it is true or not."""
    if "files" not in manifest:
        manifest["files"] = {
            name: {"bytes": len(data), "sha256": sha256(data).hexdigest()} for name, data in files.items()
        }
    data = json.dumps(manifest, separators=(",", ":"), sort_keys=True).encode()
    return {**files, "manifest.json": data, "manifest.note": list_note(data, list_key).encode()}


def list_note(data, list_key=REPORTS):
    return notes.sign(f"{ORIGIN}/reports\n{sha256(data).hexdigest()}\n", [list_key])


def lines_of(hashes):
    return "".join(f"{b64encode(each).decode()}\n" for each in hashes).encode()


def policy(
    *,
    logs=(LOG,),
    witnesses=(ONE, TWO, THREE),
    groups="group two-of-three 2 one two three\n",
    quorum="two-of-three",
    reports=(REPORTS,),
    more="",
):
    """Return a policy; the witnesses are called one, two, three."""
    lines = [f"log {notes.verifier_key(key)} https://{ORIGIN}\n" for key in logs]
    names = ["one", "two", "three", "four"]
    lines += [f"witness {name} {each.vkey}\n" for name, each in zip(names, witnesses, strict=False)]
    lines += [f"#report {notes.verifier_key(key)}\n" for key in reports]
    return "# keys\n\n" + "".join(lines) + groups + f"quorum {quorum}\n" + more


def label(key):
    """Return the name and ID of a log's key, as a `#valid` line has them."""
    return notes.verifier_key(key).rpartition("+")[0]


@dataclass
class Case:
    """A report, what it is held against, and the verdict that must come."""

    name: str
    status: int
    said: str
    files: dict | bytes
    policy: str | None = field(default_factory=policy)
    held: tuple = ()
    ml_dsa: bool = True
    cryptography: bool = True
    more: tuple = ()

    @property
    def bytes(self):
        """How large the report is, and so how slow."""
        return len(self.files) if isinstance(self.files, bytes) else sum(map(len, self.files.values()))

    def place(self, folder):
        """Write everything down and return the arguments of the verifier."""
        folder.mkdir()
        target = folder / "report"
        if isinstance(self.files, bytes):
            target.write_bytes(self.files)
        else:
            place(target, self.files)
        arguments = [str(target)]
        if self.policy is not None:
            (folder / "policy").write_bytes(self.policy.encode("utf-8", "surrogateescape"))
            arguments += ["--policy", str(folder / "policy")]
        for number, note in enumerate(self.held):
            (folder / f"held-{number}").write_text(note)
            arguments += ["--checkpoint", str(folder / f"held-{number}")]
        return [*arguments, *self.more]

    def run(self, verifier, arguments):
        """Run the main function of a verifier; return its status and every line that it prints."""
        printed, ml_dsa_key, ed25519 = (
            TextIOWrapper(BytesIO()),
            verifier.ml_dsa_key,
            verifier.Ed25519PublicKey,
        )
        if not self.ml_dsa:
            verifier.ml_dsa_key = lambda public: None
        if not self.cryptography:
            verifier.Ed25519PublicKey = None
        try:
            with redirect_stdout(printed), redirect_stderr(TextIOWrapper(BytesIO())):
                status = verifier.main(arguments)
        finally:
            verifier.ml_dsa_key, verifier.Ed25519PublicKey = ml_dsa_key, ed25519
        printed.flush()
        return status, printed.buffer.getvalue().decode().splitlines()


def place(target, files):
    """Write the files of a report into a folder; a name that ends in @ becomes a link."""
    target.mkdir()
    for name, data in files.items():
        path = target / name.rstrip("@")
        path.parent.mkdir(parents=True, exist_ok=True)
        if name.endswith("@"):
            os.symlink(data, path)
        else:
            path.write_bytes(data)


def zipped(files, *, method=zipfile.ZIP_DEFLATED, adjust=lambda member: None, comment=b""):
    """Return a zip file as other programs make them."""
    held = BytesIO()
    with zipfile.ZipFile(held, "w", method) as archive:
        archive.comment = comment
        for name, data in files.items():
            member = zipfile.ZipInfo(name, (2026, 11, 23, 8, 0, 0))
            member.compress_type, member.create_system = method, 3
            adjust(member)
            archive.writestr(member, data)
    return held.getvalue()
