"""The audit report: every fact, what stood at a past instant, each rule checked anew, one digest for page and paper."""

import html
import json
import re
import shutil
import subprocess
import sys
import unicodedata
import zipfile
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from hashlib import sha256
from io import BytesIO
from uuid import uuid4
from zoneinfo import ZoneInfo

import pytest
from django.conf import settings
from django.core.files.storage import default_storage
from django.core.management import CommandError, call_command
from django.db import DatabaseError, connection, transaction

from ledger import clock
from ledger.actions import sequencer
from licensing import queries as licensing
from licensing.actions import grants, offers
from licensing.domain.money import Money, display
from marketplace.actions import audit, delivery, imports
from marketplace.domain.audit import LIMITS, RULES
from marketplace.errors import TimeRefused, TooManyReports
from marketplace.models import Listing, Report, User
from marketplace.queries import evidence as records
from marketplace.queries import findings, reports
from settlement.actions import payments, refunds
from settlement.domain.states import LineState
from settlement.models import OrderLine, Refund
from tests import factories
from tests.marketplace.catalogues import EDITION, PROTECTED, SELLER, WHOLE, changed, write
from tests.settlement import made
from tests.settlement.conftest import sandbox  # noqa: F401 (a fixture)

NOW = datetime(2026, 11, 23, 12, tzinfo=UTC)
HOUR = timedelta(hours=1)
SHANGHAI = ZoneInfo("Asia/Shanghai")
pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def later(monkeypatch):
    """Read every clock two days after the facts."""
    monkeypatch.setattr(clock, "now", lambda: NOW + timedelta(days=2))


@pytest.fixture
def edition(tmp_path):
    """An edition that a school was granted and has downloaded."""
    imports.run(catalogue=write(tmp_path, WHOLE, EDITION), now=NOW)
    listing = Listing.objects.select_related("asset", "shop").get(slug="objects-1650")
    grant = granted(listing)
    token, _expires = delivery.link(
        grant_id=grant.pk, file_id=licensing.files(grant.version_id)[0].pk, now=NOW + HOUR
    )
    delivery.open(token=token, now=NOW + HOUR)
    sequencer.catch_up(now=NOW + HOUR)
    return listing


