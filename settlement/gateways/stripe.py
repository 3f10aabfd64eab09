"""Stripe, by its official client: the only file that knows Stripe's words.

The API version is pinned here. Without a Stripe account the client's base address leads to `settlement.sandbox`.
Amounts leave and enter through `Money.provider_amount`. A call belongs outside any database transaction.
"""

import json
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import lru_cache
from typing import Any
from uuid import UUID

import stripe
from django.conf import settings

from licensing.domain.money import CURRENCIES, Money
from settlement.domain.charges import Charge, Checkout, CheckoutState, MoneyBack
from settlement.errors import BadSignature, ProviderFaltered, ProviderRefused, ProviderUnavailable

PROVIDER = "stripe"
API_VERSION = "2026-10-28.endive"
TIMEOUT_SECONDS = 10
SIGNATURE_TOLERANCE_SECONDS = 300
SANDBOX_KEY = "sk_test_sandbox"
LANGUAGES = {"zh": "zh", "en": "en"}

_spent: ContextVar[float] = ContextVar("seconds_at_the_provider", default=0.0)


@dataclass(frozen=True)
class Event:
    """A webhook that the provider signed: a hint of which object to read again."""

    id: str
    kind: str
    subject: Mapping[str, Any]
    livemode: bool

    @property
    def checkout_ref(self) -> str | None:
        """Return the checkout that the event is about, if it is about one."""
        return self.subject["id"] if self.subject.get("object") == "checkout.session" else None

    @property
    def payment_id(self) -> UUID | None:
        """Return the payment of ours that the event's object was made for."""
        return _uuid(self.subject, "payment")

    @property
    def refund_id(self) -> UUID | None:
        """Return the refund of ours that the event is about."""
        return _uuid(self.subject, "refund") if self.subject.get("object") == "refund" else None

    def tells_of(self, *refs: str | None) -> bool:
        """Tell whether the event's object is one of these, or a charge of one of them."""
        return self.subject.get("id") in refs or self.subject.get("payment_intent") in refs


def seconds_spent() -> float:
    """Return how long this thread of work has waited for the provider so far."""
    return _spent.get()


def open_checkout(*, params: Mapping[str, Any], key: str) -> Checkout:
    """Open a pay page; the same key and parameters open it once.

    Raises ProviderUnavailable, ProviderFaltered or ProviderRefused.
    """
    with _asking() as client:
        return _checkout(client.v1.checkout.sessions.create(dict(params), {"idempotency_key": key}))


def checkout_params(
    *,
    payment_id: UUID,
    order_number: str,
    lines: list[tuple[str, Money]],
    return_url: str,
    cancel_url: str,
    expires_at: datetime,
    language: str,
) -> dict[str, Any]:
    """Return the parameters of a pay page, as they are kept in the outbox and sent."""
    marks = {"order": order_number, "payment": str(payment_id)}
    return {
        "mode": "payment",
        "client_reference_id": order_number,
        "metadata": marks,
        "payment_intent_data": {"metadata": marks},
        "success_url": return_url,
        "cancel_url": cancel_url,
        "expires_at": int(expires_at.timestamp()),
        "locale": LANGUAGES.get(language[:2], "en"),
        "line_items": [
            {
                "quantity": 1,
                "price_data": {
                    "currency": price.currency.lower(),
                    "unit_amount": price.provider_amount,
                    "product_data": {"name": name},
                },
            }
            for name, price in lines
        ],
    }


def read_checkout(ref: str) -> Checkout:
    """Read what has become of a pay page."""
    with _asking() as client:
        return _checkout(client.v1.checkout.sessions.retrieve(ref, {"expand": ["payment_intent"]}))


def find_checkout(*, payment_id: UUID, since: datetime) -> Checkout | None:
    """Look for the pay page of a payment whose opening was not answered clearly."""
    created = {"gte": int((since - timedelta(minutes=5)).timestamp())}
    with _asking() as client:
        page = client.v1.checkout.sessions.list(
            {"created": created, "limit": 100, "expand": ["data.payment_intent"]}
        )
        for session in page.auto_paging_iter():
            if _uuid(_plain(session), "payment") == payment_id:
                return _checkout(session)
    return None


def expire_checkout(ref: str) -> None:
    """Close a pay page; one that is closed or paid stays as it is."""
    try:
        with _asking() as client:
            client.v1.checkout.sessions.expire(ref)
    except ProviderRefused:
        pass  # no longer open: reading it tells what it has become


def refund(*, params: Mapping[str, Any], key: str) -> MoneyBack:
    """Send money back; the same key and parameters send it once. Raises as `open_checkout`."""
    with _asking() as client:
        return _money_back(client.v1.refunds.create(dict(params), {"idempotency_key": key}))


def refund_params(*, refund_id: UUID, charge_ref: str, amount: Money) -> dict[str, Any]:
    """Return the parameters of a refund, as they are kept in the outbox and sent."""
    return {
        "payment_intent": charge_ref,
        "amount": amount.provider_amount,
        "metadata": {"refund": str(refund_id)},
    }


def read_refund(ref: str) -> MoneyBack:
    """Read what has become of a refund."""
    with _asking() as client:
        return _money_back(client.v1.refunds.retrieve(ref))


def find_refund(*, refund_id: UUID, charge_ref: str) -> MoneyBack | None:
    """Look for a refund whose sending was not answered clearly; one that failed is none."""
    with _asking() as client:
        page = client.v1.refunds.list({"payment_intent": charge_ref, "limit": 100})
        for sent in page.auto_paging_iter():
            back = _money_back(sent)
            if back.refund_id == refund_id and not back.failed:
                return back
    return None


