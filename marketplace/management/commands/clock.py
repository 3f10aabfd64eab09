"""`manage.py clock +14d` moves the time that every process of a house in test mode sees; `reset` ends that."""

import os
import re
from datetime import timedelta
from pathlib import Path

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError

from ledger import clock

UNITS = {"s": "seconds", "m": "minutes", "h": "hours", "d": "days", "w": "weeks"}


class Command(BaseCommand):
    """Moves the clock of test mode, from where it stands, forward only: what was written is not in the future."""

    help = "Move the clock of test mode: `clock +14d` (s m h d w), `clock` to see it, `clock reset`."
    requires_system_checks = ()

    def add_arguments(self, parser):
        parser.add_argument("move", nargs="?", default="", help="+14d, +90m, reset")

    def handle(self, *, move, **_):
        if not settings.CLOCK_FILE:
            raise CommandError("Only a house in test mode has a clock that can be moved.")
        if move == "reset":
            Path(settings.CLOCK_FILE).unlink(missing_ok=True)
        elif move:
            set_ahead(Path(settings.CLOCK_FILE), clock.offset() + read(move))
        return f"{clock.now():%Y-%m-%d %H:%M:%S} UTC, {clock.offset()} ahead"


def read(move: str) -> timedelta:
    """Return how far "+14d" moves. Raises CommandError."""
    found = re.fullmatch(r"\+(\d{1,4})([smhdw])", move)
    if not found:
        raise CommandError(f'"{move}" is no move of the clock; write +30s, +90m, +12h, +14d, +2w or reset.')
    return timedelta(**{UNITS[found[2]]: int(found[1])})


def set_ahead(file: Path, ahead: timedelta) -> None:
    """Write the file at once, as other processes are reading it."""
    file.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    draft = file.with_suffix(f".{os.getpid()}")
    draft.write_text(str(int(ahead.total_seconds())))
    os.replace(draft, file)