def granted(listing):
    """Grant a school what is free for it."""
    return grants.issue(
        offer_id=licensing.open_offers(listing.asset_id)[0].pk,
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


def report(out, **asked) -> dict:
    """Run the command and return the facts that it wrote."""
    call_command("audit_report", out=str(out), verbosity=0, **asked)
    return json.loads((out / "report.json").read_text())


def kinds(facts) -> list[str]:
    return [fact["kind"] for fact in facts["history"]]


def broken(facts) -> dict[str, list[str]]:
    """Return the rules that do not hold with the ids of what breaks them."""
    found = [each for each in facts["findings"] if each["severity"] != "pass"]
    return {each["rule"]: [item["id"] for item in each["evidence"]] for each in found}


def test_the_report_tells_every_fact_and_finds_every_rule_kept(edition, tmp_path):
    facts = report(tmp_path / "out", asset=edition.asset.ark_id)
    assert kinds(facts) == [
        "asset.registered",
        "version.published",
        "offer.published",
        "offer.published",
        "grant.issued",
    ]
    assert all(isinstance(fact["entry"], int) for fact in facts["history"])
    assert facts["deliveries"]["count"] == 1 and len(facts["deliveries"]["listed"]) == 1
    assert facts["assets"][0]["edition"]["sources"] == [Listing.objects.get(slug="objects").asset.ark_id]
    assert broken(facts) == {} and facts["verdict"]["code"] == "holds"
    assert facts["verdict"]["counts"] == {"checked": len(RULES), "passed": len(RULES), "notes": 0, "gaps": 0}
    assert facts["coverage"]["facts_with_entry_and_proof"] == facts["coverage"]["facts"] == 5
    assert facts["coverage"]["files_hashed_again"] == facts["coverage"]["files"] == 1
    proofs = {int(path.name.split(".")[0]) for path in (tmp_path / "out" / "proofs").iterdir()}
    listed = [*facts["history"], *facts["deliveries"]["listed"]]
    assert {fact["entry"] for fact in listed} == proofs


def test_an_asset_is_found_by_any_of_its_names(edition, tmp_path):
    names = [edition.asset.ark_id, str(edition.asset_id), "objects-1650"]
    found = [report(tmp_path / str(place), asset=name) for place, name in enumerate(names)]
    assert found[0] == found[1] == found[2]


def test_the_same_input_is_the_same_bytes(edition, tmp_path):
    for name in ("one", "two"):
        report(tmp_path / name, asset="objects-1650")
    files = sorted(path.relative_to(tmp_path / "one") for path in (tmp_path / "one").rglob("*.*"))
    assert {"report.en.pdf", "report.zh-Hans.html"} <= {str(name) for name in files}
    differing = [
        n for n in files if (tmp_path / "one" / n).read_bytes() != (tmp_path / "two" / n).read_bytes()
    ]
    assert differing == []


def test_the_digest_is_that_of_the_file_and_stands_in_every_rendition(edition, tmp_path):
    out = tmp_path / "out"
    report(out, asset="objects-1650")
    digest = sha256((out / "report.json").read_bytes()).hexdigest()
    for language in ("zh-Hans", "en"):
        assert digest in (out / f"report.{language}.html").read_text()
        assert digest in printed(out / f"report.{language}.pdf")


# Everything that is in the facts is on the page and on paper


def printed(path) -> str:
    """Return the words of a PDF."""
    if not shutil.which("pdftotext"):
        pytest.skip("pdftotext is not installed here; on Debian: apt install poppler-utils")
    return subprocess.run(["pdftotext", str(path), "-"], capture_output=True, text=True, check=True).stdout


def shown(path) -> str:
    """Return the words of a page."""
    text = re.sub(r"<style>.*?</style>|<svg.*?</svg>", "", path.read_text(), flags=re.S)
    return html.unescape(re.sub(r"<[^>]*>", " ", text))


def squeezed(text: str) -> str:
    """Leave out blanks and what ends a broken line."""
    return re.sub(r"[\s,-]", "", unicodedata.normalize("NFKC", text))


CODES = ("format", "code", "kind", "severity", "basis", "purpose", "form", "reason", "template", "audience")
CODES += ("free_for", "territory", "as_published", "currency")  # these are told in words


def told(value, language: str, name: str = ""):
    """Yield every number, id, hash, time, amount and sentence of the facts as a reader would look for it."""
    if isinstance(value, dict) and value and set(value) <= {"zh-Hans", "en"}:
        yield value.get(language, "")
    elif isinstance(value, dict):
        for key, inner in value.items():
            if key.endswith("_minor_units"):
                yield display(Money(inner, value["currency"]), language) if inner else ""
            elif key not in CODES:
                yield from told(inner, language, key)
    elif isinstance(value, list):
        for inner in value:
            yield from told(inner, language, name)
    elif value not in (None, True, False, "", "everybody"):
        is_time = isinstance(value, str) and re.fullmatch(r"\d{4}-.*Z", value)
        # A time stands in Shanghai; the instant of the audit as a sentence, of which the hours are looked for.
        local = (
            datetime.fromisoformat(value).astimezone(SHANGHAI).isoformat(sep=" ")[:-6] if is_time else value
        )
        yield str(local)[11:] if name == "as_of" else str(local)


@pytest.mark.parametrize("language", ["zh-Hans", "en"])
def test_page_and_paper_hold_every_fact(edition, tmp_path, language):
    out = tmp_path / "out"
    facts = report(out, asset="objects-1650")
    wanted = {squeezed(each) for each in told(facts, language)}
    assert len(wanted) > 80 and squeezed(facts["verdict"]["sentence"][language]) in wanted
    for words in (shown(out / f"report.{language}.html"), printed(out / f"report.{language}.pdf")):
        text = squeezed(words)
        assert [each for each in sorted(wanted) if each not in text] == []


def test_the_paper_is_tagged_and_names_its_title_and_language(edition, tmp_path):
    report(tmp_path / "out", asset="objects-1650")
    for language, named in (("zh-Hans", b"zh-CN"), ("en", b"en-GB")):
        paper = (tmp_path / "out" / f"report.{language}.pdf").read_bytes()
        assert b"<pdfuaid:part>1</pdfuaid:part>" in paper
        assert named in paper and b"/Outlines" in paper and b"/StructTreeRoot" in paper


# What stood at a past instant


def test_a_grant_that_was_revoked_later_was_live_then(edition, tmp_path):
    grant = licensing.grants_on(edition.asset_id)[0]
    before = report(tmp_path / "before", asset="objects-1650", at="2026-11-23T22:00:00+08:00")
    grants.revoke(grant_id=grant.pk, reason="Ada Reader asked for it", now=NOW + 3 * HOUR)
    sequencer.catch_up(now=NOW + 3 * HOUR)
    then = report(tmp_path / "then", asset="objects-1650", at="2026-11-23T22:00:00+08:00")
    after = report(tmp_path / "after", asset="objects-1650", at="2026-11-24")
    assert {**then, "ledger": before["ledger"]} == before  # only the log has grown
    assert [each["grant"] for each in then["permissions"]["grants"]] == [grant.number]
    assert after["permissions"]["grants"] == [] and kinds(after)[-1] == "grant.revoked"
    assert after["verdict"]["then"]["named_grants"] == 0 and broken(after) == {}
    everything = b"".join(path.read_bytes() for path in (tmp_path / "after").rglob("*") if path.is_file())
    assert b"Ada Reader" not in everything


def test_an_offer_that_ended_later_was_open_then(edition, tmp_path):
    priced = licensing.open_offers(edition.asset_id)[-1]
    offers.withdraw(offer_id=priced.pk, now=NOW + 3 * HOUR)
    sequencer.catch_up(now=NOW + 3 * HOUR)
    then = report(tmp_path / "then", asset="objects-1650", at="2026-11-23T22:00:00+08:00")
    after = report(tmp_path / "after", asset="objects-1650", at="2026-11-23T23:00:00+08:00")
    assert [len(each["permissions"]["offers"]) for each in (then, after)] == [2, 1]
    assert str(priced.pk) in {each["offer"] for each in then["permissions"]["offers"]}
    assert kinds(after)[-1] == "offer.ended" and after["history"][-1]["offer"] == str(priced.pk)


def test_money_that_went_back_later_was_still_here_then(sandbox, monkeypatch, tmp_path):  # noqa: F811
    offer = factories.offer(now=made.now() - HOUR)
    placed = made.paid_at_the_provider(sandbox, made.line(offer))
    offers.withdraw(offer_id=offer.pk, now=made.now())
    payments.refresh(order_id=placed.pk, now=made.now())
    owed = made.now()
    refunds.send(now=made.now())
    sequencer.catch_up(now=made.now())
    monkeypatch.setattr(clock, "now", made.now)
    assert OrderLine.objects.get(order=placed).state == LineState.REFUNDED
    then = report(tmp_path / "then", asset=str(offer.asset_id), at=owed.isoformat())
    after = report(tmp_path / "after", asset=str(offer.asset_id))
    (was,), (now_is,) = then["sales"]["by_currency"], after["sales"]["by_currency"]
    assert (was["gross_minor_units"], was["refunded_minor_units"]) == (9900, 0)
    assert was["refund_under_way_minor_units"] == 9900 and now_is["refund_under_way_minor_units"] == 0
    assert (now_is["gross_minor_units"], now_is["refunded_minor_units"], now_is["lines"]) == (9900, 9900, 1)
    assert after["sales"]["refunds"][0]["refund"] == str(Refund.objects.get().pk)
    bytes_gone = "files-are-what-was-published"  # the factory's files have none
    assert list(broken(after)) == [bytes_gone]
    refund = Refund.objects.get()
    owing = records.gather(
        records.of_asset(str(offer.asset_id)), refund.requested_at - timedelta(microseconds=1)
    )
    owing.sold_at[placed.pk] = owing.at - timedelta(seconds=59)
    assert found_broken(owing) == [bytes_gone]
    owing.sold_at[placed.pk] = owing.at - timedelta(seconds=60)
    assert found_broken(owing) == ["paid-is-granted-or-refunded", bytes_gone]
    owing.lines[0].price_minor_units += 1
    assert found_broken(owing) == ["paid-is-granted-or-refunded", "money-adds-up", bytes_gone]


@pytest.mark.parametrize(
    ("at", "words"),
    [
        ("2031-01-01", "still to come"),
        ("2026-11-26T00:00:00+08:00", "still to come"),
        ("2026-11-23T18:00:00", "no zone"),
        ("yesterday", "neither a date nor a time"),
        ("9999-12-31", "neither a date nor a time"),
        ("0001-01-01T00:00:00+14:00", "Nothing was on record"),
        ("2026-11-22", "first fact is of 2026-11-23T12:00:00"),
    ],
)
def test_a_time_that_no_report_looks_at_is_one_sentence(edition, tmp_path, at, words):
    with pytest.raises(CommandError, match=words) as refused:
        report(tmp_path / "out", asset="objects-1650", at=at)
    assert len(str(refused.value).splitlines()) == 1 and not (tmp_path / "out").exists()


def test_today_means_now_and_another_day_its_end_in_shanghai(edition, tmp_path):
    today = report(tmp_path / "today", asset="objects-1650", at="2026-11-25")
    day = report(tmp_path / "day", asset="objects-1650", at="2026-11-23")
    assert today["as_of"] == "2026-11-25T12:00:00.000000Z" == today["made_at"]
    assert day["as_of"] == "2026-11-23T15:59:59.999999Z"


@pytest.mark.parametrize("asked", [{"asset": "nonsense"}, {"shop": "nobody"}])
def test_what_is_not_there_is_one_sentence(edition, tmp_path, asked):
    with pytest.raises(CommandError, match=r"nonsense|nobody"):
        report(tmp_path / "out", **asked)


def test_the_command_wants_one_subject(edition, tmp_path):
    with pytest.raises(CommandError, match="one of the arguments"):
        call_command("audit_report", f"--out={tmp_path / 'out'}")
    with pytest.raises(CommandError, match="not allowed with"):
        call_command("audit_report", "--asset=a", "--shop=b", f"--out={tmp_path / 'out'}")


# A stranger, and who is not named


def test_a_strangers_machine_accepts_the_report_and_not_a_changed_one(edition, tmp_path):
    out, policy = tmp_path / "out", tmp_path / "policy"
    report(out, asset="objects-1650")
    call_command("ledger_policy", out=policy, verbosity=0)
    verifier = str(settings.BASE_DIR / "ledger/verifier.py")
    check = [sys.executable, "-I", verifier, str(out), "--policy", str(policy)]
    assert subprocess.run(check, capture_output=True).returncode == 0
    (out / "report.json").write_text((out / "report.json").read_text().replace("9900", "1"))
    assert subprocess.run(check, capture_output=True).returncode == 1


def test_nobody_is_named_in_the_report(edition, tmp_path):
    facts = report(tmp_path / "out", asset="objects-1650")
    licensee = str(licensing.grants_on(edition.asset_id)[0].licensee_id)
    everything = b"".join(path.read_bytes() for path in (tmp_path / "out").rglob("*") if path.is_file())
    words = [printed(tmp_path / "out" / f"report.{language}.pdf") for language in ("zh-Hans", "en")]
    for name in ("Ada Reader", "First School", licensee):
        assert name.encode() not in everything and not any(name in text for text in words)
    assert re.fullmatch("[0-9a-f]{64}", facts["permissions"]["grants"][0]["licensee"])


def test_a_licensor_who_is_a_person_is_not_named(tmp_path):
    offer = factories.offer(factories.asset(factories.party("Ada Painter", kind="person")))
    sequencer.catch_up(now=NOW)
    assert report(tmp_path / "out", asset=str(offer.asset_id))["assets"][0]["licensor"]["name"] is None


# The rules


def test_a_file_that_is_not_what_was_published_is_found(edition, tmp_path):
    file = licensing.files(edition.version_id)[0]
    with open(default_storage.path(file.storage_key), "r+b") as stored:
        stored.write(b"x")
    grants.revoke(grant_id=licensing.grants_on(edition.asset_id)[0].pk, reason="over", now=NOW + 3 * HOUR)
    sequencer.catch_up(now=NOW + 3 * HOUR)
    out = tmp_path / "out"
    facts = report(out, asset="objects-1650")
    assert broken(facts) == {"files-are-what-was-published": [f"{edition.asset.ark_id} v1 {file.name}"]}
    assert facts["verdict"]["code"] == "conditional"
    assert facts["verdict"]["conditions"] == [facts["findings"][12]["remedy"]]
    for language in ("zh-Hans", "en"):
        wanted = [squeezed(each) for each in told(facts, language)]
        for words in (shown(out / f"report.{language}.html"), printed(out / f"report.{language}.pdf")):
            assert [each for each in wanted if each not in squeezed(words)] == []


def test_files_beyond_the_limit_are_said_not_to_be_hashed(edition, tmp_path, monkeypatch):
    monkeypatch.setattr(findings, "MOST_BYTES_HASHED", 1)
    facts = report(tmp_path / "out", asset="objects-1650")
    assert facts["coverage"]["files_hashed_again"] == 0 < facts["coverage"]["files"]
    assert facts["assets"][0]["versions"][0]["files"][0]["as_published"] is None


def test_only_the_newest_deliveries_are_listed_and_the_report_says_of_how_many(
    edition, tmp_path, monkeypatch
):
    grant = licensing.grants_on(edition.asset_id)[0]
    file = licensing.files(grant.version_id)[0]
    token, _expires = delivery.link(grant_id=grant.pk, file_id=file.pk, now=NOW + 2 * HOUR)
    newest = delivery.open(token=token, now=NOW + 2 * HOUR)
    sequencer.catch_up(now=NOW + 2 * HOUR)
    monkeypatch.setattr(records, "MOST_DELIVERIES", 1)
    facts = report(tmp_path / "out", asset="objects-1650")
    assert [each["id"] for each in facts["deliveries"]["listed"]] == [str(newest.pk)]
    assert (facts["coverage"]["deliveries"], facts["coverage"]["deliveries_listed"]) == (2, 1)


def test_a_fact_that_waits_for_its_number_is_a_note(edition, tmp_path):
    grant = licensing.grants_on(edition.asset_id)[0]
    grants.revoke(grant_id=grant.pk, reason="over", now=NOW + 3 * HOUR)
    facts = report(tmp_path / "out", asset="objects-1650")
    assert facts["history"][-1]["entry"] == "pending" and facts["verdict"]["code"] == "holds-with-notes"
    assert list(broken(facts)) == ["every-fact-has-its-entry"]


def found_broken(evidence) -> list[str]:
    """Return the rules that some evidence breaks, all of it signed."""
    found, _hashed = findings.findings(evidence, size=10_000)
    return [each["rule"] for each in found if each["severity"] == "gap"]


def test_two_live_grants_of_which_one_is_exclusive_are_found(edition, monkeypatch):
    second = granted(edition)
    evidence = records.gather(records.of_asset("objects-1650"), NOW + 2 * HOUR)
    terms = licensing.terms_of
    only = {second.pk: replace(terms(second), exclusive=True)}
    monkeypatch.setattr(licensing, "terms_of", lambda what: only.get(what.pk) or terms(what))
    assert found_broken(evidence) == ["exclusive-stands-alone"]


def test_each_rule_is_broken_by_what_it_forbids(edition):
    """Bend what was read, as a superuser could have bent the tables, and see each rule notice."""
    subject = records.of_asset("objects-1650")

    def bent(bend) -> list[str]:
        evidence = records.gather(subject, NOW + 2 * HOUR)
        bend(evidence)
        found, _hashed = findings.findings(evidence, size=10_000)
        return [each["rule"] for each in found if each["severity"] != "pass"]

    def then(evidence):
        return evidence.assets[0]

    def priced(evidence):
        offer = next(o for o in then(evidence).open_offers if o.price_minor_units)
        fact = next(f for f in then(evidence).facts if f.kind == "asset.registered")
        object.__setattr__(fact, "kind", "asset.public_interest")
        return offer

    def closed_path(evidence):
        then(evidence).open_offers[:] = [o for o in then(evidence).open_offers if o.price_minor_units]

    def paid(evidence):
        then(evidence).grants[0].basis = "paid"

    def costly(evidence):
        then(evidence).grants[0].offer.price_minor_units = 5

    def other_version(evidence):
        then(evidence).grants[0].version_id = uuid4()

    def early_delivery(evidence):
        evidence.deliveries[0].opened_at = NOW - HOUR

    def other_bytes(evidence):
        then(evidence).versions[0].files_sha256 = "0" * 64

    def named(evidence):
        grant = then(evidence).grants[0]
        evidence.documents[grant.intent_id]["commit"] = {}

    def unlogged(evidence):
        evidence.numbers.clear()

    def private_source(evidence):
        then(evidence).sources[0].public_interest = False

    assert bent(lambda evidence: None) == []
    assert {"public-stays-free", "public-has-standing-grant"} <= set(bent(priced))
    assert bent(closed_path) == ["edition-keeps-a-free-path"]
    assert "paid-grant-has-a-paid-order" in bent(paid)
    assert "free-grant-has-a-free-offer" in bent(costly)
    assert "grant-is-as-offered" in bent(other_version)
    assert bent(early_delivery) == ["delivery-was-permitted", "ledger-says-the-same"]
    assert bent(other_bytes) == ["files-are-what-was-published", "ledger-says-the-same"]
    assert bent(named) == ["nothing-personal-on-the-ledger"]
    assert bent(unlogged) == ["every-fact-has-its-entry"]
    assert bent(private_source) == ["edition-rests-on-public-sources"]


def test_what_is_not_covered_yet_is_said(edition, tmp_path):
    facts = report(tmp_path / "out", asset="objects-1650")
    assert len(facts["limits"]) == len(LIMITS)
    assert "Claims, objections and the chain of title" in facts["limits"][0]["en"]


# A shop


@pytest.fixture
def shop(tmp_path):
    """A museum with a table, an edition of it and notes under copyright; beside it another one."""
    other = changed(SELLER, id="lake-museum", name_en="Lake Museum", name_zh="湖畔博物馆")
    catalogue = write(
        tmp_path,
        WHOLE,
        EDITION,
        PROTECTED,
        changed(PROTECTED, id="elsewhere", seller="lake-museum"),
        sellers=(SELLER, other),
    )
    imports.run(catalogue=catalogue, now=NOW)
    sequencer.catch_up(now=NOW)
    return "hill-museum"


def test_the_report_of_a_shop_covers_its_assets_and_no_others(shop, tmp_path):
    facts = report(tmp_path / "out", shop=shop)
    slugs = {listing.asset.ark_id: listing.slug for listing in Listing.objects.select_related("asset")}
    assert {slugs[each["asset"]] for each in facts["assets"]} == {"objects", "objects-1650", "notes"}
    assert facts["scope"] == {
        "kind": "shop",
        "id": "hill-museum",
        "title": {"zh-Hans": "山间博物馆", "en": "Hill Museum"},
        "assets": 3,
    }
    assert broken(facts) == {} and facts["verdict"]["then"]["standing_grants"] == 1
    assert [each["asset"] for each in facts["permissions"]["everybody"]] == [
        ark for ark, slug in slugs.items() if slug == "objects"
    ]
    for language in ("zh-Hans", "en"):
        text = squeezed(shown(tmp_path / "out" / f"report.{language}.html"))
        assert [each for each in told(facts, language) if squeezed(each) not in text] == []


# Asking for one


@pytest.fixture
def user():
    return User.objects.create_user("auditor@example.org", "a long enough password")


def ask(user, now=NOW + 2 * HOUR, **asked) -> Report:
    return audit.ask(user=user, now=now, **({"asset": "objects-1650"} | asked))


def test_a_report_that_is_asked_for_is_made_once_and_stays_as_made(edition, user):
    asked = ask(user)
    assert asked.state == "queued" and re.fullmatch(r"R-2026-\d{6}", asked.number)
    assert audit.make_waiting(now=NOW + 2 * HOUR) == 1 and audit.make_waiting(now=NOW + 3 * HOUR) == 0
    asked.refresh_from_db()
    facts = reports.member(asked, "report.json")
    assert (asked.state, asked.digest) == ("made", sha256(facts).hexdigest())
    assert json.loads(facts)["number"] == asked.number
    assert json.loads(facts)["ledger"]["checkpoint"]["size"] == asked.checkpoint_size
    with zipfile.ZipFile(BytesIO(reports.bundle(asked))) as bundle:
        assert {"manifest.json", "checkpoint", "report.en.pdf", "report.zh-Hans.html"} <= set(
            bundle.namelist()
        )
    for change in ("state = 'queued'", "digest = repeat('0', 64)", "as_of = now()"):
        with (
            pytest.raises(DatabaseError, match="report"),
            transaction.atomic(),
            connection.cursor() as cursor,
        ):
            cursor.execute(f"UPDATE marketplace_report SET {change}")
    with pytest.raises(DatabaseError, match="stays"), transaction.atomic():
        asked.delete()


def test_a_report_waits_until_its_facts_are_signed_and_no_longer_than_its_patience(edition, user):
    grants.revoke(grant_id=licensing.grants_on(edition.asset_id)[0].pk, reason="over", now=NOW + 2 * HOUR)
    asked = ask(user)
    assert audit.make_waiting(now=NOW + 2 * HOUR) == 0
    assert audit.make_waiting(now=NOW + 2 * HOUR + audit.PATIENCE) == 1
    asked.refresh_from_db()
    assert asked.state == "made" and reports.facts(asked)["history"][-1]["entry"] == "pending"


def test_without_a_checkpoint_it_fails_with_the_reason(tmp_path, user):
    imports.run(catalogue=write(tmp_path, WHOLE), now=NOW)
    asked = ask(user, asset="objects")
    assert audit.make_waiting(now=NOW + 2 * HOUR) == 0
    assert audit.make_waiting(now=NOW + 2 * HOUR + audit.PATIENCE) == 1
    asked.refresh_from_db()
    assert (asked.state, asked.failure) == ("failed", "no-checkpoint")


def test_a_fault_in_one_report_does_not_stop_the_next(edition, user, monkeypatch):
    first, second = ask(user), ask(user)
    contents = audit._contents

    def failing(evidence, subject, number, now):
        if number == first.number:
            raise RuntimeError("broken")
        return contents(evidence, subject, number, now)

    monkeypatch.setattr(audit, "_contents", failing)
    assert audit.make_waiting(now=NOW + 2 * HOUR) == 2
    first.refresh_from_db(), second.refresh_from_db()
    assert (first.state, first.failure, second.state) == ("failed", "fault", "made")


def test_an_account_asks_for_ten_a_day_and_staff_for_more(edition, user):
    for _ in range(audit.REPORTS_A_DAY):
        ask(user)
    with pytest.raises(TooManyReports) as refused:
        ask(user, now=NOW + 3 * HOUR)
    assert 22 * 3600 < refused.value.seconds <= 23 * 3600 + 1
    ask(user, now=NOW + 27 * HOUR)
    user.is_staff = True
    user.save()
    ask(user, now=NOW + 3 * HOUR)


def test_a_time_that_is_refused_queues_nothing(edition, user):
    with pytest.raises(TimeRefused):
        ask(user, at="2031-01-01")
    assert not Report.objects.exists()


def test_a_report_of_hundreds_of_grants_is_made_within_ten_seconds(edition, tmp_path):
    for _ in range(250):
        granted(edition)
    sequencer.catch_up(now=NOW + HOUR)
    began = datetime.now(UTC)
    facts = report(tmp_path / "out", asset="objects-1650")
    assert len(facts["history"]) == 255 and datetime.now(UTC) - began < timedelta(seconds=10)
