"""Reads for licensees: whom a user acts for, what these were granted, and which files that opens."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from guardian.shortcuts import get_objects_for_user

from ledger import queries as ledger
from licensing import queries as licensing
from licensing.domain.parties import Basis
from marketplace.errors import NotFound
from marketplace.models import Delivery, Listing


@dataclass(frozen=True, slots=True)
class Held:
    """A grant with the listing that shows its asset and the number of its ledger entry."""

    grant: Any  # licensing's row
    listing: Listing | None
    entry: int | None  # none while it waits for its number

    @property
    def is_standing(self) -> bool:
        """Tell whether it is a grant to everybody."""
        return self.grant.basis == Basis.STANDING


def parties_of(user: Any) -> set[UUID]:
    """Return the parties that a user acts for, their own among them."""
    if not user.is_authenticated:
        return set()
    found = get_objects_for_user(user, "licensing.act_for_party", with_superuser=False)
    return {*found.values_list("pk", flat=True), *filter(None, [user.party_id])}


def grants(user: Any) -> list[Held]:
    """Return what a user's parties were granted, the newest first."""
    return _held(list(licensing.grants_of(parties_of(user))))


def grant(user: Any, grant_id: UUID) -> Held:
    """Return a grant that a user may see: one of their parties', or one to everybody. Raises NotFound."""
    found = licensing.grant(grant_id)
    if found.basis != Basis.STANDING and found.licensee_id not in parties_of(user):
        raise NotFound("grant", grant_id)
    return _held([found])[0]


def _held(rows: list[Any]) -> list[Held]:
    shown = Listing.objects.select_related("shop", "asset").filter(
        asset_id__in={row.version.asset_id for row in rows}
    )
    listings = {listing.asset_id: listing for listing in shown}
    numbers = ledger.numbers_of([row.intent_id for row in rows])
    return [Held(row, listings.get(row.version.asset_id), numbers.get(row.intent_id)) for row in rows]


def deliveries(grant_id: UUID) -> list[Delivery]:
    """Return the deliveries under a grant, the newest first."""
    rows = Delivery.objects.select_related("file", "count").filter(grant_id=grant_id)
    return list(rows.order_by("-opened_at"))


def delivery_count(asset_id: UUID) -> int:
    """Return how often the files of an asset were delivered."""
    return Delivery.objects.filter(file__version__asset_id=asset_id).count()


def newest_deliveries(asset_ids: Iterable[UUID], *, until: datetime, most: int) -> tuple[int, list[Delivery]]:
    """Return how many deliveries of assets' files there were until a time, and the newest, the earliest first."""
    rows = Delivery.objects.select_related("file__version__asset", "grant").filter(
        file__version__asset_id__in=list(asset_ids), opened_at__lte=until
    )
    return rows.count(), list(rows.order_by("-opened_at", "-id")[:most])[::-1]
