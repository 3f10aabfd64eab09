"""The API as a program meets it: open reading, tokens, orders, grants, files, and problems that say why."""

import base64
import hashlib
import io
import json
import re
import uuid

import pytest
from django.core.management import call_command
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from ledger.clock import now
from marketplace.actions import accounts, idempotency, imports
from marketplace.api import files
from marketplace.models import ApiToken, Delivery, IdempotencyRecord, Listing, User
from marketplace.queries import catalogue as queries
from settlement.models import Order
from tests.marketplace.catalogues import PROTECTED, changed, csv_bytes, write

pytestmark = pytest.mark.django_db
PASSWORD = "a long enough password"


class Program:
    """A client that speaks JSON, with a token once it has signed in."""

    def __init__(self, email: str = "") -> None:
        self.client = Client(HTTP_HOST="127.0.0.1")
        self.headers: dict[str, str] = {}
        if email:
            User.objects.create_user(email, PASSWORD)
            token = self.post("tokens/", {"email": email, "password": PASSWORD}).json()["token"]
            self.headers["Authorization"] = f"Bearer {token}"

    def get(self, path: str, **headers):
        return self.client.get(self._url(path), headers={**self.headers, **headers})

    def post(self, path: str, value, key: str | None = None, **headers):
        return self.client.post(
            self._url(path),
            json.dumps(value),
            content_type="application/json",
            headers={**self.headers, "Idempotency-Key": key or str(uuid.uuid4()), **headers},
        )

    def order(self, slug: str, purpose: str = "study_teach", **more):
        key = more.pop("key", None)
        line = {"listing": str(Listing.objects.get(slug=slug).pk), "purpose": purpose, **more}
        return self.post("orders/", {"lines": [line]}, key)

    @staticmethod
    def _url(path: str) -> str:
        return path if path.startswith("/") else f"/api/v1/{path}"


@pytest.fixture
def buyer(catalogue):
    return Program("buyer@example.org")


@pytest.fixture
def visitor(catalogue):
    return Program()


def refused(response, status: int, kind: str) -> dict:
    """Check that an answer is a problem of a type, whole and with its reference, and return it."""
    problem = response.json()
    assert (response.status_code, problem["type"]) == (status, f"/problems/{kind}/"), problem
    assert response["Content-Type"] == "application/problem+json"
    assert problem["status"] == status and problem["title"] and problem["detail"]
    assert problem["instance"].endswith(problem["reference"])
    return problem


def body(response) -> bytes:
    return b"".join(response.streaming_content)


# Reading


def test_listings_are_searched_and_read_without_a_token(visitor):
    found = visitor.get("listings/?q=器物&price=free").json()
    assert [listing["slug"] for listing in found["results"]] == ["objects"]
    listing = visitor.get(f"listings/{found['results'][0]['id']}/").json()
    assert listing == visitor.get(f"listings/{listing['asset']}/").json()
    assert listing["free"] and listing["public_interest"] and listing["standing_grant"]
    assert listing["files"][0]["sha256"] == hashlib.sha256(csv_bytes()).hexdigest()
    assert listing["offers"][0]["terms"][0]["clause"] == "1"


def test_an_offer_says_its_terms_in_the_readers_language(visitor):
    listing = Listing.objects.get(slug="objects").pk
    english = visitor.get(f"listings/{listing}/").json()["offers"][0]["terms"][0]["text"]
    chinese = visitor.get(f"listings/{listing}/", **{"Accept-Language": "zh-CN"}).json()
    assert english.startswith("You may") and chinese["offers"][0]["terms"][0]["text"].startswith("可以")


def test_prices_stand_by_purpose_and_an_exclusive_offer_is_shown_as_not_sold(visitor):
    edition = visitor.get(f"listings/{Listing.objects.get(slug='objects-1650').pk}/").json()
    assert edition["prices"]["product"] == {"amount_minor_units": 9900, "currency": "CNY", "text": "CN¥99.00"}
    assert edition["edition"]
    scripts = visitor.get(f"listings/{Listing.objects.get(slug='scripts').pk}/").json()
    assert [(offer["exclusive"], offer["sold"]) for offer in scripts["offers"]] == [(True, False)]


