"""The ledger and its verification in real Chromium: what is dropped stays in the browser, and is checked there.

On every page: no violation that axe calls serious, none of the content policy, no request to anybody else.
"""

import json
import re
from urllib.parse import urlsplit

import pytest

from marketplace.local.services import OWN_CATALOGUE

DELIVERED = OWN_CATALOGUE / "tables" / "objects.csv"
DROP = """([name, text]) => {
    const data = new DataTransfer();
    data.items.add(new File([text], name));
    const drop = new DragEvent("drop", {dataTransfer: data, bubbles: true, cancelable: true});
    document.getElementById("drop").dispatchEvent(drop);
}"""


def signed(walk, live_house, *, after=0):
    """Return the size of the newest checkpoint, once there is one beyond a size."""
    while True:
        answer = walk.context.request.get(f"{live_house.base}/ledger/log/checkpoint")
        if answer.ok and (size := int(answer.text().split("\n")[1])) > after:
            return size
        walk.page.wait_for_timeout(500)


@pytest.fixture
def asked(walk, live_house):
    """Note what the browser asks for, once the log is signed; at the end nothing was sent, and nobody else asked."""
    signed(walk, live_house)
    requests = []
    walk.page.on("request", lambda request: requests.append(request))
    yield requests
    house = urlsplit(live_house.base).netloc
    assert [each.url for each in requests if urlsplit(each.url).netloc != house] == []
    assert [each.url for each in requests if each.method != "GET" or each.post_data] == []


@pytest.fixture
def proof(asked, walk, live_house):
    """Return the text of the proof of entry 3."""
    address = f"{live_house.base}/ledger/log/proof/{signed(walk, live_house)}/3"
    return walk.context.request.get(address).text()


def states(page):
    """Return the state of each check that the browser made."""
    found = page.eval_on_selector_all(
        "#result [data-check]", "all => all.map(li => [li.dataset.check, li.className])"
    )
    return dict(found)


def verify(walk, live_house, name, text):
    """Drop a text as a file on the page, and wait for the finding."""
    walk.open(live_house.base, "verify/")
    walk.page.evaluate(DROP, [name, text])
    walk.page.wait_for_selector("#result h2")
    return walk.page


def test_the_ledger_is_read_filtered_and_compared(walk, live_house, asked):
    page = walk.page
    walk.open(live_house.base, "ledger/")
    walk.look("ledger")
    page.select_option("#kind", "version.published")
    page.wait_for_url(re.compile("kind=version.published"))
    page.wait_for_selector("#entries > p > a")
    walk.look("ledger-filtered")
    page.fill("#subject", "nothing of this kind")
    page.press("#subject", "Enter")
    page.wait_for_selector("#entries .empty")
    walk.look("ledger-empty")
    older = signed(walk, live_house)
    walk.context.request.get(f"{live_house.base}/en/d/cloudgate-museum/cg-objects/download/0/")
    signed(walk, live_house, after=older)
    walk.open(live_house.base, "ledger/entries/3/")
    walk.look("entry")
    walk.press("aside a[href*='/ledger/checkpoints/']")
    page.fill("#from", str(older))
    page.press("#from", "Enter")
    page.wait_for_selector("#comparison svg")
    assert page.query_selector("#comparison .pass")
    page.click("#comparison summary")
    walk.look("checkpoint")


def test_a_delivered_file_is_known_by_its_hash_and_stays_here(walk, live_house, asked):
    page = verify(walk, live_house, DELIVERED.name, DELIVERED.read_bytes().decode())
    assert page.query_selector("#result li.pass")
    assert page.evaluate("document.activeElement.matches('#result h2')")
    walk.look("verify-file")
    page = verify(walk, live_house, DELIVERED.name, DELIVERED.read_bytes().decode() + "x")
    assert page.query_selector("#result li.fail")


def test_a_proof_is_checked_in_the_browser_and_one_changed_byte_fails(walk, live_house, asked, proof):
    page = verify(walk, live_house, "entry-3.tlog-proof", proof)
    assert states(page) == {
        "proof": "pass", "entry": "pass", "inclusion": "pass", "signature": "pass", "others": "wait",
    }  # fmt: skip
    walk.look("verify-proof")
    lines = proof.split("\n")
    changed = {
        "inclusion": [
            *lines[:2],
            "A" + lines[2][1:] if lines[2][0] != "A" else "B" + lines[2][1:],
            *lines[3:],
        ],
        "signature": [re.sub("^(— \\S+ .{20}).", r"\1#", line).replace("#", "A") for line in lines],
        "proof": [lines[0], "index three", *lines[2:]],
    }
    for code, broken in changed.items():
        page = verify(walk, live_house, "changed.tlog-proof", "\n".join(broken))
        assert states(page)[code] == "fail", code
    walk.look("verify-changed")


def test_a_certificate_is_held_against_its_entry(walk, live_house, asked):
    walk.open(live_house.base, "ledger/?kind=grant.issued")
    number = re.search(r"G-[0-9]{4}-[0-9]+", walk.page.inner_text("#entries"))[0]
    text = walk.context.request.get(f"{live_house.base}/certificates/{number}.json").text()
    page = verify(walk, live_house, f"{number}.json", text)
    assert set(states(page).values()) == {"pass", "wait"}
    walk.look("verify-certificate")
    facts = json.loads(text)
    facts["asset"] = "ark:99999/w5another"
    page = verify(walk, live_house, f"{number}.json", json.dumps(facts))
    assert states(page)["facts"] == "fail"
    facts["terms"]["territory"] = ["XX"]
    page = verify(walk, live_house, f"{number}.json", json.dumps(facts))
    assert states(page)["terms"] == "fail"


def test_the_keyboard_is_enough(walk, live_house, asked):
    page = walk.page
    walk.open(live_house.base, "verify/")
    page.focus("#main")
    for _ in range(5):
        page.keyboard.press("Tab")
        if page.evaluate("document.activeElement.id") == "file":
            break
    assert page.evaluate("document.activeElement.id") == "file"
    with page.expect_file_chooser() as chooser:
        page.keyboard.press("Space")
    chooser.value.set_files(DELIVERED)
    page.wait_for_selector("#result h2")
    assert page.evaluate("document.activeElement.matches('#result h2')")


def test_without_scripts_a_form_sends_the_file_and_says_so(browser, live_house, proof):
    context = browser.new_context(java_script_enabled=False, locale="en-GB")
    page = context.new_page()
    page.goto(f"{live_house.base}/en/verify/")
    assert "it leaves your device" in page.inner_text("#drop")
    assert not page.is_visible("[data-when-local]")
    page.set_input_files("#file", {"name": "proof", "mimeType": "text/plain", "buffer": proof.encode()})
    page.click("#drop button")
    assert page.inner_text("#result h2") == "The proof holds"
    context.close()
