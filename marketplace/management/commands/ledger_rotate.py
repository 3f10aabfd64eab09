"""`manage.py ledger_rotate`: take a new signing key for the ledger."""

import os
from pathlib import Path
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError

from ledger import clock
from ledger.actions import rotation
from ledger.errors import LedgerError

OVERLAP = 1000


class Command(BaseCommand):
    """Both keys sign for some entries more, then the new one alone; the policy file says so to strangers."""

    help = "Take a new signing key for the ledger, and write the policy that says which key signs what."

    def add_arguments(self, parser) -> None:
        parser.add_argument(
            "--overlap", type=int, default=OVERLAP, help="how many entries more the old key signs"
        )
        parser.add_argument(
            "--key-file", type=Path, help="where LEDGER_SIGNING_KEY is set: the file for its new value"
        )

    def handle(self, *, overlap: int, key_file: Path | None, **_: Any) -> None:
        """Rotate. Raises CommandError where the keys cannot be kept."""
        if overlap < 0:
            raise CommandError("--overlap is a number of entries, 0 or more.")
        if os.environ.get("LEDGER_SIGNING_KEY") and key_file is None:
            raise CommandError("LEDGER_SIGNING_KEY is set: name a --key-file for its new value.")
        if key_file is not None and key_file.exists():
            raise CommandError(f"{key_file} is there already: name a new file.")

        def keep(value: str) -> None:
            if key_file is None:
                settings.HOUSE.replace_secret("ledger_signing_key", value)
            else:
                with open(os.open(key_file, os.O_CREAT | os.O_WRONLY | os.O_EXCL, 0o600), "w") as file:
                    file.write(value)

        try:
            rotation.rotate(overlap=overlap, keep=keep, now=clock.now())
        except (LedgerError, OSError) as error:
            raise CommandError(str(error)) from error
        self.stdout.write(
            f"The policy in {settings.LEDGER_POLICY} names both keys: give it to whoever verifies."
        )
        where = f"Set LEDGER_SIGNING_KEY to what {key_file} holds, then restart" if key_file else "Restart"
        self.stdout.write(f"{where} the processes of the house, so that they sign with both.")
