"""The figures of the start page and of a shop, counted when they are asked for."""

from dataclasses import dataclass
from datetime import datetime

from django.db.models import Count, Sum

from ledger import queries as ledger
from licensing import queries as licensing
from marketplace.models import Listing, Shop
from marketplace.queries import catalogue
from marketplace.queries.catalogue import Filters


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
    counted = catalogue.listed().aggregate(listings=Count("pk"), records=Sum("record_count"))
    return Figures(
        entries=ledger.size(),
        checkpoint_at=signed.signed_at if signed else None,
        listings=counted["listings"],
        shops=Shop.objects.count(),
        free=free(),
        records=counted["records"] or 0,
        grants=licensing.count_named_grants(),
    )


def shop(shop: Shop) -> ShopFigures:
    """Count what one shop has."""
    rows = catalogue.listed().filter(shop=shop)
    counted = rows.aggregate(listings=Count("pk"), records=Sum("record_count"))
    grants = licensing.count_named_grants(licensor_id=shop.party_id)
    return ShopFigures(counted["listings"], free(shop.slug), counted["records"] or 0, grants)


def free(shop: str = "") -> int:
    """Return how many listings everybody may have for nothing, in one shop or in all."""
    return catalogue.search(Filters(price="free", shop=shop, size=1), with_facets=False).total


def free_by_shop() -> dict[str, int]:
    """Return how many free listings each shop has, by its slug."""
    return dict(catalogue.search(Filters(price="free", size=1)).facets["shop"])


def picture_listings(*, least: int, most: int) -> list[Listing]:
    """Return the listings of pictures that hold a row's worth of them, the fullest first."""
    rows = catalogue.listed().filter(form="image").select_related("shop").order_by("-record_count", "pk")
    return [each for each in rows if least <= len(each.cover.get("pictures", [])) <= most]
