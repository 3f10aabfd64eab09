"""The public interest in plain SQL: whatever the application's login writes, what is public stays free."""

import pytest
from django.db import DatabaseError, transaction

from licensing import queries
from licensing.domain.terms import Template, Terms
from licensing.models import OfferEnd
from tests import factories as make
from tests.licensing.by_hand import copy_of, new_intent, policy_of, refused, run

pytestmark = pytest.mark.django_db

# Public stays free.


def test_a_priced_offer_on_a_public_asset_is_refused():
    offer = make.free_offer(make.asset(public=True))
    refused(copy_of(offer, price=100), "public interest: free, for everybody")


@pytest.mark.parametrize(
    "terms, changed",
    [
        (Terms.of(Template.COMMERCIAL_DEVELOPMENT, exclusive=True), {"exclusive": "true"}),
        (make.FOR_EDUCATION, {"audience": "'{education,public_culture}'"}),
        (Terms.of(Template.PUBLIC_ACCESS, territory=("CN",)), {}),
    ],
    ids=["exclusive", "for some only", "for one country only"],
)
def test_a_fence_around_a_public_asset_is_refused(terms, changed):
    offer = make.free_offer(make.asset(public=True))
    refused(copy_of(offer, policy=policy_of(terms), **changed), "public interest: free, for everybody")


def test_the_public_interest_flag_goes_one_way():
    asset = make.asset(public=True)
    refused(f"UPDATE licensing_asset SET public_interest = false WHERE id = '{asset.pk}'", "goes one way")
    refused(f"UPDATE licensing_asset SET public_interest_at = NULL WHERE id = '{asset.pk}'", "goes one way")
    refused(f"DELETE FROM licensing_asset WHERE id = '{asset.pk}'", "stays registered")


def test_setting_the_flag_by_hand_ends_every_priced_and_fenced_offer_at_once():
    asset = make.asset()
    priced = make.offer(asset)
    fenced = make.offer(asset, terms=make.FOR_EDUCATION, price=make.ZERO)
    abroad = Terms.of(Template.PUBLIC_ACCESS, territory=("CN",))
    local = make.offer(asset, terms=abroad, price=make.ZERO)
    free = make.free_offer(asset)
    run(f"UPDATE licensing_asset SET public_interest = true WHERE id = '{asset.pk}'")
    ends = OfferEnd.objects.filter(reason="public_interest").values_list("offer_id", flat=True)
    assert set(ends) == {priced.pk, fenced.pk, local.pk}
    assert not OfferEnd.objects.filter(offer=free).exists()


@pytest.mark.parametrize("column", ["licensor_id", "form", "external_id", "ark", "intent_id", "created_at"])
def test_an_asset_stays_what_it_was_registered_as(column):
    asset, other = make.asset(), make.asset()
    values = (
        f"(SELECT {column} FROM licensing_asset WHERE id = '{other.pk}')" if column != "form" else "'audio'"
    )
    if column == "created_at":
        values = "created_at + interval '1 second'"
    refused(
        f"UPDATE licensing_asset SET {column} = {values} WHERE id = '{asset.pk}'",
        "identity, licensor and form do not change",
    )


def test_the_last_free_offer_on_a_public_asset_is_not_withdrawn():
    offer = make.free_offer(make.asset(public=True))
    refused(
        f"INSERT INTO licensing_offerend (offer_id, reason, ended_at) VALUES ('{offer.pk}', 'withdrawn', now())",
        "one offer stays free to everybody",
    )


def test_ending_it_by_hand_under_another_reason_or_date_does_not_help():
    offer = make.free_offer(make.asset(public=True))
    for reason in ("public_interest", "withdrawn"):
        refused(
            "INSERT INTO licensing_offerend (offer_id, reason, ended_at) VALUES (%s, %s, '2001-01-01')",
            "one offer stays free to everybody",
            [offer.pk, reason],
        )


def test_what_was_given_to_everybody_is_not_taken_back():
    grant = queries.standing_grant(make.free_offer().version_id)
    refused(
        "INSERT INTO licensing_grantrevocation (grant_id, reason, revoked_at, intent_id)"
        f" VALUES ('{grant.pk}', 'because', now(), {new_intent()})",
        "what was given to everybody",
    )


