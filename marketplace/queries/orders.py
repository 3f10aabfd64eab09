"""Reads of orders, for those who may see them."""

from typing import Any

from marketplace.errors import NotFound
from marketplace.models import Listing
from marketplace.queries import library
from settlement import queries as settlement


def order(user: Any, number: str) -> Any:
    """Return an order of one of the user's parties. Raises NotFound, OrderNotFound."""
    if not number.isprintable():
        raise NotFound("order", number)
    found = settlement.order(number)
    if found.licensee_id not in library.parties_of(user):
        raise NotFound("order", number)
    return found


def orders(user: Any) -> list[Any]:
    """Return the orders of a user's parties, the newest first."""
    return list(settlement.orders_of(library.parties_of(user)))


def listings_of(lines: list[Any]) -> dict[str, Listing]:
    """Return the listings that lines were ordered from, by the reference that each line carries."""
    ids = {line.reference for line in lines if line.reference}
    rows = Listing.objects.select_related("shop", "asset").filter(pk__in=ids)
    return {str(listing.pk): listing for listing in rows}


def lines_of(order: Any) -> list[Any]:
    """Return the lines of an order in their order."""
    return list(settlement.lines(order.pk))


def payment_of(order: Any) -> Any:
    """Return the payment of an order that counts now; None where nothing is or was paid."""
    return settlement.payment_of(order.pk)
