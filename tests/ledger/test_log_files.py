"""The log as files: what is served is what was signed, cached for as long as it holds, and needs no database."""

from base64 import b64decode

import pytest
from django.db import connection

from ledger import queries
from ledger.actions import checkpoints, publications, sequencer
from ledger.domain import merkle, notes, tiles
from ledger.errors import FileContradicts, SecondRoot
from ledger.gateways import storage
from ledger.gateways import tiles as reading
from ledger.models import Checkpoint, Publication
from tests.ledger.conftest import append, fill, leaf_hashes


@pytest.mark.django_db
@pytest.mark.parametrize("size", [1, 255, 256, 257, 300, 513])
def test_the_files_of_a_log_are_those_of_the_specification(size):
    fill(size, signed_every=100)
    leaves = leaf_hashes(size)
    for place in tiles.edge(size):
        whole = 256**place.level
        first = place.index * 256
        expected = [
            merkle.root(leaves[at * whole : (at + 1) * whole]) for at in range(first, first + place.width)
        ]
        assert tiles.hashes(storage.read(place.path), place.width) == expected
    read = [
        data
        for place in tiles.grown("entries", 0, size)
        for data in tiles.unbundle(storage.read(place.path), place.width)
    ]
    assert [merkle.leaf_hash(data) for data in read] == leaves
    assert reading.Tree(size).root() == merkle.root(leaves)


@pytest.mark.parametrize(
    ("index", "path"), [(0, "000"), (67, "067"), (1000, "x001/000"), (1234067, "x001/x234/067")]
)
def test_an_index_is_written_in_groups_of_three_digits(index, path):
    assert tiles.Place(3, index, 5).path == f"tile/3/{path}.p/5"
    assert tiles.Place("entries", index).path == f"tile/entries/{path}"


def test_a_tree_of_seventy_thousand_has_the_tiles_of_the_specifications_example():
    assert [(each.level, each.index, each.width) for each in tiles.edge(70_000)] == [
        (0, 273, 112),
        (1, 1, 17),
        (2, 0, 1),
    ]
    assert [(each.level, each.width) for each in tiles.edge(256)] == [(0, 256), (1, 1)]


@pytest.mark.django_db
def test_partial_files_are_tidied_away_once_the_full_one_stands_and_are_still_served(client):
    fill(300, signed_every=100)
    assert storage.read("tile/0/000.p/200") is None
    assert client.get("/ledger/log/tile/0/000.p/200").content == storage.read("tile/0/000")[: 200 * 32]
    assert len(tiles.unbundle(client.get("/ledger/log/tile/entries/000.p/200").content, 200)) == 200
    assert queries.proof(7, 200).path == merkle.inclusion_proof(leaf_hashes(200), 7)


@pytest.mark.django_db
def test_what_never_changes_may_be_kept_and_what_changes_may_not(client):
    fill(3)
    for name in ("tile/0/000.p/3", "tile/entries/000.p/3", "checkpoints/3", "proof/3/0"):
        answer = client.get(f"/ledger/log/{name}")
        assert answer.status_code == 200, name
        assert "immutable" in answer["Cache-Control"]
        assert "Set-Cookie" not in answer
    answer = client.get("/ledger/log/checkpoint")
    assert answer["Cache-Control"] == "public, max-age=1, must-revalidate"
    assert answer["Content-Type"] == "text/plain; charset=utf-8"
    assert client.get("/ledger/log/tile/0/000.p/3")["Content-Type"] == "application/octet-stream"


@pytest.mark.django_db
def test_a_proof_is_text_that_ends_in_the_published_note(client):
    fill(5)
    head, _, note = client.get("/ledger/log/proof/5/2").content.decode().partition("\n\n")
    lines = head.split("\n")
    assert lines[:2] == ["c2sp.org/tlog-proof@v1", "index 2"]
    assert merkle.verify_inclusion(
        leaf_hash=leaf_hashes(5)[2],
        index=2,
        size=5,
        proof=[b64decode(line) for line in lines[2:]],
        root=merkle.root(leaf_hashes(5)),
    )
    assert notes.verify(note, [queries.keys().log_vkey])


@pytest.mark.django_db
@pytest.mark.parametrize(
    "name",
    [
        "checkpoints/4",
        "proof/4/0",
        "proof/5/5",
        "proof/05/1",
        "tile/0/001",
        "tile/0/000",
        "tile/0/000.p/6",
        "tile/0/000.p/0",
        "tile/0/000.p/256",
        "tile/0/x000/000",
        "tile/64/000",
        "tile/00/000",
        "tile/../checkpoint",
        "tile/entries/0",
        "anything",
    ],
)
def test_what_is_not_in_the_log_is_a_plain_404_that_nobody_keeps(client, name):
    fill(5)
    answer = client.get(f"/ledger/log/{name}")
    assert answer.status_code == 404
    if name != "anything" and ".." not in name and "05" not in name:
        assert answer["Content-Type"] == "text/plain; charset=utf-8"
        assert answer["Cache-Control"] == "no-store"


@pytest.mark.django_db
def test_the_files_are_served_without_asking_the_database(client, django_assert_num_queries):
    fill(9)
    names = ("checkpoint", "checkpoints/9", "tile/0/000.p/9", "tile/entries/000.p/9", "proof/9/4")
    with django_assert_num_queries(0):
        assert [client.get(f"/ledger/log/{name}").status_code for name in names] == [200] * 5
        assert client.get("/ledger/log/tile/0/009").status_code == 404


@pytest.mark.django_db
def test_nothing_is_signed_over_a_file_that_holds_something_else(now):
    fill(5)
    append(5)
    storage.replace("tile/0/000.p/5", bytes(160))
    with pytest.raises(SecondRoot):
        sequencer.catch_up(now=now)
    storage.replace("tile/0/000.p/5", b"".join(leaf_hashes(5)))
    storage.put("tile/0/000.p/6", bytes(192))
    with pytest.raises(FileContradicts):
        sequencer.catch_up(now=now)
    assert Checkpoint.objects.count() == 1


@pytest.mark.django_db
def test_files_that_were_lost_are_written_again_before_anything_is_signed(now):
    fill(300)
    for name in ("tile/0/000", "tile/0/001.p/44", "tile/1/000.p/1", "tile/entries/001.p/44"):
        storage.files().delete(name)
    append(300)
    assert sequencer.catch_up(now=now).size == 301
    assert reading.Tree(301, fresh=True).root() == merkle.root(leaf_hashes(301))
    assert storage.read("tile/0/000") == b"".join(leaf_hashes(301)[:256])


@pytest.mark.django_db
def test_a_log_from_before_there_were_files_gets_them(now, settings):
    fill(3)
    with connection.cursor() as cursor:
        cursor.execute("SELECT count(*) FROM ledger_publication")
    settings.STORAGES = {**settings.STORAGES}  # another storage, and an empty one
    reading.forget()
    assert storage.read("checkpoint") is None
    publications.publish(now=now)
    assert storage.read("checkpoint") == Publication.objects.get().note.encode()
    checkpoints.see_files(Checkpoint.objects.get())
    assert reading.Tree(3, fresh=True).root() == merkle.root(leaf_hashes(3))
