"""The official client against the sandbox: what we ask, what comes back, and what each fault turns into."""

import time
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from uuid import uuid4

import pytest
import stripe

from licensing.domain.money import CURRENCIES, Money
from settlement.domain.charges import CheckoutState
from settlement.errors import BadSignature, ProviderFaltered, ProviderRefused, ProviderUnavailable
from settlement.gateways import stripe as gateway
from settlement.sandbox import objects
from settlement.sandbox.webhooks import signature
from tests.settlement.sandbox_process import SECRET, Sandbox


def params(*prices: Money, payment_id=None, minutes=35):
    return gateway.checkout_params(
        payment_id=payment_id or uuid4(),
        order_number="WS-2026-000007",
        lines=[(f"线 {number}", price) for number, price in enumerate(prices or [Money(120_000, "CNY")])],
        return_url="http://shop.example/return?session={CHECKOUT_SESSION_ID}",
        cancel_url="http://shop.example/cancel",
        expires_at=datetime.now(UTC) + timedelta(minutes=minutes),
        language="zh-hans",
    )


def opened(**kwargs):
    return gateway.open_checkout(params=params(**kwargs), key=str(uuid4()))


def until(condition, seconds=8):
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end, "it did not happen in time"
        time.sleep(0.02)


def test_a_pay_page_is_opened_paid_and_read(sandbox):
    payment_id = uuid4()
    checkout = opened(payment_id=payment_id)
    assert checkout.state == CheckoutState.OPEN
    where = sandbox.choose(checkout.url, "pay")
    assert where == f"http://shop.example/return?session={checkout.ref}"
    read = gateway.read_checkout(checkout.ref)
    assert read.state == CheckoutState.PAID
    assert read.charge.amount == Money(120_000, "CNY")
    assert read.charge.payment_id == payment_id
    assert read.charge.ref.startswith("pi_")
    assert not read.charge.livemode


def test_a_declined_card_leaves_the_page_open(sandbox):
    checkout = opened()
    page = sandbox.choose(checkout.url, "decline")
    assert "declined" in page
    assert gateway.read_checkout(checkout.ref).state == CheckoutState.OPEN
    sandbox.choose(checkout.url, "pay")
    assert gateway.read_checkout(checkout.ref).state == CheckoutState.PAID


@pytest.mark.parametrize(
    ("outcome", "state"), [("later", CheckoutState.PAID), ("later-fail", CheckoutState.FAILED)]
)
def test_a_slow_method_is_processing_before_the_money_is_there_or_not(tmp_path, settings, outcome, state):
    running = Sandbox(tmp_path / "slow.jsonl", "--later-seconds", "1")
    settings.STRIPE_API_BASE = running.url
    try:
        checkout = opened()
        running.choose(checkout.url, outcome)
        assert gateway.read_checkout(checkout.ref).state == CheckoutState.PROCESSING
        until(lambda: gateway.read_checkout(checkout.ref).state == state)
    finally:
        running.kill()


def test_the_page_says_test_mode_in_both_languages(sandbox):
    import urllib.request

    with urllib.request.urlopen(opened().url) as answer:
        page = answer.read().decode()
    assert "测试模式" in page
    assert "Test mode" in page
    assert "CNY 1200.00" in page


def test_the_same_key_opens_one_page(sandbox):
    asked, key = params(), str(uuid4())
    assert (
        gateway.open_checkout(params=asked, key=key).ref == gateway.open_checkout(params=asked, key=key).ref
    )


def test_the_same_key_with_other_parameters_is_refused(sandbox):
    key = str(uuid4())
    gateway.open_checkout(params=params(), key=key)
    with pytest.raises(ProviderFaltered):
        gateway.open_checkout(params=params(Money(5_000, "CNY")), key=key)


def test_a_total_below_the_minimum_is_refused_by_the_provider_too(sandbox):
    for currency, known in CURRENCIES.items():
        assert objects.MINIMUM[currency.lower()] == known.provider_minimum
        with pytest.raises(ProviderRefused) as refusal:
            least = known.provider_minimum - known.step
            gateway.open_checkout(params=params(Money(least, currency)), key=str(uuid4()))
        assert refusal.value.code == "amount_too_small"


@pytest.mark.parametrize("currency", CURRENCIES)
def test_every_currency_comes_back_as_it_went(sandbox, currency):
    checkout = gateway.open_checkout(params=params(Money(123_450, currency)), key=str(uuid4()))
    sandbox.choose(checkout.url, "pay")
    assert gateway.read_checkout(checkout.ref).charge.amount == Money(123_450, currency)