def test_pages_of_results_do_not_overlap(visitor):
    seen = []
    for page in (1, 2, 3):
        answer = visitor.get(f"listings/?size=2&page={page}&sort=title").json()
        seen += [listing["slug"] for listing in answer["results"]]
    assert (answer["count"], answer["pages"]) == (6, 3)
    assert len(set(seen)) == 6


def test_a_search_takes_few_queries_however_many_results(visitor):
    visitor.get("listings/?q=notes")
    with CaptureQueriesContext(connection) as queries:
        visitor.get("listings/?q=Restoration")
    assert len(queries) <= 6


def test_a_wrong_filter_names_its_field_in_the_readers_language(visitor):
    problem = refused(visitor.get("listings/?kind=x&size=0"), 400, "not-valid")
    assert {error["pointer"] for error in problem["errors"]} == {"#/kind", "#/size"}


@pytest.mark.parametrize(
    "path", ["listings/nothing/", f"listings/{uuid.UUID(int=7)}/", "nowhere/", "listings/ark:99999/w5x/"]
)
def test_what_is_not_there_is_a_problem_too(visitor, path):
    refused(visitor.get(path), 404, "not-found")


STRANGE = ["%00", "%ff", "..", "%F0%A0%80%8B", "a" * 3000, "'", "%22%7B", "0", "-1", "None", "%E2%80%AE"]


@pytest.mark.parametrize("strange", STRANGE, ids=lambda text: text[:8])
def test_no_strange_address_is_an_error_of_ours(buyer, strange):
    for path in ("listings/{}/", "orders/{}/", "grants/{}/", "grants/{}/files/", "ledger/entries/{}/"):
        assert buyer.get(path.format(strange)).status_code in (200, 400, 404), path
    for path in (
        "/files/{}/x",
        "/id/{}",
        "/previews/{}/0-640.jpg",
        "/api/v1/listings/?q={}&period={}&page={}",
    ):
        assert buyer.get(path.replace("{}", strange)).status_code in (200, 303, 400, 404), path


BODIES = [
    "",
    "{",
    "3",
    "null",
    "[]",
    '{"lines": 3}',
    '{"lines": [3]}',
    '{"lines": [{"listing": {}}]}',
    "\ud800",
    "\x00",
]


@pytest.mark.parametrize(
    "body", [*BODIES, '{"lines": [{"listing": "\\u0000", "purpose": "other"}]}', "[" * 100_000]
)
def test_no_strange_body_is_an_error_of_ours(buyer, body):
    answer = buyer.client.post(
        "/api/v1/orders/",
        body.encode("utf-8", "surrogatepass"),
        content_type="application/json",
        headers={**buyer.headers, "Idempotency-Key": str(uuid.uuid4())},
    )
    assert answer.status_code in (400, 404)
    assert answer.json()["reference"]


def test_too_large_a_body_and_another_type_than_json_are_named(buyer):
    address, headers = "/api/v1/orders/", {**buyer.headers, "Idempotency-Key": "large"}
    large = buyer.client.post(address, b" " * 3_000_000, content_type="application/json", headers=headers)
    refused(large, 413, "too-large")
    headers["Idempotency-Key"] = "form"
    form = buyer.client.post(address, {"lines": "x"}, headers=headers)
    refused(form, 415, "unsupported-media-type")
    refused(buyer.client.delete(address, headers=buyer.headers), 405, "method-not-allowed")


# Tokens


def test_a_wrong_password_gets_no_token_and_too_many_get_none_for_a_while(catalogue, settings):
    settings.CACHES = {
        "default": {"BACKEND": "django.core.cache.backends.locmem.LocMemCache", "LOCATION": "tries"}
    }
    User.objects.create_user("me@example.org", PASSWORD)
    program = Program()
    for _ in range(accounts.TRIES):
        refused(
            program.post("tokens/", {"email": "me@example.org", "password": "wrong"}), 401, "sign-in-failed"
        )
    answer = program.post("tokens/", {"email": "me@example.org", "password": PASSWORD})
    assert refused(answer, 429, "too-many-requests") and int(answer["Retry-After"]) > 0


