"""The past in plain SQL: nothing is rewritten, nothing joins a whole, no rule is taken away."""

import json
from uuid import uuid4

import pytest
from django.db import transaction

from licensing.actions import grants
from licensing.domain.parties import PUBLIC_PARTY_ID
from tests import factories as make
from tests.licensing.by_hand import columns_of, new_intent, refused, run

pytestmark = pytest.mark.django_db

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


@pytest.fixture
def everything():
    """One row at least in each append-only table."""
    priced = make.edition()
    make.offer(priced, terms=make.FOR_EDUCATION, price=make.ZERO)
    offer = make.offer(priced)
    make.offer(priced, supersedes=offer)
    grants.revoke(grant_id=make.grant().pk, reason="by mistake", now=make.NOW)


# What was written stays as it was written.


def test_a_row_of_the_past_is_not_updated_deleted_or_truncated(everything):
    for table in APPEND_ONLY:
        column = next(iter(columns_of(table)))
        assert run(f"SELECT count(*) FROM licensing_{table}") != [(0,)]
        refused(f"UPDATE licensing_{table} SET {column} = {column}", "permission denied")
        refused(f"DELETE FROM licensing_{table}", "permission denied")
        refused(f"TRUNCATE licensing_{table} CASCADE", "permission denied")


def test_the_owner_is_stopped_too_by_a_trigger_that_is_always_on():
    for table in APPEND_ONLY:
        triggers = run(
            "SELECT count(*), bool_and(tgenabled = 'A') FROM pg_trigger WHERE tgrelid = %s::regclass"
            " AND tgname ~ '^pgtrigger_append_only_[0-9a-f]{5}(_t)?$'",
            [f"licensing_{table}"],
        )
        assert triggers == [(2, True)], table


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
    refused(
        "INSERT INTO licensing_shareplan SELECT gen_random_uuid(), 2, 2, agreed_at, asset_id FROM licensing_shareplan",
        "2 rows of licensing_share were announced",
    )
    share = "INSERT INTO licensing_share (plan_id, position, party_id, weight) VALUES (%s, %s, %s, 1)"
    refused(share, "announced fewer rows", [plan.pk, 3, make.party().pk])
    refused(share, "share_position", [plan.pk, 2, make.party().pk])


def test_an_identifier_counter_is_never_set_back():
    make.asset()
    refused("UPDATE licensing_identifiercounter SET next = 0", "never set back")
    refused("DELETE FROM licensing_identifiercounter", "never set back")


def test_there_is_one_public_and_one_platform_and_nobody_becomes_another_kind():
    for kind in ("public", "platform"):
        refused(
            "INSERT INTO licensing_party (id, kind, organisation_kind, name, region, created_at)"
            f" VALUES (gen_random_uuid(), '{kind}', '', '{{\"en\": \"we\"}}', '', now())",
            "party_one_public_one_platform",
        )
    refused(f"UPDATE licensing_party SET kind = 'public' WHERE id = '{make.party().pk}'", "do not change")


# Known words, whole hashes, numbers that come once: a row that is like another but for one thing is refused.

NEW_ARK = "ark:99999/w5new"
KEPT = "as in the row before"
PAID = "basis = 'paid'"
FREE = "basis = 'free'"
ROWS = [
    ("asset", "asset_form", {"form": "smell"}, ""),
    ("asset", "asset_public_interest_at", {"public_interest_at": "2026-01-01"}, "NOT public_interest"),
    ("asset", "asset_public_interest_at", {"public_interest_intent_id": 1}, "NOT public_interest"),
    ("asset", "licensing_asset_ark_key", {"external_id": ""}, ""),
    ("asset", "asset_external_id", {"ark": NEW_ARK}, ""),
    ("asset", "licensing_asset_intent_id_key", {"ark": NEW_ARK, "external_id": "", "intent_id": KEPT}, ""),
    (
        "asset",
        "licensing_asset_public_interest_intent_id_key",
        {"ark": NEW_ARK, "external_id": ""},
        "public_interest",
    ),
    ("assetfile", "file_position", {"name": "other.csv"}, ""),
    ("assetfile", "file_name_given", {"name": ""}, ""),
    ("assetfile", "file_sha256", {"sha256": "ABCDEF"}, ""),
    ("assetversion", "version_number", {}, ""),
    ("assetversion", "version_number_from_one", {"number": 0}, ""),
    ("assetversion", "version_title", {"title": {"fr": "titre"}}, ""),
    ("assetversion", "version_files_sha256", {"files_sha256": "0" * 63}, ""),
    ("assetversion", "licensing_assetversion_intent_id_key", {"number": 9, "intent_id": KEPT}, ""),
    ("edition", "edition_number", {}, ""),
    ("grant", "grant_basis", {"basis": "gift"}, FREE),
    ("grant", "licensing_grant_number_key", {}, PAID),
    ("grant", "licensing_grant_reference_key", {"number": "G-NEW"}, PAID),
    (
        "grant",
        "licensing_grant_intent_id_key",
        {"number": "G-NEW", "reference": "new", "intent_id": KEPT},
        PAID,
    ),
    ("grantrevocation", "revocation_reason_given", {"reason": ""}, ""),
    ("identifier", "licensing_identifier_target_key", {"ark": "ark:99999/w5other"}, ""),
    ("offer", "licensing_offer_supersedes_id_key", {}, "supersedes_id IS NOT NULL"),
    ("offer", "licensing_offer_intent_id_key", {"supersedes_id": None, "intent_id": KEPT}, ""),
    ("party", "party_kind", {"kind": "ghost"}, "kind = 'person'"),
    ("party", "party_name", {"name": {}}, "kind = 'person'"),
    ("share", "share_position", {}, "position = 1"),
    ("share", "share_weight", {"weight": 0, "position": 2}, "position = 1"),
    ("shareplan", "share_plan_number", {}, ""),
    ("shareplan", "share_plan_has_holders", {"number": 9, "size": 0}, ""),
]


