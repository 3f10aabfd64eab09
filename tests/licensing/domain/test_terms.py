"""Terms: one spelling, one address, and sentences that say all of it in both languages."""

import re
from dataclasses import replace

import pytest
from hypothesis import given, seed, settings
from hypothesis import strategies as st

from licensing.domain import vocabulary
from licensing.domain.terms import (
    PURPOSES,
    TEMPLATE_USES,
    USES,
    Action,
    Template,
    Terms,
    actions_of,
    clauses,
    prohibitions_of,
    sentences,
)
from licensing.errors import TermsRefused

OPEN = Terms.of(Template.PUBLIC_ACCESS)
HAN = re.compile(r"[\u4e00-\u9fff]")


@st.composite
def some_terms(draw):
    uses = draw(st.frozensets(st.sampled_from(Action), min_size=1))
    template = draw(st.sampled_from(Template))
    words = [*vocabulary.PROHIBITION_PHRASES, *(set(Action) - uses)]
    return Terms(
        template=template,
        uses=uses,
        duties=tuple(draw(st.lists(st.sampled_from([*vocabulary.DUTY_PHRASES])))),
        prohibitions=tuple(draw(st.lists(st.sampled_from(sorted(words)), max_size=3))),
        territory=tuple(draw(st.lists(st.sampled_from(["CN", "HK", "MO", "TW", "GB", "JP"])))),
        audience=tuple(draw(st.lists(st.sampled_from([*vocabulary.AUDIENCES])))),
        exclusive=template != Template.PUBLIC_ACCESS and draw(st.booleans()),
        updates_days=draw(st.none() | st.integers(1, 36_500)),
    )


@seed(20261123)
@settings(max_examples=150, deadline=None)
@given(some_terms())
def test_terms_come_back_from_their_bytes(terms):
    again = Terms.from_canonical(terms.canonical())
    assert again == terms
    assert again.sha256 == terms.sha256


@seed(20261123)
@settings(max_examples=150, deadline=None)
@given(some_terms(), some_terms())
def test_other_terms_have_another_address_and_other_sentences(one, two):
    if one == two:
        return
    assert one.sha256 != two.sha256

    def said(terms, language):
        return [(each.text, each.kind) for each in sentences(terms, language)]

    def rules(terms):
        own_words = set(terms.prohibitions) - set(Action)
        limits = (terms.territory, terms.audience, terms.exclusive, terms.updates_days)
        return terms.uses, terms.duties, own_words, limits

    if rules(one) != rules(two):  # a use is withheld in the same words, named as forbidden or left out
        assert said(one, "zh-hans") != said(two, "zh-hans")
        assert said(one, "en") != said(two, "en")


@seed(20261123)
@settings(max_examples=150, deadline=None)
@given(some_terms())
def test_every_action_stands_in_exactly_one_clause_and_clauses_are_numbered(terms):
    rules = clauses(terms)
    assert [each.number for each in rules] == [str(number) for number in range(1, len(rules) + 1)]
    for action in Action:
        kinds = [each.kind for each in rules if action in each.actions]
        assert kinds == (["may"] if action in terms.uses else ["may_not"])


@seed(20261123)
@settings(max_examples=150, deadline=None)
@given(some_terms())
def test_each_language_says_each_clause_in_its_own_script(terms):
    chinese, english = sentences(terms, "zh-hans"), sentences(terms, "en")
    assert [each.clause for each in chinese] == [each.clause for each in english]
    assert all(each.text.endswith("。") and HAN.search(each.text) for each in chinese)
    assert all(each.text.endswith(".") and not HAN.search(each.text) for each in english)


def test_the_six_words_of_the_catalogue_cover_all_actions_but_licensing_on():
    assert actions_of(USES) == frozenset(Action) - {Action.GRANT_USE}
    assert sum(len(actions) for actions in USES.values()) == len(Action) - 1


def test_every_word_has_its_phrase_and_every_purpose_its_name():
    assert vocabulary.USE_PHRASES.keys() == USES.keys()
    alone = {min(actions) for actions in USES.values() if len(actions) == 1}
    assert vocabulary.ACTION_PHRASES.keys() == set(Action) - alone
    assert vocabulary.PURPOSE_NAMES.keys() == PURPOSES.keys()
    assert vocabulary.TEMPLATE_NAMES.keys() == set(TEMPLATE_USES) == set(Template)


