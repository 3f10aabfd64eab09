"""A program buys, takes what is free, asks for what is withheld and reads proofs, over the public API alone."""

import uuid

import pytest

from marketplace.local import accounts, recount, sale
from marketplace.local.buyer import Buyer, Refused
from marketplace.local.services import OWN_CATALOGUE

FOLDER = OWN_CATALOGUE
DATASETS = {dataset["id"]: dataset for dataset in sale.datasets(FOLDER)}


@pytest.fixture
def buyer(live_house):
    """Lend a buyer who is signed in."""
    buyer = Buyer(live_house.base)
    buyer.sign_in(email=accounts.buyer_email(0), password=accounts.PASSWORD)
    yield buyer
    buyer.close()


@pytest.fixture
def stranger(live_house):
    """Lend somebody without an account."""
    stranger = Buyer(live_house.base)
    yield stranger
    stranger.close()


def found(buyer: Buyer, name: str, language: str = "zh") -> dict:
    """Find a dataset's listing by its title."""
    title = DATASETS[name][f"title_{language}"]
    return buyer.find(text=title, title=title)


def order(buyer: Buyer, name: str, **line: str) -> dict:
    """Order one dataset."""
    return buyer.order({"listing": found(buyer, name)["id"], **line})


@pytest.mark.parametrize("language", ["zh", "en"])
def test_every_dataset_is_found_by_its_title(stranger, language):
    assert all(found(stranger, name, language)["asset"].startswith("ark:") for name in DATASETS)


def test_what_is_paid_arrives_as_the_source_says_and_its_entry_is_proved(buyer, stranger):
    sold = sale.sell(buyer, DATASETS["cg-bronze"], FOLDER)
    assert sold["sha256"] == sold["source_sha256"]
    entry = stranger.call("GET", f"/api/v1/ledger/entries/{sold['entry']}/")
    assert entry["number"] == sold["entry"]

    def proof():
        try:
            return stranger.call("GET", f"/api/v1/ledger/entries/{sold['entry']}/proof/")
        except Refused:
            return None  # no checkpoint is over it yet

    assert stranger.wait("the proof", proof)


def test_every_free_dataset_is_taken_without_an_account(stranger):
    free = [d for d in DATASETS.values() if d["price"].get("free") and not d["terms"].get("audience")]
    assert len(free) >= 4
    for dataset in free:
        given = sale.give(stranger, dataset, FOLDER)
        assert given["payment"] is None and given["sha256"] == given["source_sha256"]


def test_an_education_licence_names_its_institution(buyer):
    with pytest.raises(Refused) as refused:
        order(buyer, "cg-glazes", purpose="study_teach")
    assert 400 <= refused.value.status < 500 and refused.value.problem["detail"]
    placed = order(
        buyer, "cg-glazes", purpose="study_teach", institution="溪口中学", institution_kind="education"
    )
    [line] = buyer.granted(placed["number"])["lines"]
    assert placed["payment"] is None
    assert buyer.call("GET", f"/api/v1/grants/{line['grant']}/")["institution"] == "溪口中学"
    assert [buyer.digest(file["url"]) for file in buyer.files(line["grant"])] == recount.digests(
        DATASETS["cg-glazes"], FOLDER
    )


@pytest.mark.parametrize(
    ("name", "line"),
    [
        ("lz-papercuts", {"purpose": "train_model"}),
        ("cg-bell", {"purpose": "train_model"}),
        ("rb-tune", {"purpose": "product", "territory": "US"}),
        ("rb-prompt-book", {"purpose": "product"}),
        ("cg-glazes", {"purpose": "product", "institution": "溪口中学"}),
    ],
)
def test_what_is_withheld_is_refused_with_a_sentence_and_leaves_no_order(buyer, live_house, name, line):
    count = "SELECT count(*) FROM settlement_order"
    before = live_house.rows(count)
    with pytest.raises(Refused) as refused:
        order(buyer, name, **line)
    assert 400 <= refused.value.status < 500
    assert len(refused.value.problem["detail"]) > 20
    assert live_house.rows(count) == before


def test_the_same_territory_is_sold_where_it_is_allowed(buyer):
    assert order(buyer, "rb-tune", purpose="product", territory="CN")["state"]


def test_a_write_without_a_key_is_400_and_with_the_same_key_the_same_order(buyer):
    line = {"listing": found(buyer, "cg-bell")["id"], "purpose": "product"}
    headers = {"Authorization": f"Bearer {buyer.token}", "Content-Type": "application/json"}
    assert buyer.ask("POST", "/api/v1/orders/", b'{"lines": []}', headers).status == 400
    key = str(uuid.uuid4())
    assert buyer.order(line, key=key)["number"] == buyer.order(line, key=key)["number"]


def test_somebody_else_sees_no_order_and_no_grant(buyer, live_house):
    sold = sale.sell(buyer, DATASETS["cg-bell"], FOLDER)
    other = Buyer(live_house.base)
    other.sign_in(email="lin-zhiqiu@wenshi.example", password=accounts.PASSWORD)
    for path in (f"orders/{sold['order']}/", f"grants/{sold['grant']}/", f"grants/{sold['grant']}/files/"):
        with pytest.raises(Refused) as refused:
            other.call("GET", f"/api/v1/{path}")
        assert refused.value.status == 404


def test_a_free_order_asks_the_provider_for_nothing(buyer, live_house):
    calls = lambda: len(buyer.ask("GET", f"{live_house.services.sandbox}/sandbox/calls").json())  # noqa: E731
    before = calls()
    placed = order(buyer, "lz-poems", purpose="publish")
    assert buyer.granted(placed["number"])["payment"] is None
    assert calls() == before
