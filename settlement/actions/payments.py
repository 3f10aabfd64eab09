"""Payments: starting one at the provider, reading what has become of it, and writing down that it came."""

import logging
from datetime import datetime, timedelta
from uuid import UUID

from django.conf import settings
from django.db import transaction
from django.utils.translation import get_language

from licensing import queries as licensing
from licensing.domain.money import Money
from settlement.actions import journal, orders, outbox, sales
from settlement.domain.charges import Charge, Checkout, CheckoutState
from settlement.domain.postings import EntryKind, suspense_postings
from settlement.domain.states import (
    LIVE_PAYMENTS,
    PAYABLE_ORDERS,
    PAYMENT_MOVES,
    OrderState,
    PaymentState,
    allows,
)
from settlement.errors import ChargeMismatch, NothingToPay, OrderClosed, ProviderError
from settlement.gateways import stripe as gateway
from settlement.models import Order, OutboxCall, Payment
from settlement.models.traffic import Operation

logger = logging.getLogger(__name__)

# Stripe wants half an hour from the moment it opens the page; the rest is for sending the call again.
PAGE_LASTS = timedelta(minutes=35)
POLL_AFTER = [timedelta(seconds=20), timedelta(seconds=60), timedelta(minutes=5), timedelta(hours=1)]
WAITING = (PaymentState.CREATED, PaymentState.PROCESSING)


def start(*, order_id: UUID, return_url: str, cancel_url: str, now: datetime) -> Payment:
    """Open the pay page of an order, or return the one that is open already: `payment.session_url`.

    Raises NothingToPay, OrderClosed, OrderNotFound, ProviderUnavailable, ProviderFaltered, ProviderRefused.
    """
    with transaction.atomic():
        order = orders.lock(order_id)
        payment = _live(order, now) or _create(order, return_url, cancel_url, now)
    if not payment.session_url and payment.state == PaymentState.CREATED:
        outbox.send_now(OutboxCall.objects.get(payment=payment), now=now)
        payment.refresh_from_db()
    return payment


def refresh(*, order_id: UUID, now: datetime) -> Order:
    """Read from the provider what has become of an order's payment, and act on it.

    The return page and the workers call this; calling it again changes nothing. Raises ProviderError.
    """
    waiting = Payment.objects.filter(order_id=order_id, state__in=WAITING, session_ref__isnull=False)
    for payment in waiting:
        take(gateway.read_checkout(payment.session_ref), now=now)
    if Order.objects.filter(pk=order_id, state=OrderState.PAID).exists():
        return sales.finish(order_id=order_id, now=now)
    return Order.objects.get(pk=order_id)


def take(checkout: Checkout, *, now: datetime) -> bool:
    """Act on what a checkout has become. Return False if it is about no payment of ours."""
    payment = _of(checkout)
    if payment is None:
        return False
    if checkout.state == CheckoutState.PAID and checkout.charge:
        try:
            sales.settle(order_id=payment.order_id, charge=checkout.charge, now=now)
        except ChargeMismatch as mismatch:
            logger.error("payment %s: %s", payment.pk, mismatch)
            _hold(payment, checkout.charge, now=now)
    elif checkout.state == CheckoutState.PROCESSING:
        _move(payment.pk, PaymentState.PROCESSING)
    elif checkout.state == CheckoutState.FAILED:
        _move(payment.pk, PaymentState.FAILED)
    elif checkout.state == CheckoutState.EXPIRED:
        _move(payment.pk, PaymentState.CANCELLED)
    return True


def record(*, order: Order, charge: Charge, now: datetime) -> Payment:
    """Write down that a charge succeeded, on the order's payment; money beyond it becomes a surplus.

    The order is locked. Raises ChargeMismatch if the charge is not for this order's exact total.
    """
    if known := Payment.objects.filter(provider_ref=charge.ref, order=order).first():
        if known.state == PaymentState.HELD:
            raise ChargeMismatch(order.number, str(order.total), str(charge.amount))
        return known
    if charge.livemode == settings.STRIPE_TEST_MODE:
        raise ChargeMismatch(order.number, "our own mode", "test" if settings.STRIPE_TEST_MODE else "live")
    payment = Payment.objects.select_for_update().filter(order=order, pk=charge.payment_id).first()
    if payment is not None and payment.state in WAITING:
        if charge.amount != order.total:
            raise ChargeMismatch(order.number, str(order.total), str(charge.amount))
        return _write(payment, charge, PaymentState.SUCCEEDED)
    if payment is None or payment.provider_ref:  # a second page of one payment: money twice
        payment = Payment(
            order=order,
            provider=gateway.PROVIDER,
            amount_minor_units=charge.amount.amount_minor_units,
            currency=charge.amount.currency,
            created_at=now,
            next_poll_at=now,
        )
    return _write(payment, charge, PaymentState.SURPLUS)


