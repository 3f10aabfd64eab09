"""The log's own work: number and sign several times a second, publish once a second."""

from datetime import timedelta

from celery import shared_task

from ledger import clock
from ledger.actions import sequencer

PACE = timedelta(seconds=1)  # a published checkpoint is kept for good, some 4 kB each


@shared_task(name="ledger.sequence")
def sequence() -> None:
    """Number all that is pending, sign it, and publish unless that was done just now."""
    sequencer.catch_up(now=clock.now(), pace=PACE)
