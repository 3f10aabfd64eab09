"""Placing orders, moving them, and letting them expire."""

import hashlib
import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import TYPE_CHECKING
from uuid import UUID

from django.db import connection, transaction

from licensing import queries as licensing
from licensing.actions import grants
from licensing.domain.money import CURRENCIES, Money
from settlement.actions import journal, payments
from settlement.domain.postings import EntryKind, Holding, share_out
from settlement.domain.states import ORDER_MOVES, PAYABLE_ORDERS, LineState, OrderState, allows
from settlement.errors import (
    BelowMinimum,
    EmptyOrder,
    IllegalMove,
    KeyReused,
    MixedCurrencies,
    OrderClosed,
    OrderNotFound,
    ProviderError,
)
from settlement.models import LineShare, Order, OrderEvent, OrderLine

if TYPE_CHECKING:
    from licensing.models import Offer

TIME_TO_PAY = timedelta(minutes=30)
FORGOTTEN = ""  # the fingerprint of an order whose licensee had words erased: it was made of them


@dataclass(frozen=True)
class LineRequest:
    """What somebody asks for: an offer, for a purpose, by whom. The reference is the caller's own."""

    offer_id: UUID
    purpose: str
    detail: Mapping[str, str] = field(default_factory=dict)
    reference: str = ""


@transaction.atomic
def place(*, licensee_id: UUID, lines: Sequence[LineRequest], idempotency_key: str, now: datetime) -> Order:
    """Place an order with frozen terms, prices and shares; what is free is granted at once.

    The same key is the same order. Raises EmptyOrder, MixedCurrencies, BelowMinimum, KeyReused, and licensing's
    refusals: OfferEnded, ExclusiveNotSold, AudienceNotDeclared, UseNotPermitted, NotFound.
    """
    fingerprint = _fingerprint(lines)
    _wait_for_twin(licensee_id, idempotency_key)
    placed = Order.objects.filter(licensee_id=licensee_id, idempotency_key=idempotency_key).first()
    if placed:
        if placed.fingerprint not in (fingerprint, FORGOTTEN):
            raise KeyReused(idempotency_key)
        return placed
    offers = [
        grants.check(offer_id=line.offer_id, purpose=line.purpose, detail=line.detail) for line in lines
    ]
    order = _write(licensee_id, _total(offers), idempotency_key, fingerprint, now)
    _write_lines(order, lines, offers)
    for line in order.lines.filter(price_minor_units=0):
        grant_line(line, order=order, now=now)
    if order.is_free:
        journal.post([], kind=EntryKind.MEMO, fact=f"{order.number}:free", order=order, now=now)
        move(order, OrderState.GRANTED_FREE, now=now)
    return order


def lock(order_id: UUID) -> Order:
    """Return the order, locked until the transaction ends. Raises OrderNotFound."""
    try:
        return Order.objects.select_for_update().get(pk=order_id)
    except Order.DoesNotExist as error:
        raise OrderNotFound(order_id) from error


def lock_line(line_id: UUID) -> OrderLine:
    """Return the line with its order; the line is locked until the transaction ends."""
    return OrderLine.objects.select_for_update(of=("self",)).select_related("order").get(pk=line_id)


def move(order: Order, state: OrderState, *, now: datetime, reason: str = "") -> None:
    """Move a locked order along its table of moves and write the event down. Raises IllegalMove."""
    before = OrderState(order.state)
    if before == state:
        return
    if not allows(ORDER_MOVES, before, state):
        raise IllegalMove(order.number, before, state)
    order.state = state
    order.save(update_fields=["state"])
    OrderEvent.objects.create(order=order, before=before, after=state, at=now, reason=reason)


def grant_line(line: OrderLine, *, order: Order, now: datetime) -> None:
    """Grant what a line asks for. Raises licensing's refusals."""
    grant = grants.issue(
        offer_id=line.offer_id,
        licensee_id=order.licensee_id,
        basis="paid" if line.price_minor_units else "free",
        purpose=line.purpose,
        reference=f"line:{line.pk}",
        detail=line.detail,
        agreed_at=order.placed_at,
        now=now,
    )
    line.grant, line.state = grant, LineState.GRANTED
    line.save(update_fields=["grant", "state"])


def open_line_ids(order_id: UUID) -> list[UUID]:
    """Return the lines that have neither a grant nor a refund, in their order."""
    rows = OrderLine.objects.filter(order_id=order_id, state=LineState.OPEN)
    return list(rows.order_by("position").values_list("pk", flat=True))


def holdings(order: Order) -> list[Holding]:
    """Return what each rights holder gets of an order, line by line, as frozen when it was placed."""
    rows = LineShare.objects.filter(line__order=order).order_by("line__position", "position")
    return [Holding(row.party_id, Money(row.amount_minor_units, order.currency)) for row in rows]


@transaction.atomic
def close_if_done(order_id: UUID, *, now: datetime) -> Order:
    """Move a paid order on once every line is decided, and a refunding one once all its money is back."""
    order = lock(order_id)
    states = set(order.lines.filter(price_minor_units__gt=0).values_list("state", flat=True))
    if order.state == OrderState.PAID and LineState.OPEN not in states:
        if states == {LineState.GRANTED}:
            move(order, OrderState.COMPLETE, now=now)
        elif LineState.GRANTED in states:
            move(order, OrderState.PART_REFUNDED, now=now, reason="some lines could not be granted")
        else:
            move(order, OrderState.AUTO_REFUNDING, now=now, reason="no line could be granted")
    if states == {LineState.REFUNDED} and order.state == OrderState.AUTO_REFUNDING:
        move(order, OrderState.REFUNDED, now=now)
    return order


