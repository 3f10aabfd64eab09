"""The ledger, beside what the same machine does without it: appends, bulk, latency, files, reports.

A house of its own in a temporary folder. Writers and the sequencer are processes of their own, so that none waits
for another's interpreter. Figure and yardstick take turns, in short rounds, and the medians are compared.
"""

import json
import subprocess
import sys
import threading
import time
from bisect import bisect_right
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import psycopg

from marketplace.bench import files
from marketplace.bench.beat import beat
from marketplace.bench.rows import Row, latency, limit, median, percentile, rate
from marketplace.bench.sale import a_house
from marketplace.bench.writers import PROCESSES, THREADS, Writers, document, intent, make_tables, writers
from marketplace.local.house import BASE_DIR
from marketplace.local.live import LiveHouse

PATIENCE_SECONDS = 120
LOOK_SECONDS = 0.01
WRITERS = PROCESSES * THREADS

FILL = "COPY ledger_intent (idempotency_key, canonical, leaf_hash, created_at) FROM STDIN"
SAME_ROWS = "COPY (SELECT * FROM ledger_intent WHERE id > {after}) TO STDOUT (FORMAT BINARY)"
COPIED = "COPY bench_copied FROM STDIN (FORMAT BINARY)"
HANDED_IN = """
    SELECT e.number, extract(epoch FROM i.created_at)::float8 FROM ledger_entry e
    JOIN ledger_intent i ON i.id = e.intent_id WHERE e.number >= %s ORDER BY e.number
"""
SIZES = (
    "SELECT (SELECT max(size) FROM ledger_checkpoint), (SELECT max(checkpoint_id) FROM ledger_publication)"
)

DRAIN = """
import time
from ledger.actions import sequencer
from ledger.clock import now
began = time.monotonic()
sequencer.advance(now=now())
print(time.monotonic() - began)
"""
REPORT = """
from pathlib import Path
from ledger.actions import reports, sequencer
from ledger.clock import now
sequencer.catch_up(now=now())
reports.write(out=Path({out!r}), entry_numbers=range(100), attachments={{}}, now=now())
"""


@dataclass(frozen=True)
class Scale:
    """How much is measured."""

    rounds: int
    seconds: float
    drained: int
    filed: int
    looks: int = 5


SCALES = {
    "small": Scale(rounds=5, seconds=1.0, drained=30_000, filed=100_000),
    "full": Scale(rounds=9, seconds=3.0, drained=100_000, filed=1_000_000),
}


def run(scale: str, say: Callable[[str], None]) -> list[Row]:
    """Make a house, measure its ledger, and return the rows."""
    return measure(SCALES[scale], say)


def measure(scale: Scale, say: Callable[[str], None]) -> list[Row]:
    """Measure as much as asked for."""
    with a_house() as house:
        say("make the database")
        house.manage("migrate", "--verbosity", "0")
        make_tables(house)
        say(f"COPY and the sequencer, {scale.drained:,} entries")
        found = bulk_rows(house, scale)
        with writers(house) as crowd, house.database() as link:
            with beat(house):
                say(f"{WRITERS} writers")
                crowd.round("append_with_business", 0.5)  # the first round fills caches
                rates = append_rates(crowd, link, scale)
                found += append_rows(rates)
                say("from intent to checkpoint")
                pause = WRITERS / median(rates["append_with_business"])
                found += delay_rows("", delays(crowd, link, scale, pause))
            say("the same with the celery worker")
            for name in ("worker", "beat"):
                house.services.start_one(name)
            wait_for(link, size_of(link) + crowd.round("append", 0.1))  # until they are at work
            found += delay_rows(", celery", delays(crowd, link, scale, pause))
            house.services.stop()
        say("a report")
        found += report_rows(house, scale.looks)
        say(f"files, {scale.filed:,} entries")
        found += file_rows(house, scale.filed)
    return found


# How long a round of each kind is.
ROUNDS = {
    "plain_in_transaction": 2,
    "append_with_business": 4,
    "chain": 1,
    "plain": 2,
    "append_in_one": 4,
    "append": 2,
}


# Appends --------------------------------------------------------------------------------------------------------


