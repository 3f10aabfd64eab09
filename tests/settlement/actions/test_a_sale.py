"""A sale from placing to grant: the ways it goes well, the ways it is refused, and what is on the books after."""

import json
from datetime import timedelta

import pytest
from django.db import transaction

from ledger.models import Intent
from licensing.actions import assets, offers
from licensing.domain.money import Money
from licensing.domain.terms import Action
from licensing.errors import AudienceNotDeclared, ExclusiveNotSold, OfferEnded, UseNotPermitted
from settlement import queries
from settlement.actions import inbox, orders, outbox, payments, refunds, sales
from settlement.domain.charges import MoneyBack
from settlement.domain.states import LineState, OrderState, PaymentState, RefundReason, RefundState
from settlement.errors import (
    BelowMinimum,
    EmptyOrder,
    KeyReused,
    MixedCurrencies,
    NothingToPay,
    OrderClosed,
    ProviderError,
    ProviderUnavailable,
)
from settlement.models import JournalEntry, OutboxCall, Payment, Refund
from tests import factories
from tests.settlement import made
from tests.settlement.made import now

pytestmark = pytest.mark.django_db(transaction=True)


def books():
    """Return the balances by account, owners as ids, without the empty ones."""
    return {(row.kind, row.owner_id): money.amount_minor_units for row, money in queries.balances() if money}


def test_a_paid_order_ends_granted_and_on_the_books(sandbox):
    offer = factories.offer()
    order = made.sold(sandbox, made.line(offer))
    assert order.state == OrderState.COMPLETE
    line = queries.lines(order.pk).get()
    assert line.state == LineState.GRANTED
    assert line.grant.offer_id == offer.pk
    assert line.grant.basis == "paid"
    assert line.grant.licensee_id == order.licensee_id
    assert queries.entry_of(order.pk).kind == "sale"
    assert books() == {
        ("stripe_pending", None): 9900,
        ("payable_pending", offer.licensor_id): -8910,
        ("platform_income", None): -990,
    }
    assert queries.trial_balance() == {"CNY": 0}


def test_settling_again_changes_nothing(sandbox):
    order = made.sold(sandbox)
    counts = JournalEntry.objects.count(), Intent.objects.count(), order.events.count()
    checkout = payments.gateway.read_checkout(Payment.objects.get().session_ref)
    for _ in range(3):
        sales.settle(order_id=order.pk, charge=checkout.charge, now=now())
        payments.refresh(order_id=order.pk, now=now())
        sales.finish(order_id=order.pk, now=now())
    assert (JournalEntry.objects.count(), Intent.objects.count(), order.events.count()) == counts


def test_a_free_order_is_granted_at_once_without_the_provider(sandbox):
    offer = factories.free_offer()
    order = made.order(made.line(offer, purpose="study_teach"))
    assert order.state == OrderState.GRANTED_FREE
    assert queries.lines(order.pk).get().grant.basis == "free"
    entry = queries.entry_of(order.pk)
    assert (entry.kind, entry.postings.count()) == ("memo", 0)
    with pytest.raises(NothingToPay):
        made.start(order)
    assert sandbox.calls() == []
    assert not Payment.objects.exists()
    assert not OutboxCall.objects.exists()


def test_in_a_mixed_order_only_what_has_a_price_is_charged_and_the_rest_granted_at_once(sandbox):
    free, priced = factories.free_offer(), factories.offer()
    order = made.order(made.line(free, purpose="study_teach"), made.line(priced))
    states = [line.state for line in queries.lines(order.pk)]
    assert states == [LineState.GRANTED, LineState.OPEN]
    payment = made.start(order)
    assert payment.amount_minor_units == 9900
    sandbox.choose(payment.session_url, "pay")
    assert payments.refresh(order_id=order.pk, now=now()).state == OrderState.COMPLETE


def test_the_same_key_is_the_same_order():
    licensee, line = factories.party(), made.line()
    order = made.order(line, licensee=licensee, key="once")
    assert made.order(line, licensee=licensee, key="once") == order
    with pytest.raises(KeyReused):
        made.order(made.line(), licensee=licensee, key="once")