def test_a_page_that_ran_out_is_expired(sandbox):
    checkout = opened()
    gateway.expire_checkout(checkout.ref)
    gateway.expire_checkout(checkout.ref)
    assert gateway.read_checkout(checkout.ref).state == CheckoutState.EXPIRED


def test_money_goes_back_once_per_key_and_never_more_than_was_paid(sandbox):
    checkout = opened()
    sandbox.choose(checkout.url, "pay")
    charge = gateway.read_checkout(checkout.ref).charge
    refund_id, key = uuid4(), str(uuid4())
    asked = gateway.refund_params(refund_id=refund_id, charge_ref=charge.ref, amount=Money(100_000, "CNY"))
    sent = gateway.refund(params=asked, key=key)
    assert sent == gateway.refund(params=asked, key=key) == gateway.read_refund(sent.ref)
    assert sent == gateway.find_refund(refund_id=refund_id, charge_ref=charge.ref)
    assert sent.succeeded
    with pytest.raises(ProviderRefused):
        gateway.refund(params={**asked, "amount": 20_001}, key=str(uuid4()))


def test_a_cut_line_is_asked_again_with_the_same_key(sandbox):
    sandbox.order_fault("drop")
    checkout = opened()
    assert len({call["key"] for call in sandbox.calls()}) == 1
    assert [call["replayed"] for call in sandbox.calls()] == [False, True]
    assert checkout.url


def test_a_500_after_doing_is_kept_under_its_key_and_the_page_can_be_found(sandbox):
    sandbox.order_fault("fail_after")
    payment_id, key, since = uuid4(), str(uuid4()), datetime.now(UTC)
    asked = params(payment_id=payment_id)
    for _ in range(2):
        with pytest.raises(ProviderFaltered):
            gateway.open_checkout(params=asked, key=key)
    found = gateway.find_checkout(payment_id=payment_id, since=since)
    assert found.state == CheckoutState.OPEN
    assert gateway.find_checkout(payment_id=uuid4(), since=since) is None


def test_a_provider_that_is_gone_is_unavailable(sandbox):
    sandbox.kill()
    with pytest.raises(ProviderUnavailable):
        opened()


def test_a_refused_key_does_not_show_in_the_message(sandbox, settings):
    settings.STRIPE_SECRET_KEY = "sk_live_do_not_print_me"
    with pytest.raises(ProviderUnavailable) as refusal:
        opened()
    assert "print_me" not in repr(refusal.value) + str(refusal.value.reason)


def test_the_sandbox_key_without_a_sandbox_calls_nobody(settings):
    settings.STRIPE_API_BASE, settings.STRIPE_SECRET_KEY = "", gateway.SANDBOX_KEY
    with pytest.raises(ProviderUnavailable):
        opened()


def test_what_was_answered_survives_kill_9(sandbox):
    asked, key = params(), str(uuid4())
    checkout = gateway.open_checkout(params=asked, key=key)
    sandbox.choose(checkout.url, "pay")
    charge = gateway.read_checkout(checkout.ref).charge
    sandbox.kill()
    with sandbox.state.open("ab") as journal:
        journal.write(b'[["sessions", "cs_test_half')  # the line that the cut came into
    sandbox.start()
    assert gateway.read_checkout(checkout.ref).charge == charge
    assert gateway.open_checkout(params=asked, key=key).ref == checkout.ref
    sandbox.kill()
    sandbox.start()
    assert gateway.read_checkout(checkout.ref).charge == charge


def test_webhooks_are_signed_and_told_in_our_words(sandbox_with_webhooks, listener):
    payment_id = uuid4()
    checkout = opened(payment_id=payment_id)
    sandbox_with_webhooks.choose(checkout.url, "pay")
    until(lambda: len(listener.taken) == 3)
    events = [
        gateway.verify(payload=body, signature=header, now=datetime.now(UTC))
        for _, header, body in listener.taken
    ]
    assert {event.kind for event in events} == {
        "charge.succeeded",
        "payment_intent.succeeded",
        "checkout.session.completed",
    }
    assert {event.payment_id for event in events} == {payment_id}
    assert {event.checkout_ref for event in events} == {None, checkout.ref}