def append_rates(crowd: Writers, link: psycopg.Connection, scale: Scale) -> dict[str, list[float]]:
    """Let writers do each kind in turn, some times over; what is handed in counts once it is sequenced."""
    found: dict[str, list[float]] = {kind: [] for kind in ROUNDS}
    for _ in range(scale.rounds):
        for kind, length in ROUNDS.items():
            seconds = length * scale.seconds
            if kind.startswith("append"):
                found[kind].append(sequenced_rate(crowd, link, kind, seconds))
            else:
                found[kind].append(crowd.round(kind, seconds) / seconds)
    return found


def sequenced_rate(crowd: Writers, link: psycopg.Connection, kind: str, seconds: float) -> float:
    """Return how many entries a second got their number, all that were handed in, from the first batch to the last."""
    before, began = size_of(link), time.monotonic()
    first, ended = (before, began), began
    end = began + seconds + PATIENCE_SECONDS
    with writing(crowd, kind, seconds) as round_:
        size = before
        while round_.running or size < before + round_.count:
            size, ended = size_of(link), time.monotonic()
            if first[0] == before and size > before:
                first = size, ended  # a batch may have begun before the round did
            assert time.monotonic() < end, f"the log did not come to {before + round_.count} entries"
            time.sleep(LOOK_SECONDS)
    if size == first[0]:
        first = before, began
    return (size - first[0]) / (ended - first[1])


@dataclass
class Round:
    """A round of writers that goes on in a thread."""

    thread: threading.Thread
    count: int = 0

    @property
    def running(self) -> bool:
        return self.thread.is_alive()


@contextmanager
def writing(crowd: Writers, kind: str, seconds: float, *, pause_seconds: float = 0.0) -> Iterator[Round]:
    """Let writers write while something else is done; on leaving, their count is there."""

    def write() -> None:
        found.count = crowd.round(kind, seconds, pause_seconds=pause_seconds)

    found = Round(threading.Thread(target=write))
    found.thread.start()
    yield found
    found.thread.join()


def append_rows(rates: dict[str, list[float]]) -> list[Row]:
    """Return what the writers did beside what they do without a log, or with a chain in the transaction."""
    each = {kind: median(values) for kind, values in rates.items()}
    ours, unit = each["append_with_business"], "transactions/s"
    return [
        rate(
            f"sequenced appends, {WRITERS} writers",
            ours,
            unit,
            yardstick=each["plain_in_transaction"],
            floor=0.6,
            moonshot=0.9,
        ),
        rate("the same, beside chaining", ours, unit, yardstick=each["chain"], floor=6, moonshot=12),
        rate("append alone", each["append"], unit, yardstick=each["plain"], floor=0, moonshot=0.9),
    ]


def size_of(link: psycopg.Connection) -> int:
    """Return how many entries have a number."""
    row = link.execute("SELECT size FROM ledger_head").fetchone()
    return row[0] if row else 0


def wait_for(link: psycopg.Connection, size: int) -> None:
    """Wait until so many entries have a number."""
    end = time.monotonic() + PATIENCE_SECONDS
    while size_of(link) < size:
        assert time.monotonic() < end, f"the log did not come to {size} entries"
        time.sleep(LOOK_SECONDS)


# In bulk --------------------------------------------------------------------------------------------------------


def bulk_rows(house: LiveHouse, scale: Scale) -> list[Row]:
    """Number, sign and file what waits, beside COPY of the same rows into a table without rules."""
    ours, theirs = [], []
    with house.database() as link:
        for _ in range(3):
            last = link.execute("SELECT coalesce(max(id), 0) FROM ledger_intent").fetchone()[0]
            hand_in(link, scale.drained)
            ours.append(float(house.manage("shell", "-v", "0", "-c", DRAIN).split()[-1]))
            theirs.append(copy_again(link, last))
    each = [scale.drained / median(values) for values in (ours, theirs)]
    return [
        rate("drain with tiles", each[0], "entries/s", yardstick=each[1], floor=0.15, moonshot=0.5),
    ]


def hand_in(link: psycopg.Connection, count: int) -> None:
    """Hand many entries in at once."""
    with link.cursor() as cursor, cursor.copy(FILL) as rows:
        for _ in range(count):
            rows.write_row(intent(*document()))


def copy_again(link: psycopg.Connection, after: int) -> float:
    """Copy intents into a plain table, and return how many seconds that took."""
    with link.cursor() as cursor:
        with cursor.copy(SAME_ROWS.format(after=after)) as rows:
            data = b"".join(rows)
        began = time.monotonic()
        with cursor.copy(COPIED) as rows:
            rows.write(data)
    return time.monotonic() - began


