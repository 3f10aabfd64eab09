"""Starts the processes of a running house, sees that they stay, and stops them all.

Each child runs in a session of its own, so that Ctrl-C reaches only the command that started it, and is ended
by the kernel when that command dies. What a child says goes to `.wenshi/logs/<name>.log`.
"""

import os
import signal
import subprocess
import time
import urllib.error
import urllib.request
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path

from marketplace.local import servers, unprivileged
from marketplace.local.house import BASE_DIR, House

READY_SECONDS = 60
STOP_SECONDS = 20
LOOK_SECONDS = 0.05


class NotReady(Exception):
    """A process ended, or did not answer in time; the message carries its last words."""


@dataclass
class Child:
    """A process and what it takes to start it again."""

    argv: list[str]
    environment: dict[str, str]
    process: subprocess.Popen


@dataclass
class Supervisor:
    """The children of one command, in the order of their start. Use it from the main thread."""

    house: House
    children: dict[str, Child] = field(default_factory=dict)

    def start(self, name: str, argv: list[str], environment: dict[str, str]) -> subprocess.Popen:
        """Start a process under a name, or again if it has ended."""
        parent = os.getpid()
        with open(self.log(name), "ab") as words:
            process = subprocess.Popen(
                argv,
                cwd=BASE_DIR,
                env=environment,
                stdin=subprocess.DEVNULL,
                stdout=words,
                stderr=words,
                start_new_session=True,
                preexec_fn=lambda: unprivileged.die_with(parent, signal.SIGTERM),
            )
        self.children[name] = Child(argv, environment, process)
        return process

    def log(self, name: str) -> Path:
        """Return where a process's words go."""
        return self.house.folder("logs") / f"{name}.log"

    def restart(self, name: str) -> subprocess.Popen:
        """Stop a process if it runs, and start it as before."""
        child = self.children[name]
        self.stop(name)
        return self.start(name, child.argv, child.environment)

    def revive(self) -> list[str]:
        """Start again what has ended without being asked, embedded servers too, and return the names."""
        servers.revive()
        ended = [name for name, child in self.children.items() if child.process.poll() is not None]
        for name in ended:
            self.restart(name)
        return ended

    def wait_ready(self, url: str, *, timeout_seconds: float = READY_SECONDS) -> None:
        """Wait until an address answers with success. Raises NotReady."""
        deadline, heard = time.monotonic() + timeout_seconds, "no answer"
        while time.monotonic() < deadline:
            for name, child in self.children.items():
                if child.process.poll() is not None:
                    raise NotReady(f"{name} ended: {self.last_words(name)} (see {self.log(name)})")
            try:
                with urllib.request.urlopen(url, timeout=5):
                    return
            except urllib.error.HTTPError as error:
                heard = f"{error.code} {error.read(500).decode(errors='replace')}"
            except OSError as error:
                heard = str(error)
            time.sleep(LOOK_SECONDS)
        raise NotReady(f"{url} was not ready within {timeout_seconds:g} s: {heard}")

    def last_words(self, name: str) -> str:
        """Return the last line that a process wrote."""
        lines = self.log(name).read_text(errors="replace").strip().splitlines()
        return lines[-1] if lines else "without a word"

    def stop(self, name: str) -> None:
        """Stop a process: it is asked, then killed, and what it left in its session with it."""
        process = self.children[name].process
        if process.poll() is None:
            process.terminate()
        self.finish(process, time.monotonic() + STOP_SECONDS)

    def stop_all(self) -> None:
        """Stop all, asking the last started first; they end beside each other."""
        running = [child.process for child in reversed(self.children.values())]
        for process in running:
            if process.poll() is None:
                process.terminate()
        deadline = time.monotonic() + STOP_SECONDS
        for process in running:
            self.finish(process, deadline)
        self.children.clear()

    def finish(self, process: subprocess.Popen, deadline: float) -> None:
        """Wait for a process that was asked to end, and leave nothing of its session."""
        with suppress(subprocess.TimeoutExpired):
            process.wait(timeout=max(0.1, deadline - time.monotonic()))
        with suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
        process.wait()
