"""Publishing, superseding and ending offers: what is refused, and why."""

from datetime import timedelta

import pytest

from licensing import queries
from licensing.actions import assets, grants, offers
from licensing.domain.money import Money
from licensing.domain.terms import Action, Template, Terms
from licensing.errors import (
    AmountRefused,
    NotFound,
    OfferRefused,
    PublicMustBeFree,
    PublicNoExclusive,
    RevocationRefused,
    SocialBenefitMissing,
)
from tests import factories as make

pytestmark = pytest.mark.django_db

LATER = make.NOW + timedelta(hours=1)
EXCLUSIVE = Terms.of(Template.COMMERCIAL_DEVELOPMENT, exclusive=True)
MAINLAND = Terms.of(Template.PUBLIC_ACCESS, territory=("CN",))


def test_a_new_offer_ends_the_one_it_supersedes():
    offer = make.offer()
    newer = make.offer(offer.asset, price=Money(1, "CNY"), supersedes=offer, now=LATER)
    assert queries.open_offers(offer.asset_id) == [newer]
    end = queries.end_of(offer.pk)
    assert (end.reason, end.ended_at) == ("superseded", LATER)
    with pytest.raises(OfferRefused, match="ended already"):
        make.offer(offer.asset, supersedes=offer)


def test_withdrawing_twice_is_withdrawing_once():
    offer = make.offer()
    first = offers.withdraw(offer_id=offer.pk, now=make.NOW)
    assert offers.withdraw(offer_id=offer.pk, now=LATER) == first
    assert queries.open_offers(offer.asset_id) == []


def test_only_the_licensor_s_own_reason_is_taken():
    with pytest.raises(OfferRefused):
        offers.withdraw(offer_id=make.offer().pk, reason="public_interest", now=make.NOW)


@pytest.mark.parametrize(
    "terms, price, error",
    [
        (make.COMMERCIAL, make.PRICE, PublicMustBeFree),
        (make.COMMERCIAL, Money(1, "CNY"), PublicMustBeFree),
        (make.FOR_EDUCATION, make.ZERO, PublicMustBeFree),
        (MAINLAND, make.ZERO, PublicMustBeFree),
        (EXCLUSIVE, make.ZERO, PublicNoExclusive),
        (EXCLUSIVE, make.PRICE, PublicNoExclusive),
    ],
)
def test_a_public_asset_is_offered_free_to_everybody_or_not_at_all(terms, price, error):
    with pytest.raises(error):
        make.offer(make.asset(public=True), terms=terms, price=price)


def test_opening_an_asset_ends_its_prices_and_leaves_it_free_under_the_same_uses():
    terms = Terms.of(Template.COMMERCIAL_DEVELOPMENT, withheld=[Action.TRAIN_AI], territory=("CN",))
    offer = make.offer(terms=terms)
    asset = assets.set_public_interest(asset_id=offer.asset_id, now=LATER)
    assert asset.public_interest and queries.end_of(offer.pk).reason == "public_interest"
    [free] = queries.free_offers(asset.pk)
    assert queries.terms_of(free).uses == terms.uses
    assert queries.standing_grant(free.version_id).offer_id == free.pk
    assert assets.set_public_interest(asset_id=asset.pk, now=LATER) == asset
    kinds = [fact.kind for fact in queries.asset_history(asset.pk)]
    assert kinds.count("asset.public_interest") == 1


def test_opening_an_asset_keeps_the_grants_that_were_paid_for():
    offer = make.offer()
    grant = grants.issue(
        offer_id=offer.pk,
        licensee_id=make.party().pk,
        basis="paid",
        purpose="publish",
        reference="line-1",
        now=make.NOW,
    )
    assets.set_public_interest(asset_id=offer.asset_id, now=LATER)
    assert queries.live_grant(grant.pk) == grant


def test_the_last_free_offer_on_a_public_asset_stays():
    offer = make.free_offer(make.asset(public=True))
    with pytest.raises(PublicMustBeFree):
        offers.withdraw(offer_id=offer.pk, now=LATER)
    newer = make.offer(offer.asset, terms=make.OPEN, price=make.ZERO, supersedes=offer)
    assert queries.free_offers(offer.asset_id) == [newer]


