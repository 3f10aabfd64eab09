"""A house with a database, a log and nobody at work in it, and a process there that does as it is told."""

import json
import os
import signal
import subprocess
import sys
from contextlib import contextmanager, suppress

import psycopg
import pytest

from marketplace.local import postgres, servers
from marketplace.local.house import BASE_DIR
from marketplace.local.live import LiveHouse

BUSINESS = f"""
    CREATE TABLE crash_business (key text PRIMARY KEY);
    GRANT SELECT, INSERT ON crash_business TO {postgres.APPLICATION};
"""


class QuietHouse(LiveHouse):
    """A house whose only process is the one that is killed."""

    def __enter__(self):
        servers.hold("postgres", house=self.house)
        self.manage("migrate", "ledger", "--verbosity", "0")
        with psycopg.connect(**self.owner(), autocommit=True) as connection:
            connection.execute(BUSINESS)
        self.house.folder("results")
        self.process = subprocess.Popen(
            [sys.executable, "-m", "tests.crashes.doomed"],
            cwd=BASE_DIR,
            env=self.services.variables(),
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        return self

    def __exit__(self, *_):
        self.process.stdin.close()
        self.process.wait(60)
        servers.let_go("postgres", house=self.house)

    def owner(self):
        """Return the login of the owner of the tables."""
        return {**self.login(), "user": postgres.OWNER, "password": self.house.secrets["owner_password"]}

    @contextmanager
    def doing(self, *jobs):
        """Have jobs done beside each other; yields their pids, and the list that their answers come into."""
        (self.house.state / "stop").unlink(missing_ok=True)
        self.process.stdin.write(json.dumps(jobs) + "\n")
        self.process.stdin.flush()
        children, answers = json.loads(self.process.stdout.readline()), []
        try:
            yield children, answers
        except BaseException:
            for child in children:  # they are waited for below
                with suppress(ProcessLookupError):
                    os.kill(child, signal.SIGKILL)
            raise
        finally:
            answers += json.loads(self.process.stdout.readline())

    def do(self, *jobs):
        """Have jobs done beside each other, and return their answers; None is that of a killed one."""
        with self.doing(*jobs) as (_, answers):
            pass
        return answers

    def stop(self):
        """Tell the jobs that go on and on to end."""
        (self.house.state / "stop").touch()

    @contextmanager
    def postgres_stopped(self):
        """Have the database stopped in its orderly way, with all that it committed, until the block ends."""
        servers.let_go("postgres", house=self.house)
        yield
        servers.hold("postgres", house=self.house)

    def signed(self):
        """Return the newest signed size."""
        return self.rows("SELECT max(size) FROM ledger_checkpoint")[0][0]

    def kills(self):
        """Return how many kills have come."""
        path = self.house.state / "kills"
        return len(path.read_bytes()) if path.exists() else 0

    def acknowledged(self):
        """Return the keys whose commits were acknowledged."""
        path = self.house.state / "acknowledged"
        return path.read_text().splitlines() if path.exists() else []


@pytest.fixture(scope="package")
def quiet_house(tmp_path_factory):
    """Lend a house in which nothing happens by itself."""
    with QuietHouse(tmp_path_factory.mktemp("quiet") / "state") as house:
        yield house


@pytest.fixture
def new_house(tmp_path_factory):
    """Lend the same, for one test alone."""
    with QuietHouse(tmp_path_factory.mktemp("quiet") / "state") as house:
        yield house
