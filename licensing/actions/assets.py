"""Registering assets, publishing their versions, declaring editions, and opening assets to the public for good."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any
from uuid import UUID, uuid4

from django.db import transaction
from django.utils.translation import gettext as _

from ledger.actions import log
from ledger.domain import entry
from licensing import queries
from licensing.actions import identifiers, offers
from licensing.domain.files import FileSpec, files_sha256
from licensing.domain.money import Money
from licensing.domain.parties import Form
from licensing.domain.terms import Template, Terms
from licensing.errors import AssetRefused, SocialBenefitMissing
from licensing.models import Asset, AssetFile, AssetVersion, Edition, EditionSource, Party

FREE_FOR = ("education", "public_culture")


@transaction.atomic
def register(*, licensor: Party | UUID, form: str, external_id: str = "", now: datetime) -> Asset:
    """Register an asset of a licensor and mint its identifier. Raises AssetRefused, NotFound."""
    holder = queries.party(licensor.pk if isinstance(licensor, Party) else licensor)
    if form not in set(Form):
        raise AssetRefused("form", _("unknown form “%(form)s”") % {"form": form})
    if external_id and Asset.objects.filter(licensor=holder, external_id=external_id).exists():
        raise AssetRefused("external_id", _("“%(id)s” is registered already") % {"id": external_id})
    asset_id = uuid4()
    identifier = identifiers.mint(kind="asset", target=asset_id, now=now)
    intent_id = log.append(
        document=entry.document(
            kind="asset.registered",
            id=asset_id,
            at=now,
            actor=str(holder.pk),
            subject=identifier.ark,
            body={"form": form},
        ),
        idempotency_key=f"asset.registered:{asset_id}",
        now=now,
    )
    return Asset.objects.create(
        id=asset_id,
        ark=identifier,
        licensor=holder,
        form=form,
        external_id=external_id,
        intent_id=intent_id,
        created_at=now,
    )


@transaction.atomic
def publish_version(
    *,
    asset_id: UUID,
    title: dict[str, str],
    description: dict[str, str],
    metadata: dict[str, Any],
    rights_uri: str,
    attribution: str,
    record_count: int,
    files: Sequence[FileSpec],
    source_digest: str,
    now: datetime,
) -> AssetVersion:
    """Publish the next version of an asset with its files, whole and for good. Raises AssetRefused, NotFound."""
    asset = lock(asset_id)
    names = [each.name for each in files]
    if not names or len(set(names)) != len(names):
        raise AssetRefused("files", _("a version has at least one file, and no two of one name"))
    last = queries.latest_version(asset_id)
    version_id, number, digest = uuid4(), last.number + 1 if last else 1, files_sha256(files)
    intent_id = log.append(
        document=entry.document(
            kind="version.published",
            id=version_id,
            at=now,
            actor=str(asset.licensor_id),
            subject=asset.ark_id,
            body={
                "number": number,
                "title": title,
                "rights": rights_uri,
                "records": record_count,
                "files": len(names),
                "bytes": sum(each.byte_size for each in files),
                "files_sha256": digest,
            },
        ),
        idempotency_key=f"version.published:{version_id}",
        now=now,
    )
    version = AssetVersion.objects.create(
        id=version_id,
        asset=asset,
        number=number,
        title=title,
        description=description,
        metadata=metadata,
        rights_uri=rights_uri,
        attribution=attribution,
        record_count=record_count,
        file_count=len(names),
        files_sha256=digest,
        source_digest=source_digest,
        intent_id=intent_id,
        published_at=now,
    )
    AssetFile.objects.bulk_create(
        _row(version, position, each) for position, each in enumerate(files, start=1)
    )
    return version


@transaction.atomic
def declare_edition(
    *,
    asset_id: UUID,
    adds: dict[str, str],
    benefit_plan: dict[str, str],
    free_for: Sequence[str],
    sources: Sequence[UUID],
    now: datetime,
) -> Edition:
    """Declare an asset an edition of public-interest assets. The same words again change nothing.

    Raises SocialBenefitMissing, NotFound.
    """
    lock(asset_id)
    sources = list(dict.fromkeys(sources))
    _check_edition(asset_id, adds, benefit_plan, free_for, sources)
    last = queries.edition_of(asset_id)
    if last and _same(last, adds, benefit_plan, free_for, sources):
        return last
    made = Edition.objects.create(
        asset_id=asset_id,
        number=last.number + 1 if last else 1,
        adds=adds,
        benefit_plan=benefit_plan,
        free_for=sorted(set(free_for)),
        size=len(sources),
        declared_at=now,
    )
    EditionSource.objects.bulk_create(
        EditionSource(edition=made, position=position, source_id=source)
        for position, source in enumerate(sources, start=1)
    )
    return made


@transaction.atomic
def set_public_interest(*, asset_id: UUID, now: datetime) -> Asset:
    """Open an asset to the public for good: prices and fences end at once. Calling it again changes nothing.

    What was published stays on offer, free for everybody.
    """
    asset = lock(asset_id)
    if asset.public_interest:
        return asset
    asset.public_interest, asset.public_interest_at = True, now
    asset.public_interest_intent_id = log.append(
        document=entry.document(
            kind="asset.public_interest",
            id=uuid4(),
            at=now,
            actor=str(asset.licensor_id),
            subject=asset.ark_id,
        ),
        idempotency_key=f"asset.public_interest:{asset_id}",
        now=now,
    )
    before = queries.open_offers(asset_id)
    asset.save(update_fields=["public_interest", "public_interest_at", "public_interest_intent"])
    if before and not queries.open_offers(asset_id):
        _offer_freely(before[-1], now)
    return asset


def lock(asset_id: UUID) -> Asset:
    """Hold an asset until the transaction ends, so that nothing is published or ended beside us."""
    queries.asset(asset_id)
    return Asset.objects.select_for_update(no_key=True).get(pk=asset_id)


def _check_edition(asset_id: UUID, adds, benefit_plan, free_for, sources: list[UUID]) -> None:
    for word, texts in ((_("what it adds"), adds), (_("a benefit plan"), benefit_plan)):
        if not all((texts.get(language) or "").strip() for language in ("zh-Hans", "en")):
            raise SocialBenefitMissing(asset_id, word)
    if not set(FREE_FOR) <= set(free_for):
        raise SocialBenefitMissing(asset_id, _("free for education and public culture"))
    public = set(Asset.objects.filter(pk__in=sources, public_interest=True).values_list("pk", flat=True))
    if not sources or set(sources) - public or asset_id in sources:
        raise SocialBenefitMissing(asset_id, _("the free public data it was made from"))


def _same(last: Edition, adds, benefit_plan, free_for, sources: list[UUID]) -> bool:
    return (last.adds, last.benefit_plan, last.free_for) == (adds, benefit_plan, sorted(set(free_for))) and [
        each.source_id for each in last.sources.all()
    ] == sources


def _offer_freely(offer, now: datetime) -> None:
    terms = queries.terms_of(offer)
    free = Terms(
        template=Template.PUBLIC_ACCESS,
        uses=terms.uses,
        duties=terms.duties,
        prohibitions=terms.prohibitions,
        updates_days=terms.updates_days,
    )
    offers.publish(
        asset_id=offer.asset_id,
        version_id=offer.version_id,
        terms=free,
        price=Money.zero(offer.currency),
        share_plan_id=offer.share_plan_id,
        now=now,
    )


def _row(version: AssetVersion, position: int, each: FileSpec) -> AssetFile:
    return AssetFile(
        version=version,
        position=position,
        name=each.name,
        media_type=each.media_type,
        byte_size=each.byte_size,
        sha256=each.sha256,
        storage_key=each.storage_key,
        source=each.source,
    )
