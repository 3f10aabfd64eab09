"""A provider that fails at random, and one that is killed between any two steps: in the end all is right.

Right means: each paid line is granted or its money is back, each grant is paid for, the books balance, and what
they say stands with the provider is what the provider says.
"""

import random
from datetime import timedelta

import pytest
import stripe

from licensing.actions import offers
from licensing.models import Grant
from settlement import queries
from settlement.actions import orders, outbox, payments, refunds, sales
from settlement.domain.states import LineState, OrderState
from settlement.errors import OrderClosed, ProviderError
from settlement.models import JournalEntry, Order, OrderLine, Payment, Refund
from tests import factories
from tests.settlement import made
from tests.settlement.sandbox_process import SECRET, Sandbox

pytestmark = pytest.mark.django_db(transaction=True)

DECIDED = {OrderState.COMPLETE, OrderState.REFUNDED, OrderState.PART_REFUNDED, OrderState.EXPIRED}


def all_is_right(sandbox):
    assert set(Order.objects.values_list("state", flat=True)) <= DECIDED
    for line in OrderLine.objects.all():
        assert line.state in (LineState.GRANTED, LineState.REFUNDED, LineState.LAPSED)
        paid = line.order.payments.filter(state="succeeded").exists()
        assert paid == (line.state != LineState.LAPSED)
    assert Grant.objects.filter(basis="paid").count() == OrderLine.objects.filter(state="granted").count()
    assert set(queries.trial_balance().values()) <= {0}
    books = {row.kind: money.amount_minor_units for row, money in queries.balances() if row.owner_id is None}
    assert books.get("refund_due", 0) == 0
    client = stripe.StripeClient("sk_test_x", base_addresses={"api": sandbox.url}, max_network_retries=5)
    moved = client.v1.balance_transactions.list({"limit": 100}).auto_paging_iter()
    assert books.get("stripe_pending", 0) == sum(each.amount for each in moved)


def work(at):
    """Do once what the workers do every few seconds."""
    outbox.sweep(now=at)
    payments.poll(now=at)
    sales.resume(now=at)
    refunds.send(now=at)
    orders.expire(now=at)


def work_until_decided(at):
    for minute in range(200):
        work(at + timedelta(minutes=minute))
        owed = Refund.objects.exclude(state="succeeded").exists()
        if not owed and set(Order.objects.values_list("state", flat=True)) <= DECIDED:
            return
    raise AssertionError("something is never decided")


@pytest.mark.parametrize(
    "seed", [1, 2, *(pytest.param(seed, marks=pytest.mark.nightly) for seed in range(3, 40))]
)
def test_a_provider_with_random_faults_is_answered_right(tmp_path, settings, monkeypatch, seed):
    monkeypatch.setattr("settlement.gateways.stripe.TIMEOUT_SECONDS", 4)
    sandbox = Sandbox(tmp_path / "stripe.jsonl", "--seed", str(seed), "--later-seconds", "0")
    settings.STRIPE_API_BASE, settings.STRIPE_WEBHOOK_SECRETS = sandbox.url, [SECRET]
    chance = random.Random(seed)
    try:
        for _ in range(6):
            offer = factories.offer()
            order = made.order(made.line(offer), made.line())
            for _ in range(chance.randint(1, 4)):
                try:
                    url = made.start(order).session_url
                except (ProviderError, OrderClosed):
                    continue
                if chance.random() < 0.8:
                    sandbox.choose(url, chance.choice(["pay", "pay", "decline", "later"]))
                break
            if chance.random() < 0.4:
                offers.withdraw(offer_id=offer.pk, now=made.now())
            if chance.random() < 0.3:
                sandbox.kill()
                sandbox.start()
        work_until_decided(made.now())
        sandbox.kill()
        sandbox.options = ()  # no more faults while we look
        sandbox.start()
        all_is_right(sandbox)
    finally:
        sandbox.kill()


def test_the_sandbox_killed_between_any_two_steps_loses_nothing(sandbox):
    def cut():
        sandbox.kill()
        sandbox.start()

    withdrawn = factories.offer()
    order = made.order(made.line(), made.line(withdrawn))
    cut()
    payment = made.start(order)
    cut()
    assert made.start(order).session_url == payment.session_url
    sandbox.choose(payment.session_url, "decline")
    cut()
    sandbox.choose(payment.session_url, "pay")
    cut()
    offers.withdraw(offer_id=withdrawn.pk, now=made.now())
    payments.refresh(order_id=order.pk, now=made.now())
    cut()
    refunds.send(now=made.now())
    cut()
    assert queries.order(order.pk).state == OrderState.PART_REFUNDED
    all_is_right(sandbox)
    assert (JournalEntry.objects.count(), Payment.objects.count(), Refund.objects.count()) == (3, 1, 1)
