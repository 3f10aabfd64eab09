"""What this machine does without our code: durable commits, plain answers over HTTP, hashing."""

import hashlib
import threading
import time
from collections.abc import Callable

import psycopg

from marketplace.local.buyer import Buyer
from marketplace.local.live import LiveHouse

YARDSTICK_SECONDS = 2.0


def per_second(act: Callable[[], object], *, seconds: float = YARDSTICK_SECONDS) -> float:
    """Return how often a second something can be done, one after the other."""
    count, began = 0, time.monotonic()
    while time.monotonic() - began < seconds:
        act()
        count += 1
    return count / (time.monotonic() - began)


def side_by_side(acts: list[Callable[[], object]], *, seconds: float = YARDSTICK_SECONDS) -> float:
    """Return how often a second things can be done beside each other."""
    found: list[float] = []
    threads = [
        threading.Thread(target=lambda act=act: found.append(per_second(act, seconds=seconds)))
        for act in acts
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return sum(found)


def durable_commits(house: LiveHouse, *, connections: int) -> float:
    """Return how many rows a second the database keeps, each in a transaction of its own.

    The row is one of Django's sessions: the application's login may insert it, and no rule of ours looks at it.
    """
    links = [psycopg.connect(**house.login(), autocommit=True) for _ in range(connections)]
    columns, values = "session_key, session_data, expire_date", "md5(random()::text), '', now()"
    insert = f"INSERT INTO django_session ({columns}) VALUES ({values})"
    try:
        return side_by_side([lambda link=link: link.execute(insert) for link in links])
    finally:
        links[0].execute("DELETE FROM django_session WHERE session_data = ''")
        for link in links:
            link.close()


def plain_answers(house: LiveHouse, *, connections: int, path: str = "/healthz") -> float:
    """Return how many answers a second the web processes give to a request that does nothing."""
    visitors = [Buyer(house.base) for _ in range(connections)]
    try:
        return side_by_side([lambda visitor=visitor: visitor.ask("GET", path) for visitor in visitors])
    finally:
        for visitor in visitors:
            visitor.close()


def hashed_megabytes() -> float:
    """Return how many megabytes a second SHA-256 takes in."""
    block = bytes(1 << 20)
    return per_second(lambda: hashlib.sha256(block).digest(), seconds=0.5) * 1.048576