def test_an_order_is_not_placed_on_what_cannot_be_granted():
    exclusive = factories.offer(terms=factories.Terms.of("commercial_development", exclusive=True))
    education = factories.offer(terms=factories.FOR_EDUCATION, price=factories.ZERO)
    no_training = factories.offer(
        terms=factories.Terms.of("commercial_development", withheld=[Action.TRAIN_AI])
    )
    ended = factories.offer()
    offers.withdraw(offer_id=ended.pk, now=now())
    refusals = [
        (EmptyOrder, []),
        (ExclusiveNotSold, [made.line(exclusive)]),
        (AudienceNotDeclared, [made.line(education, purpose="study_teach")]),
        (OfferEnded, [made.line(ended)]),
        (UseNotPermitted, [made.line(no_training, purpose="train_model")]),
        (BelowMinimum, [made.line(factories.offer(price=Money(399, "CNY")))]),
        (MixedCurrencies, [made.line(), made.line(factories.offer(price=Money(900, "USD")))]),
    ]
    for refusal, lines in refusals:
        with pytest.raises(refusal):
            orders.place(
                licensee_id=factories.party().pk, lines=lines, idempotency_key=refusal.__name__, now=now()
            )
    assert not queries.Order.objects.exists()


def test_below_the_minimum_is_refused_in_words_and_before_the_provider(sandbox):
    with pytest.raises(BelowMinimum, match=r"3\.99.*4\.00"):
        made.order(made.line(factories.offer(price=Money(399, "CNY"))))
    assert made.start(made.order(made.line(factories.offer(price=Money(400, "CNY"))))).session_url
    assert len(sandbox.calls()) == 1


def test_starting_again_returns_the_same_open_page(sandbox):
    order = made.order()
    first, second = made.start(order), made.start(order)
    assert first.session_url == second.session_url
    assert Payment.objects.count() == 1
    assert len(sandbox.calls()) == 1


def test_a_declined_card_leaves_the_order_open(sandbox):
    order = made.order()
    payment = made.start(order)
    sandbox.choose(payment.session_url, "decline")
    assert payments.refresh(order_id=order.pk, now=now()).state == OrderState.AWAITING_PAYMENT
    assert not JournalEntry.objects.exists()
    sandbox.choose(payment.session_url, "pay")
    assert payments.refresh(order_id=order.pk, now=now()).state == OrderState.COMPLETE


def test_a_provider_that_is_away_leaves_the_order_and_the_sweeper_opens_the_page(sandbox):
    order = made.order()
    sandbox.kill()
    with pytest.raises(ProviderUnavailable):
        made.start(order)
    assert outbox.sweep(now=now()) == 0  # the request may still be at it
    sandbox.start()
    outbox.sweep(now=now() + timedelta(seconds=31))
    payment = made.start(order)
    assert payment.session_url
    assert len(sandbox.calls()) == 1


def test_after_a_saved_500_we_look_before_we_ask_with_a_new_key(sandbox):
    order = made.order()
    sandbox.order_fault("fail_after")
    with pytest.raises(ProviderError):
        made.start(order)
    payment = made.start(order)
    assert payment.session_url
    posts = [call for call in sandbox.calls() if call["method"] == "POST"]
    assert len(posts) == 1  # found by looking: nothing was opened twice


def test_after_a_500_that_did_nothing_a_new_key_is_taken(sandbox):
    order = made.order()
    sandbox.order_fault("fail_before")
    with pytest.raises(ProviderError):
        made.start(order)
    sandbox.choose(made.start(order).session_url, "pay")
    assert payments.refresh(order_id=order.pk, now=now()).state == OrderState.COMPLETE
    keys = {call["key"] for call in sandbox.calls() if call["method"] == "POST"}
    assert len(keys) == 2


def test_an_offer_withdrawn_in_between_is_refunded_by_machine(sandbox):
    kept, withdrawn = factories.offer(), factories.offer(price=Money(5000, "CNY"))
    order = made.paid_at_the_provider(sandbox, made.line(kept), made.line(withdrawn))
    offers.withdraw(offer_id=withdrawn.pk, now=now())
    order = payments.refresh(order_id=order.pk, now=now())
    assert order.state == OrderState.PART_REFUNDED
    assert [line.state for line in queries.lines(order.pk)] == [LineState.GRANTED, LineState.REFUND_DUE]
    assert books()["refund_due", None] == -5000
    assert refunds.send(now=now()) == 1
    refund = queries.refunds_of(order.pk).get()
    assert refund.state == RefundState.SUCCEEDED
    assert refund.reason == RefundReason.NOT_GRANTED
    assert "ended" in queries.lines(order.pk).last().refusals["en"]
    assert [line.state for line in queries.lines(order.pk)] == [LineState.GRANTED, LineState.REFUNDED]
    assert books() == {
        ("stripe_pending", None): 9900,
        ("payable_pending", kept.licensor_id): -8910,
        ("platform_income", None): -990,
    }


