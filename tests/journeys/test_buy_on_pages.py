"""Somebody without JavaScript finds a dataset, signs up, pays, downloads and verifies, in Chinese and in English."""

import hashlib
import re
import time
import uuid

import pytest

from marketplace.local import recount, sale
from marketplace.local.services import OWN_CATALOGUE
from tests.journeys.visitor import Visitor

FOLDER = OWN_CATALOGUE
DATASETS = {dataset["id"]: dataset for dataset in sale.datasets(FOLDER)}
LANGUAGES = {"en": ("en", "title_en"), "zh-hans": ("zh-Hans", "title_zh")}


def sign_up(visitor: Visitor) -> None:
    """Sign up on the page that is open, and go on where one came from."""
    visitor.follow(r"/account/signup/")
    email, password = f"{uuid.uuid4()}@visitor.example", "three lotus seeds at dusk"
    visitor.send(r"/account/signup/", name="Lu Ning 陆宁", email=email, password1=password)
    assert "/account/signup/" not in visitor.page.url, visitor.page.text


def until(visitor: Visitor, pattern: str) -> str:
    """Load the page anew, as its refresh does, until it has a link like this."""
    deadline = time.monotonic() + 60
    while time.monotonic() < deadline:
        try:
            return visitor.page.link(pattern)
        except AssertionError:
            time.sleep(0.5)
            visitor.open(visitor.page.url)
    return visitor.page.link(pattern)


@pytest.mark.parametrize("language", LANGUAGES)
def test_search_listing_order_pay_grant_download_verify(live_house, language):
    visitor, dataset = Visitor(live_house.base, language), DATASETS["cg-bronze"]
    code, title = LANGUAGES[language]

    visitor.open(visitor.path(""))
    assert visitor.page.language == code
    visitor.send(r"/search/", q=dataset[title])
    visitor.follow(r"/d/cloudgate-museum/cg-bronze/")
    assert dataset[title] in visitor.page.text
    visitor.follow(r"purpose=product")
    visitor.send(r"/cart/add/")
    visitor.open(visitor.path("cart/"))
    assert dataset[title] in visitor.page.text

    visitor.follow(r"/account/login/")
    sign_up(visitor)
    visitor.open(visitor.path("cart/"))
    visitor.send(r"/checkout/$")
    assert re.search(r"/checkout/WS-", visitor.page.url)
    visitor.send(r"/checkout/WS-")
    assert visitor.page.url.startswith(live_house.services.sandbox)
    visitor.send(r"", button="支付|Pay")
    assert visitor.page.url.startswith(visitor.path("checkout/"))

    visitor.open(until(visitor, r"/library/[0-9a-f-]{36}/"))
    link = visitor.page.link(r"/files/")
    arrived = visitor.line.digest(link)
    assert [arrived] == recount.digests(dataset, FOLDER)
    visitor.follow(r"/certificates/")
    number = re.search(r"G-[0-9]{4}-[0-9]+", visitor.page.text)[0]
    assert dataset[title] in visitor.page.text

    stranger = Visitor(live_house.base, language)
    stranger.open(stranger.path("verify/"))
    stranger.send(r"/verify/$", q=number)
    assert stranger.page.status == 200 and number in stranger.page.text
    stranger.open(stranger.path("verify/"))
    stranger.send(r"/verify/$", q=arrived)
    assert (
        dataset[title] in stranger.page.text or number in stranger.page.text or arrived in stranger.page.text
    )


@pytest.mark.parametrize("language", LANGUAGES)
def test_a_public_dataset_is_downloaded_from_its_page_without_an_account(live_house, language):
    visitor, dataset = Visitor(live_house.base, language), DATASETS["rb-arias"]
    visitor.open(visitor.path("d/reedbank-troupe/rb-arias/"))
    sources = [(FOLDER / name).read_bytes() for name in dataset["source_files"]]
    answer = visitor.open(visitor.page.link(r"/download/"))
    assert answer.status == 200
    assert hashlib.sha256(answer.html.encode()).hexdigest() == hashlib.sha256(sources[0]).hexdigest()


@pytest.mark.parametrize("language", LANGUAGES)
def test_what_is_for_schools_is_granted_to_one_that_is_named(live_house, language):
    visitor = Visitor(live_house.base, language)
    visitor.open(visitor.path("account/login/"))
    sign_up(visitor)
    visitor.open(visitor.path("d/cloudgate-museum/cg-glazes/?purpose=study_teach"))
    visitor.follow(r"as=education")
    visitor.send(r"/cart/add/", institution="溪口中学")
    visitor.open(visitor.path("cart/"))
    visitor.send(r"/checkout/$")
    visitor.open(until(visitor, r"/library/[0-9a-f-]{36}/"))
    assert [visitor.line.digest(visitor.page.link(r"/files/"))] == recount.digests(
        DATASETS["cg-glazes"], FOLDER
    )
    visitor.follow(r"/certificates/")
    assert "溪口中学" in visitor.page.text
    kept = "SELECT count(*) FROM ledger_opening WHERE field = 'institution' AND value ? '溪口中学'"
    assert live_house.rows(kept)[0][0] > 0


@pytest.mark.parametrize("language", LANGUAGES)
def test_what_is_withheld_is_shown_with_the_reason_and_without_a_button(live_house, language):
    visitor = Visitor(live_house.base, language)
    for address, purpose in (
        ("reedbank-troupe/rb-prompt-book", "product"),
        ("lin-zhiqiu/lz-papercuts", "train_model"),
    ):
        visitor.open(visitor.path(f"d/{address}/?purpose={purpose}"))
        assert visitor.page.status == 200
        assert "notice-err" in visitor.page.html
        assert not [form for form in visitor.page.forms if "/cart/add/" in form.action and form.buttons]


def test_a_declined_card_leaves_the_order_to_be_paid_again(live_house):
    visitor = Visitor(live_house.base, "en")
    visitor.open(visitor.path("account/login/"))
    sign_up(visitor)
    visitor.open(visitor.path("d/lin-zhiqiu/lz-papercuts/?purpose=product"))
    visitor.send(r"/cart/add/")
    visitor.open(visitor.path("cart/"))
    visitor.send(r"/checkout/$")
    visitor.send(r"/checkout/WS-")
    visitor.send(r"", button="Decline")
    assert "declined" in visitor.page.text
    visitor.send(r"", button="Pay ")
    visitor.open(until(visitor, r"/library/[0-9a-f-]{36}/"))
    assert len([1 for _, address in visitor.page.links if "/files/" in address]) == 6
