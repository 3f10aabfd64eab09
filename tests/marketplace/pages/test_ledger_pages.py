"""The ledger as pages, in both languages: filters, entries that wait, signatures, anchors, comparisons."""

import json
import re
from datetime import UTC, timedelta
from hashlib import sha256
from pathlib import Path
from uuid import uuid4

import pytest
from django.db import connection
from django.urls import reverse

from ledger import queries as ledger
from ledger import verifier
from ledger.actions import checkpoints, log, projections, publications, sequencer
from ledger.clock import now
from ledger.domain import entry, merkle
from ledger.errors import FileMissing
from ledger.models import Anchor, AnchorContract, Checkpoint, Inspection, Publication
from marketplace.views import path_drawing, proof_words, sentences

pytestmark = pytest.mark.usefixtures("catalogue")
LANGUAGES = ["zh-hans", "en"]


def append(subject: str = "ark:99999/w5test", kind: str = "asset.registered") -> None:
    document = entry.document(kind=kind, id=uuid4(), at=now(), actor="test", subject=subject)
    log.append(document=document, idempotency_key=str(uuid4()), now=now())


def page(client, address: str) -> str:
    response = client.get(address)
    assert response.status_code == 200, address
    return response.content.decode()


def numbers(text: str) -> list[int]:
    return [int(number.replace(",", "")) for number in re.findall(r">#([0-9,]+)</a></th>", text)]


@pytest.fixture
def grown():
    """Let the log grow beyond its checkpoint, and be signed and published again."""
    older = ledger.latest_checkpoint().size
    append()
    sequencer.catch_up(now=now())
    if ledger.latest_checkpoint().size == older:
        publications.publish(now=now())
    return older, ledger.latest_checkpoint().size


def test_the_newest_entries_come_first_and_have_permalinks(client):
    text = page(client, "/en/ledger/")
    size = ledger.size()
    assert numbers(text) == list(range(size - 1, max(-1, size - 51), -1))
    assert reverse("ledger-entry", args=[size - 1]).removeprefix("/en") in text


@pytest.mark.parametrize("language", LANGUAGES)
def test_a_kind_leaves_its_entries_and_no_other(client, language):
    text = page(client, f"/{language}/ledger/?kind=version.published")
    found = numbers(text)
    assert found == sorted(found, reverse=True)
    kinds = {number: ledger.entry(number).document["kind"] for number in range(ledger.size())}
    assert found == sorted((n for n, kind in kinds.items() if kind == "version.published"), reverse=True)[:50]
    assert 'value="version.published" selected' in text


def test_a_subject_is_found_from_its_first_characters(client):
    subject = ledger.entry(0).document["subject"]
    expected = [
        n for n in range(ledger.size()) if ledger.entry(n).document["subject"].startswith(subject[:-1])
    ]
    assert numbers(page(client, f"/en/ledger/?q={subject[:-1]}")) == expected[::-1]
    assert numbers(page(client, f"/en/ledger/?q={subject[1:]}")) == []
    assert numbers(page(client, "/en/ledger/?q=%25")) == []


def test_days_and_numbers_filter_and_a_wrong_one_is_told(client):
    recorded = ledger.entry(0).sequenced_at.astimezone(UTC).date()
    before = recorded - timedelta(days=1)
    assert 0 in numbers(page(client, f"/en/ledger/?from={recorded}&to={recorded}&number=0"))
    assert numbers(page(client, f"/en/ledger/?to={before}")) == []
    assert numbers(page(client, "/en/ledger/?number=%231")) == [1]
    text = page(client, "/en/ledger/?from=yesterday")
    assert "is no day" in text
    assert "No entry fits" not in text
    assert "is no number of an entry" in page(client, "/en/ledger/?number=three")


def test_older_entries_keep_the_filter(client, monkeypatch):
    monkeypatch.setattr("marketplace.views.ledger.PER_PAGE", 2)
    first = page(client, "/en/ledger/?kind=version.published")
    link = re.search(r'href="(\?[^"]+)">Older entries', first)[1].replace("&amp;", "&")
    second = page(client, f"/en/ledger/{link}")
    assert "kind=version.published" in link
    assert numbers(second)
    assert max(numbers(second)) < min(numbers(first))


@pytest.mark.parametrize("language", LANGUAGES)
def test_nothing_found_says_what_a_subject_is(client, language):
    text = page(client, f"/{language}/ledger/?q=ark:none")
    assert 'class="empty"' in text
    assert "ark:…" in text


