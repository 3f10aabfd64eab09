"""Reads of a cart: each line with the offer that fits it now, and one total for each currency."""

from dataclasses import dataclass
from typing import Any

from django.db.models import QuerySet

from licensing.domain.money import Money
from marketplace.domain import purposes
from marketplace.domain.purposes import Choice
from marketplace.models import CartLine
from marketplace.queries import catalogue


@dataclass(frozen=True, slots=True)
class Line:
    """A line of a cart; where no offer fits any more, the choice says why."""

    row: CartLine
    choice: Choice

    @property
    def price(self) -> Money | None:
        return self.choice.offer.price if self.choice.offer else None


@dataclass(frozen=True, slots=True)
class Cart:
    """The lines of a cart, and what they cost in each currency: so many orders it becomes."""

    lines: list[Line]
    totals: list[Money]

    @property
    def below_minimum(self) -> list[Money]:
        """Return the totals that the payment provider would not charge."""
        return [total for total in self.totals if total.is_below_minimum]


def cart(*, user: Any, session_key: str | None) -> Cart:
    """Return somebody's cart."""
    rows = _rows(user, session_key).select_related("listing__shop", "listing__asset")
    found = list(rows.order_by("added_at", "pk"))
    offers = catalogue.offered([row.listing.asset_id for row in found])
    lines = [
        Line(
            row,
            purposes.choose(
                offers[row.listing.asset_id],
                purpose=row.purpose,
                audience=row.institution_kind if row.institution else None,
            ),
        )
        for row in found
    ]
    totals: dict[str, Money] = {}
    for price in [line.price for line in lines if line.price is not None]:
        totals[price.currency] = totals.get(price.currency, Money.zero(price.currency)) + price
    return Cart(lines, list(totals.values()))


def count(*, user: Any, session_key: str | None) -> int:
    """Return how many lines somebody's cart has."""
    return _rows(user, session_key).count()


def _rows(user: Any, session_key: str | None) -> QuerySet[CartLine]:
    if user and user.is_authenticated:
        return CartLine.objects.filter(user=user)
    return (
        CartLine.objects.filter(user=None, session_key=session_key)
        if session_key
        else CartLine.objects.none()
    )
