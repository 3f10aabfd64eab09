"""The log's own work: number and sign, once a second."""

from celery import shared_task

from ledger import clock
from ledger.actions import sequencer


@shared_task(name="ledger.sequence")
def sequence() -> None:
    """Number all that is pending and sign it."""
    sequencer.catch_up(now=clock.now())