def test_an_asset_that_becomes_public_while_it_is_paid_is_refunded_in_full(sandbox):
    asset = factories.asset()
    order = made.paid_at_the_provider(sandbox, made.line(factories.offer(asset)))
    assets.set_public_interest(asset_id=asset.pk, now=now())
    assert payments.refresh(order_id=order.pk, now=now()).state == OrderState.AUTO_REFUNDING
    refunds.send(now=now())
    assert queries.order(order.pk).state == OrderState.REFUNDED
    assert books() == {}


def test_a_superseded_offer_is_granted_as_it_was_ordered(sandbox):
    asset = factories.asset()
    old = factories.offer(asset)
    order = made.paid_at_the_provider(sandbox, made.line(old))
    factories.offer(asset, price=Money(20_000, "CNY"), supersedes=old, now=now())
    order = payments.refresh(order_id=order.pk, now=now())
    assert order.state == OrderState.COMPLETE
    assert queries.lines(order.pk).get().price_minor_units == 9900


def test_an_order_expires_with_its_page(sandbox):
    order = made.order()
    payment = made.start(order)
    assert orders.expire(now=now() + timedelta(minutes=34)) == 0
    assert orders.expire(now=now() + timedelta(minutes=36)) == 1
    order = queries.order(order.pk)
    assert order.state == OrderState.EXPIRED
    assert queries.lines(order.pk).get().state == LineState.LAPSED
    assert queries.payment_of(order.pk).state == PaymentState.CANCELLED
    assert "over" in sandbox.choose(payment.session_url, "pay")
    with pytest.raises(OrderClosed):
        made.start(order)


def test_a_cancelled_order_cannot_be_paid_and_a_paid_one_not_cancelled(sandbox):
    order = made.order()
    page = made.start(order).session_url
    for _ in range(2):
        assert orders.cancel(order_id=order.pk, now=now()).state == OrderState.CANCELLED
    assert "over" in sandbox.choose(page, "pay")
    sold = made.paid_at_the_provider(sandbox)
    with pytest.raises(OrderClosed):
        orders.cancel(order_id=sold.pk, now=now())
    assert queries.order(sold.pk).state == OrderState.COMPLETE  # it was paid when we looked


def test_an_order_that_nobody_starts_to_pay_expires(sandbox):
    order = made.order()
    with pytest.raises(OrderClosed):
        made.start(order, at=now() + timedelta(minutes=31))
    assert orders.expire(now=now() + timedelta(minutes=31)) == 1
    assert queries.order(order.pk).state == OrderState.EXPIRED
    assert sandbox.calls() == []


def test_an_order_paid_in_the_last_moment_is_granted_not_expired(sandbox):
    order = made.paid_at_the_provider(sandbox)
    assert orders.expire(now=now() + timedelta(minutes=36)) == 0
    assert queries.order(order.pk).state == OrderState.COMPLETE


def test_money_for_an_expired_order_goes_back_by_machine(sandbox):
    order = made.order()
    payment = made.start(order)
    with transaction.atomic():
        Payment.objects.filter(pk=payment.pk).update(state=PaymentState.CANCELLED)
        order.lines.update(state=LineState.LAPSED)
        orders.move(orders.lock(order.pk), OrderState.EXPIRED, now=now())
    sandbox.choose(payment.session_url, "pay")
    payments.take(payments.gateway.read_checkout(payment.session_ref), now=now())
    payments.take(payments.gateway.read_checkout(payment.session_ref), now=now())
    assert Payment.objects.get().state == PaymentState.SURPLUS
    assert books() == {("stripe_pending", None): 9900, ("refund_due", None): -9900}
    refunds.send(now=now())
    assert Refund.objects.get().state == RefundState.SUCCEEDED
    assert books() == {}
    assert queries.order(order.pk).state == OrderState.EXPIRED


