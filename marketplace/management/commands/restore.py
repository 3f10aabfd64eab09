"""`manage.py restore FILE` brings a house back from a backup, into one that is still empty."""

import subprocess
import sys
from pathlib import Path

from django.core.management import call_command
from django.core.management.base import BaseCommand, CommandError

from ledger.actions import inspections
from marketplace.local import archive
from marketplace.local.house import BASE_DIR


class Command(BaseCommand):
    """Restores as the owner of the schema, migrates, which gives the application's login its rights, erases again
    what was erased since, and writes the files of the log anew."""

    help = "Restore a backup into an empty house."
    requires_system_checks = ()

    def add_arguments(self, parser):
        parser.add_argument("source", type=Path)

    def handle(self, *, source, **_):
        about = archive.read(source)
        call_command("migrate", verbosity=0)
        erase_again()  # the files of the log may still tell of later erasures
        inspections.rebuild_files()
        return f"{source}: restored as of {about['written_at']}, {len(about['files'])} files"


def erase_again() -> None:
    """Erase what was erased after the backup, in a process that has read the restored key. Raises CommandError."""
    command = [sys.executable, str(BASE_DIR / "manage.py"), "ledger_erase", "--replay"]
    done = subprocess.run(command, capture_output=True, text=True)
    if done.returncode:
        raise CommandError(
            "The house is restored, but what was erased since may be back. "
            f"Repeat manage.py ledger_erase --replay: {done.stderr.strip()}"
        )
