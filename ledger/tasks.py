"""The log's own work: number and sign several times a second, publish once a second, anchor now and then."""

from celery import shared_task

from ledger import clock
from ledger.actions import anchors, inspections, projections, publications, sequencer


@shared_task(name="ledger.sequence")
def sequence() -> None:
    """Number all that is pending and sign it."""
    sequencer.advance(now=clock.now())


@shared_task(name="ledger.publish")
def publish() -> None:
    """Publish what was signed, with its cosignatures, and make it findable. What is published is kept for good."""
    publications.publish(now=clock.now())
    projections.fill()


@shared_task(name="ledger.look")
def look() -> None:
    """Read what came since the last good inspection, and raise an alarm over what is wrong."""
    inspections.watch(now=clock.now(), fast=True)


@shared_task(name="ledger.inspect")
def inspect() -> None:
    """Read the whole log, and raise an alarm over what is wrong."""
    inspections.watch(now=clock.now(), fast=False)


@shared_task(name="ledger.anchor")
def anchor() -> None:
    """Plan the next anchor when it is due, and bring the one under way a step further."""
    anchors.plan(now=clock.now())
    anchors.advance(now=clock.now())
