"""Orders for tests, placed by the same actions as in the house."""

import itertools
from datetime import UTC, datetime

from settlement.actions import inbox, orders, payments, sales
from settlement.models import Order
from settlement.sandbox.webhooks import signature
from tests import factories
from tests.settlement.sandbox_process import SECRET

_serial = itertools.count(1)


def now():
    """Return the real time: the sandbox has no other."""
    return datetime.now(UTC)


def line(offer=None, *, purpose="product", **detail):
    """Ask for an offer; by default a priced one on a new asset."""
    offer = offer or factories.offer()
    return orders.LineRequest(offer_id=offer.pk, purpose=purpose, detail=detail)


def order(*lines, licensee=None, key=None, at=None):
    """Place an order; by default for one priced line."""
    return orders.place(
        licensee_id=(licensee or factories.party("A buyer", kind="person")).pk,
        lines=lines or [line()],
        idempotency_key=key or f"key {next(_serial)}",
        now=at or now(),
    )


def start(placed: Order, at=None):
    """Start the payment of an order."""
    return payments.start(
        order_id=placed.pk,
        return_url="http://shop.example/return",
        cancel_url="http://shop.example/cancel",
        now=at or now(),
    )


def paid_at_the_provider(sandbox, *lines):
    """Return an order that its licensee has paid on the sandbox's page, and of which we know nothing yet."""
    placed = order(*lines)
    sandbox.choose(start(placed).session_url, "pay")
    return placed


def sold(sandbox, *lines):
    """Return an order that was paid and settled."""
    placed = paid_at_the_provider(sandbox, *lines)
    return payments.refresh(order_id=placed.pk, now=now())


def webhook(body: bytes, at=None):
    """Receive a webhook with a good signature."""
    at = at or now()
    header = signature(body, secret=SECRET, at=int(at.timestamp()))
    return inbox.receive(payload=body, signature=header, now=at)


__all__ = [
    "inbox",
    "line",
    "now",
    "order",
    "orders",
    "paid_at_the_provider",
    "payments",
    "sales",
    "sold",
    "start",
]