def test_what_is_free_to_everybody_is_not_published_without_its_standing_grant():
    asset = make.asset()
    offer = make.offer(asset)
    refused(copy_of(offer, price=0), "what is free to everybody is granted to everybody")


def test_files_that_are_free_elsewhere_are_not_sold_as_they_are():
    same = make.file("the whole\n")
    make.free_offer(make.asset(public=True, files=[same]))
    twin = make.asset(files=[same])
    with pytest.raises(DatabaseError, match="these files are free elsewhere"), transaction.atomic():
        make.offer(twin)
        run("SET CONSTRAINTS ALL IMMEDIATE")


def test_files_that_are_free_elsewhere_may_stand_in_a_sold_bundle_with_others():
    same = make.file("the whole\n")
    make.free_offer(make.asset(public=True, files=[same]))
    make.offer(make.asset(files=[same, make.file("own\n", name="own.csv")]))
    run("SET CONSTRAINTS ALL IMMEDIATE")


# Editions: their sources, their plan, their free path.


def test_an_edition_names_only_public_sources():
    closed, public = make.asset(), make.asset(public=True)
    made = make.edition(public)
    for source in (closed, made):
        refused(
            "WITH e AS (SELECT id FROM licensing_edition) INSERT INTO licensing_editionsource (edition_id, position,"
            f" source_id) SELECT id, 1, '{source.pk}' FROM e",
            "sources are other assets, of public interest",
        )


EDITION = """
    INSERT INTO licensing_edition (id, asset_id, number, adds, benefit_plan, free_for, size, declared_at)
    VALUES (gen_random_uuid(), %s, 1, '{{"en": "more"}}', '{plan}', '{free_for}', {size}, now())
"""
WHOLE_PLAN = '{"zh-Hans": "免费", "en": "free"}'


@pytest.mark.parametrize(
    "changed, words",
    [
        ({"size": 1}, "1 rows of licensing_editionsource were announced"),
        ({"size": 0}, "edition_names_a_source"),
        ({"plan": '{"en": "free"}'}, "edition_benefit_plan"),
        ({"plan": '{"en": "free", "zh-Hans": "  "}'}, "edition_benefit_plan"),
        ({"free_for": "{education}"}, "edition_free_for"),
    ],
)
def test_an_edition_without_source_plan_or_free_readers_is_refused(changed, words):
    parts = {"size": 1, "plan": WHOLE_PLAN, "free_for": "{education,public_culture}", **changed}
    refused(EDITION.format(**parts), words, [make.asset().pk])


def test_an_edition_gets_no_more_sources_than_it_announced():
    made = make.edition()
    insert = "INSERT INTO licensing_editionsource (edition_id, position, source_id) VALUES (%s, %s, %s)"
    row = [made.editions.get().pk, make.asset(public=True).pk]
    refused(insert, "announced fewer rows", [row[0], 2, row[1]])
    refused(insert, "edition_source_position", [row[0], 1, row[1]])


def test_an_edition_has_a_price_only_beside_its_free_path():
    with pytest.raises(DatabaseError, match="a price stands only beside a free offer"), transaction.atomic():
        make.offer(make.edition())
        run("SET CONSTRAINTS ALL IMMEDIATE")


@pytest.mark.parametrize(
    "terms",
    [
        Terms.of(Template.RESEARCH_EDUCATION, audience=("education",)),
        Terms.of(Template.RESEARCH_EDUCATION, audience=("education", "public_culture"), territory=("CN",)),
    ],
    ids=["half of the readers", "one country"],
)
def test_a_narrower_free_path_is_none(terms):
    with pytest.raises(DatabaseError, match="a price stands only beside a free offer"), transaction.atomic():
        made = make.edition()
        make.offer(made, terms=terms, price=make.ZERO)
        make.offer(made)
        run("SET CONSTRAINTS ALL IMMEDIATE")


def test_the_free_path_of_a_priced_edition_is_not_withdrawn():
    made = make.edition()
    free = make.offer(made, terms=make.FOR_EDUCATION, price=make.ZERO)
    make.offer(made)
    run("SET CONSTRAINTS ALL IMMEDIATE")
    refused(
        f"INSERT INTO licensing_offerend (offer_id, reason, ended_at) VALUES ('{free.pk}', 'withdrawn', now())",
        "a price stands only beside a free offer",
    )