# From intent to checkpoint --------------------------------------------------------------------------------------


@dataclass
class Watch:
    """When each size was first seen signed, and published."""

    signed: list[tuple[int, float]] = field(default_factory=list)
    published: list[tuple[int, float]] = field(default_factory=list)

    def look(self, link: psycopg.Connection) -> tuple[int, int]:
        """Look once, and return both sizes."""
        sizes = [size or 0 for size in link.execute(SIZES).fetchone()]
        for size, seen in zip(sizes, (self.signed, self.published), strict=True):
            if not seen or size > seen[-1][0]:
                seen.append((size, time.time()))
        return sizes[0], sizes[1]


def delays(
    crowd: Writers, link: psycopg.Connection, scale: Scale, pause_seconds: float
) -> tuple[list[float], list[float]]:
    """Write at half the rate, and return how long each entry took until it was seen signed, and published."""
    watch, start, seconds = Watch(), size_of(link), 4 * scale.seconds
    end = time.monotonic() + seconds + PATIENCE_SECONDS
    with writing(crowd, "append_with_business", seconds, pause_seconds=pause_seconds) as round_:
        while round_.running or min(watch.look(link)) < start + round_.count:
            watch.look(link)
            time.sleep(LOOK_SECONDS)
            assert time.monotonic() < end, "the log did not publish what was handed in"
    rows = link.execute(HANDED_IN, [start]).fetchall()
    return since(rows, watch.signed), since(rows, watch.published)


def since(rows: list[tuple[int, float]], seen: list[tuple[int, float]]) -> list[float]:
    """Return how long after it was handed in each entry was first seen."""
    sizes = [size for size, _ in seen]
    return [seen[bisect_right(sizes, number)][1] - handed_in for number, handed_in in rows]


def delay_rows(how: str, found: tuple[list[float], list[float]]) -> list[Row]:
    """Return how long it takes at half load until an entry is signed, and published."""
    signed, published = found
    return [
        limit(f"intent to signed, p99{how}", 1000 * percentile(signed, 99), "ms", most=2000, moonshot=300),
        limit(f"intent to signed, median{how}", 1000 * median(signed), "ms", most=2000),
        limit(f"intent to published, p99{how}", 1000 * percentile(published, 99), "ms", most=5000),
    ]


# Outside the database -------------------------------------------------------------------------------------------


def report_rows(house: LiveHouse, looks: int) -> list[Row]:
    """Verify a report of a hundred entries in a process of its own, beside loading the one library it needs."""
    out, policy = house.house.state / "bench-report", house.house.state / "bench-policy"
    house.manage("shell", "-c", REPORT.format(out=str(out)))
    house.manage("ledger_policy", "--out", str(policy))
    library = "from cryptography.hazmat.primitives.asymmetric import ed25519, mldsa"
    ways = {
        "ours": [str(BASE_DIR / "ledger/verifier.py"), str(out), "--policy", str(policy)],
        "library": ["-c", library],
    }
    seconds = files.best({name: lambda words=words: python(*words) for name, words in ways.items()}, looks)
    each = {name: 1000 * value for name, value in seconds.items()}
    return [
        limit("report of 100 entries, cold", each["ours"], "ms", most=1000, moonshot=150),
        latency("the same, beside its library", each["ours"], "ms", yardstick=each["library"], floor=0),
    ]


FILES = "import django; django.setup(); from marketplace.bench import files; files.main({size})"


def file_rows(house: LiveHouse, size: int) -> list[Row]:
    """Measure a log that is there as files only, in a process of its own."""
    place = (house.house.state / "bench-log").as_uri()
    variables = {**house.services.variables(), "LEDGER_STORAGE_URL": place}
    said = python("-c", FILES.format(size=size), environment=variables)
    return [Row(**row) for row in json.loads(said.splitlines()[-1])]


def python(*words: str, environment: dict[str, str] | None = None) -> str:
    """Run Python and return what it printed."""
    done = subprocess.run(
        [sys.executable, *words], cwd=BASE_DIR, env=environment, capture_output=True, text=True
    )
    assert done.returncode == 0, f"{Path(words[0]).name}: {(done.stderr or done.stdout)[-2000:]}"
    return done.stdout
