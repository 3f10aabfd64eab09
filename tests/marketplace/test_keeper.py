"""The embedded servers under their keeper: started once, gone with the last who used them, back after a kill -9."""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from marketplace.local import broker, chain, postgres, servers
from marketplace.local.house import BASE_DIR, House

# Asks the database for a number as often as a line comes in, and answers with it; ends with its input.
CLIENT = """
import sys, django
django.setup()
from django.db import connection
for line in sys.stdin:
    try:
        with connection.cursor() as cursor:
            cursor.execute(line)
            print(cursor.fetchone()[0] if cursor.description else "done", flush=True)
    except django.db.OperationalError:
        connection.close()
        print("away", flush=True)
"""


class Client:
    """A command that uses the house."""

    def __init__(self, house):
        environment = {
            **{name: value for name, value in os.environ.items() if not name.startswith("PYTEST")},
            "WENSHI_STATE": str(house.state),
            "DJANGO_SETTINGS_MODULE": "marketplace.settings",
        }
        self.process = subprocess.Popen(
            [sys.executable, "-c", CLIENT],
            cwd=BASE_DIR,
            env=environment,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )

    def send(self, statement):
        self.process.stdin.write(statement + "\n")
        self.process.stdin.flush()

    def read(self):
        return self.process.stdout.readline().strip()

    def ask(self, statement="SELECT 1"):
        self.send(statement)
        return self.read()

    def end(self):
        self.process.stdin.close()
        assert self.process.wait(timeout=30) == 0


@pytest.fixture(scope="module")
def house(tmp_path_factory):
    return House(tmp_path_factory.mktemp("house"))


@pytest.fixture
def client(house):
    client = Client(house)
    yield client
    if client.process.poll() is None:
        client.process.kill()
        client.process.wait()
    wait_until(lambda: not running(house))


def running(house):
    """Return the processes of a house's PostgreSQL: keeper and server first, then the server's own children."""
    found = []
    for folder in Path("/proc").glob("[0-9]*"):
        try:
            words = (folder / "cmdline").read_bytes()
        except OSError:
            continue
        if os.fsencode(house.state) in words and (b"keeper" in words or b"bin/postgres" in words):
            found.append(int(folder.name))
    return found


def process_of(house, word):
    return next(pid for pid in running(house) if word in Path(f"/proc/{pid}/cmdline").read_bytes())


def wait_until(holds, seconds=20):
    deadline = time.monotonic() + seconds
    while not holds():
        assert time.monotonic() < deadline, "it did not come about"
        time.sleep(0.05)


def ask_until_answered(client, statement):
    deadline = time.monotonic() + 20
    while (answer := client.ask(statement)) == "away":
        assert time.monotonic() < deadline
    return answer


def test_six_commands_at_once_share_one_server_and_leave_none(house):
    clients = [Client(house) for _ in range(6)]
    for client in clients:
        client.send("SELECT pg_postmaster_start_time()")
    assert len({client.read() for client in clients}) == 1
    for client in clients:
        client.end()
    assert not running(house), "the last to leave waits until the server has stopped"


def test_when_the_only_command_is_killed_nothing_stays(house, client):
    assert client.ask() == "1"
    client.process.kill()
    wait_until(lambda: not running(house), seconds=5)


@pytest.mark.parametrize("victim", [b"bin/postgres", b"keeper"])
def test_queries_go_on_after_a_kill_and_what_was_committed_is_there(house, client, victim):
    name = f"django_{victim.decode()[-6:]}"
    assert client.ask("SELECT 1") == "1"
    assert write(house, f"CREATE TABLE {name} (n int); INSERT INTO {name} VALUES (7)") == ""
    victim_pid = process_of(house, victim)
    os.kill(victim_pid, signal.SIGKILL)
    wait_until(lambda: victim_pid not in running(house))
    assert ask_until_answered(client, f"SELECT count(*) FROM pg_class WHERE relname = '{name}'") == "1"
    client.end()
    assert not running(house)


def write(house, statement):
    """Run a statement as the owner, by psql."""
    done = subprocess.run(
        [str(postgres.programs() / "psql"), "-qX", "-v", "ON_ERROR_STOP=1", "-c", statement],
        env={
            "PGHOST": str(house.sockets("postgres")),
            "PGUSER": postgres.OWNER,
            "PGPASSWORD": house.secrets["owner_password"],
            "PGDATABASE": postgres.DATABASE,
        },
        capture_output=True,
        text=True,
    )
    return done.stderr


def test_the_superuser_cannot_log_in(house, client):
    assert client.ask() == "1"
    done = subprocess.run(
        [str(postgres.programs() / "psql"), "-X", "-c", "SELECT 1"],
        env={"PGHOST": str(house.sockets("postgres")), "PGUSER": "postgres", "PGDATABASE": "postgres"},
        capture_output=True,
        text=True,
    )
    assert done.returncode != 0
    assert "no pg_hba.conf entry" in done.stderr


def test_the_state_folder_is_readable_by_its_owner_alone(house, client):
    assert client.ask() == "1"
    assert house.state.stat().st_mode & 0o077 == 0
    assert (house.state / "secrets.json").stat().st_mode & 0o077 == 0


def test_a_house_with_a_long_path_keeps_its_sockets_elsewhere_and_leaves_none(tmp_path):
    far = House(tmp_path / ("long" * 30))
    assert far.sockets("postgres") != House(tmp_path / ("long" * 31)).sockets("postgres")
    for name, answers in servers.ANSWERS.items():
        if name == "chain" and not chain.installed():
            continue
        assert len(os.fsencode(far.sockets(name))) < 80
        servers.hold(name, house=far)
        assert answers(far)
        servers.let_go(name, house=far)
        assert not far.sockets(name).exists()


def test_a_server_whose_keeper_was_killed_is_started_again_by_who_uses_it(tmp_path):
    other = House(tmp_path / "other")
    servers.hold("broker", house=other)
    keeper = next(pid for pid in keepers(other) if pid != os.getpid())
    os.kill(keeper, signal.SIGKILL)
    wait_until(lambda: not broker.answers(other))
    servers.revive()
    assert broker.answers(other)
    servers.let_go("broker", house=other)
    assert not broker.answers(other)


def keepers(house):
    for folder in Path("/proc").glob("[0-9]*"):
        try:
            words = (folder / "cmdline").read_bytes().split(b"\0")
        except OSError:
            continue
        if b"marketplace.local.keeper" in words and os.fsencode(house.state) in words:
            yield int(folder.name)