def test_a_refused_webhook_comes_again_even_after_kill_9(sandbox_with_webhooks, listener):
    listener.status = 500
    sandbox_with_webhooks.choose(opened().url, "pay")
    until(lambda: len(listener.taken) >= 3)
    sandbox_with_webhooks.kill()
    assert gateway_events(listener) == []
    listener.status = 200
    sandbox_with_webhooks.start()
    until(lambda: len({event["id"] for event in listener.accepted()}) == 3)


def gateway_events(listener):
    return [event["id"] for event in listener.accepted()]


def test_webhooks_can_be_lost_and_doubled_on_purpose(sandbox_with_webhooks, listener):
    sandbox_with_webhooks.order_fault("lose_webhook")
    sandbox_with_webhooks.order_fault("double_webhook")
    sandbox_with_webhooks.choose(opened().url, "pay")
    until(lambda: len(listener.taken) == 3)
    assert len({event["id"] for event in listener.accepted()}) == 2
    client = stripe.StripeClient("sk_test_x", base_addresses={"api": sandbox_with_webhooks.url})
    until(lambda: len(client.v1.events.list({"delivery_success": False}).data) == 1)


@pytest.mark.parametrize("seconds", [-301, 301])
def test_a_signature_is_good_for_five_minutes_in_both_directions(settings, seconds):
    settings.STRIPE_WEBHOOK_SECRETS = ["whsec_old", SECRET]
    now = datetime(2026, 11, 23, tzinfo=UTC)
    body = b'{"id": "evt_1", "type": "charge.succeeded", "livemode": false, "data": {"object": {}}}'
    good = signature(body, secret=SECRET, at=int(now.timestamp()) + seconds * 300 // 301)
    assert gateway.verify(payload=body, signature=good, now=now).id == "evt_1"
    late = signature(body, secret=SECRET, at=int(now.timestamp()) + seconds)
    with pytest.raises(BadSignature):
        gateway.verify(payload=body, signature=late, now=now)


@pytest.mark.parametrize("header", ["", "t=1,v1=", "v1=00", "t=x,v1=00", "nonsense", "t=1;v1=2"])
def test_what_is_not_a_signature_is_refused(settings, header):
    settings.STRIPE_WEBHOOK_SECRETS = [SECRET]
    with pytest.raises(BadSignature):
        gateway.verify(payload=b"{}", signature=header, now=datetime.now(UTC))


def test_signed_bytes_that_are_no_event_are_refused(settings):
    settings.STRIPE_WEBHOOK_SECRETS = [SECRET]
    now = datetime.now(UTC)
    for body in (b"{}", b"[]", b"\xff", b"not json", b'{"id": 1, "type": "x", "data": []}'):
        header = signature(body, secret=SECRET, at=int(now.timestamp()))
        with pytest.raises(BadSignature):
            gateway.verify(payload=body, signature=header, now=now)


def test_every_field_the_sandbox_gives_is_one_of_stripes(sandbox):
    """The typed classes of the official client are the schema."""
    kinds = {
        stripe.checkout.Session: objects.session(
            {"success_url": ""},
            lines=[objects.line_item("x", unit_amount=1, quantity=1, currency="cny")],
            base="",
            now=0,
        ),
    }
    session = next(iter(kinds.values()))
    intent = objects.payment_intent(session, metadata={}, now=0)
    charge = objects.charge(intent, now=0)
    refund = objects.refund(charge, amount=1, reason=None, metadata={}, now=0)
    kinds |= {
        stripe.LineItem: session["line_items"]["data"][0],
        stripe.PaymentIntent: intent,
        stripe.Charge: charge,
        stripe.Refund: refund,
        stripe.BalanceTransaction: objects.balance_transaction(charge, now=0),
        stripe.Event: objects.event("x", charge, request=None, key=None, now=0),
    }
    for kind, made in kinds.items():
        assert made.keys() <= set(kind.__annotations__), kind
        assert made["object"] == kind.OBJECT_NAME


def test_time_with_the_provider_is_counted(sandbox):
    before = gateway.seconds_spent()
    opened()
    assert gateway.seconds_spent() > before


def test_an_expired_page_takes_no_money(sandbox):
    checkout = opened()
    gateway.expire_checkout(checkout.ref)
    sandbox.choose(checkout.url, "pay")
    assert gateway.read_checkout(checkout.ref) == replace(checkout, url="", state=CheckoutState.EXPIRED)
