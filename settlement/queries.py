"""Reads. Another app asks here, and gets rows or values; nothing is changed."""

from collections.abc import Iterable
from datetime import datetime
from uuid import UUID

from django.db.models import Count, QuerySet, Sum

from licensing.domain.money import Money
from settlement.domain.postings import EntryKind
from settlement.domain.states import LIVE_PAYMENTS, PaymentState
from settlement.errors import OrderNotFound
from settlement.gateways import stripe as gateway
from settlement.models import Account, InboxEvent, JournalEntry, LineShare, Order, OrderLine, Payment, Refund


def order(key: UUID | str) -> Order:
    """Return an order by its id or its number. Raises OrderNotFound."""
    by = {"pk": key} if isinstance(key, UUID) else {"number": key.strip().upper()}
    found = Order.objects.select_related("licensee").filter(**by).first()
    if found is None:
        raise OrderNotFound(key)
    return found


def lines(order_id: UUID) -> QuerySet[OrderLine]:
    """Return the lines of an order in their order, with offers, grants and refunds."""
    rows = OrderLine.objects.filter(order_id=order_id).order_by("position")
    return rows.select_related("offer__asset", "offer__version", "grant").prefetch_related("refunds")


def line_of_grant(grant_id: UUID) -> OrderLine | None:
    """Return the order line that a grant came from, if it came from one."""
    return OrderLine.objects.select_related("order").filter(grant_id=grant_id).first()


def lines_on(asset_ids: Iterable[UUID]) -> QuerySet[OrderLine]:
    """Return the order lines for assets, with orders, shares and refunds, in the order of their placing."""
    rows = OrderLine.objects.filter(offer__asset_id__in=list(asset_ids)).select_related("order", "offer")
    return rows.prefetch_related("refunds", "shares").order_by("order__placed_at", "order_id", "position")


def sold_at(order_ids: Iterable[UUID]) -> dict[UUID, datetime]:
    """Return order id to when its sale was booked: when it was paid."""
    rows = JournalEntry.objects.filter(order_id__in=list(order_ids), kind=EntryKind.SALE)
    return dict(rows.values_list("order_id", "effective_at"))


def out_of_balance(order_ids: Iterable[UUID]) -> list[UUID]:
    """Return those of the orders whose journal entries do not add up to nothing."""
    entries = JournalEntry.objects.filter(order_id__in=list(order_ids))
    sums = entries.values("order_id", "pk", "postings__currency")
    wrong = sums.annotate(total=Sum("postings__amount_minor_units")).exclude(total=0).exclude(total=None)
    return sorted({row["order_id"] for row in wrong})


def paid_for_nothing(order_ids: Iterable[UUID]) -> list[UUID]:
    """Return those of the orders that were free and yet have a payment."""
    rows = Payment.objects.filter(order_id__in=list(order_ids), order__total_minor_units=0)
    return sorted(set(rows.values_list("order_id", flat=True)))


def orders_of(licensee_ids: Iterable[UUID]) -> QuerySet[Order]:
    """Return the orders of parties, the newest first."""
    return Order.objects.filter(licensee_id__in=list(licensee_ids)).order_by("-placed_at", "-number")


def payment_of(order_id: UUID) -> Payment | None:
    """Return the payment of an order that is alive, else its latest try."""
    tries = Payment.objects.filter(order_id=order_id)
    return tries.filter(state__in=LIVE_PAYMENTS).first() or tries.order_by("-created_at").first()


def refunds_of(order_id: UUID) -> QuerySet[Refund]:
    """Return the refunds of an order, those of surplus payments too, the earliest first."""
    return Refund.objects.filter(payment__order_id=order_id).select_related("line").order_by("requested_at")


def shares_of(order_id: UUID) -> QuerySet[LineShare]:
    """Return who gets what of an order."""
    rows = LineShare.objects.filter(line__order_id=order_id).select_related("line", "party")
    return rows.order_by("line__position", "position")


def entries_of(order_id: UUID) -> QuerySet[JournalEntry]:
    """Return the journal entries of an order with their postings, the earliest first."""
    rows = JournalEntry.objects.filter(order_id=order_id).order_by("effective_at", "created_xid")
    return rows.prefetch_related("postings__account")


def entry_of(order_id: UUID) -> JournalEntry | None:
    """Return the entry that records an order's sale, or that it was free."""
    return entries_of(order_id).filter(kind__in=("sale", "memo")).first()


def trial_balance() -> dict[str, int]:
    """Return the sum of all postings by currency: zero for each, or the books are wrong."""
    rows = Account.objects.values_list("currency").annotate(total=Sum("postings__amount_minor_units"))
    sums: dict[str, int] = {}
    for currency, total in rows:
        sums[currency] = sums.get(currency, 0) + int(total or 0)
    return sums


def balances() -> list[tuple[Account, Money]]:
    """Return what stands on each account; a debit is above zero."""
    rows = Account.objects.select_related("owner").annotate(total=Sum("postings__amount_minor_units"))
    return [
        (row, Money(int(row.total or 0), row.currency)) for row in rows.order_by("kind", "currency", "owner")
    ]


def traffic() -> dict[str, int]:
    """Return how many events of the inbox stand in each state."""
    return dict(InboxEvent.objects.values_list("state").annotate(number=Count("pk")))


def is_being_confirmed(order_id: UUID) -> bool:
    """Tell whether money of an order is on its way at the provider."""
    return Payment.objects.filter(order_id=order_id, state=PaymentState.PROCESSING).exists()


def provider_seconds() -> float:
    """Return how long this thread of work has waited for the payment provider: what a bench subtracts."""
    return gateway.seconds_spent()