def test_the_second_payment_of_one_order_goes_back_in_full(sandbox):
    order = made.order()
    payment = made.start(order)
    call = OutboxCall.objects.get()
    second = payments.gateway.open_checkout(params=call.params, key="a second page")
    sandbox.choose(payment.session_url, "pay")
    sandbox.choose(second.url, "pay")
    payments.refresh(order_id=order.pk, now=now())
    payments.take(payments.gateway.read_checkout(second.ref), now=now())
    refunds.send(now=now())
    assert queries.order(order.pk).state == OrderState.COMPLETE
    assert sorted(Payment.objects.values_list("state", flat=True)) == ["succeeded", "surplus"]
    assert books()["stripe_pending", None] == 9900
    assert ("refund_due", None) not in books()


def test_money_that_does_not_fit_is_held_and_nothing_granted(sandbox):
    order = made.order()
    payment = made.start(order)
    wrong = made.payments.gateway.checkout_params(
        payment_id=payment.pk,
        order_number=order.number,
        lines=[("x", Money(500, "CNY"))],
        return_url="http://x.example",
        cancel_url="http://x.example",
        expires_at=now() + timedelta(minutes=35),
        language="en",
    )
    page = payments.gateway.open_checkout(params=wrong, key="wrong")
    sandbox.choose(page.url, "pay")
    for _ in range(2):
        payments.take(payments.gateway.read_checkout(page.ref), now=now())
    assert queries.order(order.pk).state == OrderState.AWAITING_PAYMENT
    assert Payment.objects.get().state == PaymentState.HELD
    assert books() == {("stripe_pending", None): 500, ("suspense", None): -500}


def test_a_refund_survives_a_provider_that_is_away_and_is_sent_once(sandbox):
    offer = factories.offer()
    order = made.paid_at_the_provider(sandbox, made.line(offer))
    offers.withdraw(offer_id=offer.pk, now=now())
    payments.refresh(order_id=order.pk, now=now())
    sandbox.order_fault("fail_after")
    refunds.send(now=now())
    assert Refund.objects.get().state == RefundState.REQUESTED
    assert refunds.send(now=now()) == 0  # not at once again
    refunds.send(now=now() + timedelta(minutes=1))
    assert Refund.objects.get().state == RefundState.SUCCEEDED
    assert queries.order(order.pk).state == OrderState.REFUNDED
    posts = [call for call in sandbox.calls() if call["path"] == "/v1/refunds" and call["method"] == "POST"]
    assert len(posts) == 1


def test_a_payment_whose_webhook_never_comes_is_found_by_polling(sandbox):
    order = made.paid_at_the_provider(sandbox)
    assert payments.poll(now=now()) == 0
    assert payments.poll(now=now() + timedelta(seconds=21)) == 1
    assert queries.order(order.pk).state == OrderState.COMPLETE


def test_a_slow_method_is_granted_only_when_the_money_is_there(tmp_path, settings):
    running = made_slow(tmp_path, settings)
    try:
        order = made.order()
        running.choose(made.start(order).session_url, "later")
        payments.refresh(order_id=order.pk, now=now())
        assert queries.is_being_confirmed(order.pk)
        assert orders.expire(now=now() + timedelta(hours=2)) == 0
        assert queries.order(order.pk).state == OrderState.AWAITING_PAYMENT
        running.kill()
        running.options = ("--later-seconds", "0")
        (tmp_path / "ahead").write_text("7200")
        running.options = ("--clock", str(tmp_path / "ahead"))
        running.start()
        wait_for(lambda: payments.refresh(order_id=order.pk, now=now()).state == OrderState.COMPLETE)
    finally:
        running.kill()


def made_slow(tmp_path, settings):
    from tests.settlement.sandbox_process import SECRET, Sandbox

    running = Sandbox(tmp_path / "slow.jsonl", "--later-seconds", "3600")
    settings.STRIPE_API_BASE, settings.STRIPE_WEBHOOK_SECRETS = running.url, [SECRET]
    return running


def wait_for(condition):
    import time

    end = time.monotonic() + 8
    while not condition():
        assert time.monotonic() < end
        time.sleep(0.1)


