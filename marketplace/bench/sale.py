"""Complete sales over HTTP: how many a second, how long a page takes, and where the time goes.

A sale is everything from the order to the last byte: order, pay page, payment, return, grant, link, download.
The house is one of its own in a temporary folder, with its four processes, as in the demonstration.
"""

import json
import tempfile
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.cookies import SimpleCookie
from pathlib import Path
from urllib.parse import quote, urlencode

from marketplace.bench import timing, yardsticks
from marketplace.bench.rows import Row, latency, median, percentile, rate
from marketplace.local import accounts, sale
from marketplace.local.buyer import Answer, Buyer
from marketplace.local.live import LiveHouse
from marketplace.local.services import folder_of

BUYERS = 8
SECONDS = {"small": 10.0, "full": 60.0}
LOOKS = {"small": 40, "full": 400}

# How low each ratio to its yardstick may fall before the bench fails; taken on a loaded 2-core machine.
FLOORS = {"sales": 0.0005, "page": 0.02, "import": 0.0002, "share": 0.0}

OPEN_BUYERS = "from marketplace.local import accounts; accounts.open_buyers({count})"
IMPORT = """
import json, pathlib, time
from ledger.clock import now
from marketplace.actions import imports
folder, began = pathlib.Path({folder!r}), time.monotonic()
report = imports.run(catalogue=folder / "demo-catalogue.json", files=folder, now=now())
print(json.dumps([len(report.added), time.monotonic() - began]))
"""


class TimedBuyer(Buyer):
    """A buyer who adds up what the answers say about their time."""

    def __init__(self, base: str, **options) -> None:
        super().__init__(base, **options)
        self.milliseconds: Counter[str] = Counter()
        self.cookies: dict[str, str] = {}

    def ask(self, method: str, url: str, body=None, headers=None) -> Answer:
        answer = super().ask(method, url, body, headers)
        self.milliseconds.update(timing.read(answer.headers.get("server-timing", "")))
        return answer

    def browse(self, method: str, url: str, form: dict[str, str] | None = None) -> Answer:
        """Ask for a page as a browser does, with cookies."""
        headers = {"Cookie": "; ".join(f"{name}={value}" for name, value in self.cookies.items())}
        headers |= {"Content-Type": "application/x-www-form-urlencoded"} if form else {}
        answer = self.ask(method, url, urlencode(form).encode() if form else None, headers)
        for cookie in answer.cookies:
            self.cookies |= {name: morsel.value for name, morsel in SimpleCookie(cookie).items()}
        return answer

    def sign_in_on_page(self, *, email: str, password: str) -> None:
        """Sign in with the form, so that the page one returns to after paying knows who comes."""
        page = "/en/account/login/"
        self.browse("GET", page)
        form = {"login": email, "password": password, "csrfmiddlewaretoken": self.cookies["csrftoken"]}
        answer = self.browse("POST", page, form)
        assert answer.status == 302, f"signing in on the page answers {answer.status}"


@dataclass
class Sales:
    """What some buyers did in some time."""

    seconds_each: list[float] = field(default_factory=list)
    lasted_seconds: float = 0.0
    milliseconds: Counter[str] = field(default_factory=Counter)

    @property
    def per_second(self) -> float:
        return len(self.seconds_each) / self.lasted_seconds


def run(scale: str, say: Callable[[str], None]) -> list[Row]:
    """Make a house, measure it, and return the rows."""
    folder = folder_of(None)
    with a_house() as house:
        say("make the database")
        house.manage("migrate", "--verbosity", "0")
        say("yardsticks")
        commits = {count: yardsticks.durable_commits(house, connections=count) for count in (1, BUYERS)}
        say(f"import {folder}")
        rows = import_rows(house, folder, commits[1])
        house.manage("shell", "-c", OPEN_BUYERS.format(count=BUYERS))
        say("start web, worker, beat, sandbox")
        house.services.start()
        answers = yardsticks.plain_answers(house, connections=1)
        dataset = sale.to_sell(sale.datasets(folder))
        sell(house, dataset, buyers=1, seconds=1)  # the first one warms caches
        for count in (1, BUYERS):
            say(f"sales, buyers: {count}, {SECONDS[scale]:.0f} s")
            sold = sell(house, dataset, buyers=count, seconds=SECONDS[scale])
            rows += sale_rows(sold, count, commits[count])
        say("pages")
        rows += page_rows(house, dataset, 1000 / answers, LOOKS[scale])
    return rows


@contextmanager
def a_house() -> Iterator[LiveHouse]:
    """Lend a house that is gone afterwards."""
    with tempfile.TemporaryDirectory(prefix="wenshi-bench-") as place:
        environment = {"SERVER_TIMING": "1", "DEBUG": "0", "TEST_MODE": "1", "ALLOWED_HOSTS": "127.0.0.1"}
        with LiveHouse(Path(place) / "state", environment=environment) as house:
            yield house


