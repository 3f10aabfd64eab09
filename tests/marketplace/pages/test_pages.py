"""Every page in both languages: it answers, says its language, and keeps its promises to a visitor."""

import json
import re

import pytest
from django.urls import reverse
from django.utils import translation

from ledger import queries as ledger
from ledger.actions import sequencer
from ledger.clock import now
from licensing import queries as licensing
from licensing.actions import grants
from marketplace.actions import accounts
from marketplace.models import Listing, User
from marketplace.views import errors
from tests.marketplace.pages.messages import ROOT

pytestmark = pytest.mark.usefixtures("catalogue")
LANGUAGES = {"zh-hans": "zh-Hans", "en": "en"}
PAGES = [
    "",
    "search/",
    "search/?q=poems&use=publish&kind=text&price=free",
    "search/?q=%E5%89%AA%E7%BA%B8",
    "search/?q=nothing+of+this+kind",
    "search/feed.atom",
    "s/",
    "licences/",
    "cart/",
    "verify/",
    "ledger/",
    "ledger/entries/0/",
    "account/login/",
    "account/signup/",
    "account/password/reset/",
    *(f"help/{topic}/" for topic in ("start", "contact", "report", "sell", "claim", "request", "verify")),
    *(f"about/{topic}/" for topic in ("accessibility", "source", "figures", "status")),
    "problems/not-found/",
    "mailbox/",
]


def path(language: str, name: str, *args) -> str:
    with translation.override(language):
        return reverse(name, args=args)


def listing(slug: str) -> Listing:
    return Listing.objects.select_related("shop", "asset", "version").get(slug=slug)


def page_of(client, slug: str, query: str = "", language: str = "en", tab: str = "") -> str:
    shown = listing(slug)
    response = client.get(f"/{language}/d/{shown.shop.slug}/{slug}/{tab}{query}")
    assert response.status_code == 200
    return response.content.decode()


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("address", PAGES)
def test_a_page_answers_in_its_language(client, settings, language, address):
    settings.TEST_MODE = True
    response = client.get(f"/{language}/{address}")
    assert response.status_code == 200
    text = response.content.decode()
    if "html" in response["Content-Type"]:
        assert f'<html lang="{LANGUAGES[language]}"' in text
        assert text.count("<h1") == 1
        assert re.search(r"<title>[^<]+</title>", text)


@pytest.mark.parametrize("language", LANGUAGES)
def test_every_tab_of_every_dataset_answers(client, language):
    for shown in Listing.objects.select_related("shop"):
        text = page_of(client, shown.slug, language=language)
        assert shown.title["zh-Hans" if language == "zh-hans" else "en"].replace("'", "&#x27;") in text
        tabs = re.search(r'<nav class="tabs".*?</nav>', text, re.S)[0]
        for address in re.findall(r'href="([^"]+)"', tabs):
            assert client.get(address).status_code == 200, address


def test_a_dataset_page_takes_fifteen_queries_at_most(client, django_assert_max_num_queries):
    for slug in ("cg-objects", "cg-bronze", "lz-papercuts", "rb-arias"):
        shown = listing(slug)
        with django_assert_max_num_queries(15):
            client.get(f"/en/d/{shown.shop.slug}/{slug}/")


def test_a_dataset_page_stays_under_sixty_kilobytes(client):
    for shown in Listing.objects.all():
        assert len(page_of(client, shown.slug).encode()) < 60_000, shown.slug


def test_the_root_leads_to_the_language_that_the_browser_asks_for(client):
    chinese = client.get("/", headers={"Accept-Language": "zh-CN"})
    assert chinese.headers["Location"] == "/zh-hans/"
    assert "Accept-Language" in chinese.headers["Vary"]
    assert client.get("/", headers={"Accept-Language": "fr"}).headers["Location"] == "/en/"


def test_a_page_names_its_address_in_the_other_language(client):
    text = client.get("/en/s/").content.decode()
    assert 'hreflang="zh-Hans" href="http://testserver/zh-hans/s/"' in text


