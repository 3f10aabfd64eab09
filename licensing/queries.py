"""Reads. Another app asks here, and gets rows or values; nothing is changed."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import lru_cache
from typing import Any
from uuid import UUID

from django.db.models import QuerySet

from ledger import queries as ledger
from licensing.domain import identifiers
from licensing.domain.parties import Basis
from licensing.domain.terms import PURPOSES, Terms
from licensing.errors import IdentifierRefused, NotFound
from licensing.models import (
    Asset,
    AssetFile,
    AssetVersion,
    Edition,
    Grant,
    Offer,
    OfferEnd,
    Party,
    Policy,
    Share,
    SharePlan,
)

# What a licensee says of themselves. Before each had a commitment of its own, all stood under one, OF_ALL.
DETAIL_FIELDS = ("licensee_name", "institution", "institution_kind", "statement")
OF_ALL = "licensee"


def party(party_id: UUID) -> Party:
    """Return a party. Raises NotFound."""
    return _one("party", party_id, Party.objects.filter(pk=party_id))


def offers_rights(party_id: UUID) -> bool:
    """Tell whether a party is known to the public: it has registered an asset, or has a share in one."""
    return (
        Asset.objects.filter(licensor_id=party_id).exists()
        or Share.objects.filter(party_id=party_id).exists()
    )


def asset(asset_id: UUID) -> Asset:
    """Return an asset. Raises NotFound."""
    return _one("asset", asset_id, Asset.objects.select_related("licensor").filter(pk=asset_id))


def asset_named(name: str) -> Asset:
    """Return an asset by its UUID, its ARK in any spelling or its licensor's own id. Raises NotFound."""
    found = Asset.objects.select_related("licensor")
    try:
        return _one("asset", name, found.filter(pk=UUID(name)))
    except ValueError:
        pass
    try:
        return _one("asset", name, found.filter(ark_id=identifiers.normalise(name)))
    except IdentifierRefused:
        return _one("asset", name, found.filter(external_id=name)[:2])


def assets_of(licensor_id: UUID) -> QuerySet[Asset]:
    """Return the assets of a licensor, the earliest registered first."""
    found = Asset.objects.select_related("licensor").filter(licensor_id=licensor_id)
    return found.order_by("created_at", "ark")


def asset_of(licensor_id: UUID, external_id: str) -> Asset | None:
    """Return the asset that a licensor calls by this id, if there is one."""
    return Asset.objects.filter(licensor_id=licensor_id, external_id=external_id).first()


def version(version_id: UUID) -> AssetVersion:
    """Return a version. Raises NotFound."""
    return _one("version", version_id, AssetVersion.objects.select_related("asset").filter(pk=version_id))


def versions(asset_id: UUID) -> QuerySet[AssetVersion]:
    """Return all versions of an asset, the newest first."""
    return AssetVersion.objects.filter(asset_id=asset_id).order_by("-number")


def latest_version(asset_id: UUID) -> AssetVersion | None:
    """Return the newest version of an asset, if it has one."""
    return versions(asset_id).first()


def files(version_id: UUID) -> QuerySet[AssetFile]:
    """Return the files of a version in their order."""
    return AssetFile.objects.filter(version_id=version_id).order_by("position")


def file(file_id: UUID) -> AssetFile:
    """Return one file with its version and asset. Raises NotFound."""
    return _one("file", file_id, AssetFile.objects.select_related("version__asset").filter(pk=file_id))


def files_with(sha256: str) -> QuerySet[AssetFile]:
    """Return the files whose bytes have this hash, the earliest published first."""
    found = AssetFile.objects.select_related("version__asset").filter(sha256=sha256)
    return found.order_by("version__published_at", "position")


def edition_of(asset_id: UUID, *, at: datetime | None = None) -> Edition | None:
    """Return what an asset declares, or declared at a time, as an edition: the latest declaration counts."""
    declared = Edition.objects.filter(asset_id=asset_id)
    if at is not None:
        declared = declared.filter(declared_at__lte=at)
    return declared.order_by("-number").first()


def edition_sources(asset_id: UUID, *, at: datetime | None = None) -> list[UUID]:
    """Return the assets that an edition names as its free sources, in its order; none where it is no edition."""
    edition = edition_of(asset_id, at=at)
    return list(edition.sources.order_by("position").values_list("source_id", flat=True)) if edition else []


def edition_assets(asset_ids: Iterable[UUID]) -> set[UUID]:
    """Return those of the assets that are editions."""
    return set(Edition.objects.filter(asset_id__in=list(asset_ids)).values_list("asset_id", flat=True))