def import_rows(house: LiveHouse, folder: Path, commits: float) -> list[Row]:
    """Import the catalogue, beside durable commits and beside hashing its source files alone."""
    said = house.manage("shell", "-c", IMPORT.format(folder=str(folder)))
    count, seconds = json.loads(said.splitlines()[-1])
    sources = {name for dataset in sale.datasets(folder) for name in dataset["source_files"]}
    megabytes = sum((folder / name).stat().st_size for name in sources) / 1e6
    hashing, floor = yardsticks.hashed_megabytes(), FLOORS["import"]
    return [
        rate("import, datasets", count / seconds, "datasets/s", yardstick=commits, floor=floor),
        rate("import, source files", megabytes / seconds, "MB/s", yardstick=hashing, floor=floor),
    ]


def sell(house: LiveHouse, dataset: dict, *, buyers: int, seconds: float) -> Sales:
    """Let some buyers buy one after the other until the time is over."""
    sales, failures = Sales(), []

    def keep_buying(number: int) -> None:
        buyer = TimedBuyer(house.base)
        try:
            buyer.sign_in(email=accounts.buyer_email(number), password=accounts.PASSWORD)
            buyer.sign_in_on_page(email=accounts.buyer_email(number), password=accounts.PASSWORD)
            listing = buyer.find(text=dataset["title_zh"], title=dataset["title_zh"])["id"]
            buyer.milliseconds.clear()
            while time.monotonic() - began < seconds:
                started = time.monotonic()
                one_sale(buyer, listing)
                sales.seconds_each.append(time.monotonic() - started)
            sales.milliseconds.update(buyer.milliseconds)
        except Exception as error:
            failures.append(error)
        finally:
            buyer.close()

    threads = [threading.Thread(target=keep_buying, args=(number,)) for number in range(buyers)]
    began = time.monotonic()
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    if failures:
        raise failures[0]
    sales.lasted_seconds = time.monotonic() - began
    return sales


def one_sale(buyer: TimedBuyer, listing: str) -> None:
    """Buy one dataset as a browser would: after paying, come back to the page that the provider names."""
    number = buyer.order({"listing": listing, "purpose": sale.PURPOSE})["number"]
    back = buyer.pay(number).headers["location"]
    buyer.browse("GET", back)
    order = buyer.granted(number)
    for file in buyer.files(order["lines"][0]["grant"]):
        buyer.digest(file["url"])


def sale_rows(sold: Sales, buyers: int, commits: float) -> list[Row]:
    """Return rate, latencies and shares of time for one number of buyers."""
    who = f"{buyers} buyer" + ("s" if buyers > 1 else "")
    rows = [
        rate(f"sales, {who}", sold.per_second, "sales/s", yardstick=commits, floor=FLOORS["sales"]),
        latency(
            f"sale, {who}, median", 1000 * median(sold.seconds_each), "ms", yardstick=1000 / commits, floor=0
        ),
        latency(
            f"sale, {who}, 95th percentile",
            1000 * percentile(sold.seconds_each, 95),
            "ms",
            yardstick=1000 / commits,
            floor=0,
        ),
    ]
    total = sold.milliseconds["total"] or 1.0
    database, provider = sold.milliseconds["db"] / total, sold.milliseconds["provider"] / total
    for name, share in {
        "database": database,
        "provider": provider,
        "Python": 1 - database - provider,
    }.items():
        rows.append(rate(f"share of {name}, {who}", share, "of the web's time", yardstick=1.0, floor=0))
    return rows


def page_rows(house: LiveHouse, dataset: dict, plain_milliseconds: float, looks: int) -> list[Row]:
    """Return how long pages take that people look at most, beside an answer that does nothing."""
    visitor = Buyer(house.base)
    listing = visitor.find(text=dataset["title_zh"], title=dataset["title_zh"])
    text_zh, text_en = quote(dataset["title_zh"][:2]), quote(dataset["title_en"].split()[0])
    paths = {
        "listing page": f"/en/d/{listing['shop']}/{listing['slug']}/",
        "search page, Chinese": f"/zh-hans/search/?q={text_zh}",
        "search page, English": f"/en/search/?q={text_en}",
        "search by API, Chinese": f"/api/v1/listings/?q={text_zh}",
    }
    rows = []
    for name, path in paths.items():
        times = [timed(visitor, path) for _ in range(looks + 5)][5:]
        rows.append(
            latency(
                f"{name}, median",
                1000 * median(times),
                "ms",
                yardstick=plain_milliseconds,
                floor=FLOORS["page"],
            )
        )
    visitor.close()
    return rows


def timed(visitor: Buyer, path: str) -> float:
    """Return how many seconds one page takes."""
    began = time.monotonic()
    answer = visitor.ask("GET", path)
    assert answer.status == 200, f"{path} answers {answer.status}"
    return time.monotonic() - began