@pytest.fixture
def rows(everything):
    """Besides one row of each kind: a paid and a free grant, two files, and a party of kind person."""
    two = make.asset(files=[make.file("a\n", name="a.csv"), make.file("b\n", name="b.csv")])
    for offer in (make.offer(two), make.free_offer()):
        make.grant(offer)


def test_a_row_that_breaks_one_rule_is_refused_by_that_rule(rows):
    run("INSERT INTO licensing_identifier VALUES (%s, 'asset', gen_random_uuid(), now())", [NEW_ARK])
    for table, rule, changed, where in ROWS:
        columns = columns_of(table)
        own = {"id": str(uuid4()) if columns.get("id") == "uuid" else 10**9, "intent_id": new_intent()}
        values = {n: v for n, v in {**own, **changed}.items() if n in columns and v != KEPT}
        refused(
            f"INSERT INTO licensing_{table} SELECT (jsonb_populate_record(r, %s)).* FROM licensing_{table} r"
            f" WHERE {where or 'true'} LIMIT 1",
            f'"{rule}"',
            [json.dumps(values)],
        )


def test_one_entry_of_the_ledger_stands_for_one_end(rows):
    refused(
        "INSERT INTO licensing_grantrevocation (grant_id, reason, revoked_at, intent_id)"
        " SELECT g.id, 'again', now(), r.intent_id FROM licensing_grant g, licensing_grantrevocation r"
        " WHERE g.basis = 'paid' AND g.id <> r.grant_id LIMIT 1",
        '"licensing_grantrevocation_intent_id_key"',
    )
    refused(
        "INSERT INTO licensing_offerend (offer_id, reason, ended_at, intent_id)"
        " SELECT o.id, 'withdrawn', now(), e.intent_id FROM licensing_offer o, licensing_offerend e"
        " WHERE o.id NOT IN (SELECT offer_id FROM licensing_offerend UNION SELECT supersedes_id"
        " FROM licensing_offer WHERE supersedes_id IS NOT NULL) LIMIT 1",
        '"licensing_offerend_intent_id_key"',
    )


def test_nothing_stands_twice_in_a_version_a_plan_or_an_edition(rows):
    version, plan, edition = uuid4(), uuid4(), uuid4()
    copied = "INSERT INTO licensing_{0} SELECT (jsonb_populate_record(r, %s)).* FROM licensing_{0} r LIMIT 1"
    announced = {"id": str(version), "number": 9, "file_count": 2, "intent_id": new_intent()}
    with transaction.atomic():
        run(copied.format("assetversion"), [json.dumps(announced)])
        run(copied.format("shareplan"), [json.dumps({"id": str(plan), "number": 9, "size": 2})])
        run(copied.format("edition"), [json.dumps({"id": str(edition), "number": 9, "size": 2})])
        refused(
            "INSERT INTO licensing_assetfile (id, version_id, position, name, media_type, byte_size, sha256,"
            " storage_key, source) SELECT gen_random_uuid(), %s, n, 'same.csv', '', 1, repeat('0', 64), '', '{}'"
            " FROM generate_series(1, 2) n",
            '"file_name"',
            [version],
        )
        refused(
            "INSERT INTO licensing_share (plan_id, position, party_id, weight) SELECT %s, n, %s, 1"
            " FROM generate_series(1, 2) n",
            '"share_party"',
            [plan, PUBLIC_PARTY_ID],
        )
        refused(
            "INSERT INTO licensing_editionsource (edition_id, position, source_id) SELECT %s, n, a.id FROM"
            " licensing_asset a, generate_series(1, 2) n WHERE a.public_interest",
            '"edition_source"',
            [edition],
        )
        transaction.set_rollback(True)