def editions_from(source_id: UUID) -> QuerySet[Asset]:
    """Return the assets that name this one as a source of theirs."""
    return Asset.objects.filter(editions__sources__source_id=source_id).distinct()


def latest_share_plan(asset_id: UUID) -> SharePlan | None:
    """Return the shares that are agreed now, if any are."""
    return SharePlan.objects.filter(asset_id=asset_id).order_by("-number").first()


def shares(share_plan_id: UUID) -> list[tuple[UUID, int]]:
    """Return a plan's parties and weights in their order: what `allocate` divides by."""
    rows = Share.objects.filter(plan_id=share_plan_id).order_by("position")
    return list(rows.values_list("party_id", "weight"))


def offer(offer_id: UUID) -> Offer:
    """Return an offer with its asset, version and policy. Raises NotFound."""
    found = Offer.objects.select_related("asset", "version", "policy")
    return _one("offer", offer_id, found.filter(pk=offer_id))


def end_of(offer_id: UUID) -> OfferEnd | None:
    """Return how an offer ended, or None while it is open."""
    return OfferEnd.objects.filter(offer_id=offer_id).first()


def open_offers(asset_id: UUID) -> list[Offer]:
    """Return the offers on an asset that have no end, the cheapest first."""
    return list(open_offers_of([asset_id]))


def open_offers_of(asset_ids: Iterable[UUID]) -> QuerySet[Offer]:
    """Return the offers on several assets that have no end, the cheapest first."""
    found = Offer.objects.select_related("asset", "version", "policy").filter(end__isnull=True)
    return found.filter(asset_id__in=list(asset_ids)).order_by("price_minor_units", "published_at", "id")


def offers_open_at(asset_id: UUID, at: datetime) -> list[Offer]:
    """Return the offers on an asset that were open at a time, the cheapest first."""
    found = Offer.objects.select_related("asset", "version", "policy").filter(asset_id=asset_id)
    found = found.filter(published_at__lte=at).exclude(end__ended_at__lte=at)
    return list(found.order_by("price_minor_units", "published_at", "id"))


def free_offers(asset_id: UUID) -> list[Offer]:
    """Return the open offers on an asset that are free to everybody, everywhere."""
    return [each for each in open_offers(asset_id) if each.is_for_everybody and not terms_of(each).territory]


def terms_of(what: Offer | Grant | Policy) -> Terms:
    """Return the terms of an offer, a grant or a policy."""
    policy = what if isinstance(what, Policy) else what.policy
    return _terms(policy.sha256, bytes(policy.canonical))


def policies_for(purpose: str) -> list[str]:
    """Return the hashes of the policies that allow all that a purpose takes; none for a purpose nobody knows."""
    needed = PURPOSES.get(purpose)
    return [each.pk for each in Policy.objects.all() if needed and needed <= terms_of(each).uses]


def policy(sha256: str) -> Policy:
    """Return the policy under a hash. Raises NotFound."""
    return _one("policy", sha256, Policy.objects.filter(pk=sha256))


def grant(grant_id: UUID) -> Grant:
    """Return a grant, live or revoked. Raises NotFound."""
    return _one("grant", grant_id, _grants().filter(pk=grant_id))


def grant_numbered(number: str) -> Grant:
    """Return a grant by the number on its certificate. Raises NotFound."""
    return _one("grant", number, _grants().filter(number=number.strip().upper()))


def live_grant(grant_id: UUID) -> Grant | None:
    """Return a grant unless it was revoked, or None."""
    return _grants().filter(pk=grant_id, revocation__isnull=True).first()


def revoked_at(grant: Grant) -> datetime | None:
    """Return when a grant was revoked, if it was: what `may` asks for."""
    return grant.revocation.revoked_at if hasattr(grant, "revocation") else None


def standing_grant(version_id: UUID) -> Grant | None:
    """Return the live grant of a version to everybody, if it has one: the one of the newest terms."""
    found = _grants().filter(version_id=version_id, basis=Basis.STANDING, revocation__isnull=True)
    return found.order_by("-issued_at").first()


def grants_of(licensee_ids: Iterable[UUID]) -> QuerySet[Grant]:
    """Return what parties were granted, the newest first."""
    return _grants().filter(licensee_id__in=list(licensee_ids)).order_by("-issued_at", "-number")


def grants_on(asset_id: UUID) -> QuerySet[Grant]:
    """Return all grants on an asset, the newest first."""
    return _grants().filter(version__asset_id=asset_id).order_by("-issued_at", "-number")


