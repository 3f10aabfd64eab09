"""Links, ranges, search words, purposes, covers: the small pure rules of the marketplace."""

from datetime import UTC, datetime, timedelta
from uuid import uuid4

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from licensing.domain.money import Money
from licensing.domain.terms import Template, Terms
from licensing.domain.vocabulary import Action
from marketplace.domain import excerpts, links, purposes, ranges, search_text, shapes
from marketplace.domain.links import Link, NotSigned
from marketplace.domain.purposes import Offered
from marketplace.domain.ranges import Span, Unsatisfiable

KEY = b"a key"
NOW = datetime(2026, 11, 23, 12, tzinfo=UTC)


def test_a_link_says_what_was_written_into_it():
    link = Link(uuid4(), uuid4(), uuid4(), NOW)
    assert links.read(links.write(link, key=KEY), key=KEY) == link


def test_a_link_with_any_character_changed_or_under_another_key_is_refused():
    text = links.write(Link(uuid4(), uuid4(), uuid4(), NOW), key=KEY)
    for place in range(len(text)):
        other = "A" if text[place] != "A" else "B"
        bent = text[:place] + other + text[place + 1 :]
        try:
            assert links.read(bent, key=KEY) == links.read(text, key=KEY)  # only unused bits of the last one
            assert place == len(text) - 1
        except NotSigned:
            pass
    for wrong in (text[:-1], text + "AA", "", "é", "="):
        with pytest.raises(NotSigned):
            links.read(wrong, key=KEY)
    with pytest.raises(NotSigned):
        links.read(text, key=b"another key")


@pytest.mark.parametrize(
    ("header", "expected"),
    [
        ("", Span(0, 10, False)),
        ("bytes=0-4", Span(0, 5, True)),
        ("bytes=5-", Span(5, 10, True)),
        ("bytes=-3", Span(7, 10, True)),
        ("bytes=-30", Span(0, 10, True)),
        ("bytes=5-99", Span(5, 10, True)),
        ("bytes=5-4", Span(0, 10, False)),
        ("bytes=0-1,3-4", Span(0, 10, False)),
        ("bytes=-", Span(0, 10, False)),
        ("bytes=x-y", Span(0, 10, False)),
        ("rows=0-4", Span(0, 10, False)),
    ],
)
def test_a_range_is_read_as_the_specification_says(header, expected):
    """RFC 9110, section 14.1.2."""
    assert ranges.span(header, size=10) == expected


@pytest.mark.parametrize("header", ["bytes=10-", "bytes=99-100", "bytes=-0"])
def test_a_range_behind_the_end_cannot_be_satisfied(header):
    with pytest.raises(Unsatisfiable):
        ranges.span(header, size=10)


def test_a_range_of_another_state_of_the_file_gets_the_whole():
    """RFC 9110, section 13.1.5."""
    assert ranges.span("bytes=5-", size=10, if_range='"old"', etag='"new"') == Span(0, 10, False)
    assert ranges.span("bytes=5-", size=10, if_range='"new"', etag='"new"') == Span(5, 10, True)
    assert ranges.span("bytes=5-", size=10, if_range='W/"new"', etag='"new"') == Span(0, 10, False)


@settings(max_examples=100, deadline=None, derandomize=True)
@given(size=st.integers(1, 200), start=st.integers(0, 250), last=st.integers(0, 250))
def test_a_range_never_reaches_outside_the_file(size, start, last):
    try:
        span = ranges.span(f"bytes={start}-{last}", size=size)
    except Unsatisfiable:
        assert start >= size
    else:
        assert 0 <= span.start < span.end <= size


def test_traditional_simplified_and_wide_letters_are_found_alike():
    assert search_text.index_words("唐詩") == search_text.index_words("唐诗")
    assert search_text.fold("ＴＡＮＧ Café") == "tang cafe"


def test_a_question_finds_a_title_by_any_of_its_words():
    words = set(search_text.index_words("唐诗三百首"))
    for question in ("唐诗", "三百首", "诗三", "首"):
        assert all(set(group) <= words for group in search_text.question_words(question)), question