def verify(*, payload: bytes, signature: str, now: datetime) -> Event:
    """Return the event that a webhook tells, if the provider signed it within five minutes of now.

    Raises BadSignature.
    """
    for secret in settings.STRIPE_WEBHOOK_SECRETS:
        try:
            stripe.WebhookSignature.verify_header(payload, signature, secret)
        except (stripe.SignatureVerificationError, UnicodeDecodeError):
            continue
        stamps = [part[2:] for part in signature.split(",") if part.startswith("t=")]
        # The client's own check refuses only what is old, and by another clock than the house's.
        if abs(now.timestamp() - int(stamps[0])) > SIGNATURE_TOLERANCE_SECONDS:
            raise BadSignature("the stamp is too far from now")
        return event_from(payload)
    raise BadSignature("no secret of ours made this signature")


def event_from(payload: bytes) -> Event:
    """Return the event in a payload that was verified. Raises BadSignature if it is none."""
    try:
        return _event(json.loads(payload))
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise BadSignature("signed, but not an event") from error


def _event(data: Mapping[str, Any]) -> Event:
    return Event(
        id=str(data["id"]),
        kind=str(data["type"]),
        subject=data["data"]["object"],
        livemode=data["livemode"] is True,
    )


@contextmanager
def _asking() -> Iterator[stripe.StripeClient]:
    """Lend the client, count the time, and turn Stripe's exceptions into ours. Keys stay out of messages."""
    started = time.perf_counter()
    try:
        yield _client(settings.STRIPE_SECRET_KEY, settings.STRIPE_API_BASE)
    except (stripe.APIConnectionError, stripe.RateLimitError) as error:
        raise ProviderUnavailable(type(error).__name__) from error
    except (stripe.AuthenticationError, stripe.PermissionError) as error:
        raise ProviderUnavailable("the provider does not accept our key") from error.with_traceback(None)
    except (stripe.InvalidRequestError, stripe.CardError) as error:
        raise ProviderRefused(error.code or "invalid_request", error.user_message or "") from error
    except stripe.IdempotencyError as error:
        if error.http_status == 409:  # the first call with this key is still going on
            raise ProviderUnavailable("key in use") from error
        raise ProviderFaltered("key used with other parameters") from error
    except stripe.StripeError as error:
        raise ProviderFaltered(f"{type(error).__name__} {error.http_status}") from error
    finally:
        _spent.set(_spent.get() + time.perf_counter() - started)


@lru_cache(maxsize=4)
def _client(key: str, base: str) -> stripe.StripeClient:
    if key == SANDBOX_KEY and not base:
        raise ProviderUnavailable("the sandbox is not running: STRIPE_API_BASE is not set")
    return stripe.StripeClient(
        key,
        stripe_version=API_VERSION,
        base_addresses={"api": base.rstrip("/")} if base else None,
        http_client=stripe.RequestsClient(timeout=TIMEOUT_SECONDS),
        max_network_retries=1,
    )


def _checkout(session: Any) -> Checkout:
    data = _plain(session)
    intent = data.get("payment_intent")
    intent = intent if isinstance(intent, Mapping) else {"id": intent, "status": "processing"}
    state = _state(data, intent)
    return Checkout(
        ref=data["id"],
        url=data.get("url") or "",
        state=state,
        payment_id=_uuid(data, "payment"),
        expires_at=datetime.fromtimestamp(data["expires_at"], UTC),
        charge=_charge(data, intent) if state == CheckoutState.PAID else None,
    )


def _state(session: Mapping[str, Any], intent: Mapping[str, Any]) -> CheckoutState:
    if session["payment_status"] == "paid":
        return CheckoutState.PAID
    if session["status"] == "complete":  # by a slow method: the money may come, or not
        failed = intent["status"] in ("requires_payment_method", "canceled")
        return CheckoutState.FAILED if failed else CheckoutState.PROCESSING
    return CheckoutState(session["status"])


def _charge(session: Mapping[str, Any], intent: Mapping[str, Any]) -> Charge:
    return Charge(
        ref=intent["id"],
        checkout_ref=session["id"],
        payment_id=_uuid(session, "payment"),
        amount=_money(session["amount_total"], session["currency"]),
        livemode=session["livemode"],
    )


def _money_back(data: Any) -> MoneyBack:
    data = _plain(data)
    return MoneyBack(
        ref=data["id"],
        refund_id=_uuid(data, "refund"),
        amount=_money(data["amount"], data["currency"]),
        succeeded=data["status"] == "succeeded",
        failed=data["status"] in ("failed", "canceled"),
    )


def _money(provider_amount: int, currency: str) -> Money:
    known = CURRENCIES[currency.upper()]
    shift = known.provider_exponent - known.exponent
    amount = provider_amount // 10**shift if shift >= 0 else provider_amount * 10**-shift
    return Money(amount, currency.upper())


def _plain(thing: Any) -> Mapping[str, Any]:
    return thing.to_dict() if isinstance(thing, stripe.StripeObject) else thing


def _uuid(data: Mapping[str, Any], name: str) -> UUID | None:
    """Return the id that we left in the object's metadata, if it is one."""
    try:
        return UUID((data.get("metadata") or {})[name])
    except (KeyError, ValueError, TypeError, AttributeError):
        return None
