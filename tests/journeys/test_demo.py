"""`manage.py demo` from outside, in a state folder of its own: it sells, gives, verifies, leaves nothing running."""

import json
import os
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path

import pytest

from marketplace.local.house import BASE_DIR
from marketplace.local.services import free_port

AGAIN_SECONDS, FIRST_SECONDS = 30, 180


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


def once(state: Path) -> tuple[dict, float]:
    """Run the demonstration to its end; return what its last line says and how long it took."""
    began = time.monotonic()
    running = demo(state, "--once", "--json", "--port", str(free_port()))
    out, error = running.communicate(timeout=FIRST_SECONDS)
    assert running.returncode == 0, out[-2000:] + error[-2000:]
    return json.loads(out.splitlines()[-1]), time.monotonic() - began


def test_it_sells_one_and_gives_one_away_and_verifies_and_leaves_no_process(state):
    said, _ = once(state)
    assert set(said) == {"asset", "listings", "refused", "paid", "free", "checkpoint", "verified", "seconds"}
    assert said["asset"].startswith("ark:") and said["listings"] == 12 and said["verified"] is True
    for part in (said["paid"], said["free"]):
        assert set(part) == {"order", "payment", "grant", "entry", "sha256", "source_sha256"}
        assert part["sha256"] == part["source_sha256"] and len(part["sha256"]) == 64
        assert 0 <= part["entry"] < said["checkpoint"]["size"]
    assert said["paid"]["payment"] and said["paid"]["order"]
    assert said["free"]["payment"] is None and said["free"]["order"] is None
    assert (
        said["checkpoint"]["root"] == said["checkpoint"]["root"].lower()
        and len(said["checkpoint"]["root"]) == 64
    )
    assert len(said["refused"]) == 7
    assert all(" " in one["reason"] and one["id"].startswith("bad-") for one in said["refused"])
    assert processes_of(state) == []


def test_running_it_again_keeps_the_data_and_is_quick(state):
    first, _ = once(state)
    second, seconds = once(state)
    assert seconds < AGAIN_SECONDS
    assert second["listings"] == first["listings"] and second["asset"] == first["asset"]
    assert second["paid"]["entry"] > first["paid"]["entry"]
    assert second["free"]["grant"] == first["free"]["grant"]


def test_a_busy_port_is_one_sentence_with_the_remedy(state):
    with socket.create_server(("127.0.0.1", 0)) as taken:
        running = demo(state, "--once", "--port", str(taken.getsockname()[1]))
        _, error = running.communicate(timeout=60)
    assert running.returncode == 1
    assert "is taken" in error and "--port" in error and "Traceback" not in error
    assert processes_of(state) == []


def test_a_folder_without_a_catalogue_is_one_sentence(state, tmp_path):
    running = demo(state, "--once", "--data", str(tmp_path))
    _, error = running.communicate(timeout=60)
    assert running.returncode == 1 and "demo-catalogue.json" in error and "Traceback" not in error


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_it_serves_until_told_to_stop_and_then_stops_all(state, number):
    running = demo(state, "--port", str(free_port()))
    for line in running.stdout:
        if line.startswith("Serving on"):
            break
    assert len(processes_of(state)) > 5
    running.send_signal(number)
    assert running.wait(timeout=60) == 0
    assert processes_of(state) == []


def test_kill_9_of_the_command_leaves_nothing_either(state):
    running = demo(state, "--port", str(free_port()))
    for line in running.stdout:
        if line.startswith("Serving on"):
            break
    running.kill()
    running.wait()
    deadline = time.monotonic() + 20
    while processes_of(state) and time.monotonic() < deadline:
        time.sleep(0.2)
    assert processes_of(state) == []
