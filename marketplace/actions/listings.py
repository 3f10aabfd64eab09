"""Putting a dataset on show: its asset, version, terms and offers below, and the listing that shows them."""

import mimetypes
from collections.abc import Sequence
from datetime import datetime
from typing import Any

from django.contrib.postgres.search import SearchVector
from django.db import transaction
from django.db.models import Value

from licensing import queries as licensing
from licensing.actions import assets, offers, shares
from licensing.domain.files import FileSpec
from licensing.domain.money import Money
from licensing.domain.parties import PLATFORM_PARTY_ID
from licensing.domain.terms import USES, Template, Terms, actions_of
from marketplace.actions.intake import Prepared
from marketplace.domain import search_text
from marketplace.domain.catalogue import Dataset
from marketplace.domain.rights import rights_of
from marketplace.errors import SourceNotFree
from marketplace.models import Listing, Shop

WEIGHTS = {"seller": 9000, "platform": 1000}
FREE = Money(0, "CNY")
MEDIA_TYPES = {
    ".jsonl": "application/x-ndjson",
    ".ndjson": "application/x-ndjson",
    ".gz": "application/gzip",
    ".glb": "model/gltf-binary",
    ".ogg": "audio/ogg",
    ".md": "text/markdown",
}


@transaction.atomic
def publish(
    *,
    dataset: Dataset,
    shop: Shop,
    files: Sequence[Prepared],
    cover: dict[str, Any],
    source_digest: str,
    public_interest: bool,
    now: datetime,
) -> Listing:
    """Put a dataset on show, or a new version of it, with its offers; all of it or nothing.

    Raises SourceNotFree, licensing's refusals, and IntegrityError for rules that the database alone holds.
    """
    Shop.objects.select_for_update().get(pk=shop.pk)  # another import of the same catalogue waits here
    listing = Listing.objects.select_related("version").filter(shop=shop, slug=dataset.id).first()
    if listing and listing.version.source_digest == source_digest:
        return listing
    if listing:
        asset_id = listing.asset_id
    else:
        asset = assets.register(licensor=shop.party_id, form=dataset.form, external_id=dataset.id, now=now)
        asset_id = asset.pk
    version = assets.publish_version(
        asset_id=asset_id,
        title=dataset.title,
        description=dataset.description,
        metadata=_metadata(dataset),
        rights_uri=dataset.rights_uri,
        attribution=dataset.attribution,
        record_count=dataset.record_count,
        files=_file_specs(dataset, files),
        source_digest=source_digest,
        now=now,
    )
    if public_interest:
        assets.set_public_interest(asset_id=asset_id, now=now)
    _agree_edition(dataset, asset_id, now)
    _offer(dataset, asset_id, version.pk, shop, now)
    return _show(listing, dataset, shop, asset_id, version, files, cover, now)


def _file_specs(dataset: Dataset, files: Sequence[Prepared]) -> list[FileSpec]:
    names = [file.name for file in files]
    return [
        FileSpec(
            name=file.name if names.count(file.name) == 1 else file.source.name.replace("/", "_"),
            media_type=media_type(file.name),
            byte_size=file.size,
            sha256=file.sha256,
            storage_key=file.keep(),
            source={
                "files": [{"path": file.source.name, "sha256": file.source.sha256}],
                "selection": [
                    {"field": c.field, "op": c.operator, "value": list(c.values)} for c in dataset.selection
                ],
                "encoding": file.encoding,
            },
        )
        for file in files
    ]


def media_type(name: str) -> str:
    """Return the media type of a file by its name."""
    ending = "." + name.rsplit(".", 1)[-1].lower()
    return MEDIA_TYPES.get(ending) or mimetypes.guess_type(name)[0] or "application/octet-stream"


def _metadata(dataset: Dataset) -> dict[str, Any]:
    permission = dataset.permission
    return {
        "languages": list(dataset.languages),
        "spatial": dataset.spatial,
        "temporal": {"start": dataset.temporal[0], "end": dataset.temporal[1]} if dataset.temporal else None,
        "subject_classes": list(dataset.subject_classes),
        "note": dataset.terms.note,
        "permission": permission
        and {"basis": permission.basis, "statement": permission.statement, "evidence": permission.evidence},
    }


def _agree_edition(dataset: Dataset, asset_id: Any, now: datetime) -> None:
    if dataset.edition:
        assets.declare_edition(
            asset_id=asset_id,
            sources=[source_asset(name) for name in dataset.edition.of],
            adds=dataset.edition.adds,
            benefit_plan=dataset.edition.benefit_plan,
            free_for=dataset.edition.free_for,
            now=now,
        )


def source_asset(external_id: str) -> Any:
    """Return the free public-interest asset that an edition names. Raises SourceNotFree where it is not on show."""
    found = (
        Listing.objects.filter(
            slug=external_id, state=Listing.State.LISTED, asset__public_interest=True
        ).values_list("asset_id", flat=True)
    )[:2]
    if len(found) != 1:
        raise SourceNotFree(external_id)
    return found[0]