def test_only_the_hash_of_a_token_is_kept_and_the_same_request_gets_the_same_token(catalogue):
    User.objects.create_user("me@example.org", PASSWORD)
    program, asked = Program(), {"email": "me@example.org", "password": PASSWORD}
    first, again = (program.post("tokens/", asked, key="same").json()["token"] for _ in range(2))
    assert first == again
    assert ApiToken.objects.get().digest == accounts.digest_of(first)
    kept = json.dumps(list(IdempotencyRecord.objects.values_list("body", "fingerprint")))
    assert first not in kept and PASSWORD not in kept


def test_a_revoked_or_unknown_token_is_refused_even_for_what_is_open(buyer):
    accounts.revoke_token(user=User.objects.get(), token_id=ApiToken.objects.get().pk, now=now())
    refused(buyer.get("listings/"), 401, "not-signed-in")
    buyer.headers["Authorization"] = "Basic abc"
    assert buyer.get("listings/")["WWW-Authenticate"] == "Bearer"


# Orders


def test_what_is_free_for_education_is_granted_to_whoever_names_the_institution(buyer):
    order = buyer.order("objects-1650", institution="First School").json()
    assert order["state"] == "granted_free" and order["payment"] is None
    grant = buyer.get(f"grants/{order['lines'][0]['grant']}/").json()
    assert (grant["institution"], grant["institution_kind"], grant["basis"]) == (
        "First School",
        "education",
        "free",
    )
    (file,) = buyer.get(f"grants/{grant['id']}/files/").json()["files"]
    assert hashlib.sha256(body(buyer.get(path_of(file["url"])))).hexdigest() == file["sha256"]


def test_a_priced_order_waits_for_its_payment(buyer):
    answer = buyer.order("objects-1650", "product")
    assert answer.status_code == 201
    order = answer.json()
    assert order["total"]["amount_minor_units"] == 9900 and order["lines"][0]["grant"] is None
    assert buyer.get(f"orders/{order['number']}/").json() == order
    assert buyer.get("orders/").json()["results"] == [order]


REFUSALS = [
    (("notes", "train_model", {}), 422, "purpose-not-offered"),
    (("notes", "study_teach", {"territory": "JP"}), 422, "purpose-not-offered"),
    (("scripts", "study_teach", {}), 409, "exclusive-not-sold"),
    (("lessons", "study_teach", {}), 422, "institution-not-named"),
    (("penny", "study_teach", {}), 422, "below-minimum"),
    (("objects-1650", "study_teach", {"offer": str(uuid.UUID(int=7))}), 422, "offer-not-here"),
    (("objects-1650", "fun", {}), 400, "not-valid"),
    (("objects-1650", "study_teach", {"institution_kind": "education"}), 400, "not-valid"),
]


@pytest.mark.parametrize(("asked", "status", "kind"), REFUSALS)
def test_a_refused_order_says_why_and_writes_nothing(buyer, asked, status, kind):
    slug, purpose, more = asked
    problem = refused(buyer.order(slug, purpose, **more), status, kind)
    assert Order.objects.count() == 0
    if kind == "purpose-not-offered":
        assert problem["reasons"][0]["clause"] and "Clause" in problem["detail"]


def test_lines_in_two_currencies_are_no_one_order(buyer, tmp_path):
    dollars = changed(PROTECTED, id="dollars", price__currency="USD")
    imports.run(catalogue=write(tmp_path, dollars), now=now())
    lines = [
        {"listing": str(Listing.objects.get(slug=slug).pk), "purpose": "other"}
        for slug in ("notes", "dollars")
    ]
    refused(buyer.post("orders/", {"lines": lines}), 422, "mixed-currencies")


