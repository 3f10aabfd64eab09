"""Publishing and ending offers. An offer is never edited; a new one supersedes it."""

from datetime import datetime
from uuid import UUID, uuid4

from django.db import transaction
from django.utils.translation import gettext as _

from ledger.actions import log
from ledger.domain import entry
from licensing import queries
from licensing.actions import grants
from licensing.domain.money import Money
from licensing.domain.money import price as checked_price
from licensing.domain.parties import EndReason
from licensing.domain.terms import Terms
from licensing.errors import OfferRefused, PublicMustBeFree, PublicNoExclusive, SocialBenefitMissing
from licensing.models import Asset, AssetVersion, Offer, OfferEnd, Policy, SharePlan


@transaction.atomic
def publish(
    *,
    asset_id: UUID,
    version_id: UUID,
    terms: Terms,
    price: Money,
    share_plan_id: UUID,
    supersedes: UUID | None = None,
    now: datetime,
) -> Offer:
    """Offer a version on terms for a price; what is free to everybody gets its standing grant at once.

    Raises PublicMustBeFree, PublicNoExclusive, OfferRefused, AmountRefused, NotFound. When the transaction commits,
    the database refuses a priced edition without its free path: `require_free_path` says so before.
    """
    queries.asset(asset_id)
    asset = Asset.objects.select_for_update(no_key=True).get(pk=asset_id)
    checked_price(price.amount_minor_units, price.currency)
    _check_public(asset, terms, price)
    _check_parts(asset_id, version_id, share_plan_id, supersedes)
    policy = _policy(terms)
    offer_id = uuid4()
    offer = Offer.objects.create(
        id=offer_id,
        asset=asset,
        version_id=version_id,
        policy=policy,
        share_plan_id=share_plan_id,
        licensor_id=asset.licensor_id,
        price_minor_units=price.amount_minor_units,
        currency=price.currency,
        exclusive=terms.exclusive,
        audience=list(terms.audience),
        supersedes_id=supersedes,
        intent_id=_log_published(offer_id, asset, version_id, policy, price, supersedes, now),
        published_at=now,
    )
    if supersedes:
        _end(queries.offer(supersedes), EndReason.SUPERSEDED, now)
    if offer.is_for_everybody:
        grants.stand(offer_id=offer.pk, now=now)
    return offer


@transaction.atomic
def withdraw(*, offer_id: UUID, reason: str = EndReason.WITHDRAWN, now: datetime) -> OfferEnd:
    """End an offer; grants stay. Calling it again changes nothing. Raises OfferRefused, NotFound."""
    offer = queries.offer(offer_id)
    if reason != EndReason.WITHDRAWN:
        raise OfferRefused(_("An offer is withdrawn by its licensor; its other ends come of themselves."))
    asset = Asset.objects.select_for_update(no_key=True).get(pk=offer.asset_id)
    ended = OfferEnd.objects.filter(offer=offer).first()
    if ended:
        return ended
    if asset.public_interest and [each.pk for each in queries.free_offers(asset.pk)] == [offer.pk]:
        raise PublicMustBeFree(asset.pk)
    end = _end(offer, EndReason.WITHDRAWN, now)
    require_free_path(asset_id=asset.pk)
    return end


def require_free_path(*, asset_id: UUID) -> None:
    """Refuse a priced edition without a free offer for those it promises one. Raises SocialBenefitMissing."""
    edition = queries.edition_of(asset_id)
    if edition is None:
        return
    offers = queries.open_offers(asset_id)
    for priced in (each for each in offers if not each.is_free):
        free = [each for each in offers if each.is_free and each.version_id == priced.version_id]
        if not any(_reaches(each, edition.free_for) for each in free):
            raise SocialBenefitMissing(asset_id, _("a free offer for education and public culture"))


def _reaches(offer: Offer, free_for: list[str]) -> bool:
    terms = queries.terms_of(offer)
    audience = not offer.audience or set(free_for) <= set(offer.audience)
    return audience and not terms.territory and not offer.exclusive


def _check_public(asset: Asset, terms: Terms, price: Money) -> None:
    if not asset.public_interest:
        return
    if terms.exclusive:
        raise PublicNoExclusive(asset.pk)
    if price or terms.audience or terms.territory:
        raise PublicMustBeFree(asset.pk)


def _check_parts(asset_id: UUID, version_id: UUID, share_plan_id: UUID, supersedes: UUID | None) -> None:
    if not AssetVersion.objects.filter(pk=version_id, asset_id=asset_id).exists():
        raise OfferRefused(_("The version is not one of this asset."))
    if not SharePlan.objects.filter(pk=share_plan_id, asset_id=asset_id).exists():
        raise OfferRefused(_("The share plan is not one of this asset."))
    if supersedes is None:
        return
    if not Offer.objects.filter(pk=supersedes, asset_id=asset_id).exists():
        raise OfferRefused(_("The offer to be superseded is not one of this asset."))
    if OfferEnd.objects.filter(offer_id=supersedes).exists():
        raise OfferRefused(_("The offer to be superseded has ended already."))


def _policy(terms: Terms) -> Policy:
    row = Policy(sha256=terms.sha256, canonical=terms.canonical(), template=terms.template)
    Policy.objects.bulk_create([row], ignore_conflicts=True)
    return row


def _log_published(offer_id, asset, version_id, policy, price: Money, supersedes, now) -> int:
    refs = {"version": str(version_id), "policy": policy.pk}
    return log.append(
        document=entry.document(
            kind="offer.published",
            id=offer_id,
            at=now,
            actor=str(asset.licensor_id),
            subject=asset.ark_id,
            refs={**refs, "supersedes": str(supersedes)} if supersedes else refs,
            body={
                "template": policy.template,
                "price_minor_units": str(price.amount_minor_units),
                "currency": price.currency,
            },
        ),
        idempotency_key=f"offer.published:{offer_id}",
        now=now,
    )


def _end(offer: Offer, reason: EndReason, now: datetime) -> OfferEnd:
    intent_id = log.append(
        document=entry.document(
            kind="offer.ended",
            id=uuid4(),
            at=now,
            actor=str(offer.licensor_id),
            subject=offer.asset.ark_id,
            refs={"offer": str(offer.pk)},
            body={"reason": str(reason)},
        ),
        idempotency_key=f"offer.ended:{offer.pk}",
        now=now,
    )
    return OfferEnd.objects.create(offer=offer, reason=reason, ended_at=now, intent_id=intent_id)
