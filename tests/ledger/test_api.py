"""The log over HTTP: anybody reads all of it, and what is not there yet says so."""

from base64 import b64decode

import pytest
from django.test import Client

from ledger import queries
from ledger.actions import sequencer
from ledger.domain import merkle, notes
from tests.ledger.conftest import append, fill

pytestmark = [pytest.mark.django_db, pytest.mark.urls("ledger.api.urls")]


def get(path, status=200):
    answer = Client().get(path)
    assert answer.status_code == status, answer.content
    return answer.json() if "json" in answer["Content-Type"] else answer.content.decode()


def test_an_entry_comes_with_its_bytes_and_a_proof_that_verifies():
    fill(11)
    entry = get("/entries/7/")
    data = b64decode(entry["canonical"])
    proof = entry["proof"]
    assert entry["document"]["body"] == {"n": 7}
    assert entry["state"] == "signed"
    assert merkle.leaf_hash(data).hex() == entry["leaf_hash"] == proof["leaf_hash"]
    assert merkle.verify_inclusion(
        leaf_hash=merkle.leaf_hash(data),
        index=7,
        size=proof["size"],
        proof=[bytes.fromhex(each) for each in proof["path"]],
        root=bytes.fromhex(entry["checkpoint"]["root"]),
    )
    assert notes.verify(proof["note"], [queries.keys().log_vkey])


def test_a_proof_under_an_older_checkpoint_is_given_when_asked_for():
    fill(11, signed_every=4)
    assert get("/entries/2/proof/")["size"] == 11
    older = get("/entries/2/proof/?size=4")
    assert older["size"] == 4
    assert older["text"].startswith("c2sp.org/tlog-proof@v1\nindex 2\n")
    assert older["text"].endswith(older["note"])


def test_an_entry_that_is_not_signed_yet_says_so(now):
    fill(1)
    intent = append(1)
    assert get(f"/intents/{intent}/")["state"] == "pending"
    assert get(f"/intents/{intent}/")["number"] is None
    sequencer.run(now=now)
    assert get(f"/intents/{intent}/") | {"leaf_hash": ""} == {
        "id": intent,
        "state": "sequenced",
        "number": 1,
        "leaf_hash": "",
    }
    entry = get("/entries/1/")
    assert (entry["state"], entry["proof"], entry["checkpoint"]) == ("sequenced", None, None)


def test_the_list_goes_on_where_the_page_before_it_ended():
    fill(7)
    first = get("/entries/?limit=3")
    second = get(f"/entries/?limit=4&after={first['next_after']}")
    assert [entry["number"] for entry in first["entries"] + second["entries"]] == list(range(7))
    assert get("/entries/?after=6") == {"size": 7, "next_after": None, "entries": []}


def test_the_checkpoint_is_the_signed_note_itself():
    fill(5, signed_every=4)
    assert get("/checkpoint") == queries.latest_checkpoint().note
    assert get("/checkpoint?size=4") == queries.checkpoint_at(4).note
    for accepted in ("text/plain", "*/*", "application/json"):
        assert Client().get("/checkpoint", headers={"Accept": accepted}).status_code == 200


@pytest.mark.parametrize(
    "path",
    [
        "/entries/?limit=0",
        "/entries/?limit=501",
        "/entries/?after=x",
        "/entries/?after=99999999999999999999",
        "/entries/1/proof/?size=x",
        "/entries/1/proof/?size=0",
    ],
)
def test_a_question_that_makes_no_sense_is_refused(path):
    fill(2)
    get(path, 400)


@pytest.mark.parametrize(
    "path", ["/entries/2/", "/entries/2/proof/", "/entries/1/proof/?size=9", "/intents/0/"]
)
def test_what_is_not_in_the_log_is_not_found(path):
    fill(2)
    get(path, 404)


def test_a_log_without_a_checkpoint_has_none_to_show():
    get("/checkpoint", 404)


@pytest.mark.parametrize("path", ["/entries/007/", "/entries/-1/", "/entries/9999999999999999999999/"])
def test_a_number_has_one_spelling(path):
    assert Client().get(path).status_code == 404
