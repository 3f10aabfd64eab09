"""What the workers do for settlement, every few seconds. The rows are the queue; a task that is lost costs time."""

from celery import shared_task

from ledger import clock
from settlement.actions import inbox, orders, outbox, payments, refunds, sales


@shared_task(name="settlement.inbox")
def work_off_inbox() -> int:
    """Act on the webhooks that came, and go on with orders that a crash left between payment and grants."""
    return inbox.process(now=clock.now()) + sales.resume(now=clock.now())


@shared_task(name="settlement.outbox")
def sweep_outbox() -> int:
    """Send the calls to the provider that nobody has sent."""
    return outbox.sweep(now=clock.now())


@shared_task(name="settlement.poll")
def poll_payments() -> int:
    """Ask the provider about payments whose webhook may not come."""
    return payments.poll(now=clock.now())


@shared_task(name="settlement.expire")
def expire_orders() -> int:
    """End the orders whose time to pay is over."""
    return orders.expire(now=clock.now())


@shared_task(name="settlement.refunds")
def send_refunds() -> int:
    """Send the refunds that are owed, and read those that the provider still works on."""
    return refunds.send(now=clock.now())
