"""The audit report of an asset: its facts, each rule checked anew, and proofs that a stranger's machine accepts."""

import json
import subprocess
import sys
from datetime import UTC, datetime, timedelta
from uuid import uuid4

import pytest
from django.conf import settings
from django.core.files.storage import default_storage
from django.core.management import CommandError, call_command

from ledger.actions import sequencer
from licensing import queries as licensing
from licensing.actions import grants
from marketplace.actions import delivery, imports
from marketplace.models import Listing
from tests import factories
from tests.marketplace.catalogues import EDITION, WHOLE, write

NOW = datetime(2026, 11, 23, 12, tzinfo=UTC)
pytestmark = pytest.mark.django_db


@pytest.fixture
def edition(tmp_path):
    """An edition that a school was granted and has downloaded."""
    imports.run(catalogue=write(tmp_path, WHOLE, EDITION), now=NOW)
    listing = Listing.objects.select_related("asset").get(slug="objects-1650")
    free = licensing.open_offers(listing.asset_id)[0]
    grant = grants.issue(
        offer_id=free.pk,
        licensee_id=factories.party(name="Ada Reader", kind="person").pk,
        basis="free",
        purpose="study_teach",
        reference=f"test:{uuid4()}",
        detail={
            "licensee_name": "Ada Reader",
            "institution": "First School",
            "institution_kind": "education",
        },
        now=NOW,
    )
    token, _expires = delivery.link(
        grant_id=grant.pk, file_id=licensing.files(grant.version_id)[0].pk, now=NOW
    )
    delivery.open(token=token, now=NOW)
    sequencer.catch_up(now=NOW + timedelta(minutes=1))
    return listing


def report(asset: str, out) -> dict:
    call_command("audit_report", asset=asset, out=str(out), verbosity=0)
    return json.loads((out / "report.json").read_text())


def test_the_report_tells_every_fact_and_finds_every_rule_kept(edition, tmp_path):
    facts = report(edition.asset.ark_id, tmp_path / "out")
    kinds = [fact["kind"] for fact in facts["history"]]
    assert kinds == [
        "asset.registered",
        "version.published",
        "offer.published",
        "offer.published",
        "grant.issued",
    ]
    assert all(isinstance(fact["entry"], int) for fact in facts["history"])
    assert facts["deliveries"]["count"] == 1 and len(facts["deliveries"]["entries"]) == 1
    assert facts["edition"]["sources"] == [Listing.objects.get(slug="objects").asset.ark_id]
    assert [rule["rule"] for rule in facts["rules"] if not rule["holds"]] == []


def test_an_asset_is_found_by_any_of_its_names(edition, tmp_path):
    reports = [
        report(name, tmp_path / str(place))["asset"]
        for place, name in enumerate([edition.asset.ark_id, str(edition.asset_id), "objects-1650"])
    ]
    assert reports[0] == reports[1] == reports[2]


def test_a_strangers_machine_accepts_the_report_and_not_a_changed_one(edition, tmp_path):
    out, policy = tmp_path / "out", tmp_path / "policy"
    report("objects-1650", out)
    call_command("ledger_policy", out=policy, verbosity=0)
    check = [
        sys.executable,
        "-I",
        str(settings.BASE_DIR / "ledger/verifier.py"),
        str(out),
        "--policy",
        str(policy),
    ]
    assert subprocess.run(check, capture_output=True).returncode == 0
    (out / "report.json").write_text((out / "report.json").read_text().replace("9900", "1"))
    assert subprocess.run(check, capture_output=True).returncode == 1


def test_nobody_is_named_in_the_report(edition, tmp_path):
    report("objects-1650", tmp_path / "out")
    everything = b"".join(path.read_bytes() for path in (tmp_path / "out").rglob("*") if path.is_file())
    assert b"Ada Reader" not in everything and b"First School" not in everything


def test_a_file_that_is_not_what_was_published_is_found(edition, tmp_path):
    key = licensing.files(edition.version_id)[0].storage_key
    with open(default_storage.path(key), "r+b") as stored:
        stored.write(b"x")
    rules = {rule["rule"]: rule for rule in report("objects-1650", tmp_path / "out")["rules"]}
    assert rules["files-are-what-was-published"] == {
        "rule": "files-are-what-was-published",
        "holds": False,
        "against": ["objects.csv"],
    }


def test_what_is_not_there_is_one_sentence(edition, tmp_path):
    with pytest.raises(CommandError, match="nonsense"):
        call_command("audit_report", asset="nonsense", out=str(tmp_path / "out"))
