"""The time, for the edges of the house: views, tasks, commands, API. Everything below takes `now` as an argument.

In test mode `manage.py clock +14d` moves it: every process adds the seconds that stand in the file CLOCK_FILE.
"""

from datetime import UTC, datetime, timedelta
from pathlib import Path

from django.conf import settings


def now() -> datetime:
    """Return the present moment in UTC, moved in test mode by what `manage.py clock` has set."""
    return datetime.now(UTC) + offset()


def offset() -> timedelta:
    """Return how far the clock of a house in test mode is ahead; nothing elsewhere."""
    if not settings.CLOCK_FILE:
        return timedelta()
    try:
        return timedelta(seconds=int(Path(settings.CLOCK_FILE).read_text()))
    except FileNotFoundError:
        return timedelta()
