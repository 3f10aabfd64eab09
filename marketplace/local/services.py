"""The processes of a running house: Stripe sandbox, web, worker and beat, on one supervisor.

The demonstration, the benches and the tests that kill processes start them here, so all see the same house.
"""

import os
import socket
import sys
from dataclasses import dataclass, field
from pathlib import Path

from marketplace.local import servers
from marketplace.local.house import BASE_DIR, House
from marketplace.local.supervisor import Supervisor

NAMES = ("sandbox", "web", "worker", "beat")
WEB_PROCESSES, WEB_THREADS, WORKER_PROCESSES = 2, 8, 2


class PortTaken(Exception):
    """Another program listens where the pages should be."""


def free_port() -> int:
    """Return a port of the loopback address that nobody listens on now."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        return listener.getsockname()[1]


def claim(port: int) -> None:
    """Make sure that nobody listens on a port. Raises PortTaken."""
    try:
        socket.create_server(("127.0.0.1", port)).close()
    except OSError as error:
        raise PortTaken(
            f"Port {port} on 127.0.0.1 is taken: stop what listens there, or choose another with --port."
        ) from error


@dataclass
class Services:
    """The four processes of one house. Start them in order, stop them all."""

    house: House
    port: int
    environment: dict[str, str] = field(default_factory=dict)
    sandbox_port: int = field(default_factory=free_port)

    def __post_init__(self) -> None:
        self.supervisor = Supervisor(house=self.house)

    @property
    def base(self) -> str:
        """Return where the pages are."""
        return f"http://127.0.0.1:{self.port}"

    @property
    def sandbox(self) -> str:
        """Return where the Stripe sandbox is."""
        return f"http://127.0.0.1:{self.sandbox_port}"

    def variables(self) -> dict[str, str]:
        """Return the environment that every process of the house runs in."""
        outside = {name: value for name, value in os.environ.items() if not name.startswith("PYTEST_")}
        return {
            **outside,
            "DJANGO_SETTINGS_MODULE": "marketplace.settings",
            "WENSHI_STATE": str(self.house.state),
            "SITE_URL": self.base,
            "STRIPE_API_BASE": self.sandbox,
            "PYTHONUNBUFFERED": "1",
            **self.environment,
        }

    def command(self, name: str) -> list[str]:
        """Return the command line of a process."""
        python, state = sys.executable, self.house.state
        celery = [python, "-m", "celery", "--app", "marketplace", "--quiet"]
        match name:
            case "sandbox":
                journal = self.house.folder("sandbox") / "journal"
                options = [
                    "--port",
                    str(self.sandbox_port),
                    "--state",
                    str(journal),
                    "--clock",
                    str(state / "clock"),
                ]
                hook = ["--webhook", f"{self.base}/hooks/stripe/", "--secret", self.webhook_secret]
                return [python, "-m", "settlement.sandbox", *options, *hook]
            case "web":
                size = [
                    "--workers",
                    str(WEB_PROCESSES),
                    "--threads",
                    str(WEB_THREADS),
                    "--worker-class",
                    "gthread",
                ]
                calm = [
                    "--log-level",
                    "warning",
                    "--worker-tmp-dir",
                    str(self.house.folder("web")),
                    "--no-control-socket",
                    "--preload",
                ]
                return [
                    python,
                    "-m",
                    "gunicorn",
                    "marketplace.wsgi",
                    "--bind",
                    f"127.0.0.1:{self.port}",
                    *size,
                    *calm,
                ]
            case "worker":
                size = ["--concurrency", str(WORKER_PROCESSES), "--without-mingle", "--without-gossip"]
                return [*celery, "worker", "--loglevel", "warning", *size]
            case "beat":
                return [*celery, "beat", "--loglevel", "warning", "--pidfile="]
        raise ValueError(name)

    @property
    def webhook_secret(self) -> str:
        """Return the secret that the sandbox signs with and the house knows."""
        given = os.environ.get("STRIPE_WEBHOOK_SECRETS") or os.environ.get("STRIPE_WEBHOOK_SECRET")
        return given.split(",")[0] if given else "whsec_" + self.house.secrets["stripe_webhook_secret"]

    def start(self) -> None:
        """Start all, and return when the house and the sandbox answer."""
        for name in NAMES:
            self.start_one(name)
        self.wait_ready()

    def wait_ready(self) -> None:
        """Return when the house and the sandbox answer."""
        self.supervisor.wait_ready(f"{self.sandbox}/sandbox/health")
        self.supervisor.wait_ready(f"{self.base}/readyz")

    def start_one(self, name: str) -> None:
        """Start one of the four."""
        self.supervisor.start(name, self.command(name), self.variables())

    def stop(self) -> None:
        """Stop all, the last started first, and wait for the chain, which only the worker uses."""
        self.supervisor.stop_all()
        servers.use("chain", house=self.house)
        servers.let_go("chain", house=self.house)


OWN_CATALOGUE = BASE_DIR / "marketplace/local/catalogue"


def folder_of(given: str | None) -> Path:
    """Return the folder of the catalogue to show: the given one, else WENSHI_DATA, else the repository's own."""
    named = given or os.environ.get("WENSHI_DATA")
    return Path(named).absolute() if named else OWN_CATALOGUE
