"""The log's own work: number and sign several times a second, publish once a second, anchor now and then."""

from datetime import timedelta

from celery import shared_task

from ledger import clock
from ledger.actions import anchors, sequencer

PACE = timedelta(seconds=1)  # a published checkpoint is kept for good, some 4 kB each


@shared_task(name="ledger.sequence")
def sequence() -> None:
    """Number all that is pending, sign it, and publish unless that was done just now."""
    sequencer.catch_up(now=clock.now(), pace=PACE)


@shared_task(name="ledger.anchor")
def anchor() -> None:
    """Plan the next anchor when it is due, and bring the one under way a step further."""
    anchors.plan(now=clock.now())
    anchors.advance(now=clock.now())
