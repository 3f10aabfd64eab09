"""The outbox: calls to the provider, written with what they are about and sent outside any transaction.

The row's id is the idempotency key. Where an answer does not say what was done, or a day has passed, we look at
the provider first and take a new key only if the old one did nothing.
"""

import logging
from datetime import datetime, timedelta
from typing import Any

from django.db import transaction

from settlement.actions import refunds
from settlement.domain.charges import Checkout, MoneyBack
from settlement.domain.states import CallState, PaymentState
from settlement.errors import ProviderError, ProviderFaltered, ProviderRefused
from settlement.gateways import stripe as gateway
from settlement.models import OutboxCall, Payment, Refund
from settlement.models.traffic import Operation

logger = logging.getLogger(__name__)
SWEEP_AFTER = timedelta(seconds=30)
KEY_LASTS = timedelta(hours=23)
LONGEST_WAIT = timedelta(hours=1)


def enqueue(
    *,
    operation: Operation,
    params: dict[str, Any],
    now: datetime,
    payment: Payment | None = None,
    refund: Refund | None = None,
) -> OutboxCall:
    """Write down a call in the caller's transaction. A refund is sent by the next sweep, a page by its request."""
    return OutboxCall.objects.create(
        operation=operation,
        payment=payment,
        refund=refund,
        params=params,
        created_at=now,
        next_try_at=now if operation == Operation.REFUND else now + SWEEP_AFTER,
    )


def again(refund: Refund, *, now: datetime) -> None:
    """Queue a refund that the provider gave up, under a new key."""
    call = OutboxCall.objects.select_for_update().get(refund=refund)
    call.state, call.tries, call.generation = CallState.WAITING, 0, call.generation + 1
    call.first_sent_at, call.look_first, call.next_try_at = None, False, now + LONGEST_WAIT
    call.save()


def sweep(*, now: datetime, operation: Operation | None = None, limit: int = 50) -> int:
    """Send the calls that are due; return how many. What fails is tried again, later each time."""
    calls = _claim(now, operation, limit)
    for call in calls:
        try:
            send_now(call, now=now)
        except ProviderError as error:
            logger.warning("call %s did not get through: %r", call.pk, error)
    return len(calls)


def send_now(call: OutboxCall, *, now: datetime) -> None:
    """Send one call outside any transaction and act on the answer. Raises ProviderError.

    Two senders at once do no harm: they use one key.
    """
    if call.state != CallState.WAITING or not _is_wanted(call):
        return
    if call.first_sent_at is None:
        call.first_sent_at = now
        call.save(update_fields=["first_sent_at"])
    try:
        _apply(call, _ask(call, now), now=now)
    except ProviderRefused as error:
        _note_refusal(call, error, now)
        raise
    except ProviderError as error:
        _note_trouble(call, error, now)
        raise


@transaction.atomic
def _claim(now: datetime, operation: Operation | None, limit: int) -> list[OutboxCall]:
    """Take due calls for this worker; another takes them if nothing is heard for half a minute."""
    due = OutboxCall.objects.select_for_update(skip_locked=True)
    due = due.filter(state=CallState.WAITING, next_try_at__lte=now).order_by("next_try_at")
    calls = list((due.filter(operation=operation) if operation else due)[:limit])
    OutboxCall.objects.filter(pk__in=[call.pk for call in calls]).update(next_try_at=now + SWEEP_AFTER)
    return calls


def _is_wanted(call: OutboxCall) -> bool:
    """Tell whether a call still makes sense; a page is not opened for a payment that was given up."""
    if call.operation == Operation.REFUND or call.payment.state == PaymentState.CREATED:
        return True
    OutboxCall.objects.filter(pk=call.pk).update(state=CallState.REFUSED, trouble="no longer wanted")
    return False


def _ask(call: OutboxCall, now: datetime) -> Checkout | MoneyBack:
    if call.look_first or now - call.first_sent_at > KEY_LASTS:
        if found := _look(call):
            return found
        call.generation, call.first_sent_at, call.look_first = call.generation + 1, now, False
        call.save(update_fields=["generation", "first_sent_at", "look_first"])
    if call.operation == Operation.REFUND:
        return gateway.refund(params=call.params, key=call.idempotency_key)
    return gateway.open_checkout(params=call.params, key=call.idempotency_key)


def _look(call: OutboxCall) -> Checkout | MoneyBack | None:
    if call.operation == Operation.REFUND:
        return gateway.find_refund(refund_id=call.refund_id, charge_ref=call.params["payment_intent"])
    return gateway.find_checkout(payment_id=call.payment_id, since=call.first_sent_at)


@transaction.atomic
def _apply(call: OutboxCall, answer: Checkout | MoneyBack, *, now: datetime) -> None:
    # Done comes first: a refund that failed puts its call back into the queue.
    OutboxCall.objects.filter(pk=call.pk).update(state=CallState.DONE, trouble="")
    if isinstance(answer, MoneyBack):
        refunds.record(answer, refund_id=call.refund_id, now=now)
    else:
        Payment.objects.filter(pk=call.payment_id, session_ref__isnull=True).update(
            session_ref=answer.ref, session_url=answer.url
        )


@transaction.atomic
def _note_refusal(call: OutboxCall, error: ProviderRefused, now: datetime) -> None:
    """A page that is refused ends its payment; a refund stays owed, and is looked for and tried again."""
    if call.operation == Operation.REFUND:
        call.look_first = True
        return _note_trouble(call, error, now)
    OutboxCall.objects.filter(pk=call.pk).update(state=CallState.REFUSED, trouble=error.reason)
    Payment.objects.filter(pk=call.payment_id, state=PaymentState.CREATED).update(state=PaymentState.FAILED)


def _note_trouble(call: OutboxCall, error: ProviderError, now: datetime) -> None:
    wait = min(timedelta(seconds=5) * 2 ** min(call.tries, 12), LONGEST_WAIT)
    OutboxCall.objects.filter(pk=call.pk, state=CallState.WAITING).update(
        tries=call.tries + 1,
        next_try_at=now + wait,
        look_first=call.look_first or isinstance(error, ProviderFaltered),
        trouble=f"{type(error).__name__}: {error.reason}"[:500],
    )
