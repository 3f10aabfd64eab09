"""May I? Every no names its clause, and nothing unknown is a yes."""

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given, seed, settings
from hypothesis import strategies as st

from licensing.domain.decision import Reason, Request, explain, may
from licensing.domain.terms import PURPOSES, USES, Action, Template, Terms, clauses

NOON = datetime(2026, 11, 23, 12, tzinfo=UTC)
OPEN = Terms.of(Template.PUBLIC_ACCESS, duties=("attribute",))
NO_AI = Terms.of(Template.COMMERCIAL_DEVELOPMENT, withheld=USES["machine_learning"])
SCHOOLS = Terms.of(Template.RESEARCH_EDUCATION, audience=("education",))
MAINLAND = Terms.of(Template.COMMERCIAL_DEVELOPMENT, territory=("CN",))


@pytest.mark.parametrize("purpose", PURPOSES)
def test_open_terms_permit_every_purpose_and_say_what_it_obliges_to(purpose):
    decision = may(Request(purpose=purpose), OPEN)
    assert decision.permit and not decision.reasons
    assert [(each.code, each.clause) for each in decision.obligations] == [("attribute", "9")]


def test_a_withheld_use_is_refused_with_the_clause_that_withholds_it():
    decision = may(Request(purpose="train_model"), NO_AI)
    clause = next(each.number for each in clauses(NO_AI) if Action.TRAIN_AI in each.actions)
    assert not decision.permit
    assert decision.reasons == (
        Reason("NO_PERMISSION", clause, "train_ai"),
        Reason("NO_PERMISSION", clause, "train_generative_ai"),
    )
    assert explain(decision.reasons[0], NO_AI, "zh-hans").startswith("不得用于训练人工智能模型")


def test_a_named_prohibition_is_told_apart_from_a_use_left_out():
    terms = Terms.of(Template.RESEARCH_EDUCATION, prohibitions=("commercial_use",))
    codes = {each.detail: each.code for each in may(Request(purpose="product"), terms).reasons}
    assert codes == {"commercial_use": "PROHIBITED", "redistribute": "NO_PERMISSION"}


def test_another_territory_is_refused_and_an_unsaid_one_is_asked_for():
    here, there, nowhere = (
        may(Request(purpose="publish", territory=at), MAINLAND) for at in ("CN", "HK", None)
    )
    assert here.permit
    assert [each.code for each in there.reasons] == ["CONSTRAINT_TERRITORY"]
    assert [each.code for each in nowhere.reasons] == ["MISSING_CONTEXT:territory"]
    assert nowhere.is_only_missing_context and not there.is_only_missing_context
    assert explain(there.reasons[0], MAINLAND, "en") == "You may not use it outside mainland China."
    assert explain(nowhere.reasons[0], MAINLAND, "en") == "Say where you want to use it."


def test_another_audience_is_refused_and_an_unsaid_one_is_asked_for():
    codes = [
        [each.code for each in may(Request(purpose="study_teach", audience=audience), SCHOOLS).reasons]
        for audience in ("education", "public_culture", None)
    ]
    assert codes == [[], ["CONSTRAINT_AUDIENCE"], ["MISSING_CONTEXT:audience"]]


def test_a_revoked_grant_permits_what_was_before_and_nothing_after():
    request = Request(purpose="study_teach", at=NOON)
    assert may(request, OPEN, revoked_at=NOON + timedelta(seconds=1)).permit
    assert [each.code for each in may(request, OPEN, revoked_at=NOON).reasons] == ["REVOKED"]
    unsaid = may(Request(purpose="study_teach"), OPEN, revoked_at=NOON)
    assert [each.code for each in unsaid.reasons] == ["MISSING_CONTEXT:at"]


def test_a_purpose_nobody_knows_and_a_request_for_nothing_are_not_permitted():
    assert [each.code for each in may(Request(purpose="fly"), OPEN).reasons] == ["UNKNOWN_OPERAND"]
    assert [each.code for each in may(Request(), OPEN).reasons] == ["MISSING_CONTEXT:use"]


@seed(20261123)
@settings(max_examples=400, deadline=None)
@given(
    uses=st.frozensets(st.sampled_from(Action), min_size=1),
    wanted=st.frozensets(st.sampled_from(Action), min_size=1),
    territory=st.sets(st.sampled_from(["CN", "HK", "GB"])),
    where=st.sampled_from(["CN", "HK", "GB", None]),
    audience=st.sets(st.sampled_from(["education", "public_culture"])),
    who=st.sampled_from(["education", "public_culture", None]),
)
def test_a_permit_is_exactly_what_the_terms_say(uses, wanted, territory, where, audience, who):
    terms = Terms(
        template=Template.COMMERCIAL_DEVELOPMENT,
        uses=uses,
        territory=tuple(territory),
        audience=tuple(audience),
    )
    decision = may(Request(actions=wanted, territory=where, audience=who), terms)
    plain = wanted <= uses and (not territory or where in territory) and (not audience or who in audience)
    assert decision.permit == plain
    numbers = {each.number for each in clauses(terms)}
    assert all(reason.clause in numbers for reason in decision.reasons)
    for reason in decision.reasons:
        assert explain(reason, terms, "zh-hans") and explain(reason, terms, "en")
