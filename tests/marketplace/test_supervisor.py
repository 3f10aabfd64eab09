"""The supervisor: children answer, come back, and never outlive the command that started them."""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from marketplace.local.house import BASE_DIR, House
from marketplace.local.supervisor import NotReady, Supervisor

SLEEP = [sys.executable, "-c", "import time; time.sleep(60)"]
STUBBORN = [
    sys.executable,
    "-c",
    "import signal, subprocess, sys, time; signal.signal(signal.SIGTERM, signal.SIG_IGN);"
    "child = subprocess.Popen([sys.executable, '-c', 'import time; time.sleep(60)']);"
    "print(child.pid, flush=True); time.sleep(60)",
]


@pytest.fixture
def supervisor(tmp_path):
    supervisor = Supervisor(house=House(tmp_path / "state"))
    yield supervisor
    supervisor.stop_all()


def alive(pid):
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except FileNotFoundError:
        return False


def wait_until(holds, seconds=10):
    deadline = time.monotonic() + seconds
    while not holds():
        assert time.monotonic() < deadline, "it did not come about"
        time.sleep(0.02)


def test_what_ended_by_itself_comes_back(supervisor):
    first = supervisor.start("one", SLEEP, dict(os.environ))
    second = supervisor.start("two", SLEEP, dict(os.environ))
    first.kill()
    first.wait()
    assert supervisor.revive() == ["one"]
    assert supervisor.children["one"].process.pid != first.pid
    assert second.poll() is None


def test_what_does_not_want_to_end_is_killed_with_what_it_started(supervisor, monkeypatch):
    monkeypatch.setattr("marketplace.local.supervisor.STOP_SECONDS", 0.3)
    process = supervisor.start("stubborn", STUBBORN, dict(os.environ))
    log = supervisor.log("stubborn")
    wait_until(lambda: log.read_text().strip())
    grandchild = int(log.read_text())
    supervisor.stop_all()
    assert process.returncode == -signal.SIGKILL
    wait_until(lambda: not alive(grandchild))


def test_children_end_with_the_command_even_when_that_is_killed(tmp_path):
    code = (
        "import os, sys, time; from pathlib import Path;"
        "from marketplace.local.house import House; from marketplace.local.supervisor import Supervisor;"
        f"s = Supervisor(house=House(Path({str(tmp_path / 'state')!r})));"
        f"print(s.start('one', {SLEEP!r}, dict(os.environ)).pid, flush=True); time.sleep(60)"
    )
    command = subprocess.Popen([sys.executable, "-c", code], cwd=BASE_DIR, stdout=subprocess.PIPE, text=True)
    child = int(command.stdout.readline())
    assert alive(child)
    command.kill()
    command.wait()
    wait_until(lambda: not alive(child))


def test_a_process_that_ends_before_it_answers_is_named_with_its_last_words(supervisor):
    supervisor.start("web", [sys.executable, "-c", "raise SystemExit('no such setting')"], dict(os.environ))
    with pytest.raises(NotReady, match="web ended: no such setting"):
        supervisor.wait_ready("http://127.0.0.1:9/readyz", timeout_seconds=10)


def test_an_address_that_never_answers_is_given_up(supervisor):
    with pytest.raises(NotReady, match=r"was not ready within 0\.2 s"):
        supervisor.wait_ready("http://127.0.0.1:9/readyz", timeout_seconds=0.2)
