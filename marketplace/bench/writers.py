"""Many writers beside each other, in processes of their own, each with a connection: raw SQL, no Django.

`python -m marketplace.bench.writers` is one process. Its first line says where to log in and how many threads it
has; each further line names a kind of transaction and how long to go on with it, and is answered with what was done.
"""

import json
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from datetime import UTC, datetime
from hashlib import sha256
from uuid import uuid4

import psycopg

from ledger.actions.log import INSERT as INTENT
from marketplace.local.house import BASE_DIR
from marketplace.local.live import LiveHouse
from marketplace.local.postgres import OWNER

PROCESSES, THREADS = 4, 8

# A table that knows no rules, and what chaining inside the transaction needs.
TABLES = """
    CREATE TABLE bench_business (id uuid PRIMARY KEY, body bytea NOT NULL);
    CREATE TABLE bench_copied (LIKE ledger_intent, PRIMARY KEY (id));
    CREATE TABLE bench_head (id int PRIMARY KEY, size bigint NOT NULL, tip bytea NOT NULL);
    CREATE TABLE bench_chain (number bigint PRIMARY KEY, data bytea NOT NULL, leaf bytea NOT NULL, tip bytea NOT NULL);
    INSERT INTO bench_head VALUES (1, 0, '');
    GRANT SELECT, INSERT, UPDATE, DELETE ON bench_business, bench_copied, bench_head, bench_chain TO {login};
"""
BUSINESS = "INSERT INTO bench_business (id, body) VALUES (%s, %s)"
BOTH = f"WITH kept AS ({BUSINESS}) {INTENT}"
HEAD = "SELECT size, tip FROM bench_head WHERE id = 1 FOR UPDATE"
LINK = "INSERT INTO bench_chain (number, data, leaf, tip) VALUES (%s, %s, %s, %s)"
MOVE = "UPDATE bench_head SET size = %s, tip = %s WHERE id = 1"

DOCUMENT = (
    '{{"actor":"party:bench","at":"2026-01-01T00:00:00.000000Z","body":{{"filler":"{filler}"}},"commit":{{}},'
    '"id":"{id}","kind":"bench.written","ledger":"wenshi.example/log","refs":{{}},"subject":"asset:bench","v":1}}'
)
FILLER = "0123456789" * 9  # so that a document, as the business row, takes some 330 bytes


def document() -> tuple[str, bytes]:
    """Return a key and the canonical bytes of a document that differs from all others."""
    name = str(uuid4())
    return name, DOCUMENT.format(id=name, filler=FILLER).encode()


# What one writer does, again and again. The connection commits each statement unless told otherwise. ----------


def plain(link: psycopg.Connection) -> None:
    """Keep a row of business."""
    link.execute(BUSINESS, document())


def plain_in_transaction(link: psycopg.Connection) -> None:
    """Keep a row of business in a transaction that is begun and committed by name."""
    with link.transaction():
        link.execute(BUSINESS, document())


def append(link: psycopg.Connection) -> None:
    """Hand an entry in."""
    link.execute(INTENT, intent(*document()))


def append_with_business(link: psycopg.Connection) -> None:
    """Keep a row of business and hand its entry in: both or neither."""
    key, data = document()
    with link.transaction():
        link.execute(BUSINESS, (key, data))
        link.execute(INTENT, intent(key, data))


def append_in_one(link: psycopg.Connection) -> None:
    """Keep a row of business and hand its entry in by one statement, which is a transaction of its own."""
    key, data = document()
    link.execute(BOTH, (key, data, *intent(key, data)))


def chain(link: psycopg.Connection) -> None:
    """Do the same by chaining inside the transaction: the head stays locked until the commit is on disk."""
    key, data = document()
    with link.transaction():
        link.execute(BUSINESS, (key, data))
        size, tip = link.execute(HEAD).fetchone()
        leaf = sha256(b"\x00" + data).digest()
        tip = sha256(b"\x02" + tip + leaf).digest()
        link.execute(LINK, (size, data, leaf, tip))
        link.execute(MOVE, (size + 1, tip))


def intent(key: str, data: bytes) -> tuple[str, bytes, bytes, datetime]:
    """Return what the statement that hands an entry in takes."""
    return key, data, sha256(b"\x00" + data).digest(), datetime.now(UTC)


SERVE = "import django; django.setup(); from marketplace.bench import writers; writers.serve()"
KINDS = {
    act.__name__: act
    for act in (plain, plain_in_transaction, append, append_in_one, append_with_business, chain)
}


# All writers ----------------------------------------------------------------------------------------------------


class Writers:
    """Some processes of writers. They stay connected from one round to the next."""

    def __init__(self, processes: list[subprocess.Popen]) -> None:
        self.processes = processes

    def round(self, kind: str, seconds: float, *, pause_seconds: float = 0.0) -> int:
        """Let all writers do one kind of transaction for a while, and return how many they did."""
        order = json.dumps({"kind": kind, "seconds": seconds, "pause_seconds": pause_seconds})
        for process in self.processes:
            process.stdin.write(order + "\n")
            process.stdin.flush()
        return sum(json.loads(process.stdout.readline()) for process in self.processes)


@contextmanager
def writers(house: LiveHouse, *, processes: int = PROCESSES, threads: int = THREADS) -> Iterator[Writers]:
    """Lend connected writers."""
    first = json.dumps({"login": house.login(), "threads": threads})
    command = [sys.executable, "-c", SERVE]
    with ExitStack() as running:
        started = [
            running.enter_context(
                subprocess.Popen(
                    command,
                    cwd=BASE_DIR,
                    env=house.services.variables(),
                    text=True,
                    stdin=subprocess.PIPE,
                    stdout=subprocess.PIPE,
                )
            )
            for _ in range(processes)
        ]
        for process in started:
            process.stdin.write(first + "\n")
            process.stdin.flush()
        for process in started:
            process.stdout.readline()
        yield Writers(started)
        for process in started:
            process.stdin.close()


def make_tables(house: LiveHouse) -> None:
    """Make the tables that the writers compare with."""
    login = {**house.login(), "user": OWNER, "password": house.house.secrets["owner_password"]}
    with psycopg.connect(**login, autocommit=True) as link:
        link.execute(TABLES.format(login=house.login()["user"]))


# One process of them --------------------------------------------------------------------------------------------


def serve() -> None:
    """Do what the lines on standard input say until they end."""
    first = json.loads(sys.stdin.readline())
    links = [psycopg.connect(**first["login"], autocommit=True) for _ in range(first["threads"])]
    print("ready", flush=True)
    for line in sys.stdin:
        print(json.dumps(run(links, **json.loads(line))), flush=True)
    for link in links:
        link.close()


def run(links: list[psycopg.Connection], *, kind: str, seconds: float, pause_seconds: float) -> int:
    """Let each connection do one kind of transaction until the time is over, and return how many were done."""
    counts: list[int] = []
    end = time.monotonic() + seconds

    def keep_writing(link: psycopg.Connection, act: Callable[[psycopg.Connection], None]) -> None:
        count = 0
        while time.monotonic() < end:
            act(link)
            count += 1
            if pause_seconds:
                time.sleep(pause_seconds)
        counts.append(count)

    threads = [threading.Thread(target=keep_writing, args=(link, KINDS[kind])) for link in links]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    if len(counts) < len(links):
        raise RuntimeError(f"{len(links) - len(counts)} writers failed")  # a thread's own words are on stderr
    return sum(counts)
