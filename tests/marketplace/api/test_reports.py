"""Audit reports over the API and under their machine addresses: asked for, followed, fetched, refused."""

import hashlib
import io
import json
import re
import zipfile

import pytest
from django.test import Client

from ledger.actions import sequencer
from ledger.clock import now
from marketplace.actions import audit
from marketplace.models import Listing, Report, User
from tests.marketplace.api.test_api import Program, refused

pytestmark = pytest.mark.django_db


@pytest.fixture
def auditor(catalogue):
    sequencer.catch_up(now=now())
    return Program("auditor@example.org")


@pytest.fixture
def visitor(catalogue):
    return Program()


def made(auditor, **asked) -> dict:
    """Ask for a report and let the worker make it."""
    answer = auditor.post("reports/", asked or {"asset": "objects-1650"})
    assert answer.status_code == 202 and answer.json()["state"] == "queued"
    assert audit.make_waiting(now=now()) == 1
    return auditor.get(f"reports/{answer.json()['number']}/").json()


def test_it_is_asked_for_followed_and_fetched_by_anybody(auditor, visitor):
    report = made(auditor)
    assert report["state"] == "made" and report["subject_kind"] == "asset"
    facts = visitor.get(report["json"])
    assert hashlib.sha256(facts.content).hexdigest() == report["digest"]
    assert json.loads(facts.content)["ledger"]["checkpoint"]["size"] == report["checkpoint_size"]
    assert "immutable" in facts["Cache-Control"]
    with zipfile.ZipFile(io.BytesIO(visitor.get(report["zip"]).content)) as bundle:
        assert bundle.read("report.json") == facts.content
        for language, asked in (("zh-Hans", "zh-hans"), ("en", "en")):
            paper = visitor.get(report["pdf"], **{"Accept-Language": asked})
            assert (
                paper.content == bundle.read(f"report.{language}.pdf") and "Accept-Language" in paper["Vary"]
            )
            assert visitor.get(f"{report['pdf']}?language={language}").content == paper.content


def test_a_shop_as_of_an_instant(auditor):
    at = now().isoformat()
    report = made(auditor, shop="hill-museum", at=at)
    assert report["subject"] == "hill-museum" and report["as_of"][:19] == at[:19]


@pytest.mark.parametrize(
    ("said", "status", "kind"),
    [
        ({}, 400, "not-valid"),
        ({"asset": "objects", "shop": "hill-museum"}, 400, "not-valid"),
        ({"asset": ["objects"]}, 400, "not-valid"),
        ({"asset": "nothing"}, 404, "not-found"),
        ({"shop": "nobody"}, 404, "not-found"),
        ({"asset": "objects", "at": "2031-01-01"}, 422, "no-report-at-that-time"),
        ({"asset": "objects", "at": "1999-01-01"}, 422, "no-report-at-that-time"),
        ({"asset": "objects", "at": "2026-11-23T18:00"}, 422, "no-report-at-that-time"),
        ({"asset": "objects", "at": "soon"}, 422, "no-report-at-that-time"),
    ],
)
@pytest.mark.parametrize("language", ["en", "zh-hans"])
def test_what_cannot_be_reported_is_said_in_both_languages(auditor, said, status, kind, language):
    answer = auditor.post("reports/", said, **{"Accept-Language": language})
    problem = refused(answer, status, kind)
    assert bool(re.search(r"[\u3400-\u9fff]", problem["title"] + problem["detail"])) == (language != "en")
    assert not Report.objects.exists()


def test_who_is_not_signed_in_asks_for_none(visitor):
    refused(visitor.post("reports/", {"asset": "objects"}), 401, "not-signed-in")


def test_the_eleventh_of_a_day_is_refused_and_says_when_the_next_is_due(auditor):
    for _ in range(audit.REPORTS_A_DAY):
        assert auditor.post("reports/", {"asset": "objects"}).status_code == 202
    answer = auditor.post("reports/", {"asset": "objects"})
    refused(answer, 429, "too-many-requests")
    assert 86_000 < int(answer["Retry-After"]) <= 86_401


def test_the_same_request_again_is_the_same_report(auditor):
    numbers = {auditor.post("reports/", {"asset": "objects"}, "one key").json()["number"] for _ in range(2)}
    assert len(numbers) == Report.objects.count() == 1


def test_a_report_that_is_not_there_or_not_made_is_a_problem(auditor, visitor):
    number = auditor.post("reports/", {"asset": "objects"}).json()["number"]
    for ending in ("json", "pdf", "zip"):
        refused(visitor.get(f"/reports/{number}.{ending}"), 409, "report-not-made")
        refused(visitor.get(f"/reports/R-1999-000001.{ending}"), 404, "not-found")
    refused(visitor.get("reports/R-1999-000001/"), 404, "not-found")
    refused(visitor.get("/reports/%00.json"), 404, "not-found")


# Pages


@pytest.fixture
def reader(auditor):
    client = Client(HTTP_HOST="127.0.0.1")
    client.force_login(User.objects.get(email="auditor@example.org"))
    return client


def test_the_page_waits_then_shows_the_report_and_the_library_lists_it(auditor, reader):
    ark = Listing.objects.get(slug="objects-1650").asset.ark_id
    asked = reader.post("/en/reports/", {"asset": ark, "at": now().date().isoformat()})
    waits = reader.get(asked["Location"]).content.decode()
    assert asked.status_code == 302 and 'http-equiv="refresh"' in waits and "is being made" in waits
    assert audit.make_waiting(now=now()) == 1
    page = reader.get(asked["Location"]).content.decode()
    number = asked["Location"].split("/")[-2]
    assert "http-equiv" not in page and "report.css" in page and f"/reports/{number}.zip" in page
    assert f"/en/reports/{number}/" in reader.get("/en/library/").content.decode()
    assert "report.css" not in reader.get("/en/").content.decode()


@pytest.mark.parametrize(("language", "said"), [("en", "still to come"), ("zh-hans", "尚未到来")])
def test_a_time_to_come_is_a_page_that_says_so(reader, language, said):
    answer = reader.post(f"/{language}/reports/", {"shop": "hill-museum", "at": "2031-01-01"})
    assert answer.status_code == 422 and said in answer.content.decode()


@pytest.mark.parametrize(("language", "said"), [("en", "at most 10 reports"), ("zh-hans", "最多申请 10 份")])
def test_too_many_is_a_page_that_says_so(auditor, reader, language, said):
    for _ in range(audit.REPORTS_A_DAY):
        auditor.post("reports/", {"asset": "objects"})
    answer = reader.post(f"/{language}/reports/", {"shop": "hill-museum"})
    assert answer.status_code == 429 and said in answer.content.decode()


def test_what_is_not_there_and_who_is_not_signed_in(reader):
    assert reader.post("/en/reports/", {"asset": "nothing"}).status_code == 404
    assert reader.get("/en/reports/R-1999-000001/").status_code == 404
    assert reader.get("/en/reports/").status_code == 405
    stranger = Client(HTTP_HOST="127.0.0.1").post("/en/reports/", {"shop": "hill-museum"})
    assert stranger.status_code == 302 and "/account/login/" in stranger["Location"]


def test_a_report_that_failed_says_why(auditor, reader):
    number = auditor.post("reports/", {"asset": "objects"}).json()["number"]
    Report.objects.update(state="failed", failure="too-large", made_at=now())
    page = reader.get(f"/zh-hans/reports/{number}/").content.decode()
    assert "超出一份报告的上限" in page and "http-equiv" not in page
    assert auditor.get(f"reports/{number}/").json()["failure"] == "too-large"