def test_what_is_free_for_everybody_is_downloaded_without_an_account(client):
    shown = listing("cg-objects")
    first = client.get(f"/en/d/{shown.shop.slug}/cg-objects/download/0/")
    assert first.status_code == 302
    assert first.headers["Location"].startswith("/files/")
    assert "Sign in" not in page_of(client, "cg-objects").split("<main")[1].split("</main>")[0]


def test_what_has_a_price_is_not_handed_out_from_its_page(client):
    shown = listing("cg-bronze")
    assert client.get(f"/en/d/{shown.shop.slug}/cg-bronze/download/0/").status_code == 404


def test_an_edition_shows_the_free_whole_first_what_it_adds_and_the_plan(client):
    text = page_of(client, "cg-bronze")
    assert text.index("The free whole") < text.index("What is inside")
    assert "/d/cloudgate-museum/cg-objects/" in text or "cg-objects" in text
    assert "What the public gets back" in text


def test_an_exclusive_offer_is_shown_with_its_price_and_not_sold(client):
    text = page_of(client, "rb-prompt-book")
    assert "8,800.00" in text
    assert "Exclusive: shown, not sold" in text
    assert "Add to cart" not in text


def test_what_is_for_schools_asks_for_the_institution(client):
    anybody = page_of(client, "cg-glazes", "?purpose=study_teach")
    assert "For schools and public cultural institutions" in anybody
    school = page_of(client, "cg-glazes", "?purpose=study_teach&as=education")
    assert 'name="institution"' in school


def test_a_withheld_use_is_refused_with_its_clause(client):
    text = page_of(client, "cg-bell", "?purpose=train_model")
    assert "The terms do not allow this" in text
    assert re.search(r"Clause \d+: You may not train", text)
    assert "No AI training" in text


def test_a_territory_is_said_on_the_page(client):
    assert "Only in mainland China" in page_of(client, "rb-tune")
    assert "限中国内地" in page_of(client, "rb-tune", language="zh-hans")


def test_a_price_below_the_minimum_says_how_it_can_be_bought(client, monkeypatch):
    from licensing.domain import money

    dear = {**money.CURRENCIES, "CNY": money.Currency(2, 2, 1, 20_000)}
    monkeypatch.setattr(money, "CURRENCIES", dear)
    monkeypatch.setattr("marketplace.views.picker.CURRENCIES", dear)
    assert "less than a payment provider charges" in page_of(client, "cg-bell")


def test_badges_claim_registration_and_never_verified_rights(client):
    for slug in ("cg-objects", "cg-bronze"):
        text = page_of(client, slug)
        assert "Registered" in text
        assert "Rights verified" not in text
    assert "权属已核验" not in page_of(client, "cg-objects", language="zh-hans")


def test_the_page_describes_itself_to_machines(client):
    shown = listing("cg-objects")
    response = client.get(f"/en/d/{shown.shop.slug}/cg-objects/")
    data = re.search(r'<script type="application/ld\+json">(.*?)</script>', response.content.decode(), re.S)[
        1
    ]
    document = json.loads(data)
    assert document["@type"] == "Dataset"
    assert document["identifier"] == shown.asset.ark_id
    assert document["isAccessibleForFree"] is True
    assert 'rel="license"' in response["Link"]
    assert shown.asset.ark_id in response["Link"]


def test_every_picture_on_a_page_can_be_fetched(client):
    for slug in ("lz-papercuts", "cg-ink"):
        for address in set(re.findall(r'(?:src|href)="(/previews/[^"]+)"', page_of(client, slug))):
            assert client.get(address)["Content-Type"] == "image/jpeg"


def test_what_was_taken_off_show_says_so(client):
    shown = listing("cg-ink")
    Listing.objects.filter(pk=shown.pk).update(state=Listing.State.DELISTED)
    response = client.get(f"/en/d/{shown.shop.slug}/cg-ink/")
    assert response.status_code == 410
    assert "This was withdrawn" in response.content.decode()


def test_the_page_of_a_fault_asks_the_database_for_nothing(rf, django_assert_num_queries):
    with django_assert_num_queries(0):
        response = errors.failed(rf.get("/en/"))
    assert response.status_code == 500
    assert "Nothing was half done" in response.content.decode()