def test_an_order_of_somebody_else_is_not_there(buyer):
    number = buyer.order("objects-1650", "product").json()["number"]
    stranger = Program("stranger@example.org")
    refused(stranger.get(f"orders/{number}/"), 404, "not-found")
    refused(stranger.post(f"orders/{number}/pay/", {}), 404, "not-found")
    refused(Program().get(f"orders/{number}/"), 401, "not-signed-in")
    assert stranger.get("orders/").json()["count"] == 0


# Writes that are sent twice


def test_a_write_without_a_key_is_refused(buyer):
    answer = buyer.client.post(
        "/api/v1/orders/", "{}", content_type="application/json", headers=buyer.headers
    )
    refused(answer, 400, "idempotency-key-missing")


def test_the_same_write_again_gets_the_stored_answer_byte_for_byte(buyer):
    first, again = (buyer.order("objects-1650", "product", key="k") for _ in range(2))
    assert first.content == again.content and first.status_code == again.status_code == 201
    assert again["Idempotent-Replayed"] == "true"
    assert Order.objects.count() == 1


def test_another_write_under_the_same_key_is_refused(buyer):
    buyer.order("objects-1650", "product", key="k")
    refused(buyer.order("objects-1650", "publish", key="k"), 422, "idempotency-key-reused")


def test_a_write_whose_twin_is_still_running_is_refused(buyer):
    buyer.order("objects-1650", "product", key="k")
    IdempotencyRecord.objects.filter(key="k").update(status=None, body=None)
    refused(buyer.order("objects-1650", "product", key="k"), 409, "idempotency-key-in-use")


def test_a_write_whose_twin_has_died_is_done_and_finds_what_was_done_already(buyer):
    order = buyer.order("objects-1650", "product", key="k").json()
    IdempotencyRecord.objects.filter(key="k").update(
        status=None, body=None, started_at=now() - 2 * idempotency.GIVEN_UP
    )
    assert buyer.order("objects-1650", "product", key="k").json()["number"] == order["number"]
    assert Order.objects.count() == 1


def test_the_key_of_one_user_is_not_that_of_another(buyer):
    mine = buyer.order("objects-1650", "product", key="k").json()["number"]
    assert Program("other@example.org").order("objects-1650", "product", key="k").json()["number"] != mine


# Grants and files


def standing(program) -> str:
    return program.get(f"listings/{Listing.objects.get(slug='objects').pk}/").json()["standing_grant"]


def path_of(url: str) -> str:
    return url.removeprefix("http://127.0.0.1")


def link(program) -> str:
    (file,) = program.get(f"grants/{standing(program)}/files/").json()["files"]
    return path_of(file["url"])


def test_what_is_public_is_downloaded_without_an_account_under_the_grant_to_everybody(visitor):
    grant = visitor.get(f"grants/{standing(visitor)}/").json()
    assert grant["basis"] == "standing"
    answer = visitor.get(link(visitor))
    assert body(answer) == csv_bytes()
    assert Delivery.objects.get().grant_id == uuid.UUID(grant["id"])


def test_a_grant_of_somebody_else_is_not_there(buyer, visitor):
    grant = buyer.order("objects-1650", institution="First School").json()["lines"][0]["grant"]
    refused(visitor.get(f"grants/{grant}/"), 404, "not-found")
    refused(Program("stranger@example.org").get(f"grants/{grant}/files/"), 404, "not-found")
    refused(visitor.get(f"grants/{uuid.uuid4()}/"), 404, "not-found")


def test_a_file_comes_with_its_strong_tag_and_digest(visitor):
    answer = visitor.get(link(visitor))
    sha256 = hashlib.sha256(csv_bytes())
    assert answer["ETag"] == f'"{sha256.hexdigest()}"'
    assert answer["Repr-Digest"] == f"sha-256=:{base64.b64encode(sha256.digest()).decode()}:"
    assert answer["Accept-Ranges"] == "bytes" and answer["Cache-Control"].startswith("private")
    assert 'filename="objects.csv"' in answer["Content-Disposition"]