def test_a_free_offer_that_is_not_public_may_be_withdrawn_and_what_everybody_got_stays():
    offer = make.free_offer()
    offers.withdraw(offer_id=offer.pk, now=LATER)
    standing = queries.standing_grant(offer.version_id)
    with pytest.raises(RevocationRefused, match="not taken back"):
        grants.revoke(grant_id=standing.pk, reason="shown in error", now=LATER)
    assets.set_public_interest(asset_id=offer.asset_id, now=LATER)
    renewed = make.free_offer(offer.asset)
    assert queries.standing_grant(renewed.version_id) == standing


def test_an_edition_is_priced_beside_its_free_path_and_says_when_that_is_missing():
    made = make.edition()
    make.offer(made)
    with pytest.raises(SocialBenefitMissing):
        offers.require_free_path(asset_id=made.pk)
    free = make.offer(made, terms=make.FOR_EDUCATION, price=make.ZERO)
    offers.require_free_path(asset_id=made.pk)
    with pytest.raises(SocialBenefitMissing):
        offers.withdraw(offer_id=free.pk, now=LATER)


@pytest.mark.parametrize(
    "changed",
    [
        {"adds": {"en": "notes"}},
        {"benefit_plan": {"en": "free", "zh-Hans": " "}},
        {"free_for": ("education",)},
        {"sources": []},
        {"sources": ["closed"]},
        {"sources": ["itself"]},
    ],
    ids=lambda changed: next(iter(changed)),
)
def test_an_edition_lacks_nothing_of_what_the_public_gets(changed):
    asset, closed = make.asset(), make.asset()
    names = {"closed": closed.pk, "itself": asset.pk}
    declared = {
        "sources": [make.asset(public=True).pk],
        "adds": make.PLAN,
        "benefit_plan": make.PLAN,
        "free_for": ("education", "public_culture"),
        **changed,
    }
    declared["sources"] = [names.get(each, each) for each in declared["sources"]]
    with pytest.raises(SocialBenefitMissing):
        assets.declare_edition(asset_id=asset.pk, now=make.NOW, **declared)


def test_an_edition_declared_again_is_the_same_and_declared_anew_is_the_next():
    public = make.asset(public=True)
    made = make.edition(public)
    declared = {
        "asset_id": made.pk,
        "sources": [public.pk],
        "adds": make.PLAN,
        "free_for": ("public_culture", "education"),
        "now": LATER,
    }
    assert assets.declare_edition(benefit_plan=make.PLAN, **declared).number == 1
    better = {"zh-Hans": "收入用于修复。", "en": "Income pays for repairs."}
    assert assets.declare_edition(benefit_plan=better, **declared).number == 2
    assert queries.edition_of(made.pk).benefit_plan == better
    assert queries.edition_sources(made.pk) == [public.pk]
    assert queries.edition_assets([made.pk, public.pk]) == {made.pk}
    assert list(queries.editions_from(public.pk)) == [made]


def test_parts_of_another_asset_make_no_offer():
    asset, other = make.asset(), make.offer()
    own = {
        "asset_id": asset.pk,
        "version_id": asset.versions.get().pk,
        "share_plan_id": asset.share_plans.get().pk,
        "terms": make.COMMERCIAL,
        "price": make.PRICE,
        "now": make.NOW,
    }
    for changed in (
        {"version_id": other.version_id},
        {"share_plan_id": other.share_plan_id},
        {"supersedes": other.pk},
    ):
        with pytest.raises(OfferRefused):
            offers.publish(**{**own, **changed})
    with pytest.raises(NotFound):
        offers.publish(**{**own, "asset_id": other.pk.__class__(int=0)})


@pytest.mark.parametrize("price", [Money(-1, "CNY"), Money(1, "KWD")])
def test_a_price_is_not_negative_and_keeps_to_the_steps_of_its_currency(price):
    with pytest.raises(AmountRefused):
        make.offer(price=price)
