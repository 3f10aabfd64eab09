"""The rules that the database holds against everybody, tried in plain SQL with the application's login."""

import json

import pytest
from django.db import DatabaseError, connection, transaction

from ledger.domain import entry
from licensing.actions import grants
from licensing.domain.parties import PUBLIC_PARTY_ID
from licensing.domain.terms import Template, Terms
from licensing.models import Grant, Offer, OfferEnd, Policy
from tests import factories as make

pytestmark = pytest.mark.django_db

COPY_OFFER = """
    INSERT INTO licensing_offer (id, asset_id, version_id, policy_id, share_plan_id, licensor_id, price_minor_units,
        currency, exclusive, audience, supersedes_id, intent_id, published_at)
    SELECT gen_random_uuid(), {asset}, {version}, {policy}, {plan}, {licensor}, {price}, {currency}, {exclusive},
        {audience}, {supersedes}, {intent}, published_at
    FROM licensing_offer o WHERE id = '{id}'
"""
COPY_GRANT = """
    INSERT INTO licensing_grant (id, number, offer_id, version_id, policy_id, licensor_id, licensee_id, basis,
        purpose, reference, intent_id, issued_at)
    SELECT gen_random_uuid(), 'G-COPY', o.id, {version}, {policy}, {licensor}, '{licensee}', '{basis}',
        '{purpose}', '{reference}', {intent}, published_at
    FROM licensing_offer o WHERE id = '{id}'
"""
APPEND_ONLY = [
    "identifier",
    "assetversion",
    "assetfile",
    "edition",
    "editionsource",
    "shareplan",
    "share",
    "policy",
    "offer",
    "offerend",
    "grant",
    "grantrevocation",
]


def run(sql, values=None):
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(sql, values)
        return cursor.fetchall() if cursor.description else cursor.rowcount


def refused(sql, words, values=None):
    """Run a statement with its deferred rules, and hold it to be refused in these words."""
    with pytest.raises(DatabaseError, match=words), transaction.atomic():
        run(sql, values)
        run("SET CONSTRAINTS ALL IMMEDIATE")


def new_intent():
    """Insert an intent as the application can, to be the reference of a row that no action wrote."""
    data = json.dumps({"n": str(new_intent.count)}).encode()
    new_intent.count += 1
    return run(
        "INSERT INTO ledger_intent (idempotency_key, canonical, leaf_hash, created_at)"
        " VALUES (%s, %s, sha256('\\x00'::bytea || %s::bytea), now()) RETURNING id",
        [f"by hand {new_intent.count}", data, data],
    )[0][0]


new_intent.count = 0


def copy_of(offer, **changed):
    """Return SQL that inserts an offer like this one, but for what is changed."""
    parts = {
        "asset": "asset_id",
        "version": "version_id",
        "policy": "policy_id",
        "plan": "share_plan_id",
        "licensor": "licensor_id",
        "price": "price_minor_units",
        "currency": "currency",
        "exclusive": "exclusive",
        "audience": "audience",
        "supersedes": "NULL",
        **changed,
    }
    return COPY_OFFER.format(id=offer.pk, intent=new_intent(), **parts)


def grant_on(offer, **changed):
    """Return SQL that inserts a grant on an offer as it should be, but for what is changed."""
    parts = {
        "version": "version_id",
        "policy": "policy_id",
        "licensor": "licensor_id",
        "licensee": make.party().pk,
        "basis": "paid" if offer.price_minor_units else "free",
        "purpose": "product",
        "reference": f"by hand {new_intent.count}",
        **changed,
    }
    return COPY_GRANT.format(id=offer.pk, intent=new_intent(), **parts)


def policy_of(terms):
    row = Policy(sha256=terms.sha256, canonical=terms.canonical(), template=terms.template)
    Policy.objects.bulk_create([row], ignore_conflicts=True)
    return f"'{row.pk}'"


@pytest.fixture
def everything():
    """One row at least in each append-only table."""
    priced = make.edition()
    make.offer(priced, terms=make.FOR_EDUCATION, price=make.ZERO)
    offer = make.offer(priced)
    make.offer(priced, supersedes=offer)
    grant = grants.stand(offer_id=make.free_offer().pk, now=make.NOW)
    grants.revoke(grant_id=grant.pk, reason="by mistake", now=make.NOW)


# What was written stays as it was written.


@pytest.mark.parametrize("table", APPEND_ONLY)
def test_a_row_of_the_past_is_not_updated_deleted_or_truncated(everything, table):
    column = run(
        "SELECT column_name FROM information_schema.columns WHERE table_name = %s AND data_type = 'uuid'"
        " OR table_name = %s ORDER BY ordinal_position LIMIT 1",
        [f"licensing_{table}"] * 2,
    )[0][0]
    assert run(f"SELECT count(*) FROM licensing_{table}") != [(0,)]
    refused(f"UPDATE licensing_{table} SET {column} = {column}", "permission denied|append-only")
    refused(f"DELETE FROM licensing_{table}", "permission denied|append-only")
    refused(f"TRUNCATE licensing_{table} CASCADE", "permission denied|append-only")


