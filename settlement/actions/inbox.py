"""The inbox: webhooks are stored once the provider's signature holds, and worked off from their rows."""

import json
import logging
from datetime import datetime, timedelta

from django.conf import settings
from django.db import transaction

from settlement.actions import payments, refunds, sales
from settlement.domain.states import EventState, OrderState, PaymentState
from settlement.errors import ProviderError
from settlement.gateways import stripe as gateway
from settlement.models import InboxEvent, Payment, Refund

logger = logging.getLogger(__name__)
LEASE = timedelta(seconds=30)
LONGEST_WAIT = timedelta(hours=1)
PARK_AFTER_TRIES = 12


def receive(*, payload: bytes, signature: str, now: datetime) -> InboxEvent:
    """Store an event that the provider signed; the same event again is the same row.

    Raises BadSignature, and then nothing is stored.
    """
    event = gateway.verify(payload=payload, signature=signature, now=now)
    ours = event.livemode != settings.STRIPE_TEST_MODE
    InboxEvent.objects.bulk_create(
        [
            InboxEvent(
                provider=gateway.PROVIDER,
                event_id=event.id,
                kind=event.kind,
                payload=json.loads(payload),
                state=EventState.NEW if ours else EventState.PARKED,
                trouble="" if ours else "test and live mode do not mix",
                received_at=now,
                next_try_at=now,
            )
        ],
        ignore_conflicts=True,
    )
    return InboxEvent.objects.get(provider=gateway.PROVIDER, event_id=event.id)


def process(*, now: datetime, limit: int = 50) -> int:
    """Work off the events that are due; return how many. One that fails waits, and is parked in the end."""
    events = _claim(now, limit)
    for row in events:
        try:
            state = _act(gateway.event_from(json.dumps(row.payload).encode()), now=now)
        except ProviderError as error:  # the provider is away: no fault of the event's
            _wait(row, error, now, park=False)
        except Exception as error:
            logger.exception("event %s failed", row.event_id)
            _wait(row, error, now, park=row.tries + 1 >= PARK_AFTER_TRIES)
        else:
            InboxEvent.objects.filter(pk=row.pk).update(state=state, trouble="")
    return len(events)


def unpark(*, event_ids: list[int], now: datetime) -> int:
    """Queue parked events again; return how many."""
    parked = InboxEvent.objects.filter(pk__in=event_ids, state=EventState.PARKED)
    return parked.update(state=EventState.NEW, tries=0, next_try_at=now, trouble="")


@transaction.atomic
def _claim(now: datetime, limit: int) -> list[InboxEvent]:
    """Take due events for this worker; another takes them if nothing is heard for half a minute."""
    due = InboxEvent.objects.select_for_update(skip_locked=True)
    events = list(
        due.filter(state=EventState.NEW, next_try_at__lte=now).order_by("next_try_at", "pk")[:limit]
    )
    InboxEvent.objects.filter(pk__in=[row.pk for row in events]).update(next_try_at=now + LEASE)
    return events


def _act(event: gateway.Event, *, now: datetime) -> EventState:
    """Read the object that an event is about, and act on what it is now. The event itself is a hint."""
    if event.refund_id:
        return _act_on_refund(event, now=now)
    payment = Payment.objects.filter(pk=event.payment_id).select_related("order").first()
    if payment is None:
        return EventState.IGNORED
    if payment.state == PaymentState.SUCCEEDED and event.tells_of(payment.session_ref, payment.provider_ref):
        if payment.order.state == OrderState.PAID:
            sales.finish(order_id=payment.order_id, now=now)
        return EventState.DONE
    checkout_ref = event.checkout_ref or payment.session_ref
    if (
        checkout_ref
    ):  # else the answer that names the page is still under way; the page's own event will name it
        payments.take(gateway.read_checkout(checkout_ref), now=now)
    return EventState.DONE


def _act_on_refund(event: gateway.Event, *, now: datetime) -> EventState:
    refund = Refund.objects.filter(pk=event.refund_id).first()
    if refund is None:
        return EventState.IGNORED
    refunds.record(gateway.read_refund(event.subject["id"]), refund_id=refund.pk, now=now)
    return EventState.DONE


def _wait(row: InboxEvent, error: Exception, now: datetime, *, park: bool) -> None:
    wait = min(timedelta(seconds=5) * 2 ** min(row.tries, 12), LONGEST_WAIT)
    InboxEvent.objects.filter(pk=row.pk).update(
        tries=row.tries + 1,
        next_try_at=now + wait,
        state=EventState.PARKED if park else EventState.NEW,
        trouble=repr(error)[:500],
    )