def test_empty_words_are_left_out_of_a_question_that_has_others():
    assert search_text.question_words("苏轼的词") == [["苏轼"], ["词"]]
    assert search_text.question_words("the") == [["the"]]
    assert search_text.question_words("!& | '") == []


def test_a_title_is_found_by_its_sound_and_sorted_by_it():
    assert {"tang", "tangshi", "ts"} <= set(search_text.pinyin_words("唐诗"))
    assert search_text.sort_key("唐诗") < search_text.sort_key("元曲")


def offered(amount, withheld=(), **limits):
    template = Template.COMMERCIAL_DEVELOPMENT if amount else Template.RESEARCH_EDUCATION
    terms = Terms.of(template, withheld=withheld, **limits)
    return Offered(uuid4(), Money(amount, "CNY"), terms)


def test_what_is_free_for_schools_is_chosen_for_a_school_and_bought_by_others():
    free, priced = offered(0, audience=("education",)), offered(9900)
    assert purposes.choose([priced, free], purpose="study_teach").offer == priced
    assert purposes.choose([priced, free], purpose="study_teach", audience="education").offer == free
    assert purposes.choose([priced, free], purpose="product", audience="education").offer == priced


def test_a_purpose_that_nothing_allows_is_refused_with_the_clause():
    priced = offered(9900, withheld=[Action.TRAIN_AI])
    choice = purposes.choose([priced], purpose="train_model")
    assert choice.offer is None and not choice.asks_institution
    assert [(r.code, str(r.detail)) for r in choice.reasons] == [("NO_PERMISSION", "train_ai")]
    assert choice.reasons[0].clause


def test_an_institution_that_is_all_that_is_missing_is_asked_for():
    choice = purposes.choose([offered(0, audience=("education",))], purpose="study_teach")
    assert choice.offer is None and choice.asks_institution


def test_a_place_counts_only_when_it_is_named():
    only_china = offered(9900, territory=("CN",))
    assert purposes.choose([only_china], purpose="other").offer == only_china
    assert purposes.choose([only_china], purpose="other", territory="CN").offer == only_china
    refused = purposes.choose([only_china], purpose="other", territory="JP")
    assert [reason.code for reason in refused.reasons] == ["CONSTRAINT_TERRITORY"]


def test_an_exclusive_offer_is_not_taken_where_another_does():
    exclusive, other = offered(9900, exclusive=True), offered(9900)
    assert purposes.choose([exclusive, other], purpose="other").offer == other


def test_nothing_offered_is_no_choice():
    assert purposes.choose([], purpose="other") == purposes.Choice(None, None, ())


def test_a_delivery_is_permitted_until_the_grant_is_revoked():
    terms = offered(9900, territory=("CN",), audience=("education",)).terms
    assert purposes.delivery(terms, revoked_at=None, now=NOW).permit
    decision = purposes.delivery(terms, revoked_at=NOW - timedelta(seconds=1), now=NOW)
    assert not decision.permit and decision.reasons[0].code == "REVOKED"


def test_a_grant_that_withholds_downloads_delivers_nothing():
    terms = offered(9900, withheld=[Action.DOWNLOAD]).terms
    assert not purposes.delivery(terms, revoked_at=None, now=NOW).permit


def test_the_first_verses_and_rows_come_from_whatever_fields_hold_them():
    assert excerpts.verses([{"title": "x", "paragraphs": ["一", "二"]}, {"content": ["三"]}]) == [
        "一",
        "二",
        "三",
    ]
    assert excerpts.verses([{"content": [{"chapter": "a", "paragraphs": ["四"]}]}]) == ["四"]
    assert excerpts.rows([{"id": "1", "title": "Bell", "year": "1200"}, {"title": ""}]) == [["Bell", "1200"]]


def test_a_model_that_is_none_is_refused():
    for data in (b"", b"glTF", b"glTF" + bytes(40), b"\x00" * 100):
        with pytest.raises(shapes.ModelUnreadable):
            shapes.silhouette(data)
