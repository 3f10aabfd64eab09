"""A log of ours is read by Go's own client of its module database, and a log that Go wrote by ours."""

import re
from base64 import b64decode, b64encode
from dataclasses import dataclass
from pathlib import Path

import pytest
from django.conf import settings

from ledger import queries, verifier
from ledger.actions import checkpoints, tiles
from ledger.domain import canonical, checkpoint, merkle, notes, proofs
from ledger.errors import NoteInvalid
from ledger.gateways import storage
from ledger.gateways.tiles import Tree
from tests.interop.conftest import serving_folder, serving_site
from tests.ledger.conftest import fill, leaf_hashes


@dataclass(frozen=True)
class Log:
    """A log of ours in a folder, and what is in it."""

    folder: Path
    vkey: str
    entries: list[bytes]

    @property
    def leaves(self):
        return [merkle.leaf_hash(entry) for entry in self.entries]


@pytest.fixture
def written(log_folder):
    """Return a function that writes the files of so many entries, without the database."""

    def write(size):
        entries = [canonical.log_bytes({"kind": "grant.issued", "n": n, "名": "文"}) for n in range(size)]
        log = Log(log_folder, queries.keys().log_vkey, entries)
        tiles.write(old_size=0, entries=entries, leaf_hashes=log.leaves)
        storage.replace("checkpoint", checkpoints.note(size, merkle.root(log.leaves)).encode())
        return log

    return write


@pytest.mark.django_db
@pytest.mark.parametrize("serve", ["the folder", "the site"])
def test_the_client_of_go_reads_a_log_that_grew_in_the_database_and_agrees_on_every_proof(
    go, log_folder, serve, django_db_blocker
):
    fill(520, signed_every=130)
    leaves, indexes = leaf_hashes(520), (0, 255, 256, 389, 519)
    server = serving_folder(log_folder) if serve == "the folder" else serving_site()
    with server as url, django_db_blocker.block():  # whoever asks the database now fails, in any thread
        content, found = go("read", url, queries.keys().log_vkey, 390, *indexes)
    assert content, found
    assert_found(found, leaves, 390, indexes)
    earlier = notes.verify(storage.read("checkpoints/390").decode(), [queries.keys().log_vkey])
    assert checkpoint.parse(earlier.text, origin=found["origin"]) == (390, b64decode(found["old_root"]))


