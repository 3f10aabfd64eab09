"""Every way in which a grant is refused, beside the way in which it is given."""

from datetime import timedelta
from uuid import uuid4

import pytest

from licensing import queries
from licensing.actions import assets, grants, offers
from licensing.domain.terms import USES, Template, Terms
from licensing.errors import (
    AudienceNotDeclared,
    BasisRefused,
    ExclusiveNotSold,
    NotFound,
    OfferEnded,
    ReferenceReused,
    UseNotPermitted,
)
from tests import factories as make

pytestmark = pytest.mark.django_db

LATER = make.NOW + timedelta(hours=1)
EXCLUSIVE = Terms.of(Template.COMMERCIAL_DEVELOPMENT, exclusive=True)
NO_AI = Terms.of(Template.COMMERCIAL_DEVELOPMENT, withheld=USES["machine_learning"])


def issue(offer, **changed):
    request = {
        "offer_id": offer.pk,
        "licensee_id": make.party().pk,
        "basis": "free" if offer.is_free else "paid",
        "purpose": "study_teach",
        "reference": str(uuid4()),
        "now": LATER,
        **changed,
    }
    return grants.issue(**request)


def test_an_offer_that_was_withdrawn_grants_nothing_and_says_since_when():
    offer = make.offer()
    offers.withdraw(offer_id=offer.pk, now=make.NOW)
    with pytest.raises(OfferEnded) as refusal:
        issue(offer, agreed_at=make.NOW - timedelta(hours=1))
    assert (refusal.value.offer_id, refusal.value.ended_at) == (offer.pk, make.NOW)


def test_an_order_that_froze_an_offer_is_granted_although_a_new_one_superseded_it():
    offer = make.offer()
    make.offer(offer.asset, supersedes=offer, now=make.NOW)
    for agreed_at in (None, make.NOW, LATER):
        with pytest.raises(OfferEnded):
            issue(offer, agreed_at=agreed_at)
    grant = issue(offer, agreed_at=make.NOW - timedelta(seconds=1))
    assert queries.terms_of(grant) == queries.terms_of(offer)


def test_what_the_public_interest_ended_is_not_granted_whenever_it_was_ordered():
    offer = make.offer()
    assets.set_public_interest(asset_id=offer.asset_id, now=make.NOW)
    with pytest.raises(OfferEnded):
        issue(offer, agreed_at=make.NOW - timedelta(hours=1))


def test_an_exclusive_offer_is_shown_and_not_sold():
    with pytest.raises(ExclusiveNotSold):
        issue(make.offer(terms=EXCLUSIVE))


def test_what_is_free_for_institutions_is_granted_to_whoever_names_one():
    offer = make.offer(terms=make.FOR_EDUCATION, price=make.ZERO)
    for detail in (None, {}, {"institution": "  "}, {"licensee_name": "Li Hua"}):
        with pytest.raises(AudienceNotDeclared) as refusal:
            issue(offer, detail=detail)
        assert refusal.value.audience == ("education", "public_culture")
    grant = issue(offer, detail={"institution": "槐恩中学", "institution_kind": "education"})
    assert queries.words_of(grant).institution == "槐恩中学"
    assert issue(offer, detail={"institution": "临安图书馆"}).basis == "free"


def test_another_kind_of_institution_is_refused_with_the_clause():
    schools = Terms.of(Template.RESEARCH_EDUCATION, audience=("education",))
    offer = make.offer(terms=schools, price=make.ZERO)
    with pytest.raises(UseNotPermitted) as refusal:
        issue(offer, detail={"institution": "临安图书馆", "institution_kind": "public_culture"})
    assert [each.code for each in refusal.value.reasons] == ["CONSTRAINT_AUDIENCE"]


def test_a_purpose_that_the_terms_withhold_is_refused_with_its_clause():
    offer = make.offer(terms=NO_AI)
    with pytest.raises(UseNotPermitted) as refusal:
        issue(offer, purpose="train_model")
    assert {each.code for each in refusal.value.reasons} == {"NO_PERMISSION"}
    assert refusal.value.reasons[0].clause in str(refusal.value)
    assert issue(offer, purpose="product")


def test_an_unknown_purpose_is_no_purpose():
    with pytest.raises(UseNotPermitted):
        issue(make.offer(), purpose="fly")


@pytest.mark.parametrize(
    "free, basis", [(True, "paid"), (False, "free"), (True, "standing"), (False, "gift")]
)
def test_paid_and_free_grants_each_have_their_offers(free, basis):
    offer = make.free_offer() if free else make.offer()
    with pytest.raises(BasisRefused):
        issue(offer, basis=basis)


def test_only_what_is_free_to_everybody_stands():
    for offer in (make.offer(), make.offer(terms=make.FOR_EDUCATION, price=make.ZERO)):
        with pytest.raises(BasisRefused):
            grants.stand(offer_id=offer.pk, now=make.NOW)


def test_a_reference_belongs_to_one_licensee_and_one_offer():
    offer, licensee = make.offer(), make.party()
    issue(offer, licensee_id=licensee.pk, reference="line-1")
    for other in ({"licensee_id": make.party().pk}, {"offer_id": make.offer().pk}):
        with pytest.raises(ReferenceReused):
            issue(offer, **{"licensee_id": licensee.pk, "reference": "line-1", **other})


def test_asking_first_gives_the_same_answer_and_grants_nothing():
    good, ended, schools = make.offer(), make.offer(), make.offer(terms=make.FOR_EDUCATION, price=make.ZERO)
    offers.withdraw(offer_id=ended.pk, now=make.NOW)
    assert grants.check(offer_id=good.pk, purpose="publish") == good
    for offer, error in (
        (ended, OfferEnded),
        (make.offer(terms=EXCLUSIVE), ExclusiveNotSold),
        (schools, AudienceNotDeclared),
        (make.offer(terms=NO_AI), UseNotPermitted),
    ):
        with pytest.raises(error):
            grants.check(offer_id=offer.pk, purpose="train_model")
    assert not queries.count_named_grants()


def test_named_grants_are_counted_without_those_to_everybody():
    grant, other = make.grant(make.free_offer()), make.grant()
    assert queries.count_named_grants() == 2
    assert queries.count_named_grants(licensor_id=grant.licensor_id) == 1
    assert queries.count_named_grants(asset_id=other.version.asset_id) == 1


def test_what_is_not_there_is_named():
    for ask in (queries.party, queries.asset, queries.version, queries.file, queries.offer, queries.grant):
        with pytest.raises(NotFound) as refusal:
            ask(uuid4())
        assert refusal.value.kind == ask.__name__
    for name in ("nothing", "ark:99999/w5", ""):
        with pytest.raises(NotFound):
            queries.asset_named(name)
    with pytest.raises(NotFound):
        queries.grant_numbered("G-2026-999999")