def terms_of(dataset: Dataset, template: Template, audience: tuple[str, ...]) -> Terms:
    """Return the terms of a dataset under a template; the duties of its licence are always among them."""
    rights = rights_of(dataset.rights_uri)
    return Terms(
        template=template,
        uses=actions_of(dataset.terms.uses),
        duties=(*dataset.terms.duties, *(rights.duties if rights else ())),
        prohibitions=tuple(actions_and_words(dataset.terms.prohibitions)),
        territory=dataset.terms.territory,
        audience=audience,
        exclusive=dataset.terms.exclusive and template is Template.COMMERCIAL_DEVELOPMENT,
        updates_days=dataset.terms.term_days,
    )


def actions_and_words(prohibitions: Sequence[str]) -> list[str]:
    """Return prohibitions with the catalogue's use words spelled out as actions."""
    return [
        spelled
        for word in prohibitions
        for spelled in (sorted(actions_of([word])) if word in USES else [word])
    ]


def wanted_offers(dataset: Dataset) -> list[tuple[Terms, Money]]:
    """Return the offers that a dataset is put on show with."""
    audience = dataset.terms.audience
    if dataset.price is None:
        template = Template.RESEARCH_EDUCATION if audience else Template.PUBLIC_ACCESS
        return [(terms_of(dataset, template, audience), FREE)]
    wanted = [(terms_of(dataset, Template.COMMERCIAL_DEVELOPMENT, audience), dataset.price)]
    if dataset.edition:
        free = terms_of(dataset, Template.RESEARCH_EDUCATION, tuple(dataset.edition.free_for))
        wanted.insert(0, (free, Money(0, dataset.price.currency)))
    return wanted


def _offer(dataset: Dataset, asset_id: Any, version_id: Any, shop: Shop, now: datetime) -> None:
    """Publish the offers, each in place of the open one that it follows, and withdraw what nothing follows."""
    open_now = {(not o.price_minor_units, tuple(o.audience)): o for o in licensing.open_offers(asset_id)}
    plan = shares.agree(
        asset_id=asset_id,
        weights=[(shop.party_id, WEIGHTS["seller"]), (PLATFORM_PARTY_ID, WEIGHTS["platform"])],
        now=now,
    )
    for terms, price in wanted_offers(dataset):
        before = open_now.pop((not price, terms.audience), None)
        offers.publish(
            asset_id=asset_id,
            version_id=version_id,
            terms=terms,
            price=price,
            share_plan_id=plan.pk,
            supersedes=before.pk if before else None,
            now=now,
        )
    for left in open_now.values():
        offers.withdraw(offer_id=left.pk, now=now)


def _show(
    listing: Listing | None,
    dataset: Dataset,
    shop: Shop,
    asset_id: Any,
    version: Any,
    files: Sequence[Prepared],
    cover: dict[str, Any],
    now: datetime,
) -> Listing:
    shown = {
        "version_id": version.pk,
        "title": dataset.title,
        "summary": dataset.description,
        "form": dataset.form,
        "formats": sorted({file.name.lower().removesuffix(".gz").rsplit(".", 1)[-1] for file in files}),
        "subject_classes": list(dataset.subject_classes),
        "languages": list(dataset.languages),
        "region": dataset.spatial,
        "period_start": dataset.temporal[0] if dataset.temporal else None,
        "period_end": dataset.temporal[1] if dataset.temporal else None,
        "rights_uri": dataset.rights_uri,
        "record_count": dataset.record_count,
        "byte_size": sum(file.size for file in files),
        "cover": cover,
        "sort_key": search_text.sort_key(dataset.title["zh-Hans"]),
        "state": Listing.State.LISTED,
        "updated_at": now,
    }
    if listing is None:
        listing = Listing.objects.create(
            shop=shop, asset_id=asset_id, slug=dataset.id, listed_at=now, **shown
        )
    else:
        Listing.objects.filter(pk=listing.pk).update(**shown)
        listing.refresh_from_db()
    index(listing=listing, shop=shop)
    return listing


def index(*, listing: Listing, shop: Shop) -> None:
    """Make a listing findable by its title, shop, classes and description, in that order of weight."""
    titles, names = " ".join(listing.title.values()), " ".join(shop.name.values())
    parts = {
        "A": [*search_text.index_words(titles), *search_text.pinyin_words(listing.title["zh-Hans"])],
        "B": search_text.index_words(names),
        "C": search_text.index_words(" ".join([*listing.subject_classes, *listing.formats, listing.slug])),
        "D": search_text.index_words(" ".join(listing.summary.values())),
    }
    vector = None
    for weight, words in parts.items():
        part = SearchVector(Value(" ".join(words)), config="simple", weight=weight)
        vector = part if vector is None else vector + part
    Listing.objects.filter(pk=listing.pk).update(search=vector)