def test_an_open_licence_reads_naturally_in_chinese_and_in_english():
    terms = Terms(
        template=Template.RESEARCH_EDUCATION,
        uses=USES["read"] | {Action.REPRODUCE},
        duties=("attribute",),
        prohibitions=("technical_protection",),
        territory=("CN", "HK"),
        audience=("education",),
        updates_days=365,
    )
    assert [f"{each.clause} {each.text}" for each in sentences(terms, "zh-hans")] == [
        "1 可以阅览、下载或保存数据。",
        "2 可以复制。",
        "3 自交付起 365 天内提供更新与支持；已交付的副本可以一直使用，不受此期限影响。",
        "4 须属于教育机构（学校、高等院校及其师生），并写明机构名称。",
        "5 须按数据页所列署名方式注明来源。",
        "6 不得用程序分析和挖掘数据。",
        "7 不得向他人传播，或公开展示、放映、播出。",
        "8 不得用于商业目的。",
        "9 不得用于训练人工智能模型（含生成式），或作为模型的输入。",
        "10 不得改编、翻译或加工。",
        "11 不得把本授权转授他人（材料自身的开放许可不受影响）。",
        "12 不得以技术措施限制他人行使许可所给的权利。",
        "13 不得在中国内地、中国香港以外使用。",
    ]
    assert [each.text for each in sentences(terms, "en")][2:5] == [
        "Updates and support last 365 days from delivery; copies delivered stay usable for good.",
        "You must belong to an educational institution (school or university, its teachers and students),"
        " and name it.",
        "You must give the credit line that stands with the data.",
    ]
    assert (
        sentences(terms, "en")[-1].text == "You may not use it outside mainland China and Hong Kong, China."
    )


def test_the_mainland_is_not_the_whole_of_china():
    names = [
        sentences(replace(OPEN, territory=(code,)), "zh-hans")[-1].text for code in ("CN", "HK", "MO", "TW")
    ]
    assert len(set(names)) == 4


def test_order_and_repetition_do_not_change_the_address():
    one = replace(OPEN, duties=("state_changes", "attribute", "attribute"), territory=("HK", "CN"))
    two = replace(OPEN, duties=("attribute", "state_changes"), territory=("CN", "HK", "CN"))
    assert one.sha256 == two.sha256


def test_withheld_uses_are_not_in_the_terms():
    terms = Terms.of(Template.COMMERCIAL_DEVELOPMENT, withheld=USES["machine_learning"])
    assert not terms.uses & USES["machine_learning"]
    assert Action.COMMERCIAL_USE in terms.uses


def test_a_prohibition_may_be_a_word_of_the_catalogue():
    assert prohibitions_of(["commercial", "technical_protection"]) == (
        "commercial_use",
        "technical_protection",
    )


@pytest.mark.parametrize(
    "field, change",
    [
        ("uses", {"uses": frozenset()}),
        ("uses", {"uses": ("fly",)}),
        ("uses", {"uses": "view"}),
        ("duties", {"duties": ("dance",)}),
        ("duties", {"duties": (1,)}),
        ("prohibitions", {"prohibitions": ("breathing",)}),
        ("prohibitions", {"prohibitions": ("view",)}),
        ("territory", {"territory": ("cn",)}),
        ("territory", {"territory": ("EU",)}),
        ("territory", {"territory": ("XX",)}),
        ("audience", {"audience": ("friends",)}),
        ("exclusive", {"exclusive": 1}),
        ("exclusive", {"exclusive": True}),
        ("updates_days", {"updates_days": 0}),
        ("updates_days", {"updates_days": 36_501}),
        ("updates_days", {"updates_days": True}),
        ("updates_days", {"updates_days": 1.5}),
        ("template", {"template": "party"}),
    ],
)
def test_terms_that_make_no_sense_are_refused_by_field(field, change):
    with pytest.raises(TermsRefused) as refusal:
        replace(OPEN, **change)
    assert refusal.value.field == field


@pytest.mark.parametrize(
    "spoil",
    [
        lambda data: b"",
        lambda data: b"[]",
        lambda data: data[:-1],
        lambda data: data.replace(b'"v":1', b'"v":2'),
        lambda data: data.replace(b'"v":1', b'"v":1 '),
        lambda data: data.replace(b'["adapt",', b'["adapt","adapt",'),
        lambda data: data.replace(b'"duties":[],', b""),
        lambda data: data.replace(b'"duties":[]', b'"duties":[],"extra":1'),
        lambda data: data.replace(b'"public_access"', b'["public_access"]'),
    ],
)
def test_bytes_that_are_not_exactly_terms_are_refused(spoil):
    with pytest.raises(TermsRefused):
        Terms.from_canonical(spoil(OPEN.canonical()))