def expire(*, now: datetime, limit: int = 100) -> int:
    """End the orders whose time to pay is over; return how many. Money that comes later goes back by machine."""
    due = Order.objects.filter(state__in=PAYABLE_ORDERS, expires_at__lte=now).order_by("expires_at")
    ended = 0
    for order_id in due.values_list("pk", flat=True)[:limit]:
        try:
            payments.close(order_id=order_id, now=now)
        except ProviderError:
            continue  # it may have been paid; ask again next time
        ended += _end(order_id, OrderState.EXPIRED, now=now)
    return ended


def cancel(*, order_id: UUID, now: datetime) -> Order:
    """End an order before it is paid, as its licensee wishes; what it had free stays granted.

    Raises OrderClosed if it was paid, is being paid or has ended; OrderNotFound; ProviderError.
    """
    payments.close(order_id=order_id, now=now)
    ended = _end(order_id, OrderState.CANCELLED, now=now)
    order = Order.objects.get(pk=order_id)
    if not ended and order.state != OrderState.CANCELLED:
        raise OrderClosed(order.number, order.state)
    return order


@transaction.atomic
def forget(*, fields: Iterable[str], grant_id: UUID | None = None, licensee_id: UUID | None = None) -> int:
    """Clear what a licensee said on the lines of a grant, or on all their own; return how many lines held it.

    A line that is still to be granted keeps its words: the grant is made from them.
    """
    rows = OrderLine.objects.select_for_update(of=("self",)).exclude(state=LineState.OPEN)
    rows = rows.filter(grant_id=grant_id) if grant_id else rows.filter(order__licensee_id=licensee_id)
    cleared = 0
    for line in rows:
        kept = {name: said for name, said in line.detail.items() if name not in set(fields)}
        if kept != line.detail:
            line.detail = kept
            line.save(update_fields=["detail"])
            Order.objects.filter(pk=line.order_id).update(fingerprint=FORGOTTEN)
            cleared += 1
    return cleared


@transaction.atomic
def _end(order_id: UUID, state: OrderState, *, now: datetime) -> bool:
    """End an order unless it is paid, is being paid or has ended; its open lines lapse."""
    order = lock(order_id)
    if order.state not in PAYABLE_ORDERS or payments.is_under_way(order):
        return False
    order.lines.filter(state=LineState.OPEN).update(state=LineState.LAPSED)
    move(order, state, now=now)
    return True


def _total(offers: "Sequence[Offer]") -> Money:
    currencies = {offer.currency for offer in offers}
    if not currencies:
        raise EmptyOrder
    if len(currencies) > 1:
        raise MixedCurrencies(currencies)
    total = Money(sum(offer.price_minor_units for offer in offers), currencies.pop())
    if total.is_below_minimum:
        raise BelowMinimum(total, Money(CURRENCIES[total.currency].provider_minimum, total.currency))
    return total


def _write(licensee_id: UUID, total: Money, key: str, fingerprint: str, now: datetime) -> Order:
    order = Order.objects.create(
        number=_next_number(now),
        licensee_id=licensee_id,
        currency=total.currency,
        total_minor_units=total.amount_minor_units,
        idempotency_key=key,
        fingerprint=fingerprint,
        placed_at=now,
        expires_at=now + TIME_TO_PAY,
    )
    OrderEvent.objects.create(order=order, before="", after=order.state, at=now)
    return order


def _write_lines(order: Order, lines: Sequence[LineRequest], offers: "Sequence[Offer]") -> None:
    rows = OrderLine.objects.bulk_create(
        OrderLine(
            order=order,
            position=position,
            offer_id=offer.pk,
            price_minor_units=offer.price_minor_units,
            currency=offer.currency,
            policy_sha256=offer.policy_id,
            share_plan_id=offer.share_plan_id,
            purpose=line.purpose,
            detail=dict(line.detail),
            reference=line.reference,
        )
        for position, (line, offer) in enumerate(zip(lines, offers, strict=True))
    )
    LineShare.objects.bulk_create(
        LineShare(
            line=row,
            position=position,
            party_id=holding.party_id,
            amount_minor_units=holding.amount.amount_minor_units,
        )
        for row in rows
        for position, holding in enumerate(_shares(order, row))
    )


def _shares(order: Order, line: OrderLine) -> list[Holding]:
    weights = licensing.shares(line.share_plan_id)
    return share_out(line.price, weights, key=f"{order.number}:{line.position}")


def _fingerprint(lines: Sequence[LineRequest]) -> str:
    asked = [[str(line.offer_id), line.purpose, dict(line.detail), line.reference] for line in lines]
    return hashlib.sha256(json.dumps(asked, sort_keys=True).encode()).hexdigest()


def _wait_for_twin(licensee_id: UUID, key: str) -> None:
    """Let two calls with one key come after each other, so that the second finds the first's order."""
    with connection.cursor() as cursor:
        text = f"order:{licensee_id}:{key}"
        cursor.execute("SELECT pg_advisory_xact_lock(hashtextextended(%s, 0))", [text])


def _next_number(now: datetime) -> str:
    with connection.cursor() as cursor:
        cursor.execute("SELECT nextval('settlement_order_number')")
        return f"WS-{now.year}-{cursor.fetchone()[0]:06d}"
