"""`manage.py demo` from outside, in a state folder of its own: it sells, gives, verifies, leaves nothing running."""

import json
import os
import re
import resource
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path

import pytest

from marketplace.local.house import BASE_DIR
from marketplace.local.services import free_port

FIRST_SECONDS = 180
AGAIN_SECONDS = 30  # of the processor's time, so that other tests beside this one do not count


@pytest.fixture(scope="module")
def state(tmp_path_factory):
    """Lend a state folder that keeps what the first demonstration of this file makes."""
    return tmp_path_factory.mktemp("demo") / "state"


def demo(state: Path, *arguments: str, **options) -> subprocess.Popen:
    """Start the command as a person would."""
    environment = {**os.environ, "WENSHI_STATE": str(state), **options}
    for name in ("WENSHI_DATA", "DJANGO_SETTINGS_MODULE", "PYTEST_VERSION"):
        environment.pop(name, None)
    return subprocess.Popen(
        [sys.executable, "manage.py", "demo", *arguments],
        cwd=BASE_DIR,
        env=environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
    )


def processes_of(state: Path) -> list[str]:
    """Return the command lines of all processes that work in a state folder."""
    found = []
    for place in Path("/proc").glob("[0-9]*"):
        try:
            said = (place / "environ").read_bytes() + (place / "cmdline").read_bytes()
            if str(state).encode() in said and place.name != str(os.getpid()):
                found.append((place / "cmdline").read_bytes().replace(b"\0", b" ").decode())
        except OSError:
            continue
    return found


def serving(state: Path) -> tuple[subprocess.Popen, dict]:
    """Run the demonstration until it serves; return it and what it said."""
    running = demo(state, "--json", "--port", str(free_port()))
    for line in running.stdout:
        if line.startswith("{"):
            return running, json.loads(line)
    raise AssertionError(running.stderr.read()[-3000:])


@pytest.fixture(scope="module")
def first(state):
    """Run the demonstration once, to its end."""
    running = demo(state, "--once", "--json", "--port", str(free_port()))
    out, error = running.communicate(timeout=FIRST_SECONDS)
    assert running.returncode == 0, out[-2000:] + error[-2000:]
    assert processes_of(state) == []
    return json.loads(out.splitlines()[-1])


def test_it_sells_one_and_gives_one_away_and_verifies(first):
    parts = {"asset", "listings", "refused", "paid", "free", "checkpoint", "verified", "seconds"}
    assert set(first) == parts and first["verified"] is True
    assert first["asset"].startswith("ark:") and first["listings"] == 12
    for sold in (first["paid"], first["free"]):
        assert set(sold) == {"order", "payment", "grant", "entry", "sha256", "source_sha256"}
        assert sold["sha256"] == sold["source_sha256"] and len(sold["sha256"]) == 64
        assert 0 <= sold["entry"] < first["checkpoint"]["size"]
    assert first["paid"]["payment"] and first["paid"]["order"]
    assert first["free"]["payment"] is None and first["free"]["order"] is None
    root = first["checkpoint"]["root"]
    assert root == root.lower() and len(bytes.fromhex(root)) == 32


def test_it_says_of_each_refused_listing_a_code_and_a_sentence(first):
    assert [one["id"][:4] for one in first["refused"]] == ["bad-"] * 7
    assert all(re.fullmatch(r"[a-z-]+: .+\.", one["reason"]) for one in first["refused"])


def test_running_it_again_keeps_the_data_is_quick_and_a_signal_stops_all(state, first):
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    running, second = serving(state)
    assert len(processes_of(state)) > 5
    beside = demo(state, "--once", "--port", str(free_port()))
    assert "runs already" in beside.communicate(timeout=60)[1] and beside.returncode == 1
    assert second["listings"] == first["listings"] and second["asset"] == first["asset"]
    assert second["paid"]["entry"] > first["paid"]["entry"]
    assert second["free"]["grant"] == first["free"]["grant"]
    running.send_signal(signal.SIGTERM)
    assert running.wait(timeout=60) == 0
    assert processes_of(state) == []
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    assert after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime < AGAIN_SECONDS


def test_a_busy_port_is_one_sentence_with_the_remedy(state):
    with socket.create_server(("127.0.0.1", 0)) as taken:
        running = demo(state, "--once", "--port", str(taken.getsockname()[1]))
        _, error = running.communicate(timeout=60)
    assert running.returncode == 1
    assert "is taken" in error and "--port" in error and "Traceback" not in error
    assert processes_of(state) == []


@pytest.mark.parametrize("words", [None, "{", '{"version": 1, "sellers": [], "datasets": []}'])
def test_a_folder_without_a_catalogue_to_sell_from_is_one_sentence(state, tmp_path, words):
    if words is not None:
        (tmp_path / "demo-catalogue.json").write_text(words)
    running = demo(state, "--once", "--data", str(tmp_path), "--port", str(free_port()))
    _, error = running.communicate(timeout=60)
    assert running.returncode == 1 and "atalogue" in error
    assert len(error.strip().splitlines()) == 1 and "Traceback" not in error


@pytest.mark.nightly
def test_ctrl_c_stops_all(state, first):
    running, _ = serving(state)
    running.send_signal(signal.SIGINT)
    assert running.wait(timeout=60) == 0
    assert processes_of(state) == []


def test_kill_9_of_the_command_leaves_nothing_either(state, first):
    running, _ = serving(state)
    running.kill()
    running.wait()
    deadline = time.monotonic() + 20
    while processes_of(state) and time.monotonic() < deadline:
        time.sleep(0.2)
    assert processes_of(state) == []
