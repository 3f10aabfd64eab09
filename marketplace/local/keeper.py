"""`python -m marketplace.local.keeper NAME STATE` runs PostgreSQL, the broker or the chain, while anybody uses it.

Users hold a shared lock that the kernel drops with them; once nobody does, the keeper stops the server and
ends. While it lives it holds a lock of its own, and starts the server again if that dies. Standard library
only, apart from finding where the wheels keep their programs.
"""

import fcntl
import os
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

from marketplace.local import unprivileged
from marketplace.local.broker import Broker
from marketplace.local.chain import Chain
from marketplace.local.house import BASE_DIR, House
from marketplace.local.postgres import Postgres

LOOK_SECONDS = 0.1
SERVERS = {"postgres": Postgres, "broker": Broker, "chain": Chain}


def keep(name: str, state: Path) -> None:
    """Keep one server running until nobody holds its users' lock."""
    house = House(state)
    own, users = (
        os.open(house.lock(name, lock), os.O_CREAT | os.O_RDWR, 0o600) for lock in ("keeper", "users")
    )
    try:
        fcntl.flock(own, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return
    server = SERVERS[name](house)
    folders = [house.folder(name), house.sockets(name)]
    folders[1].mkdir(mode=0o700, exist_ok=True)
    assert house.secrets, "read while this process still may"
    unprivileged.give_up_root(folders=folders, through=state, reads=server.program())
    child = start(server)
    while not is_free(users):
        if child.poll() is not None:
            time.sleep(LOOK_SECONDS)
            child = start(server)
        time.sleep(LOOK_SECONDS)
    stop(child, server.stop_signal)
    if house.state not in folders[1].parents:  # a path too long for a socket made it lie outside the house
        shutil.rmtree(folders[1], ignore_errors=True)  # anvil leaves its socket there


def start(server: Postgres | Broker | Chain) -> subprocess.Popen:
    """Start the server's program, prepared anew each time, so that it cannot outlive this process."""
    server.prepare()
    keeper = os.getpid()
    return subprocess.Popen(
        server.command(),
        stdin=subprocess.DEVNULL,
        start_new_session=True,
        preexec_fn=lambda: unprivileged.die_with(keeper, server.stop_signal),
    )


def stop(child: subprocess.Popen, with_signal: int) -> None:
    """End the server in its own orderly way, and wait for it."""
    child.send_signal(with_signal)
    try:
        child.wait(timeout=30)
    except subprocess.TimeoutExpired:
        child.kill()
        child.wait()


def is_free(users: int) -> bool:
    """Tell whether nobody uses the server. From then on newcomers wait until this process has ended."""
    try:
        fcntl.flock(users, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


def main() -> None:
    """Run the keeper; its last line on standard error says why it could not."""
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, signal.SIG_IGN)  # users decide, not terminals
    os.umask(0o077)
    os.chdir(BASE_DIR)
    try:
        keep(sys.argv[1], Path(sys.argv[2]))
    except Exception as error:
        sys.exit(f"{error}")


if __name__ == "__main__":
    main()
