"""Refunds: owing a licensee money, sending it through the outbox, and booking what the provider says of it.

A refund is divided over what the holders still have of the line, so that in the end each is back at nothing.
"""

import logging
from datetime import datetime, timedelta
from uuid import UUID

from django.db import transaction
from django.db.models import Sum

from licensing.domain.money import Money
from settlement.actions import journal, orders, outbox
from settlement.domain.charges import Charge, MoneyBack
from settlement.domain.postings import (
    EntryKind,
    Holding,
    refund_owed_postings,
    refund_postings,
    refund_returned_postings,
    remaining_shares,
    surplus_postings,
)
from settlement.domain.states import REFUND_MOVES, LineState, PaymentState, RefundReason, RefundState, allows
from settlement.errors import ProviderError
from settlement.gateways import stripe as gateway
from settlement.models import LineShare, OrderLine, Payment, Refund, RefundShare
from settlement.models.traffic import Operation

logger = logging.getLogger(__name__)
LOOK_AGAIN_AFTER = timedelta(minutes=1)


def owe(line: OrderLine, *, refusals: dict[str, str], now: datetime) -> Refund | None:
    """Owe a locked line's price back to the licensee and queue its sending; a free line just lapses."""
    line.refusals = refusals
    if not line.price_minor_units:
        line.state = LineState.LAPSED
        line.save(update_fields=["state", "refusals"])
        return None
    payment = Payment.objects.get(order_id=line.order_id, state=PaymentState.SUCCEEDED)
    refund = _request(payment, line, line.price, RefundReason.NOT_GRANTED, now)
    holdings = _take_from_holders(refund, line, line.price)
    postings = refund_owed_postings(line.price, holdings)
    fact = f"refund:{refund.pk}:owed"
    journal.post(postings, kind=EntryKind.REFUND_OWED, fact=fact, order=line.order, now=now)
    line.state = LineState.REFUND_DUE
    line.save(update_fields=["state", "refusals"])
    return refund


def owe_surplus(payment: Payment, *, charge: Charge, now: datetime) -> None:
    """Owe back, in full, money that nobody asked for. Calling it again changes nothing."""
    if payment.refunds.exists():
        return
    postings = surplus_postings(charge.amount)
    journal.post(postings, kind=EntryKind.SURPLUS, fact=charge.fact, order=payment.order, now=now)
    _request(payment, None, charge.amount, RefundReason.SURPLUS, now)


@transaction.atomic
def record(sent: MoneyBack, *, refund_id: UUID, now: datetime) -> None:
    """Book what the provider says has become of a refund. Calling it again changes nothing."""
    refund = Refund.objects.select_for_update(of=("self",)).select_related("payment__order").get(pk=refund_id)
    state = (
        RefundState.SUCCEEDED
        if sent.succeeded
        else RefundState.FAILED
        if sent.failed
        else RefundState.PENDING
    )
    before = RefundState(refund.state)
    stale = refund.provider_ref != sent.ref and before == RefundState.SUCCEEDED
    if state == before or stale or not allows(REFUND_MOVES, before, state):
        return
    amount, order = refund.amount, refund.payment.order
    if state == RefundState.SUCCEEDED:
        fact = f"{sent.ref}:succeeded"
        journal.post(refund_postings(amount), kind=EntryKind.REFUND, fact=fact, order=order, now=now)
    elif before == RefundState.SUCCEEDED:
        postings, fact = refund_returned_postings(amount), f"{sent.ref}:failed"
        journal.post(postings, kind=EntryKind.REFUND_RETURNED, fact=fact, order=order, now=now)
    refund.state, refund.provider_ref = state, sent.ref
    refund.settled_at = now if state == RefundState.SUCCEEDED else None
    refund.save(update_fields=["state", "provider_ref", "settled_at"])
    if state == RefundState.FAILED:
        outbox.again(refund, now=now)
    elif state == RefundState.SUCCEEDED and refund.line_id:
        OrderLine.objects.filter(pk=refund.line_id, state=LineState.REFUND_DUE).update(
            state=LineState.REFUNDED
        )
        orders.close_if_done(order.pk, now=now)


def send(*, now: datetime) -> int:
    """Send the refunds that wait, and read those that the provider still works on; return how many."""
    sent = outbox.sweep(now=now, operation=Operation.REFUND)
    pending = Refund.objects.filter(state=RefundState.PENDING, provider_ref__isnull=False)
    pending = pending.filter(requested_at__lte=now - LOOK_AGAIN_AFTER)
    for refund in pending[:100]:
        try:
            record(gateway.read_refund(refund.provider_ref), refund_id=refund.pk, now=now)
        except ProviderError as error:
            logger.warning("refund %s could not be read: %r", refund.pk, error)
    return sent


def _request(
    payment: Payment, line: OrderLine | None, amount: Money, reason: RefundReason, now: datetime
) -> Refund:
    refund = Refund.objects.create(
        payment=payment,
        line=line,
        amount_minor_units=amount.amount_minor_units,
        currency=amount.currency,
        reason=reason,
        requested_at=now,
    )
    params = gateway.refund_params(refund_id=refund.pk, charge_ref=payment.provider_ref, amount=amount)
    outbox.enqueue(operation=Operation.REFUND, refund=refund, params=params, now=now)
    return refund


def _take_from_holders(refund: Refund, line: OrderLine, amount: Money) -> list[Holding]:
    """Divide a refund over what is left of the line's shares, and write down from whom what was taken."""
    shares = list(LineShare.objects.filter(line=line).annotate(taken=Sum("refunded__amount_minor_units")))
    left = [Money(share.amount_minor_units - (share.taken or 0), line.currency) for share in shares]
    parts = remaining_shares(amount, left, key=f"{line.order.number}:{line.position}")
    RefundShare.objects.bulk_create(
        RefundShare(refund=refund, line_share=share, amount_minor_units=part.amount_minor_units)
        for share, part in zip(shares, parts, strict=True)
    )
    return [Holding(share.party_id, part) for share, part in zip(shares, parts, strict=True)]