@pytest.mark.django_db
def test_the_proofs_that_we_serve_are_those_that_go_computes_from_our_tiles(go, log_folder, client):
    fill(300)
    note = storage.read("checkpoint").decode()
    with serving_site() as url:
        content, found = go("read", url, queries.keys().log_vkey, 1, 0, 7, 299)
    assert content, found
    for index in (0, 7, 299):
        text = proofs.text(index=index, path=hashes(found["proofs"][str(index)]), note=note)
        assert client.get(f"/ledger/log/proof/300/{index}").content.decode() == text


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
def test_the_client_of_go_reads_a_log_of_any_size_from_end_to_end(go, written, size):
    log, indexes = written(size), sorted({0, size // 3, size - 1})
    with serving_folder(log.folder) as url:
        content, found = go("read", url, log.vkey, size // 2 + 1, *indexes)
    assert content, found
    assert_found(found, log.leaves, size // 2 + 1, indexes)


@pytest.mark.parametrize(
    ("name", "complaint"),
    [
        ("checkpoint", "invalid signature for key wenshi.example/log"),
        ("tile/0/000", "inconsistent tile|entry 0 is not the leaf"),  # the latter by an x/mod before 0.40
        ("tile/0/002.p/88", "inconsistent tile"),
        ("tile/1/000.p/2", "inconsistent tile"),
        ("tile/entries/001", "entry 256 is not the leaf"),
        ("tile/entries/002.p/88", "entry 512 is not the leaf"),
    ],
)
def test_the_client_of_go_refuses_a_log_in_which_one_byte_is_another(go, written, name, complaint):
    log = written(600)
    path = log.folder / name
    data = bytearray(path.read_bytes())
    data[5] ^= 1
    path.write_bytes(data)
    with serving_folder(log.folder) as url:
        content, found = go("read", url, log.vkey, 301, 0, 599)
    assert not content
    assert re.search(complaint, found["error"])


def test_the_client_of_go_refuses_an_entry_that_is_another_in_its_bundle_and_in_its_tile(go, written):
    log = written(600)
    changed = log.entries[0].replace(b"issued", b"Issued")
    for name, old, new in [
        ("tile/entries/000", log.entries[0], changed),
        ("tile/0/000", log.leaves[0], merkle.leaf_hash(changed)),
    ]:
        path = log.folder / name
        path.write_bytes(path.read_bytes().replace(old, new, 1))
    with serving_folder(log.folder) as url:
        content, found = go("read", url, log.vkey, 301, 599)
    assert not content
    assert re.search("inconsistent tile|not to the signed root", found["error"])


def test_the_client_of_go_refuses_a_log_that_another_key_has_signed(go, written):
    log, other = written(3), notes.verifier_key(notes.new_key(settings.LEDGER_ORIGIN, bytes(32)))
    with serving_folder(log.folder) as url:
        assert go("read", url, other, 1, 0)[1]["error"] == "note has no verifiable signatures"


def test_the_client_of_go_leaves_a_cosignature_aside_that_it_does_not_know(go, written):
    log = written(3)
    line = b64encode(bytes(4 + 8 + 2420)).decode()  # C2SP tlog-cosignature: key ID, time, ML-DSA-44
    with open(log.folder / "checkpoint", "a") as note:
        note.write(f"— {settings.LEDGER_ORIGIN} {line}\n")
    with serving_folder(log.folder) as url:
        content, found = go("read", url, log.vkey, 2, 0)
    assert content, found
    assert_found(found, log.leaves, 2, [0])


# The other direction --------------------------------------------------------------------------------------


@pytest.mark.parametrize("size", [1, 255, 256, 257, 600, 65_537])
def test_a_log_that_go_has_written_verifies(go, log_folder, size):
    content, made = go("write", log_folder, "example.com/go", size)
    assert content, made
    note = notes.verify(storage.read("checkpoint").decode(), [made["key"]])
    assert checkpoint.parse(note.text, origin="example.com/go") == (size, b64decode(made["root"]))
    tree, root, old = Tree(size, fresh=True), b64decode(made["root"]), size // 2 + 1
    assert tree.root() == root
    for index, proof in made["proofs"].items():
        leaf = merkle.leaf_hash(tree.entry(int(index)))
        assert tree.inclusion(int(index)) == hashes(proof)
        assert merkle.verify_inclusion(
            leaf_hash=leaf, index=int(index), size=size, proof=hashes(proof), root=root
        )
        assert verifier.root_from_path("go", leaf, int(index), size, hashes(proof)) == root
    assert tree.consistency(old) == hashes(made["grown"])
    sizes = {"old_size": old, "new_size": size, "old_root": b64decode(made["old_root"]), "new_root": root}
    assert merkle.verify_consistency(**sizes, proof=hashes(made["grown"]))


def test_every_entry_of_a_log_that_go_has_written_is_its_leaf(go, log_folder):
    _, made = go("write", log_folder, "example.com/go", 300)
    leaves = [merkle.leaf_hash(Tree(300).entry(index)) for index in range(300)]
    assert merkle.root(leaves) == b64decode(made["root"])


def test_a_checkpoint_that_go_has_signed_fails_once_it_is_changed(go, log_folder):
    _, made = go("write", log_folder, "example.com/go", 5)
    note = storage.read("checkpoint").decode()
    assert by_the_verifier(note, made["key"]) and notes.verify(note, [made["key"]])
    changed = note.replace("\n5\n", "\n6\n")
    with pytest.raises(NoteInvalid):
        notes.verify(changed, [made["key"]])
    assert not by_the_verifier(changed, made["key"])


def by_the_verifier(note, vkey):
    """Tell whether the second implementation takes the note's only signature for one by the key."""
    point, key = verifier.Checkpoint("go", note.encode()), verifier.Key("go", vkey, [verifier.ED25519])
    [(name, key_id, signature)] = point.lines
    return (name, key_id) == (key.name, key.id) and key.verifies(signature, point.text)


def assert_found(found, leaves, old_size, indexes):
    """See that Go found the log to be what it is."""
    assert found["origin"] == settings.LEDGER_ORIGIN
    assert found["signed"] == [settings.LEDGER_ORIGIN]
    assert found["size"] == found["entries"] == len(leaves)
    assert b64decode(found["root"]) == merkle.root(leaves)
    assert b64decode(found["old_root"]) == merkle.root(leaves[:old_size])
    assert hashes(found["grown"]) == merkle.consistency_proof(leaves, old_size)
    for index in indexes:
        assert hashes(found["proofs"][str(index)]) == merkle.inclusion_proof(leaves, index)


def hashes(proof):
    """Return the hashes of a proof that Go has printed."""
    return [b64decode(each) for each in proof or []]
