"""A sale, from the provider's word to the grants: the one way that the return page and the webhook both take."""

import logging
from datetime import datetime
from uuid import UUID

from django.db import transaction
from django.utils import translation

from licensing.errors import GrantRefused, NotFound
from settlement.actions import journal, orders, payments, refunds
from settlement.domain.charges import Charge
from settlement.domain.postings import EntryKind, sale_postings
from settlement.domain.states import OrderState, PaymentState
from settlement.models import Order, OrderLine

logger = logging.getLogger(__name__)
LANGUAGES = ("zh-Hans", "en")


def settle(*, order_id: UUID, charge: Charge, now: datetime) -> Order:
    """Book what the provider says was paid, then grant line by line. Calling it again changes nothing.

    Raises ChargeMismatch if the charge is not for this order's exact total.
    """
    with transaction.atomic():  # the money is on the books, whatever comes after
        order = orders.lock(order_id)
        payment = payments.record(order=order, charge=charge, now=now)
        if payment.state == PaymentState.SURPLUS:  # the order was paid already, or its time was over
            refunds.owe_surplus(payment, charge=charge, now=now)
            return order
        postings = sale_postings(charge.amount, orders.holdings(order))
        journal.post(postings, kind=EntryKind.SALE, fact=charge.fact, order=order, now=now)
        if order.state == OrderState.AWAITING_PAYMENT:
            orders.move(order, OrderState.PAID, now=now)
    return finish(order_id=order_id, now=now)


def finish(*, order_id: UUID, now: datetime) -> Order:
    """Grant what is still open of a paid order, or owe its money."""
    for line_id in orders.open_line_ids(order_id):  # a crash here leaves open lines; the next call goes on
        with transaction.atomic():
            line = orders.lock_line(line_id)
            if line.is_open:  # another caller may have been here
                grant_or_owe(line, now=now)
    return orders.close_if_done(order_id, now=now)


def grant_or_owe(line: OrderLine, *, now: datetime) -> None:
    """Grant a locked line; where licensing refuses, in words of each language, owe its price back."""
    refusals = {}
    for language in LANGUAGES:
        try:
            with transaction.atomic(), translation.override(language):
                return orders.grant_line(line, order=line.order, now=now)
        except (GrantRefused, NotFound) as refusal:
            refusals[language] = str(refusal)
    refunds.owe(line, refusals=refusals, now=now)


def resume(*, now: datetime, limit: int = 100) -> int:
    """Go on with the orders that a crash left between payment and grants; return how many."""
    left = Order.objects.filter(state=OrderState.PAID).order_by("placed_at")
    order_ids = list(left.values_list("pk", flat=True)[:limit])
    for order_id in order_ids:
        try:
            finish(order_id=order_id, now=now)
        except Exception:  # one order in trouble does not keep the others waiting
            logger.exception("order %s could not be finished", order_id)
    return len(order_ids)
