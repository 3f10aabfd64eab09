"""Many callers at one moment, over real connections: one row, one entry, one grant."""

import json
import threading
from concurrent.futures import ThreadPoolExecutor

import pytest
from django.db import connections

from ledger.models import Intent
from licensing.actions import offers
from licensing.models import Grant
from settlement import queries
from settlement.actions import inbox, orders, payments
from settlement.domain.states import EventState, OrderState
from settlement.models import InboxEvent, JournalEntry, Payment, Refund
from tests.settlement import made
from tests.settlement.made import now

pytestmark = pytest.mark.django_db(transaction=True)


def at_once(*jobs):
    """Run the jobs at the same moment, each on a connection of its own; return what they returned."""
    barrier = threading.Barrier(len(jobs))

    def run(job):
        try:
            barrier.wait(timeout=30)
            return job()
        finally:
            connections.close_all()

    with ThreadPoolExecutor(len(jobs)) as threads:
        return list(threads.map(run, jobs))


def completed(order, event_id="evt_completed"):
    """Return the body of the webhook that tells that an order's page was completed."""
    payment = Payment.objects.get(order=order)
    subject = {
        "id": payment.session_ref,
        "object": "checkout.session",
        "metadata": {"payment": str(payment.pk)},
        "payment_intent": None,
    }
    return json.dumps(
        {
            "id": event_id,
            "type": "checkout.session.completed",
            "livemode": False,
            "data": {"object": subject},
        }
    ).encode()


def one_sale(order):
    assert queries.order(order.pk).state == OrderState.COMPLETE
    assert Grant.objects.filter(basis="paid").count() == 1
    assert JournalEntry.objects.count() == 1
    assert queries.trial_balance() == {"CNY": 0}
    assert Intent.objects.filter(idempotency_key__startswith="grant.issued").count() == 1


def test_the_same_webhook_50_times_at_once_is_one_grant(sandbox):
    order = made.paid_at_the_provider(sandbox)
    body = completed(order)

    def receive_and_work():
        made.webhook(body)
        return inbox.process(now=now())

    worked = at_once(*[receive_and_work] * 50)
    assert InboxEvent.objects.count() == 1
    assert sum(worked) == 1
    assert InboxEvent.objects.get().state == EventState.DONE
    one_sale(order)


def test_50_events_that_tell_one_fact_at_once_are_one_grant(sandbox):
    order = made.paid_at_the_provider(sandbox)
    bodies = [completed(order, f"evt_{number}") for number in range(12)]
    for body in bodies:
        made.webhook(body)
    at_once(*[lambda: inbox.process(now=now(), limit=2)] * 6)
    assert set(InboxEvent.objects.values_list("state", flat=True)) == {EventState.DONE}
    one_sale(order)


def test_return_page_and_webhook_at_the_same_instant_are_one_grant(sandbox):
    for _ in range(5):
        order = made.paid_at_the_provider(sandbox)
        made.webhook(completed(order, f"evt_{order.number}"))

        def return_page(order=order):
            payments.refresh(order_id=order.pk, now=now())

        at_once(return_page, lambda: inbox.process(now=now()), return_page)
        assert queries.order(order.pk).state == OrderState.COMPLETE
    assert Grant.objects.filter(basis="paid").count() == 5
    assert JournalEntry.objects.count() == 5


def test_two_who_find_a_line_ungrantable_at_once_owe_its_money_once(sandbox, monkeypatch):
    offer = made.factories.offer()
    order = made.paid_at_the_provider(sandbox, made.line(offer))
    offers.withdraw(offer_id=offer.pk, now=now())
    both_have_looked, look = threading.Barrier(2), orders.open_line_ids

    def look_together(order_id):
        found = look(order_id)
        both_have_looked.wait(timeout=30)
        return found

    monkeypatch.setattr(orders, "open_line_ids", look_together)
    at_once(*[lambda: payments.refresh(order_id=order.pk, now=now())] * 2)
    assert Refund.objects.get().amount == order.total
    assert queries.order(order.pk).state == OrderState.AUTO_REFUNDING


def test_a_double_click_opens_one_page(sandbox):
    order = made.order()
    started = at_once(*[lambda: made.start(order).session_url] * 4)
    assert len(set(started)) == 1
    assert Payment.objects.count() == 1
    assert len({call["key"] for call in sandbox.calls()}) == 1


def test_the_same_order_placed_8_times_at_once_is_one_order():
    licensee, line = made.factories.party(), made.line()
    placed = at_once(*[lambda: made.order(line, licensee=licensee, key="once")] * 8)
    assert len({order.pk for order in placed}) == 1


def test_many_first_sales_of_one_licensor_share_its_account(sandbox):
    offer = made.factories.offer()
    paid = [made.paid_at_the_provider(sandbox, made.line(offer)) for _ in range(6)]
    at_once(*[lambda order=order: payments.refresh(order_id=order.pk, now=now()) for order in paid])
    assert {queries.order(order.pk).state for order in paid} == {OrderState.COMPLETE}
    assert len(queries.balances()) == 3
    assert queries.trial_balance() == {"CNY": 0}
