"""Agreeing how the price of an asset is divided."""

from collections.abc import Sequence
from datetime import datetime
from uuid import UUID

from django.db import transaction
from django.utils.translation import gettext as _

from licensing import queries
from licensing.actions.assets import lock
from licensing.errors import SharesRefused
from licensing.models import Party, Share, SharePlan


@transaction.atomic
def agree(*, asset_id: UUID, weights: Sequence[tuple[UUID, int]], now: datetime) -> SharePlan:
    """Agree the shares in an asset's price from now on. The same shares again are the same plan.

    Raises SharesRefused, NotFound.
    """
    lock(asset_id)
    parties = [party for party, _weight in weights]
    if not weights or any(type(weight) is not int or weight < 1 for _party, weight in weights):
        raise SharesRefused(_("Shares are whole numbers above zero, and there is at least one."))
    if len(set(parties)) != len(parties):
        raise SharesRefused(_("Each rights holder has one share."))
    if Party.objects.filter(pk__in=parties).count() != len(parties):
        raise SharesRefused(_("Each rights holder is a registered party."))
    last = queries.latest_share_plan(asset_id)
    if last and queries.shares(last.pk) == list(weights):
        return last
    plan = SharePlan.objects.create(
        asset_id=asset_id, number=last.number + 1 if last else 1, size=len(weights), agreed_at=now
    )
    Share.objects.bulk_create(
        Share(plan=plan, position=position, party_id=party, weight=weight)
        for position, (party, weight) in enumerate(weights, start=1)
    )
    return plan