@pytest.mark.parametrize("table", APPEND_ONLY)
def test_the_trigger_alone_keeps_the_past_too(everything, table):
    """The owner has every right on the table; what stops it is the trigger."""
    triggers = run(
        "SELECT count(*), bool_and(tgenabled = 'A') FROM pg_trigger WHERE tgrelid = %s::regclass"
        " AND tgname ~ '^pgtrigger_append_only_[0-9a-f]{5}(_t)?$'",
        [f"licensing_{table}"],
    )
    assert triggers == [(2, True)]


@pytest.mark.parametrize(
    "statement",
    [
        "DROP TABLE licensing_grant",
        "DROP TABLE licensing_asset CASCADE",
        "ALTER TABLE licensing_grant DISABLE TRIGGER ALL",
        "ALTER TABLE licensing_offer DISABLE TRIGGER USER",
        "ALTER TABLE licensing_asset DROP CONSTRAINT asset_form",
        "ALTER TABLE licensing_offer ADD COLUMN more text",
        "DROP FUNCTION licensing_check_prices(uuid) CASCADE",
        "CREATE OR REPLACE FUNCTION licensing_check_prices(checked uuid) RETURNS void AS '' LANGUAGE sql",
        "SET session_replication_role = replica",
        "CREATE TABLE mine (id int)",
        "CREATE TEMPORARY TABLE licensing_offerend (offer_id uuid)",
        "ALTER SEQUENCE licensing_grant_number RESTART",
        "SELECT setval('licensing_grant_number', 1)",
    ],
)
def test_the_application_cannot_take_a_rule_away(statement):
    refused(statement, "must be owner|permission denied")


def test_the_application_cannot_become_the_owner():
    owner = run("SELECT tableowner FROM pg_tables WHERE tablename = 'licensing_grant'")[0][0]
    assert owner != run("SELECT current_user")[0][0]
    refused(f'SET ROLE "{owner}"', "permission denied")
    refused(f'SET SESSION AUTHORIZATION "{owner}"', "permission denied")


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


