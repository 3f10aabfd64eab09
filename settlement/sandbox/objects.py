"""Stripe's objects as the sandbox gives them out: the fields we read or show, with Stripe's names and types.

Amounts are in the provider's smallest unit. Every object is in test mode: `livemode` is false.
"""

import secrets
from typing import Any

from .store import Row

API_VERSION = "2026-10-28.endive"
ZERO_DECIMAL, THREE_DECIMAL = {"jpy", "krw"}, {"kwd"}
MINIMUM = {
    "cny": 400,
    "usd": 50,
    "eur": 50,
    "gbp": 30,
    "hkd": 400,
    "jpy": 50,
    "sgd": 50,
    "krw": 700,
    "kwd": 200,
}


def new_id(prefix: str) -> str:
    """Return a fresh id as Stripe writes them, `pi_` and 24 letters and digits."""
    return f"{prefix}_{secrets.token_hex(12)}"


def session(params: dict[str, Any], *, lines: list[Row], base: str, now: int) -> Row:
    """Return a new open checkout session."""
    identity = new_id("cs_test")
    total = sum(line["amount_total"] for line in lines)
    return {
        "id": identity,
        "object": "checkout.session",
        "amount_subtotal": total,
        "amount_total": total,
        "cancel_url": params.get("cancel_url"),
        "client_reference_id": params.get("client_reference_id"),
        "created": now,
        "currency": lines[0]["currency"],
        "customer": None,
        "expires_at": int(params.get("expires_at", now + 86_400)),
        "line_items": list_of(lines, f"/v1/checkout/sessions/{identity}/line_items"),
        "livemode": False,
        "locale": params.get("locale"),
        "metadata": params.get("metadata", {}),
        "mode": "payment",
        "payment_intent": None,
        "payment_method_types": ["card"],
        "payment_status": "unpaid",
        "status": "open",
        "success_url": params["success_url"],
        "ui_mode": "hosted_page",
        "url": f"{base}/c/pay/{identity}",
    }


def line_item(name: str, *, unit_amount: int, quantity: int, currency: str) -> Row:
    """Return a line of a checkout session."""
    amount = unit_amount * quantity
    return {
        "id": new_id("li"),
        "object": "item",
        "amount_subtotal": amount,
        "amount_total": amount,
        "currency": currency,
        "description": name,
        "quantity": quantity,
    }


def payment_intent(of: Row, *, metadata: dict[str, str], now: int) -> Row:
    """Return the payment intent that a checkout session makes at the first try to pay."""
    return {
        "id": new_id("pi"),
        "object": "payment_intent",
        "amount": of["amount_total"],
        "amount_received": 0,
        "capture_method": "automatic_async",
        "created": now,
        "currency": of["currency"],
        "description": None,
        "last_payment_error": None,
        "latest_charge": None,
        "livemode": False,
        "metadata": metadata,
        "payment_method_types": ["card"],
        "status": "requires_payment_method",
    }


def charge(intent: Row, *, now: int) -> Row:
    """Return the charge of a payment that succeeded."""
    return {
        "id": new_id("ch"),
        "object": "charge",
        "amount": intent["amount"],
        "amount_captured": intent["amount"],
        "amount_refunded": 0,
        "balance_transaction": None,
        "captured": True,
        "created": now,
        "currency": intent["currency"],
        "disputed": False,
        "livemode": False,
        "metadata": intent["metadata"],
        "paid": True,
        "payment_intent": intent["id"],
        "refunded": False,
        "status": "succeeded",
    }


def refund(of: Row, *, amount: int, reason: str | None, metadata: dict[str, str], now: int) -> Row:
    """Return a refund of a charge, already on its way back."""
    return {
        "id": new_id("re"),
        "object": "refund",
        "amount": amount,
        "balance_transaction": None,
        "charge": of["id"],
        "created": now,
        "currency": of["currency"],
        "failure_reason": None,
        "metadata": metadata,
        "payment_intent": of["payment_intent"],
        "reason": reason,
        "status": "succeeded",
    }


def balance_transaction(source: Row, *, now: int) -> Row:
    """Return what a charge or a refund does to the platform's balance; a charge bears a fee of 3.4%."""
    refunded = source["object"] == "refund"
    amount = -source["amount"] if refunded else source["amount"]
    fee = 0 if refunded else amount * 34 // 1000
    return {
        "id": new_id("txn"),
        "object": "balance_transaction",
        "amount": amount,
        "available_on": now + 7 * 86_400,
        "created": now,
        "currency": source["currency"],
        "fee": fee,
        "net": amount - fee,
        "reporting_category": "refund" if refunded else "charge",
        "source": source["id"],
        "status": "pending",
        "type": "refund" if refunded else "charge",
    }


def event(kind: str, subject: Row, *, request: str | None, key: str | None, now: int) -> Row:
    """Return the event that tells a fact, with the object as it stands now."""
    return {
        "id": new_id("evt"),
        "object": "event",
        "api_version": API_VERSION,
        "created": now,
        "data": {"object": subject},
        "livemode": False,
        "pending_webhooks": 1,
        "request": {"id": request, "idempotency_key": key},
        "type": kind,
    }


def list_of(rows: list[Row], url: str, *, has_more: bool = False) -> Row:
    """Return a list object."""
    return {"object": "list", "data": rows, "has_more": has_more, "url": url}


def decimal(amount: int, currency: str) -> str:
    """Return an amount as people write it, `CNY 1200.00`."""
    places = 0 if currency in ZERO_DECIMAL else 3 if currency in THREE_DECIMAL else 2
    digits = str(amount).rjust(places + 1, "0")
    whole, part = (digits[:-places], "." + digits[-places:]) if places else (digits, "")
    return f"{currency.upper()} {whole}{part}"