def test_bytes_that_are_no_json_are_found_by_nothing_and_stop_nothing():
    for data in (b"\xff\xfe", b"no json", b"[1]", b"[" * 60_000, b'{"kind":"x"}'):
        assert projections.said(data) == {"kind": "", "subject": ""}
    long = json.dumps({"kind": "\0", "subject": "x" * 9000}).encode()
    assert projections.said(long) == {"kind": "", "subject": "x" * 200}


def test_the_filters_stand_on_indexes():
    with connection.cursor() as cursor:
        cursor.execute("SET LOCAL enable_seqscan = off")
        for member, where in (("kind", "= 'grant.issued'"), ("subject", "LIKE 'ark:99999/%%'")):
            cursor.execute(f"EXPLAIN SELECT entry_id FROM ledger_projection WHERE {member} {where}", [])
            assert f"projection_{member}" in "\n".join(line for (line,) in cursor.fetchall())


@pytest.mark.parametrize("language", LANGUAGES)
def test_what_waits_for_its_number_has_a_page_that_looks_again(client, language):
    size = ledger.size()
    append()
    text = page(client, f"/{language}/ledger/entries/{size}/")
    assert 'hx-trigger="every 2s"' in text
    assert f'href="/{language}/ledger/entries/{size}/"' in text
    assert client.get(f"/{language}/ledger/entries/{size + 1}/").status_code == 404
    assert 'hx-trigger="every 2s"' in page(client, f"/{language}/ledger/")


def test_an_entry_that_is_not_signed_says_so_and_has_no_proof_yet(client):
    size = ledger.size()
    append()
    sequencer.run(now=now())
    text = page(client, f"/en/ledger/entries/{size}/")
    assert "Waiting for the next checkpoint" in text
    assert "it can be read, but not proved" in text
    assert "Download the proof" not in text
    checkpoints.sign(now=now())
    publications.publish(now=now())
    text = page(client, f"/en/ledger/entries/{size}/")
    assert "Download the proof" in text
    assert "every 2s" not in text


def test_an_entry_names_who_signed_with_which_kind_of_key(client):
    text = page(client, "/en/ledger/entries/3/")
    assert "Ed25519, by the log" in text
    assert "ML-DSA-44, post-quantum" in text
    assert 'class="fail"' not in text
    assert "Not anchored yet" in text


def test_the_bytes_and_the_proof_can_be_taken_along(client):
    found = ledger.entry(3)
    raw = client.get("/ledger/entries/3.json")
    assert raw.content == found.canonical
    assert "attachment" in raw["Content-Disposition"]
    size = ledger.latest_checkpoint().size
    assert f"/ledger/log/proof/{size}/3" in page(client, "/en/ledger/entries/3/")
    assert client.get("/ledger/entries/999999.json").status_code == 404


def test_a_signature_that_is_not_the_keys_fails_by_name(client):
    signed = ledger.latest_checkpoint()
    lines = signed.note.split("\n")
    lines[4] = lines[4][:-4] + ("AAA=" if lines[4][-4:] != "AAA=" else "BBB=")
    signers = ledger.signers(Publication(checkpoint=signed.checkpoint, note="\n".join(lines)))
    assert [(each.is_log, each.holds) for each in signers] == [(True, False), (False, True)]
    assert [proof_words.signer_words(each).state for each in signers] == ["fail", "pass"]


def test_a_missing_tile_is_told_and_the_entry_is_still_shown(client, monkeypatch):
    def gone(*_, **__):
        raise FileMissing("tile/0/000")

    monkeypatch.setattr("ledger.gateways.tiles.Tree.inclusion", gone)
    text = page(client, "/en/ledger/entries/3/")
    assert "tile/0/000" in text
    assert "The proof cannot be computed now" in text


@pytest.mark.parametrize("language", LANGUAGES)
def test_a_checkpoint_shows_its_note_its_files_and_its_neighbours(client, grown, language):
    older, newer = grown
    text = page(client, f"/{language}/ledger/checkpoints/{newer}/")
    assert ledger.latest_checkpoint().root.hex() in text
    assert f"/{language}/ledger/checkpoints/{older}/" in text
    for name in re.findall(r'href="(/ledger/log/tile/[^"]+)"', text):
        assert client.get(name).status_code == 200
    assert f"/{language}/ledger/checkpoints/{newer}/" in page(
        client, f"/{language}/ledger/checkpoints/{older}/"
    )