def count_named_grants(*, licensor_id: UUID | None = None, asset_id: UUID | None = None) -> int:
    """Return how many grants were issued to somebody by name: all, those of a licensor, or those on an asset."""
    found = Grant.objects.exclude(basis=Basis.STANDING)
    if licensor_id:
        found = found.filter(licensor_id=licensor_id)
    return (found.filter(version__asset_id=asset_id) if asset_id else found).count()


def grant_of_intent(intent_id: int) -> Grant | None:
    """Return the grant that an intent of the ledger is about, if it issued one."""
    return _grants().filter(intent_id=intent_id).first()


@dataclass(frozen=True, slots=True)
class Words:
    """What a licensee said of themselves for one grant, and which of it was erased since."""

    licensee_name: str = ""
    institution: str = ""
    institution_kind: str = ""
    statement: str = ""
    erased: frozenset[str] = frozenset()

    @property
    def can_be_erased(self) -> bool:
        """Tell whether anything that was said is still there."""
        return any((self.licensee_name, self.institution, self.institution_kind, self.statement))


def words_of(grant: Grant) -> Words:
    """Return what the licensee said of themselves; nothing for a grant to everybody."""
    said: dict[str, str] = {}
    erased: set[str] = set()
    for each in ledger.openings(grant.intent_id):
        if each.is_erased:
            erased.update(DETAIL_FIELDS if each.field == OF_ALL else [each.field])
        else:
            said |= each.value if each.field == OF_ALL else {each.field: each.value}
    words = {name: said[name] for name in DETAIL_FIELDS if name in said}
    return Words(**words, erased=frozenset(erased & {*DETAIL_FIELDS}))


def licensee_commitment(document: Mapping[str, Any]) -> str:
    """Return what stands for the licensee in the entry of a named grant; nothing where nobody is committed to."""
    commit = document["commit"]
    return commit.get("party") or commit.get(OF_ALL, "")


def personal_fields(grant: Grant, fields: Iterable[str] | None = None) -> list[str]:
    """Return the fields of the ledger's entry that hide these fields of a grant, or all that was said."""
    known = {each.field for each in ledger.openings(grant.intent_id)}
    if fields is None:
        return sorted(known & {*DETAIL_FIELDS, OF_ALL})
    return sorted({OF_ALL if OF_ALL in known and field in DETAIL_FIELDS else field for field in fields})


@dataclass(frozen=True, slots=True)
class Fact:
    """One thing that happened to an asset, and the entry of the ledger that says so."""

    at: datetime
    kind: str
    what: object
    intent_id: int | None

    @property
    def entry_number(self) -> int | None:
        """Return the number of the ledger entry, or None while it has none."""
        return None if self.intent_id is None else ledger.number_of(self.intent_id)


def asset_history(asset_id: UUID) -> list[Fact]:
    """Return all that happened to an asset, the earliest first: what an audit report is written from."""
    found = asset(asset_id)
    facts = [Fact(found.created_at, "asset.registered", found, found.intent_id)]
    if found.public_interest:
        facts.append(
            Fact(
                found.public_interest_at or found.created_at,
                "asset.public_interest",
                found,
                found.public_interest_intent_id,
            )
        )
    facts += [
        Fact(each.published_at, "version.published", each, each.intent_id) for each in versions(asset_id)
    ]
    for each in Offer.objects.select_related("policy", "end").filter(asset_id=asset_id):
        facts.append(Fact(each.published_at, "offer.published", each, each.intent_id))
        if hasattr(each, "end"):
            facts.append(Fact(each.end.ended_at, "offer.ended", each.end, each.end.intent_id))
    for each in grants_on(asset_id):
        facts.append(Fact(each.issued_at, "grant.issued", each, each.intent_id))
        if hasattr(each, "revocation"):
            end = each.revocation
            facts.append(Fact(end.revoked_at, "grant.revoked", end, end.intent_id))
    return sorted(facts, key=lambda fact: (fact.at, fact.intent_id or 0))


@lru_cache(maxsize=1024)
def _terms(sha256: str, canonical: bytes) -> Terms:
    return Terms.from_canonical(canonical)


def _grants() -> QuerySet[Grant]:
    return Grant.objects.select_related(
        "offer__asset", "version", "policy", "licensor", "licensee", "revocation"
    )


def _one(kind: str, key: object, rows: QuerySet | Sequence):
    found = list(rows[:2])
    if len(found) != 1:
        raise NotFound(kind, key)
    return found[0]
