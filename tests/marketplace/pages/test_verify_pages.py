"""Verification without a script: by number, hash, identifier, and by a file that is sent."""

import json
import re

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.urls import reverse

from ledger import queries as ledger
from licensing import queries as licensing
from marketplace.models import Listing
from tests.marketplace.pages.messages import ROOT

pytestmark = pytest.mark.usefixtures("catalogue")
LANGUAGES = ["zh-hans", "en"]


def send(client, data: bytes, name: str = "file", language: str = "en") -> str:
    response = client.post(f"/{language}/verify/", {"file": SimpleUploadedFile(name, data)}, follow=True)
    assert response.status_code == 200
    return response.content.decode()


def proof(client, number: int = 3) -> bytes:
    size = ledger.latest_checkpoint().size
    return client.get(f"/ledger/log/proof/{size}/{number}").content


@pytest.fixture
def certificate(client):
    """Return the JSON of a standing grant's certificate."""
    shown = Listing.objects.get(slug="cg-objects")
    grant = licensing.standing_grant(shown.version_id)
    return client.get(reverse("certificate-json", args=[grant.number])).json()


@pytest.mark.parametrize("language", LANGUAGES)
def test_the_page_says_that_a_file_that_is_sent_leaves_the_device(client, language):
    text = client.get(f"/{language}/verify/").content.decode()
    sent = re.search(r"<span data-when-sent>(.*?)</span>", text)[1]
    assert ("leaves your device" if language == "en" else "离开您的设备") in sent
    assert "data-when-local hidden" in text


def test_a_script_gets_the_finding_alone(client):
    answer = client.get(f"/en/verify/?q={'0' * 64}", headers={"HX-Request": "true"})
    assert "<html" not in answer.content.decode()
    assert 'data-known="no"' in answer.content.decode()
    assert answer["Vary"] == "HX-Request"


def test_an_identifier_leads_to_its_dataset(client):
    listing = Listing.objects.select_related("asset").get(slug="cg-objects")
    text = client.get(f"/en/verify/?q={listing.asset.ark_id}").content.decode()
    assert "A registered dataset" in text


@pytest.mark.parametrize("language", LANGUAGES)
def test_a_proof_that_is_sent_is_checked_line_by_line(client, language):
    text = send(client, proof(client), language=language)
    assert ("The proof holds" if language == "en" else "证明成立") in text
    assert text.count('<li class="pass"') == 4


@pytest.mark.parametrize(
    ("part", "other"),
    [
        ("index 3", "index 4"),
        ("index 3", "index x"),
        ("wenshi.example/log\n", "wenshi.example/lag\n"),
        ("@v1", "@v2"),
    ],
)
def test_a_proof_with_something_changed_does_not_hold(client, part, other):
    changed = proof(client).decode().replace(part, other, 1)
    text = send(client, changed.encode())
    assert "The proof does not hold" in text
    assert '<li class="fail"' in text


def test_a_proof_of_no_entry_or_of_rubbish_is_one_clear_line(client):
    for data in (
        b"c2sp.org/tlog-proof@v1\nindex 99999999\n\nx",
        b"c2sp.org/tlog-proof",
        b"c2sp.org/tlog-proof@v1\n" * 9,
    ):
        text = send(client, data)
        assert "cannot be read as a proof" in text
        assert text.count('<li class="fail"') == 1


def test_a_certificate_that_is_sent_is_held_against_its_entry(client, certificate):
    assert "The certificate holds" in send(client, json.dumps(certificate).encode())
    for field, value in (
        ("asset", "ark:99999/w5other"),
        ("number", "G-2026-000999"),
        ("purpose", "train_model"),
    ):
        text = send(client, json.dumps({**certificate, field: value}).encode())
        assert "The certificate does not hold" in text
        assert f"differs from its entry in: {field}" in text
    changed = {**certificate, "terms": {**certificate["terms"], "territory": ["XX"]}}
    assert "does not have the hash that the certificate names" in send(client, json.dumps(changed).encode())
    for broken in (
        {},
        {"index": "x"},
        {**certificate["proof"], "path": "no"},
        {**certificate["proof"], "index": -1},
    ):
        text = send(client, json.dumps({**certificate, "proof": broken}).encode())
        assert "The certificate does not hold" in text


def test_a_report_that_is_sent_is_read_by_the_offline_verifier(client):
    text = send(client, b"PK\x03\x04 no archive at all", "report.zip")
    assert "The report does not hold" in text
    assert '<li class="fail"' in text


@pytest.mark.parametrize("data", [b"", b"{}", b"[]", b'{"proof": 3}', b"\xff\xfe\x00", b"{" * 5000])
def test_any_other_file_is_looked_up_by_its_hash(client, data):
    if data:
        assert "No published file" in send(client, data)


def test_what_was_published_is_known_before_it_is_read(client):
    source = ROOT / "marketplace" / "local" / "catalogue" / "tables" / "objects.csv"
    assert "very bytes" in send(client, source.read_bytes())