def test_a_sample_of_what_is_paid_ends_after_ten_records(client):
    text = page_of(client, "lz-pattern-notes", tab="data/")
    assert text.count('<th scope="row">') == 10
    assert "A sample: the first 10 of 12 records" in text


def test_reading_on_in_paid_texts_ends_after_ten(client):
    assert "Record 10 of 12" in page_of(client, "lz-pattern-notes", "?record=11")
    assert "Record 11 of 24" in page_of(client, "lz-poems", "?record=11")


def test_an_entry_is_a_sentence_with_its_proof_drawn(client):
    text = client.get("/en/ledger/entries/3/").content.decode()
    assert "On " in text
    assert "<svg" in text
    assert "Included in the log" in text
    size = ledger.latest_checkpoint().size
    assert client.get(f"/en/ledger/checkpoints/{size}/").status_code == 200
    assert client.get("/en/ledger/checkpoints/999999/").status_code == 404
    assert client.get("/en/ledger/entries/999999/").status_code == 404


@pytest.fixture
def reader(db):
    user = User.objects.create_user("reader@example.org", "long-Enough-9")
    accounts.party_for(user=user, now=now())
    user.refresh_from_db()
    return user


@pytest.fixture
def grant(reader):
    shown = listing("cg-objects")
    (offer,) = licensing.open_offers(shown.asset_id)
    made = grants.issue(
        offer_id=offer.pk,
        licensee_id=reader.party_id,
        basis="free",
        purpose="publish",
        reference="test",
        detail={"licensee_name": "Ling Yun", "institution": "", "statement": ""},
        now=now(),
    )
    sequencer.catch_up(now=now())
    return made


def test_a_certificate_names_its_holder_to_the_holder_only(client, reader, grant):
    address = path("en", "certificate", grant.number)
    stranger = client.get(address).content.decode()
    assert grant.number in stranger
    assert "Ling Yun" not in stranger
    assert "Ling Yun" not in client.get(reverse("certificate-json", args=[grant.number])).content.decode()
    client.force_login(reader)
    assert "Ling Yun" in client.get(address).content.decode()


def test_a_certificate_verifies_by_its_number_and_a_wrong_number_does_not(client, grant):
    text = client.get(path("en", "verify-number", grant.number)).content.decode()
    assert f"Certificate {grant.number} holds" in text
    assert "The path reaches the root" in text
    assert "No certificate has this number" in client.get("/en/verify/?q=G-2026-999999").content.decode()


def test_a_revoked_grant_says_so_on_its_certificate_and_fails_to_verify(client, grant):
    grants.revoke(grant_id=grant.pk, reason="a test", now=now())
    assert "Revoked" in client.get(path("en", "certificate", grant.number)).content.decode()
    text = client.get(path("en", "verify-number", grant.number)).content.decode()
    assert f"Certificate {grant.number} does not hold" in text


def test_the_hash_of_a_published_file_is_known_and_another_is_not(client):
    file = licensing.files(listing("cg-objects").version_id)[0]
    assert "very bytes" in client.get(f"/en/verify/?q={file.sha256}").content.decode()
    assert "No published file" in client.get(f"/en/verify/?q={'0' * 64}").content.decode()


def test_a_file_that_is_sent_is_hashed_and_looked_up(client, tmp_path):
    source = ROOT / "marketplace" / "local" / "catalogue" / "tables" / "objects.csv"
    with source.open("rb") as file:
        response = client.post("/en/verify/", {"file": file}, follow=True)
    assert "very bytes" in response.content.decode()


def test_the_library_holds_links_that_work_and_a_stranger_sees_none(client, reader, grant):
    address = path("en", "library-grant", grant.pk)
    assert client.get(address).status_code == 302
    client.force_login(reader)
    text = client.get(address).content.decode()
    link = re.search(r'href="(http://testserver/files/[^"]+)"', text)[1]
    assert client.get(link.removeprefix("http://testserver")).status_code == 200
    assert "sha256sum -c" in text
    other = User.objects.create_user("other@example.org", "long-Enough-9")
    client.force_login(other)
    assert client.get(address).status_code == 404
    assert client.get(path("en", "library")).status_code == 200


