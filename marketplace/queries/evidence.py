"""What was on record about an asset or a shop's assets at a past instant: every row whose own time is not later.

A state is as it was then: an offer that ended later is open, a grant that was revoked later is live. Only the bytes
of files are as they are now; nobody can hash yesterday's disk.
"""

from dataclasses import dataclass
from datetime import datetime
from functools import cached_property
from typing import Any
from uuid import UUID

from ledger import queries as ledger
from licensing import queries as licensing
from licensing.domain.parties import Basis
from licensing.queries import Fact
from marketplace.models import Delivery, Shop
from marketplace.queries import catalogue, library
from settlement import queries as settlement

MOST_DELIVERIES = 1000


@dataclass(frozen=True)
class AssetThen:
    """One asset as of an instant: its facts, and what of it stood."""

    asset: Any  # licensing's rows, here and below
    at: datetime
    facts: list[Fact]
    versions: list[Any]
    files: dict[UUID, list[Any]]
    edition: Any | None
    sources: list[Any]
    open_offers: list[Any]

    @property
    def is_public(self) -> bool:
        """Tell whether it was of public interest."""
        return any(fact.kind == "asset.public_interest" for fact in self.facts)

    @property
    def current(self) -> Any | None:
        """Return the newest version."""
        return self.versions[-1] if self.versions else None

    @property
    def grants(self) -> list[Any]:
        """Return the grants that had been issued, the earliest first."""
        return [fact.what for fact in self.facts if fact.kind == "grant.issued"]

    @cached_property
    def revoked(self) -> dict[UUID, datetime]:
        """Return grant id to when it was revoked, of those that had been."""
        return {fact.what.grant_id: fact.at for fact in self.facts if fact.kind == "grant.revoked"}

    @property
    def live_grants(self) -> list[Any]:
        """Return the grants that stood."""
        return [grant for grant in self.grants if grant.pk not in self.revoked]

    def has_standing_grant(self) -> bool:
        """Tell whether everybody held the newest version."""
        version = self.current
        return any(g.basis == Basis.STANDING and g.version_id == version.pk for g in self.live_grants)


@dataclass(frozen=True)
class Evidence:
    """Everything that a report is written from."""

    at: datetime
    shop: Shop | None
    assets: list[AssetThen]
    deliveries: list[Delivery]  # the newest, the earliest of them first
    delivery_count: int
    lines: list[Any]  # settlement's, of orders that had been placed
    sold_at: dict[UUID, datetime]  # order id to when it was paid, of those that were
    numbers: dict[int, int]  # intent id to ledger entry
    documents: dict[int, dict[str, Any]]  # intent id to what was logged

    @property
    def refunds(self) -> list[Any]:
        """Return the refunds that had been asked for, the earliest first."""
        found = [refund for line in self.lines for refund in line.refunds.all()]
        return sorted((r for r in found if r.requested_at <= self.at), key=lambda r: (r.requested_at, r.pk))

    def is_covered(self, size: int) -> bool:
        """Tell whether each fact that was logged lies under a checkpoint of this size."""
        return all(self.numbers.get(intent, size) < size for intent in self.documents)


def of_asset(name: str) -> Any:
    """Return the asset that a report is asked for, by ARK, UUID or its licensor's id. Raises licensing's NotFound."""
    return licensing.asset_named(name)


def of_shop(slug: str) -> Shop:
    """Return the shop that a report is asked for. Raises NotFound."""
    return catalogue.shop(slug)


def began_at(subject: Any) -> datetime | None:
    """Return when the first fact about an asset or a shop was recorded, if there is one."""
    first = subject if not isinstance(subject, Shop) else licensing.assets_of(subject.party_id).first()
    return first.created_at if first else None


def gather(subject: Any, at: datetime) -> Evidence:
    """Read what was on record about an asset or a shop."""
    shop = subject if isinstance(subject, Shop) else None
    rows = licensing.assets_of(shop.party_id).filter(created_at__lte=at) if shop else [subject]
    assets = [_asset(row, at) for row in rows]
    ids = [each.asset.pk for each in assets]
    count, deliveries = library.newest_deliveries(ids, until=at, most=MOST_DELIVERIES)
    lines = list(settlement.lines_on(ids).filter(order__placed_at__lte=at))
    sold = settlement.sold_at({line.order_id for line in lines})
    intents = [fact.intent_id for each in assets for fact in each.facts if fact.intent_id]
    intents += [delivery.intent_id for delivery in deliveries]
    return Evidence(
        at=at,
        shop=shop,
        assets=assets,
        deliveries=deliveries,
        delivery_count=count,
        lines=lines,
        sold_at={order: when for order, when in sold.items() if when <= at},
        numbers=ledger.numbers_of(intents),
        documents=ledger.documents_of(intents),
    )


def _asset(row: Any, at: datetime) -> AssetThen:
    facts = [fact for fact in licensing.asset_history(row.pk) if fact.at <= at]
    versions = [fact.what for fact in facts if fact.kind == "version.published"]
    return AssetThen(
        asset=row,
        at=at,
        facts=facts,
        versions=versions,
        files={version.pk: list(licensing.files(version.pk)) for version in versions},
        edition=licensing.edition_of(row.pk, at=at),
        sources=[licensing.asset(source) for source in licensing.edition_sources(row.pk, at=at)],
        open_offers=licensing.offers_open_at(row.pk, at),
    )
