"""The sale in real Chromium, in Chinese and in English: search, listing, buy, pay, download, verify.

On every page of the way: no violation that axe calls serious, none of the Content Security Policy, no error in the
console, and no answer that failed. Narrow and wide, light and dark.
"""

import hashlib
import re
import uuid
from pathlib import Path

from marketplace.local import recount, sale
from marketplace.local.services import OWN_CATALOGUE

FOLDER = OWN_CATALOGUE
DATASET = next(one for one in sale.datasets(FOLDER) if one["id"] == "cg-bronze")
TITLES = {"en": "title_en", "zh-hans": "title_zh"}


def test_search_listing_buy_pay_download_verify(walk, live_house):
    page, title = walk.page, DATASET[TITLES[walk.language]]

    walk.open(live_house.base, "")
    walk.look("home")
    page.fill("main input[name=q]", title)
    page.press("main input[name=q]", "Enter")
    page.wait_for_url(re.compile("/search/"))
    walk.look("search")
    walk.press("main a[href*='/d/cloudgate-museum/cg-bronze/'] >> visible=true >> nth=0")
    walk.look("listing")
    page.click("a.choice[href*='purpose=product']")
    page.wait_for_url(re.compile("purpose=product"))
    page.wait_for_selector("a.choice[href*='purpose=product'][aria-current]")
    walk.look("picker")
    walk.press("form[action$='/cart/add/'] button.button")

    walk.open(live_house.base, "cart/")
    walk.look("cart")
    walk.press("a[href*='/account/login/'] >> visible=true >> nth=-1")
    walk.look("sign-in")
    walk.press("main a[href*='/account/signup/']")
    page.fill("input[name=name]", "陆宁 Lu Ning")
    page.fill("input[name=email]", f"{uuid.uuid4()}@browser.example")
    page.fill("input[name=password1]", "three lotus seeds at dusk")
    walk.look("sign-up")
    walk.press("form[action*='/account/signup/'] button.button-primary")

    walk.open(live_house.base, "cart/")
    for box in page.query_selector_all("input[name=agree]"):
        box.check()
    walk.look("cart-signed-in")
    walk.press("form[action$='/checkout/'] button.button-primary")
    walk.look("checkout")
    walk.press("form[action*='/checkout/WS-'] button.button-primary")
    assert page.url.startswith(live_house.services.sandbox)
    walk.look("pay")
    walk.press("button[value=pay]")
    page.wait_for_selector("main a.button-primary[href*='/library/']", timeout=60_000)
    walk.look("return")
    walk.press("main a.button-primary[href*='/library/']")
    walk.look("grant")
    with page.expect_download() as coming:
        page.click("main a[href*='/files/']")
    arrived = hashlib.sha256(Path(coming.value.path()).read_bytes()).hexdigest()
    assert [arrived] == recount.digests(DATASET, FOLDER)

    walk.press("main a[href*='/certificates/']")
    walk.look("certificate")
    number = re.search(r"G-[0-9]{4}-[0-9]+", page.inner_text("main"))[0]
    walk.open(live_house.base, "orders/")
    walk.press("main a[href*='/orders/WS-']")
    walk.look("order")
    walk.open(live_house.base, "verify/")
    page.fill("input#what", number)
    page.press("input#what", "Enter")
    page.wait_for_selector("#result")
    walk.look("verify")
    with page.expect_navigation():  # the browser hashes the file itself and sends the hash alone
        page.set_input_files("input#file", coming.value.path())
    page.wait_for_selector("#result")
    assert page.query_selector("#result li.pass")
    walk.open(live_house.base, "ledger/")
    walk.look("ledger")
    walk.press("main a[href*='/ledger/entries/']")
    walk.look("ledger-entry")


def test_the_house_has_no_fault_on_its_other_pages(walk, live_house):
    for path in ("s/", "s/reedbank-troupe/", "licences/", "library/", "help/contact/", "d/reedbank-troupe/rb-tune/",
                 "d/lin-zhiqiu/lz-papercuts/", "d/cloudgate-museum/cg-bell/", "d/lin-zhiqiu/lz-poems/"):  # fmt: skip
        walk.open(live_house.base, path)
        walk.look(path.strip("/").replace("/", "-"))