def test_an_older_checkpoint_is_shown_to_be_the_beginning(client, grown):
    older, newer = grown
    text = page(client, f"/en/ledger/checkpoints/{newer}/?from={older}")
    assert "Nothing was rewritten" in text
    answer = client.get(f"/api/v1/ledger/consistency/?old={older}&new={newer}").json()
    assert answer["holds"] is True
    assert all(step in text for step in answer["proof"])
    assert merkle.verify_consistency(
        old_size=older,
        new_size=newer,
        old_root=bytes.fromhex(answer["old"]["root"]),
        new_root=bytes.fromhex(answer["new"]["root"]),
        proof=[bytes.fromhex(step) for step in answer["proof"]],
    )


def test_a_log_that_was_rewritten_is_told_so(client, grown, monkeypatch):
    older, newer = grown
    monkeypatch.setattr("ledger.queries.merkle.verify_consistency", lambda **_: False)
    assert "The log was rewritten" in page(client, f"/en/ledger/checkpoints/{newer}/?from={older}")


@pytest.mark.parametrize("asked", ["1000000", "0", "x", "-1"])
def test_a_size_that_was_not_published_is_not_compared(client, asked):
    size = ledger.latest_checkpoint().size
    assert "Nothing to compare" in page(client, f"/en/ledger/checkpoints/{size}/?from={asked}")
    if asked.isdigit():
        assert client.get(f"/api/v1/ledger/consistency/?old={asked}").status_code in (400, 404)


@pytest.mark.parametrize(("old", "new"), [(1, 2), (3, 7), (4, 7), (6, 8), (7, 7), (5, 13), (8, 13)])
def test_each_hash_of_a_consistency_proof_is_drawn_over_what_it_covers(old, new):
    leaves = [merkle.leaf_hash(bytes([n])) for n in range(new)]
    proof = merkle.consistency_proof(leaves, old)
    assert [merkle.root(leaves[first : last + 1]) for first, last in path_drawing.subtrees(old, new)] == proof


def test_the_last_reading_stands_on_the_ledger_page(client):
    assert "this has not happened yet" in page(client, "/en/ledger/")
    read = {"size": 12, "started_at": now(), "ended_at": now()}
    Inspection.objects.create(thorough=True, **read)
    assert "All 12 entries" in page(client, "/en/ledger/")
    fault = {"layer": "tile", "number": 7, "reason": "tile/0/000 is <gone>"}
    Inspection.objects.create(thorough=False, faults=[fault], **read)
    text = page(client, "/en/ledger/")
    assert "It does not hold" in text
    assert "tile 7: tile/0/000 is &lt;gone&gt;" in text


@pytest.mark.parametrize("state", ["planned", "submitted", "mined", "confirmed", "dropped"])
def test_an_anchor_that_is_not_final_says_so(settings, state):
    contract = AnchorContract(chain_id=1, address="0x" + "1" * 40)
    anchor = Anchor(
        size=9, state=state, contract=contract, block_number=5, tx_hash=b"\1" * 32, moved_at=now()
    )
    settings.EVM_EMBEDDED = False
    said = proof_words.anchor_words(anchor)
    final = state == "confirmed"
    assert said.state == ("pass" if final else "wait")
    assert ("not final" in said.word) != final
    settings.EVM_EMBEDDED = True
    assert proof_words.anchor_words(anchor).state == "wait"
    assert proof_words.anchor_badge(anchor).kind != "verified"


def test_the_newest_anchor_stands_on_the_pages(client):
    signed = Checkpoint.objects.latest("size")
    Anchor.objects.create(
        size=signed.size, root=signed.root, prev_size=0, prev_root=bytes(32), planned_at=now(), moved_at=now()
    )
    assert "Anchor pending" in page(client, "/en/ledger/entries/3/")
    assert "Anchor, not final" in page(client, "/en/ledger/")


def test_every_kind_that_is_logged_has_a_name_and_a_sentence():
    assert set(sentences.kind_names()) == set(sentences.TELLERS)


def test_the_key_and_the_verifier_have_their_addresses(client):
    answer = client.get("/.well-known/tlog-policy")
    assert answer.content.decode() == ledger.policy()
    assert answer["Content-Type"].startswith("text/plain")
    script = client.get("/verify/verifier.py")
    assert "attachment" in script["Content-Disposition"]
    compile(script.content, "verifier.py", "exec")
    assert sha256(script.content).digest() == sha256(Path(verifier.__file__).read_bytes()).digest()
