"""Declaring what an edition adds to free public data, and what the public gets back."""

from collections.abc import Sequence
from datetime import datetime
from uuid import UUID

from django.db import transaction
from django.utils.translation import gettext as _

from licensing import queries
from licensing.actions.assets import lock
from licensing.errors import SocialBenefitMissing
from licensing.models import Asset, Edition, EditionSource

FREE_FOR = ("education", "public_culture")


@transaction.atomic
def declare(
    *,
    asset_id: UUID,
    adds: dict[str, str],
    benefit_plan: dict[str, str],
    free_for: Sequence[str],
    source_ids: Sequence[UUID],
    now: datetime,
) -> Edition:
    """Declare an asset an edition of public-interest assets. The same words again change nothing.

    Raises SocialBenefitMissing, NotFound.
    """
    lock(asset_id)
    sources = list(dict.fromkeys(source_ids))
    _check(asset_id, adds, benefit_plan, free_for, sources)
    last = queries.edition(asset_id)
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


def _check(asset_id: UUID, adds, benefit_plan, free_for, sources: list[UUID]) -> None:
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