def test_a_cart_keeps_its_lines_through_signing_in_and_becomes_an_order(client, reader):
    shown = listing("cg-objects")
    client.post("/en/cart/add/", {"listing": str(shown.pk), "purpose": "publish"})
    assert "Catalogue of objects" in client.get("/en/cart/").content.decode()
    client.post("/en/account/login/", {"login": reader.email, "password": "long-Enough-9"})
    assert "Catalogue of objects" in client.get("/en/cart/").content.decode()
    refused = client.post("/en/checkout/", follow=True)
    assert "Agree to the terms of each line first" in refused.content.decode()
    agreed = re.findall(r'name="agree" value="([0-9a-f]{64})"', client.get("/en/cart/").content.decode())
    response = client.post("/en/checkout/", {"agree": agreed}, follow=True)
    assert "Granted" in response.content.decode()
    assert client.get("/en/orders/").content.decode().count("WS-") >= 1
    number = re.search(r"WS-\d{4}-\d+", response.content.decode())[0]
    order = client.get(f"/en/orders/{number}/").content.decode()
    assert "none: the order was free, and no provider was asked" in order
    client.force_login(User.objects.create_user("third@example.org", "long-Enough-9"))
    assert client.get(f"/en/orders/{number}/").status_code == 404


def test_what_cannot_be_put_into_the_cart_says_why_and_leads_back(client):
    shown = listing("cg-bell")
    sent = {"listing": str(shown.pk), "purpose": "train_model"}
    response = client.post("/en/cart/add/", sent, follow=True)
    assert "You may not train" in response.content.decode()
    assert response.redirect_chain[0][0].startswith("/en/d/")
    assert client.post("/en/cart/add/", {"listing": "x", "purpose": "y"}).status_code == 302
    assert client.post("/en/cart/remove/", {"line": "x"}).status_code == 302


def test_the_theme_is_kept_in_a_cookie_and_only_goes_back_to_our_own_pages(client):
    response = client.post("/theme/", {"theme": "dark", "next": "/en/s/"})
    assert response.headers["Location"] == "/en/s/"
    assert 'data-theme="dark"' in client.get("/en/").content.decode()
    away = client.post("/theme/", {"theme": "auto", "next": "https://example.org/"})
    assert away.headers["Location"] == "/"
    assert "data-theme" not in client.get("/en/").content.decode()


def test_the_language_switch_leads_to_the_same_page(client):
    response = client.post("/language/", {"language": "zh-hans", "next": "/en/s/"})
    assert response.headers["Location"] == "/zh-hans/s/"


def test_errors_have_a_page_with_a_reference_number(client):
    response = client.get("/zh-hans/nothing/")
    assert response.status_code == 404
    assert re.search(r"参考编号 <code>[0-9a-f]{12}</code>", response.content.decode())


def test_a_failed_form_says_so_in_its_title_and_at_the_field(client):
    response = client.post("/en/account/signup/", {"name": "", "email": "x", "password1": "short"})
    text = response.content.decode()
    assert "<title>Error:" in text
    assert 'id="error-summary"' in text
    assert 'id="id_name_error"' in text


def test_signing_up_makes_a_person_with_the_name_for_certificates(client):
    form = {"name": "凌云", "email": "new@example.org", "password1": "long-Enough-9-words"}
    assert client.post("/zh-hans/account/signup/", form).status_code == 302
    party = User.objects.get(email="new@example.org").party
    assert (party.kind, party.name["zh-Hans"]) == ("person", "凌云")


def test_no_page_holds_inline_style_or_script(client):
    for address in ("/en/", "/en/search/", "/en/ledger/entries/3/", "/en/verify/"):
        text = client.get(address).content.decode()
        assert " style=" not in text
        assert re.findall(r"<script(?![^>]*\bsrc=)(?![^>]*ld\+json)", text) == []
        assert re.findall(r'\son[a-z]+="', text) == []


def test_the_site_loads_nothing_from_elsewhere(client):
    text = client.get("/en/").content.decode()
    assert re.findall(r'(?:src|<link[^>]*rel="stylesheet"[^>]*href)="(https?:[^"]+)"', text) == []


def test_crawlers_are_told_what_they_need_not_fetch(client):
    text = client.get("/robots.txt").content.decode()
    assert "Disallow: /*/cart/" in text
