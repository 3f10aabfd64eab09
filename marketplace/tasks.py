"""What the workers do for the marketplace."""

from celery import shared_task

from ledger import clock
from marketplace.actions import audit, tidying


@shared_task(name="marketplace.tidy")
def tidy() -> int:
    """Remove old answers and carts."""
    return tidying.tidy(now=clock.now())


@shared_task(name="marketplace.reports")
def reports() -> int:
    """Make the audit reports that wait."""
    return audit.make_waiting(now=clock.now())
