"""The figures of the start page and of a shop, counted when they are asked for."""

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from django.db.models import Count, Q, Sum

from ledger import queries as ledger
from licensing import queries as licensing
from marketplace.models import Listing, Shop
from marketplace.queries import catalogue


@dataclass(frozen=True, slots=True)
class Figures:
    """What stands on show and on the ledger at this moment."""

    entries: int
    checkpoint_at: datetime | None
    listings: int
    shops: int
    free: int
    records: int
    grants: int

    @property
    def free_share(self) -> int:
        """Return the free listings in per cent."""
        return round(100 * self.free / self.listings) if self.listings else 0


@dataclass(frozen=True, slots=True)
class ShopFigures:
    """What one shop has on show, and how many named grants its party gave."""

    listings: int
    free: int
    records: int
    grants: int


def house() -> Figures:
    """Count everything."""
    signed = ledger.latest_checkpoint()
    counted = catalogue.listed().aggregate(
        listings=Count("pk"), records=Sum("record_count"), free=Count("pk", filter=Q(catalogue.is_free()))
    )
    return Figures(
        entries=ledger.size(),
        checkpoint_at=signed.signed_at if signed else None,
        listings=counted["listings"],
        shops=Shop.objects.count(),
        free=counted["free"],
        records=counted["records"] or 0,
        grants=licensing.count_named_grants(),
    )


def shop(shop: Shop) -> ShopFigures:
    """Count what one shop has."""
    counted = catalogue.listed().filter(shop=shop).aggregate(
        listings=Count("pk"), records=Sum("record_count"), free=Count("pk", filter=Q(catalogue.is_free()))
    )
    grants = licensing.count_named_grants(licensor_id=shop.party_id)
    return ShopFigures(counted["listings"], counted["free"], counted["records"] or 0, grants)


def free_by_shop() -> dict[UUID, int]:
    """Return how many free listings each shop has."""
    rows = catalogue.listed().filter(catalogue.is_free()).order_by().values_list("shop_id").annotate(n=Count("pk"))
    return dict(rows)


def picture_listings(least: int, most: int) -> list[Listing]:
    """Return the listings of pictures that hold a row's worth of them, the newest first."""
    rows = catalogue.listed().filter(form="image").select_related("shop").order_by("-record_count", "pk")
    return [each for each in rows if least <= len(each.cover.get("pictures", [])) <= most]
