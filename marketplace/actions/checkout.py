"""From listings and purposes to orders: the offer that fits is chosen here, everything after is settlement's."""

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from licensing import queries as licensing
from licensing.errors import AudienceNotDeclared, ExclusiveNotSold
from marketplace.actions import accounts
from marketplace.domain import purposes
from marketplace.domain.purposes import Offered
from marketplace.errors import EmptyCart, OfferNotOfListing, PurposeNotOffered
from marketplace.models import CartLine, Listing, User
from marketplace.queries import catalogue
from settlement.actions import orders
from settlement.actions.orders import LineRequest


@dataclass(frozen=True, slots=True)
class Wanted:
    """What somebody wants of a listing: what for, as whom and where, and which offer if they say so."""

    listing: str
    purpose: str
    offer_id: UUID | None = None
    institution: str = ""
    institution_kind: str = ""
    territory: str | None = None
    statement: str = ""


def choose(wanted: Wanted) -> tuple[Listing, Offered]:
    """Return the listing and the offer that fits.

    Raises NotFound, OfferNotOfListing, PurposeNotOffered, AudienceNotDeclared, ExclusiveNotSold.
    """
    listing = catalogue.find(wanted.listing)
    offers = catalogue.offered([listing.asset_id])[listing.asset_id]
    if wanted.offer_id:
        offers = [offered for offered in offers if offered.offer_id == wanted.offer_id]
        if not offers:
            raise OfferNotOfListing(listing.pk, wanted.offer_id)
    choice = purposes.choose(
        offers,
        purpose=wanted.purpose,
        audience=wanted.institution_kind if wanted.institution.strip() else None,
        territory=wanted.territory,
    )
    if choice.offer is None:
        if choice.nearest and choice.asks_institution:
            raise AudienceNotDeclared(choice.nearest.offer_id, choice.nearest.terms.audience)
        terms = choice.nearest.terms if choice.nearest else None
        raise PurposeNotOffered(listing.pk, wanted.purpose, choice.reasons, terms)
    if choice.offer.terms.exclusive:
        raise ExclusiveNotSold(choice.offer.offer_id)
    return listing, choice.offer


def place(*, user: User, wanted: Sequence[Wanted], idempotency_key: str, now: datetime) -> Any:
    """Place one order for what a user wants. Raises what `choose` raises, and settlement's refusals."""
    chosen = [(*choose(each), each) for each in wanted]
    return _place(user, chosen, idempotency_key, now)


def place_all(*, user: User, now: datetime) -> list[Any]:
    """Place the cart as one order for each currency, and empty it of what was placed.

    Raises EmptyCart, what `choose` raises, and settlement's refusals; a currency that was placed stays placed.
    """
    rows = list(CartLine.objects.filter(user=user).order_by("added_at", "pk"))
    if not rows:
        raise EmptyCart
    chosen = [(*choose(wanted_of(row)), wanted_of(row)) for row in rows]
    by_currency: dict[str, list[int]] = defaultdict(list)
    for place_in_cart, (_listing, offered, _wanted) in enumerate(chosen):
        by_currency[offered.price.currency].append(place_in_cart)
    placed = []
    for currency, places in by_currency.items():
        lines = [rows[number].pk for number in places]
        key = f"cart:{user.pk}:{currency}:" + ",".join(sorted(map(str, lines)))
        placed.append(_place(user, [chosen[number] for number in places], key, now))
        CartLine.objects.filter(pk__in=lines).delete()
    return placed


def wanted_of(row: CartLine) -> Wanted:
    """Return what a line of a cart asks for."""
    return Wanted(
        listing=str(row.listing_id),
        purpose=row.purpose,
        institution=row.institution,
        institution_kind=row.institution_kind,
    )


def _place(user: User, chosen: Sequence[tuple[Listing, Offered, Wanted]], key: str, now: datetime) -> Any:
    licensee_id = accounts.party_for(user=user, now=now)
    name = licensing.party(licensee_id).name
    lines = [
        LineRequest(
            offer_id=offered.offer_id,
            purpose=wanted.purpose,
            detail={
                "licensee_name": name.get("zh-Hans") or name.get("en") or "",
                "institution": wanted.institution.strip(),
                "institution_kind": wanted.institution_kind if wanted.institution.strip() else "",
                "statement": wanted.statement,
            },
            reference=str(listing.pk),
        )
        for listing, offered, wanted in chosen
    ]
    return orders.place(licensee_id=licensee_id, lines=lines, idempotency_key=key, now=now)
