"""Somebody asks for an audit report, reads it in both languages, takes it away and checks it with the network off."""

import hashlib
import json
import subprocess
import sys
import time
import zipfile

import pytest

from marketplace.local import accounts, sale
from marketplace.local.buyer import Buyer
from marketplace.local.house import BASE_DIR
from marketplace.local.services import OWN_CATALOGUE
from tests.journeys.visitor import Visitor

MADE_WITHIN_SECONDS = 10
WORDS = {
    "zh-hans": ("审计报告", "出具报告", "登录", "成立", "尚未纳入", "当日谁可以做什么"),
    "en": ("Audit report", "Make the report", "Sign in", "Holds", "not covered yet", "Who could do what"),
}


@pytest.fixture
def sold(live_house):
    """Sell one dataset, so that there is something to report."""
    buyer, folder = Buyer(live_house.base), OWN_CATALOGUE
    buyer.sign_in(email=accounts.buyer_email(0), password=accounts.PASSWORD)
    yield sale.sell(buyer, sale.to_sell(sale.datasets(folder)), folder)
    buyer.close()


def asked(live_house, language: str, asset: str) -> Visitor:
    """Ask for a report on the rights tab and wait on its page until it is made."""
    visitor = Visitor(live_house.base, language)
    visitor.open(visitor.path("account/login/"))
    visitor.send("login", login=accounts.buyer_email(0), password=accounts.PASSWORD)
    visitor.open(f"/id/{asset}")
    visitor.follow(r"/rights/$")
    began = time.monotonic()
    visitor.send("reports/")
    while "http-equiv" in visitor.page.html and time.monotonic() < began + MADE_WITHIN_SECONDS:
        time.sleep(0.3)
        visitor.open(visitor.page.url)
    assert time.monotonic() < began + MADE_WITHIN_SECONDS, visitor.page.text
    return visitor


def body(live_house, url: str, **headers: str):
    """Fetch an address as a machine without an account."""
    line = Buyer(live_house.base)
    answer = line.ask("GET", url, None, headers)
    line.close()
    return answer


@pytest.mark.parametrize("language", ["zh-hans", "en"])
def test_it_is_asked_for_read_taken_away_and_checked_offline(live_house, sold, tmp_path, language):
    visitor = asked(live_house, language, sold["asset"])
    page = visitor.page
    _title, _button, _sign_in, holds, limits, permissions = WORDS[language]
    assert holds in page.text and limits in page.text and permissions in page.text
    number = page.url.rstrip("/").rsplit("/", 1)[1]
    facts = body(live_house, f"{live_house.base}/reports/{number}.json")
    digest = hashlib.sha256(facts.body).hexdigest()
    assert digest in page.text and json.loads(facts.body)["number"] == number
    paper = body(live_house, page.link(r"\.pdf"))
    assert paper.body.startswith(b"%PDF-") and (b"zh-CN" in paper.body) == (language == "zh-hans")
    packed = tmp_path / "report.zip"
    packed.write_bytes(body(live_house, f"{live_house.base}/reports/{number}.zip").body)
    with zipfile.ZipFile(packed) as bundle:
        bundle.extractall(tmp_path / "report")
    live_house.manage("ledger_policy", "--out", str(tmp_path / "policy"))
    verifier = [sys.executable, "-I", str(BASE_DIR / "ledger/verifier.py")]
    policy = ["--policy", str(tmp_path / "policy")]
    good = subprocess.run([*verifier, str(tmp_path / "report"), *policy], capture_output=True, text=True)
    assert good.returncode == 0, good.stdout + good.stderr
    other = "en" if language == "zh-hans" else "zh-hans"
    stranger = Visitor(live_house.base, other)
    assert WORDS[other][3] in stranger.open(stranger.path(f"reports/{number}/")).text


def test_who_has_not_signed_in_is_asked_to_and_no_report_is_queued(live_house, sold):
    visitor = Visitor(live_house.base, "en")
    visitor.open(f"/id/{sold['asset']}")
    visitor.follow(r"/rights/$")
    assert "Sign in to ask for one" in visitor.page.text
    with pytest.raises(AssertionError):
        visitor.page.form("reports/")