def test_an_order_cut_between_payment_and_grants_goes_on(sandbox, monkeypatch):
    order = made.paid_at_the_provider(sandbox, made.line(), made.line())
    granted = []

    def cut(line, *, now):
        if granted:
            raise KeyboardInterrupt
        granted.append(line)
        original(line, now=now)

    original = sales.grant_or_owe
    monkeypatch.setattr(sales, "grant_or_owe", cut)
    with pytest.raises(KeyboardInterrupt):
        payments.refresh(order_id=order.pk, now=now())
    monkeypatch.setattr(sales, "grant_or_owe", original)
    assert queries.order(order.pk).state == OrderState.PAID
    assert sales.resume(now=now()) == 1
    assert queries.order(order.pk).state == OrderState.COMPLETE
    assert JournalEntry.objects.count() == 1


def test_one_order_in_trouble_does_not_keep_the_others_waiting(sandbox, monkeypatch):
    monkeypatch.setattr(sales, "finish", lambda **_: None)
    troubled, other = made.paid_at_the_provider(sandbox), made.paid_at_the_provider(sandbox)
    for order in (troubled, other):
        payments.refresh(order_id=order.pk, now=now())
    monkeypatch.undo()
    grant = sales.grant_or_owe

    def fails_for_one(line, *, now):
        assert line.order_id != troubled.pk
        grant(line, now=now)

    monkeypatch.setattr(sales, "grant_or_owe", fails_for_one)
    sales.resume(now=now())
    assert queries.order(other.pk).state == OrderState.COMPLETE
    assert queries.order(troubled.pk).state == OrderState.PAID


def test_a_refund_that_comes_back_is_owed_again_and_sent_again(sandbox):
    offer = factories.offer()
    order = made.paid_at_the_provider(sandbox, made.line(offer))
    offers.withdraw(offer_id=offer.pk, now=now())
    payments.refresh(order_id=order.pk, now=now())
    refund = Refund.objects.get()

    def says(ref, *, succeeded=False, failed=False):
        back = MoneyBack(ref, refund.pk, refund.amount, succeeded, failed)
        refunds.record(back, refund_id=refund.pk, now=now())
        refund.refresh_from_db()
        return refund.state, books().get(("refund_due", None), 0)

    assert says("re_1") == (RefundState.PENDING, -9900)
    assert says("re_1", succeeded=True) == (RefundState.SUCCEEDED, 0)
    assert says("re_1", succeeded=True) == (RefundState.SUCCEEDED, 0)
    assert says("re_1", failed=True) == (RefundState.FAILED, -9900)
    assert refunds.send(now=now()) == 0
    assert refunds.send(now=now() + timedelta(hours=2)) == 1
    refund.refresh_from_db()
    assert (refund.state, books()) == (RefundState.SUCCEEDED, {})
    assert says("re_1", failed=True) == (RefundState.SUCCEEDED, 0)  # old news of the first try


def test_a_webhook_that_is_faster_than_the_answer_finds_its_order(sandbox):
    order = made.order()
    payment = made.start(order)
    sandbox.choose(payment.session_url, "pay")
    ref = payment.session_ref
    Payment.objects.filter(pk=payment.pk).update(session_ref=None, session_url="")
    subject = {"id": ref, "object": "checkout.session", "metadata": {"payment": str(payment.pk)}}
    body = {
        "id": "evt_1",
        "type": "checkout.session.completed",
        "livemode": False,
        "data": {"object": subject},
    }
    made.webhook(json.dumps(body).encode())
    inbox.process(now=now())
    assert queries.order(order.pk).state == OrderState.COMPLETE
    assert Payment.objects.get().session_ref == ref


def test_refunds_of_a_line_step_by_step_take_no_holder_below_nothing(sandbox, monkeypatch):
    monkeypatch.setattr(sales, "finish", lambda **_: None)
    order = made.paid_at_the_provider(sandbox)
    payments.refresh(order_id=order.pk, now=now())
    line, payment = queries.lines(order.pk).get(), Payment.objects.get()
    for amount in [*[1] * 10, 9890]:  # by weight alone, the larger holder would give all of the ten and more
        with transaction.atomic():
            part = Money(amount, "CNY")
            refund = refunds._request(payment, line, part, RefundReason.NOT_GRANTED, now())
            refunds._take_from_holders(refund, line, part)
    for share in line.shares.all():
        assert sum(part.amount_minor_units for part in share.refunded.all()) == share.amount_minor_units
