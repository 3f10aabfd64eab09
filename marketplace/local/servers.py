"""How a command uses the embedded servers: hold a lock while it runs, and have a keeper started if none is there.

`users` is held shared by everybody who uses a server, `start` by the one who starts its keeper, `keeper` by
the keeper while it lives. The kernel drops them all with the process, so no count and no pid is trusted.
"""

import atexit
import fcntl
import os
import subprocess
import sys
import time
from pathlib import Path

from marketplace.local import broker, chain, postgres
from marketplace.local.house import BASE_DIR, House, Trouble
from marketplace.local.setup import remedy

START_SECONDS = 60
LOOK_SECONDS = 0.05

ANSWERS = {"postgres": postgres.answers, "broker": broker.answers, "chain": chain.answers}

_held: dict[tuple[House, str], int] = {}  # a process may use servers of more than one house
_keepers: list[subprocess.Popen] = []


class ServerFailed(Trouble):
    """An embedded server does not start; the message says why."""


def use(name: str, *, house: House) -> None:
    """Say that a server, running or not, is used until this process ends."""
    if (house, name) not in _held:
        lock = os.open(house.lock(name, "users"), os.O_CREAT | os.O_RDWR, 0o600)
        fcntl.flock(lock, fcntl.LOCK_SH)  # waits for a keeper that is just stopping
        _held[house, name] = lock
        atexit.register(let_go, name, house=house)


def hold(name: str, *, house: House, seconds: float = START_SECONDS) -> None:
    """Use a server until this process ends, starting it if it does not answer. Raises ServerFailed."""
    use(name, house=house)
    deadline = time.monotonic() + seconds
    while not ANSWERS[name](house):
        if time.monotonic() > deadline:
            raise ServerFailed(
                f"The embedded {name} did not answer within {seconds} s; see {log(name, house)}."
            )
        with open(house.lock(name, "start"), "a") as start:
            fcntl.flock(start, fcntl.LOCK_EX)
            if not ANSWERS[name](house) and not is_locked(house, name, "keeper"):
                start_keeper(name, house=house, seconds=seconds)
        time.sleep(LOOK_SECONDS)


def revive() -> None:
    """Start again what this process uses, where even its keeper was killed. Raises ServerFailed."""
    for house, name in list(_held):
        hold(name, house=house)


def start_keeper(name: str, *, house: House, seconds: float = START_SECONDS) -> None:
    """Start a keeper in a session of its own and wait until its server answers. Raises ServerFailed."""
    with open(log(name, house), "w") as words:
        keeper = subprocess.Popen(
            [sys.executable, "-m", "marketplace.local.keeper", name, str(house.state)],
            cwd=BASE_DIR,
            stdin=subprocess.DEVNULL,
            stdout=words,
            stderr=words,
            start_new_session=True,
        )
    _keepers.append(keeper)
    deadline = time.monotonic() + seconds
    while not ANSWERS[name](house) and time.monotonic() < deadline:
        if keeper.poll() is not None:
            said = log(name, house).read_text(errors="replace").strip()
            last = (
                said.splitlines()[-1] if said else f"The keeper of the embedded {name} ended without a word."
            )
            raise ServerFailed(remedy(said) or last)
        time.sleep(LOOK_SECONDS)


def log(name: str, house: House) -> Path:
    """Return the path of what a server and its keeper say."""
    return house.folder("logs") / f"{name}.log"


def let_go(name: str, *, house: House) -> None:
    """Stop using a server; the last to leave waits until it has stopped, so that nothing stays behind."""
    if (house, name) not in _held:
        return
    os.close(_held.pop((house, name)))  # not unlocking: a forked child must not drop its parent's lock
    while is_locked(house, name, "keeper"):
        if is_locked(house, name, "users", fcntl.LOCK_EX) and not is_locked(house, name, "users"):
            return  # somebody else holds it, shared
        time.sleep(LOOK_SECONDS)


def is_locked(house: House, name: str, lock: str, kind: int = fcntl.LOCK_SH) -> bool:
    """Tell whether a lock could not be had now, without keeping it."""
    with open(house.lock(name, lock), "a") as file:
        try:
            fcntl.flock(file, kind | fcntl.LOCK_NB)
        except BlockingIOError:
            return True
    return False
