"""`kill -9` of any process between any two steps of a sale: the sale ends, once, and nothing is lost.

The processes are real, in a house of their own. The buyer goes on as a person would: asks again until answered.
What must hold afterwards: each paid line is granted, or its money goes back; every entry on the books balances;
the log verifies.
"""

import http.client
import random
import threading
import time

import pytest

from marketplace.local import accounts, sale
from marketplace.local.buyer import Buyer, Refused
from marketplace.local.services import OWN_CATALOGUE

VICTIMS = ("web", "worker", "sandbox", "postgres")
STEPS = ("order", "pay", "press", "return")  # what the buyer does; a kill comes after each
PATIENCE_SECONDS = 60

DATASET = sale.to_sell(sale.datasets(OWN_CATALOGUE))


class Sale:
    """One sale, step by step; each step may be asked again and has its own idempotency key."""

    def __init__(self, live_house, name: str) -> None:
        self.house, self.buyer, self.name = live_house, Buyer(live_house.base), name
        self.insist(lambda: self.buyer.sign_in(email=accounts.buyer_email(0), password=accounts.PASSWORD))
        found = self.insist(lambda: self.buyer.find(text=DATASET["title_zh"], title=DATASET["title_zh"]))
        self.listing = found["id"]

    def insist(self, act):
        """Ask again and again while the house is down or stumbles. A refusal with a reason counts as an answer.

        A key whose request died with its process stays taken for two minutes; the house's clock is moved past them.
        """
        began, waited = time.monotonic(), False
        while True:
            try:
                return act()
            except (OSError, http.client.HTTPException) as error:
                failed = error
            except Refused as error:
                if error.status < 500 and error.status != 409:
                    raise
                failed = error
                if error.status == 409 and time.monotonic() - began > 3 and not waited:
                    self.house.manage("clock", "+3m")
                    waited = True
            if time.monotonic() - began > PATIENCE_SECONDS:
                raise AssertionError(f"not answered within {PATIENCE_SECONDS} s: {failed}") from failed
            time.sleep(0.2)

    def order(self) -> None:
        line = {"listing": self.listing, "purpose": sale.PURPOSE}
        self.number = self.insist(lambda: self.buyer.order(line, key=f"{self.name}-order"))["number"]

    def pay(self) -> None:
        path = f"/api/v1/orders/{self.number}/pay/"
        self.url = self.insist(lambda: self.buyer.call("POST", path, {}, key=f"{self.name}-pay"))["url"]

    def press(self) -> None:
        self.back = self.insist(lambda: self.buyer.press(self.url)).headers["location"]

    def return_(self) -> None:
        self.insist(lambda: self.buyer.ask("GET", self.back))

    def step(self, name: str) -> None:
        getattr(self, "return_" if name == "return" else name)()

    def end(self) -> str:
        """Wait until the line is granted or refunded, and return which."""

        def look():
            [line] = self.insist(lambda: self.buyer.order_now(self.number))["lines"]
            return line["state"] if line["state"] in ("granted", "refunded") else None

        return self.buyer.wait(f"the end of order {self.number}", look, seconds=PATIENCE_SECONDS)


def check_books(live_house) -> None:
    """Check that every journal entry balances in every currency, and that no line of an order is granted twice."""
    sums = "SELECT sum(amount_minor_units) AS left_over FROM settlement_posting GROUP BY entry_id, currency"
    assert live_house.rows(f"SELECT * FROM ({sums}) AS entries WHERE left_over <> 0") == []
    granted = live_house.rows(
        "SELECT count(*), count(DISTINCT grant_id) FROM settlement_orderline WHERE state = 'granted'"
    )
    [(grants,)] = live_house.rows("SELECT count(*) FROM licensing_grant WHERE basis <> 'standing'")
    assert granted == [(grants, grants)]


@pytest.mark.parametrize("victim", VICTIMS)
def test_a_sale_ends_granted_though_a_process_is_killed_after_any_step(live_house, victim):
    sales = []
    for killed_after in STEPS:
        one = Sale(live_house, f"{victim}-{killed_after}")
        for step in STEPS:
            one.step(step)
            if step == killed_after:
                live_house.kill(victim)
                live_house.revive(victim)
        sales.append(one)
    assert [one.end() for one in sales] == ["granted"] * len(STEPS)
    check_books(live_house)
    live_house.manage("ledger_verify")


@pytest.mark.parametrize("victim", VICTIMS)
def test_a_paid_sale_is_granted_though_the_buyer_never_returns(live_house, victim):
    one = Sale(live_house, f"{victim}-never-returns")
    for step in ("order", "pay", "press"):
        one.step(step)
    live_house.kill(victim)
    live_house.revive(victim)
    assert one.end() == "granted"
    check_books(live_house)


def sell_under_fire(live_house, seed: int) -> None:
    """Sell while processes are killed at moments that the seed chooses."""
    chance, over = random.Random(seed), threading.Event()
    one, failures = Sale(live_house, f"fire-{seed}"), []

    def buy() -> None:
        try:
            for step in STEPS:
                one.step(step)
        except BaseException as error:
            failures.append(error)
        finally:
            over.set()

    buying = threading.Thread(target=buy)
    buying.start()
    for _ in range(3):
        over.wait(chance.uniform(0, 0.4))
        victim = chance.choice(VICTIMS)
        live_house.kill(victim)
        over.wait(chance.uniform(0, 0.5))
        live_house.revive(victim)
    buying.join()
    assert failures == []
    assert one.end() in ("granted", "refunded")
    check_books(live_house)
    live_house.manage("ledger_verify")


@pytest.mark.parametrize("seed", range(2))
def test_a_sale_ends_though_processes_are_killed_within_its_steps(live_house, seed):
    sell_under_fire(live_house, seed)


@pytest.mark.nightly
@pytest.mark.parametrize("seed", range(100, 160))
def test_a_sale_ends_whatever_is_killed_whenever(live_house, seed):
    sell_under_fire(live_house, seed)