def close(*, order_id: UUID, now: datetime) -> None:
    """Close an order's pay page at the provider, and act on what it had become. Raises ProviderError."""
    for payment in Payment.objects.filter(order_id=order_id, state=PaymentState.CREATED):
        if payment.session_ref:
            gateway.expire_checkout(payment.session_ref)
            take(gateway.read_checkout(payment.session_ref), now=now)
        else:
            _move(payment.pk, PaymentState.CANCELLED)


def is_under_way(order: Order) -> bool:
    """Tell whether money of this order may be on its way."""
    return order.payments.filter(state__in=LIVE_PAYMENTS).exists()


def poll(*, now: datetime, limit: int = 100) -> int:
    """Read the payments whose webhook may not come; return how many. 20 s, 60 s, 5 minutes, then hourly."""
    due = Payment.objects.filter(state__in=WAITING, session_ref__isnull=False, next_poll_at__lte=now)
    payments = list(due.order_by("next_poll_at")[:limit])
    for payment in payments:
        wait = POLL_AFTER[min(payment.polls + 1, len(POLL_AFTER) - 1)]
        Payment.objects.filter(pk=payment.pk).update(polls=payment.polls + 1, next_poll_at=now + wait)
        try:
            refresh(order_id=payment.order_id, now=now)
        except ProviderError as error:
            logger.warning("payment %s could not be read: %r", payment.pk, error)
    return len(payments)


def _live(order: Order, now: datetime) -> Payment | None:
    if order.is_free:
        raise NothingToPay(order.number)
    if order.state not in PAYABLE_ORDERS or order.expires_at <= now:
        raise OrderClosed(order.number, order.state)
    return order.payments.filter(state__in=LIVE_PAYMENTS).first()


def _create(order: Order, return_url: str, cancel_url: str, now: datetime) -> Payment:
    """Write the payment and the call that opens its page; the call is sent after commit."""
    payment = Payment.objects.create(
        order=order,
        provider=gateway.PROVIDER,
        amount_minor_units=order.total_minor_units,
        currency=order.currency,
        created_at=now,
        next_poll_at=now + POLL_AFTER[0],
    )
    params = gateway.checkout_params(
        payment_id=payment.pk,
        order_number=order.number,
        lines=_priced_lines(order),
        return_url=return_url,
        cancel_url=cancel_url,
        expires_at=now + PAGE_LASTS,
        language=get_language() or "en",
    )
    outbox.enqueue(operation=Operation.OPEN_CHECKOUT, payment=payment, params=params, now=now)
    order.expires_at = now + PAGE_LASTS
    order.save(update_fields=["expires_at"])
    orders.move(order, OrderState.AWAITING_PAYMENT, now=now)
    return payment


def _priced_lines(order: Order) -> list[tuple[str, Money]]:
    lines = order.lines.filter(price_minor_units__gt=0).order_by("position")
    return [(_title(licensing.offer(line.offer_id).version.title), line.price) for line in lines]


def _title(words: dict[str, str]) -> str:
    chinese_first = (get_language() or "en").startswith("zh")
    order = ("zh-Hans", "en") if chinese_first else ("en", "zh-Hans")
    return next((words[language] for language in order if words.get(language)), "—")[:250]


def _of(checkout: Checkout) -> Payment | None:
    found = Payment.objects.filter(session_ref=checkout.ref).first()
    return found or Payment.objects.filter(pk=checkout.payment_id).first()


def _write(payment: Payment, charge: Charge, state: PaymentState) -> Payment:
    payment.provider_ref, payment.state = charge.ref, state
    payment.session_ref = payment.session_ref or charge.checkout_ref
    payment.save()
    return payment


@transaction.atomic
def _move(payment_id: UUID, state: PaymentState) -> None:
    """Move a payment, unless something has moved it past that already."""
    payment = Payment.objects.select_for_update().get(pk=payment_id)
    if payment.state != state and allows(PAYMENT_MOVES, PaymentState(payment.state), state):
        payment.state = state
        payment.save(update_fields=["state"])


@transaction.atomic
def _hold(payment: Payment, charge: Charge, *, now: datetime) -> None:
    """Put money that does not fit its order in suspense, for a person to look at. Foreign money is not ours."""
    order = orders.lock(payment.order_id)
    if (
        charge.livemode == settings.STRIPE_TEST_MODE
        or Payment.objects.filter(provider_ref=charge.ref).exists()
    ):
        return
    postings = suspense_postings(charge.amount)
    journal.post(postings, kind=EntryKind.SUSPENSE, fact=charge.fact, order=order, now=now)
    _write(Payment.objects.select_for_update().get(pk=payment.pk), charge, PaymentState.HELD)
