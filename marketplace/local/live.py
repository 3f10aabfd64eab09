"""A whole house of its own in a folder, worked from outside: for journeys, for crashes and for benches.

Everything is done as a person or a machine outside would do it: by `manage.py`, over HTTP, and by looking into the
database with the application's login. Leaving the `with` block stops every process that was started.
"""

import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import psycopg

from marketplace.local import postgres, servers
from marketplace.local.house import BASE_DIR, House
from marketplace.local.services import OWN_CATALOGUE, Services, free_port

PEOPLE = "from marketplace.local import accounts; accounts.open_all()"


class CommandFailed(Exception):
    """A command of the house ended with an error; the message is what it said."""


class LiveHouse:
    """One house: its folder, its database, its four processes."""

    def __init__(self, state: Path, *, environment: dict[str, str] | None = None) -> None:
        self.house = House(state)
        self.services = Services(house=self.house, port=free_port(), environment=environment or {})
        self.base = self.services.base

    def __enter__(self) -> "LiveHouse":
        servers.hold("postgres", house=self.house)
        servers.hold("broker", house=self.house)
        return self

    def __exit__(self, *_: object) -> None:
        self.services.stop()
        for name in ("broker", "postgres"):
            servers.let_go(name, house=self.house)

    def prepare(self, folder: Path | None = None) -> None:
        """Make the database, import a catalogue, open the demonstration's accounts."""
        folder = folder or OWN_CATALOGUE
        self.manage("migrate", "--verbosity", "0")
        self.manage("import_catalogue", str(folder / "demo-catalogue.json"), "--files", str(folder))
        self.manage("shell", "-c", PEOPLE)

    def manage(self, *arguments: str, timeout_seconds: float = 300) -> str:
        """Run a command of this house and return what it printed. Raises CommandFailed."""
        done = subprocess.run(
            [sys.executable, "manage.py", *arguments],
            cwd=BASE_DIR,
            env=self.services.variables(),
            capture_output=True,
            text=True,
            timeout=timeout_seconds,
        )
        if done.returncode:
            raise CommandFailed(f"manage.py {' '.join(arguments)}: {(done.stdout + done.stderr)[-2000:]}")
        return done.stdout

    @contextmanager
    def database(self) -> Iterator[psycopg.Connection]:
        """Look into the database with the application's login; each statement commits by itself."""
        with psycopg.connect(**self.login(), autocommit=True, connect_timeout=5) as connection:
            yield connection

    def rows(self, statement: str, *parameters: object) -> list[tuple]:
        """Return the rows of one statement."""
        with self.database() as connection:
            return connection.execute(statement, parameters or None).fetchall()

    def login(self, database: str = postgres.DATABASE) -> dict[str, str]:
        """Return where and as whom the application logs in."""
        password = self.house.secrets["application_password"]
        place = str(self.house.sockets("postgres"))
        return {"host": place, "dbname": database, "user": postgres.APPLICATION, "password": password}

    # Killing, as a power cut or the kernel would

    def kill(self, name: str) -> None:
        """End a process and its children at once: web, worker, beat, sandbox or postgres."""
        if name == "postgres":
            first = (self.house.state / "postgres/data/postmaster.pid").read_text().splitlines()[0]
            os.kill(int(first), signal.SIGKILL)
        else:
            process = self.services.supervisor.children[name].process
            os.killpg(process.pid, signal.SIGKILL)  # it leads a session, so its children go with it
            process.wait()

    def revive(self, name: str) -> None:
        """Start again what was killed, and wait until it answers. PostgreSQL's keeper does so by itself."""
        if name == "postgres":
            servers.hold("postgres", house=self.house)
        else:
            self.services.supervisor.restart(name)
        self.services.wait_ready()