def test_the_standing_grant_on_a_public_asset_is_not_revoked():
    make.free_offer(make.asset(public=True))
    grant = Grant.objects.get()
    refused(
        "INSERT INTO licensing_grantrevocation (grant_id, reason, revoked_at, intent_id)"
        f" VALUES ('{grant.pk}', 'because', now(), {new_intent()})",
        "public interest: the standing grant",
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


# Offers fit their asset, grants fit their offer.


def test_an_offer_takes_version_shares_licensor_and_predecessor_from_its_asset():
    offer, other = make.offer(), make.offer()
    for part, column in (("version", "version_id"), ("plan", "share_plan_id"), ("licensor", "licensor_id")):
        theirs = f"(SELECT {column} FROM licensing_offer WHERE id = '{other.pk}')"
        refused(copy_of(offer, **{part: theirs}), "are those of its asset")
    refused(copy_of(offer, supersedes=f"'{other.pk}'"), "are those of its asset")


def test_an_offer_says_what_its_terms_say():
    offer = make.offer()
    refused(copy_of(offer, exclusive="true"), "those of its terms")
    refused(copy_of(offer, audience="'{education}'"), "those of its terms")


@pytest.mark.parametrize(
    "changed, words",
    [
        ({"price": "-1"}, "offer_price_not_negative"),
        ({"currency": "'XXX'"}, "offer_currency"),
        ({"currency": "'RMB'"}, "offer_currency"),
    ],
)
def test_an_offer_has_a_price_in_a_currency_that_is_sold(changed, words):
    refused(copy_of(make.offer(), **changed), words)


def test_a_policy_stands_under_the_hash_of_its_own_bytes():
    insert = "INSERT INTO licensing_policy (sha256, canonical, template) VALUES (%s, %s, %s)"
    data = make.COMMERCIAL.canonical()
    right = make.COMMERCIAL.sha256
    refused(insert, "hash of its own bytes", ["0" * 64, data, "commercial_development"])
    refused(insert, "hash of its own bytes", [right, data + b" ", "commercial_development"])
    refused(insert, "terms of its template", [right, data, "public_access"])


def test_superseding_is_told_apart_from_withdrawing():
    offer = make.offer()
    insert = "INSERT INTO licensing_offerend (offer_id, reason, ended_at) VALUES (%s, %s, now())"
    refused(insert, "superseded by an offer, or else withdrawn", [offer.pk, "superseded"])
    refused(insert, "offer_end_reason", [offer.pk, "forgotten"])


def test_a_grant_takes_version_terms_and_licensor_from_its_offer():
    offer, other = make.offer(), make.offer(terms=make.OPEN)
    for part, column in (("version", "version_id"), ("policy", "policy_id"), ("licensor", "licensor_id")):
        theirs = f"(SELECT {column} FROM licensing_offer WHERE id = '{other.pk}')"
        refused(grant_on(offer, **{part: theirs}), "those of its offer")


def test_a_grant_is_paid_where_there_is_a_price_and_free_where_there_is_none():
    refused(grant_on(make.offer(), basis="free"), "what has a price is paid")
    refused(grant_on(make.free_offer(), basis="paid"), "what has a price is paid")


def test_only_the_public_holds_a_standing_grant_and_only_of_what_is_for_everybody():
    free, schools = make.free_offer(), make.offer(terms=make.FOR_EDUCATION, price=make.ZERO)
    refused(grant_on(free, basis="standing"), "grant_standing_is_for_everybody")
    refused(grant_on(free, licensee=PUBLIC_PARTY_ID), "grant_standing_is_for_everybody")
    refused(grant_on(schools, basis="standing", licensee=PUBLIC_PARTY_ID), "an offer to some")
    refused(grant_on(free, basis="standing", licensee=PUBLIC_PARTY_ID), "grant_one_standing")


def test_an_exclusive_offer_is_granted_to_nobody():
    exclusive = Terms.of(Template.COMMERCIAL_DEVELOPMENT, exclusive=True)
    refused(grant_on(make.offer(terms=exclusive)), "shown, not sold")


def test_an_offer_that_was_withdrawn_grants_nothing_more():
    offer = make.offer()
    run(
        f"INSERT INTO licensing_offerend (offer_id, reason, ended_at) VALUES ('{offer.pk}', 'withdrawn', now())"
    )
    refused(grant_on(offer), "its offer has ended")


def test_a_grant_has_a_purpose_and_a_reference_that_are_known():
    offer = make.offer()
    refused(grant_on(offer, purpose="fly"), "grant_purpose")
    refused(grant_on(offer, reference=""), "grant_reference_given")


def test_one_entry_of_the_ledger_stands_for_one_grant():
    offer = make.offer()
    sql = grant_on(offer)
    run(sql)
    refused(sql.replace("G-COPY", "G-OTHER").replace("by hand", "again by hand"), "intent_id")


# What belongs to a whole is there when it is committed, and nothing joins it later.


def test_a_version_is_published_with_all_its_files_and_gets_no_more():
    version = make.asset().versions.get()
    file = (
        "INSERT INTO licensing_assetfile (id, version_id, position, name, media_type, byte_size, sha256, storage_key,"
        " source) VALUES (gen_random_uuid(), %s, {position}, 'late.csv', 'text/csv', 1, repeat('0', 64), '', '{{}}')"
    )
    refused(file.format(position=2), "announced fewer rows", [version.pk])
    refused(file.format(position=1), "file_position", [version.pk])
    refused(
        "INSERT INTO licensing_assetversion (id, asset_id, number, title, description, metadata, rights_uri,"
        " attribution, record_count, file_count, files_sha256, source_digest, intent_id, published_at)"
        " SELECT gen_random_uuid(), asset_id, 2, title, description, metadata, rights_uri, attribution, 1, 2,"
        f" files_sha256, 'x', {new_intent()}, published_at FROM licensing_assetversion WHERE id = '{version.pk}'",
        "2 rows of licensing_assetfile were announced",
    )


def test_shares_are_agreed_all_at_once():
    plan = make.asset().share_plans.get()
    share = "INSERT INTO licensing_share (plan_id, position, party_id, weight) VALUES (%s, %s, %s, 1)"
    refused(share, "announced fewer rows", [plan.pk, 3, make.party().pk])
    refused(share, "share_position", [plan.pk, 2, make.party().pk])


def test_an_identifier_counter_is_never_set_back():
    make.asset()
    refused("UPDATE licensing_identifiercounter SET next = 0", "never set back")
    refused("DELETE FROM licensing_identifiercounter", "never set back")


def test_what_a_licensee_said_is_erased_but_never_rewritten():
    offer = make.free_offer()
    grants.issue(
        offer_id=offer.pk,
        licensee_id=make.party(kind="person").pk,
        basis="free",
        purpose="study_teach",
        reference="line-1",
        detail={"licensee_name": "Li Hua"},
        now=make.NOW,
    )
    refused("UPDATE licensing_grantdetail SET licensee_name = 'Wang Wei'", "never rewritten")
    assert run("DELETE FROM licensing_grantdetail") == 1
    assert entry.SALT_SIZE == 32 and Offer.objects.filter(pk=offer.pk).exists()


def test_there_is_one_public_and_one_platform_and_nobody_becomes_another_kind():
    for kind in ("public", "platform"):
        refused(
            "INSERT INTO licensing_party (id, kind, organisation_kind, name, region, created_at)"
            f" VALUES (gen_random_uuid(), '{kind}', '', '{{\"en\": \"we\"}}', '', now())",
            "party_one_public_one_platform",
        )
    refused(f"UPDATE licensing_party SET kind = 'public' WHERE id = '{make.party().pk}'", "do not change")
