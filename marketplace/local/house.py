"""Where a fresh clone keeps its state, and the secrets it makes for itself. Standard library only.

Everything lies in one folder, `.wenshi/` unless WENSHI_STATE names another, readable by its owner alone.
"""

import hashlib
import json
import os
import secrets
import tempfile
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

BASE_DIR = Path(__file__).resolve().parent.parent.parent

# A socket's address must stay under 108 bytes, with ".s.PGSQL.5432" still to come.
LONGEST_SOCKET_FOLDER = 80

SECRETS = (
    "owner_password",
    "application_password",
    "broker_password",
    "secret_key",
    "ledger_signing_key",
    "stripe_webhook_secret",
)


class Trouble(Exception):
    """Something about this machine stands in the way; the message is one sentence with the remedy."""


@dataclass(frozen=True)
class House:
    """One state folder and what lies in it."""

    state: Path

    def folder(self, *names: str) -> Path:
        """Return a folder inside the state folder, made if it is not there."""
        self.state.mkdir(mode=0o700, parents=True, exist_ok=True)
        path = self.state.joinpath(*names)
        path.mkdir(mode=0o700, parents=True, exist_ok=True)
        return path

    def lock(self, server: str, name: str) -> Path:
        """Return the path of one of the lock files that a server's users and its keeper share."""
        return self.folder("locks") / f"{server}-{name}.lock"

    def sockets(self, server: str) -> Path:
        """Return the folder of a server's socket, elsewhere if the path of the house is too long for one."""
        path = self.state / server / "run"
        if len(os.fsencode(path)) <= LONGEST_SOCKET_FOLDER:
            return path
        # Nobody else can guess the name and be there first. It is the same for whoever runs the server.
        digest = hashlib.sha256(os.fsencode(path) + self.secrets["broker_password"].encode()).hexdigest()[:16]
        return Path(tempfile.gettempdir()) / f"wenshi-{digest}"

    @cached_property
    def secrets(self) -> dict[str, str]:
        """Return the secrets of this house, made at first need and never shown."""
        path = self.state / "secrets.json"
        if not path.exists():
            self.folder()
            descriptor, draft = tempfile.mkstemp(dir=self.state, prefix="secrets-")
            with os.fdopen(descriptor, "w") as file:
                json.dump({name: secrets.token_hex(32) for name in SECRETS}, file)
            try:
                os.link(draft, path)  # fails, as it should, when another command was first
            except FileExistsError:
                pass
            finally:
                os.unlink(draft)
        return json.loads(path.read_text())

    def replace_secret(self, name: str, value: str) -> None:
        """Put another value in the place of a secret, as restoring a backup does."""
        draft = self.state / f"secrets-{os.getpid()}"
        with open(os.open(draft, os.O_CREAT | os.O_WRONLY | os.O_TRUNC, 0o600), "w") as file:
            json.dump({**self.secrets, name: value}, file)
        os.replace(draft, self.state / "secrets.json")


def default() -> House:
    """Return the house of this clone, or the one that WENSHI_STATE names."""
    return House(Path(os.environ.get("WENSHI_STATE") or BASE_DIR / ".wenshi").absolute())