def test_a_broken_off_download_goes_on_where_it_stopped_as_the_same_delivery(visitor):
    address = link(visitor)
    whole = visitor.get(address)
    etag, data = whole["ETag"], body(whole)
    rest = visitor.get(address, Range="bytes=7-", **{"If-Range": etag})
    assert rest.status_code == 206
    assert rest["Content-Range"] == f"bytes 7-{len(data) - 1}/{len(data)}"
    assert data[:7] + body(rest) == data
    assert body(visitor.get(address, Range="bytes=7-", **{"If-Range": '"old"'})) == data
    assert Delivery.objects.count() == 1
    assert Delivery.objects.get().count.requests == 3


def test_conditional_and_impossible_requests_send_no_bytes_and_are_no_delivery(visitor):
    address = link(visitor)
    etag = f'"{hashlib.sha256(csv_bytes()).hexdigest()}"'
    assert visitor.get(address, **{"If-None-Match": etag}).status_code == 304
    assert visitor.get(address, **{"If-Match": '"other"'}).status_code == 412
    beyond = visitor.get(address, Range="bytes=99999-")
    assert (beyond.status_code, beyond["Content-Range"]) == (416, f"bytes */{len(csv_bytes())}")
    head = visitor.client.head(address)
    assert (head.status_code, head.content, head["Content-Length"]) == (200, b"", str(len(csv_bytes())))
    assert Delivery.objects.count() == 0


def test_a_link_that_was_bent_or_has_expired_opens_nothing(visitor, monkeypatch):
    address = link(visitor)
    refused(visitor.get("/files/AAAA/objects.csv"), 404, "link-broken")
    later = now() + accounts.SEEN_EVERY * 600
    monkeypatch.setattr(files.clock, "now", lambda: later)
    refused(visitor.get(address), 410, "link-expired")


def test_the_web_server_in_front_sends_the_bytes_where_it_is_told_to(visitor, settings):
    settings.FILES_ACCEL_PREFIX = "/protected/"
    answer = visitor.get(link(visitor))
    assert answer["X-Accel-Redirect"].startswith("/protected/sha256/") and answer.content == b""
    assert Delivery.objects.count() == 1


# The rest


def test_an_identifier_leads_to_its_page_or_its_record(visitor):
    ark = Listing.objects.get(slug="objects").asset.ark_id
    page = visitor.get(f"/id/{ark}", Accept="text/html")
    assert page.status_code == 303 and page["Location"].endswith("/d/hill-museum/objects/")
    assert visitor.get(f"/id/{ark}?noredirect").json()["asset"] == ark
    refused(visitor.get("/id/ark:99999/w5nothing"), 404, "not-found")


def test_an_error_of_ours_is_a_problem_with_a_reference_and_no_word_about_the_inside(visitor, monkeypatch):
    monkeypatch.setattr(queries, "search", lambda *_args, **_more: 1 / 0)
    problem = refused(visitor.get("listings/"), 500, "internal-error")
    assert "division" not in json.dumps(problem)


def test_the_schema_describes_every_address_without_a_warning(visitor):
    call_command("spectacular", "--validate", "--fail-on-warn", stdout=io.StringIO(), stderr=io.StringIO())
    paths = visitor.get("/api/schema/?format=json").json()["paths"]
    for address in ("listings/", "orders/", "orders/{number}/pay/", "grants/{grant_id}/files/", "tokens/"):
        assert f"/api/v1/{address}" in paths
    assert "/api/v1/ledger/entries/{number}/proof/" in paths


def test_the_documentation_page_has_no_script_of_its_own(visitor):
    page = visitor.get("/api/docs/")
    assert page.status_code == 200
    assert not re.search(r"<script(?![^>]*src=)[^>]*>\s*\S", page.content.decode())
    assert "script-src 'self';" in page["Content-Security-Policy"] + ";"
    assert visitor.get("/api/docs/?script=").headers["Content-Type"].startswith("application/javascript")
