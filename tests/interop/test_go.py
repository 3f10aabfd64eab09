"""A log of ours is read by Go's own client of its module database, and a log that Go wrote by ours."""

import re
from base64 import b64decode
from dataclasses import dataclass
from pathlib import Path

import pytest

from ledger import verifier
from ledger.domain import canonical, checkpoint, merkle, notes
from ledger.errors import NoteInvalid
from tests.interop.conftest import serving
from tests.interop.tile_writer import spelled, split, write_log

ORIGIN = "museum.example/log"
KEY = notes.new_key(ORIGIN, bytes(range(32)))


@dataclass(frozen=True)
class Log:
    """A log in a folder, and what must be found there."""

    folder: Path
    vkey: str
    entries: list[bytes]


@pytest.fixture
def log_folder(tmp_path):
    """Return a function that makes a log of so many entries."""

    def make(size):
        entries = [canonical.log_bytes({"kind": "grant.issued", "n": n, "名": "文"}) for n in range(size)]
        write_log(tmp_path / "log", origin=ORIGIN, private_key=KEY, entries=entries)
        return Log(tmp_path / "log", notes.verifier_key(KEY), entries)

    return make


@pytest.mark.parametrize(
    "size",
    [
        1,
        2,
        255,
        256,
        257,
        600,
        *(pytest.param(n, marks=pytest.mark.nightly) for n in (65_536, 65_537, 300_000)),
    ],
)
def test_the_client_of_go_reads_our_log_from_end_to_end(go, log_folder, size):
    log, old = log_folder(size), size // 2 + 1
    indexes = sorted({0, size // 3, size - 1})
    leaves = [merkle.leaf_hash(entry) for entry in log.entries]
    with serving(log.folder) as url:
        content, found = go("read", url, log.vkey, old, *indexes)
    assert content, found
    assert (found["origin"], found["signed"]) == (ORIGIN, [ORIGIN])
    assert found["size"] == found["entries"] == size
    assert b64decode(found["root"]) == merkle.root(leaves)
    assert b64decode(found["old_root"]) == merkle.root(leaves[:old])
    assert hashes(found["grown"]) == merkle.consistency_proof(leaves, old)
    for index in indexes:
        assert hashes(found["proofs"][str(index)]) == merkle.inclusion_proof(leaves, index)


@pytest.mark.parametrize(
    ("name", "complaint"),
    [
        ("checkpoint", "invalid signature for key museum.example/log"),
        ("tile/0/000", "inconsistent tile|entry 0 is not the leaf"),  # the latter by an x/mod before 0.40
        ("tile/0/002.p/88", "inconsistent tile"),
        ("tile/1/000.p/2", "inconsistent tile"),
        ("tile/entries/001", "entry 256 is not the leaf"),
        ("tile/entries/002.p/88", "entry 512 is not the leaf"),
    ],
)
def test_the_client_of_go_refuses_a_log_in_which_one_byte_is_another(go, log_folder, name, complaint):
    log = log_folder(600)
    path = log.folder / name
    data = bytearray(path.read_bytes())
    data[5] ^= 1
    path.write_bytes(data)
    with serving(log.folder) as url:
        content, found = go("read", url, log.vkey, 301, 0, 599)
    assert not content
    assert re.search(complaint, found["error"])


def test_the_client_of_go_refuses_an_entry_that_is_another_in_its_bundle_and_in_its_tile(go, log_folder):
    log = log_folder(600)
    changed = log.entries[0].replace(b"issued", b"Issued")
    for name, old, new in [
        ("tile/entries/000", log.entries[0], changed),
        ("tile/0/000", merkle.leaf_hash(log.entries[0]), merkle.leaf_hash(changed)),
    ]:
        path = log.folder / name
        path.write_bytes(path.read_bytes().replace(old, new, 1))
    with serving(log.folder) as url:
        content, found = go("read", url, log.vkey, 301, 599)
    assert not content
    assert re.search("inconsistent tile|not to the signed root", found["error"])


def test_the_client_of_go_refuses_a_log_that_another_key_has_signed(go, log_folder):
    log, other = log_folder(3), notes.verifier_key(notes.new_key(ORIGIN, bytes(32)))
    with serving(log.folder) as url:
        assert go("read", url, other, 1, 0)[1]["error"] == "note has no verifiable signatures"


# The other direction --------------------------------------------------------------------------------------


@pytest.mark.parametrize("size", [1, 255, 256, 257, 600, 65_537])
def test_a_log_that_go_has_written_verifies(go, tmp_path, size):
    content, made = go("write", tmp_path, "example.com/go", size)
    assert content, made
    note = notes.verify((tmp_path / "checkpoint").read_text(), [made["key"]])
    assert checkpoint.parse(note.text, origin="example.com/go") == (size, b64decode(made["root"]))
    leaves = [merkle.leaf_hash(entry) for entry in read_entries(tmp_path, size)]
    root = merkle.root(leaves)
    assert merkle.Frontier().extend(leaves).root() == root == b64decode(made["root"])
    for number, tile in enumerate(split(leaves)):
        assert (tmp_path / "tile/0" / spelled(number, len(tile))).read_bytes() == b"".join(tile)
    for index, proof in made["proofs"].items():
        place = {"leaf_hash": leaves[int(index)], "index": int(index), "size": size, "root": root}
        assert merkle.verify_inclusion(**place, proof=hashes(proof))
        assert verifier.root_from_path("go", place["leaf_hash"], int(index), size, hashes(proof)) == root
    assert merkle.verify_consistency(
        old_size=size // 2 + 1,
        new_size=size,
        old_root=b64decode(made["old_root"]),
        new_root=root,
        proof=hashes(made["grown"]),
    )


def test_a_checkpoint_that_go_has_signed_fails_once_it_is_changed(go, tmp_path):
    _, made = go("write", tmp_path, "example.com/go", 5)
    note = (tmp_path / "checkpoint").read_text()
    assert verifier.verified_text("go", note.encode(), made["key"]) == notes.verify(note, [made["key"]]).text
    changed = note.replace("\n5\n", "\n6\n")
    with pytest.raises(NoteInvalid):
        notes.verify(changed, [made["key"]])
    with pytest.raises(verifier.Invalid):
        verifier.verified_text("go", changed.encode(), made["key"])


def read_entries(folder, size):
    """Return the entries of a log in a folder, bundle by bundle."""
    entries = []
    for number, bundle in enumerate(split(range(size))):
        data = (folder / "tile/entries" / spelled(number, len(bundle))).read_bytes()
        while data:
            end = 2 + int.from_bytes(data[:2], "big")
            entries.append(data[2:end])
            data = data[end:]
    assert len(entries) == size
    return entries


def hashes(proof):
    """Return the hashes of a proof that Go has printed."""
    return [b64decode(each) for each in proof or []]
