"""The two sales of the demonstration, over HTTP: one dataset is bought, one is taken by somebody without an account.

What arrives is compared with what `recount` makes of the catalogue's folder.
"""

import json
from pathlib import Path

from licensing.domain.money import CURRENCIES
from marketplace.local import recount
from marketplace.local.buyer import Buyer

PURPOSE = "product"  # a use that no free path covers, so it is paid for


class Differs(Exception):
    """A delivered file is not what the catalogue's folder says."""

    def __init__(self, dataset: str, arrived: list[str], expected: list[str]) -> None:
        super().__init__(f"{dataset} arrived as {arrived}, and the source says {expected}.")
        self.dataset, self.arrived, self.expected = dataset, arrived, expected


class NothingFits(Exception):
    """A catalogue holds nothing that the demonstration could sell, or give away."""


def datasets(folder: Path) -> list[dict]:
    """Return the datasets of a catalogue's folder."""
    return json.loads((folder / "demo-catalogue.json").read_text())["datasets"]


def to_sell(offered: list[dict]) -> dict:
    """Choose what is bought: in yuan, above the provider's minimum, open to all; a selection, then the cheapest."""
    yuan = CURRENCIES["CNY"]

    def fits(dataset: dict) -> bool:
        price, terms = dataset["price"], dataset["terms"]
        limited = any(terms.get(name) for name in ("territory", "audience", "exclusive"))
        return (
            price.get("currency") == "CNY" and price["amount_minor"] >= yuan.provider_minimum and not limited
        )

    fitting = list(filter(fits, offered))
    if not fitting:
        raise NothingFits(
            "The catalogue has nothing for everybody at a price in yuan that the provider charges."
        )
    return min(fitting, key=lambda d: (not d["selection"], d["price"]["amount_minor"]))


def to_give(offered: list[dict]) -> dict:
    """Choose what is given away: a whole public-interest dataset of one file, the one with the fewest records."""

    def fits(dataset: dict) -> bool:
        return dataset["public_interest"] and len(dataset["source_files"]) == 1 and not dataset["selection"]

    fitting = list(filter(fits, offered))
    if not fitting:
        raise NothingFits("The catalogue has no public-interest dataset of one whole file to give away.")
    return min(fitting, key=lambda d: d["record_count"])


def sell(buyer: Buyer, dataset: dict, folder: Path) -> dict:
    """Search, order, pay at the sandbox, wait for the grant and its entry, download, and tell what came."""
    listing = buyer.find(text=dataset["title_zh"], title=dataset["title_zh"])
    number = buyer.order({"listing": listing["id"], "purpose": PURPOSE})["number"]
    buyer.pay(number)
    order = buyer.granted(number)
    grant = order["lines"][0]["grant"]
    return {
        "asset": listing["asset"],
        "order": number,
        "payment": order["payment"],
        **delivered(buyer, grant, dataset, folder),
    }


def give(visitor: Buyer, dataset: dict, folder: Path) -> dict:
    """Search and download without an account, under the grant that stands for everybody."""
    listing = visitor.find(text=dataset["title_zh"], title=dataset["title_zh"])
    grant = visitor.listing(listing["id"])["standing_grant"]
    return {"order": None, "payment": None, **delivered(visitor, grant, dataset, folder)}


def delivered(buyer: Buyer, grant: str, dataset: dict, folder: Path) -> dict:
    """Download every file of a grant and compare all with the folder; tell the first one's digests. Raises Differs."""
    entry = buyer.entry_of(grant)
    arrived = [buyer.digest(file["url"]) for file in buyer.files(grant)]
    expected = recount.digests(dataset, folder)
    if arrived != expected:
        raise Differs(dataset["id"], arrived, expected)
    return {"grant": grant, "entry": entry, "sha256": arrived[0], "source_sha256": expected[0]}
