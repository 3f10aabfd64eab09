"""Rows written in plain SQL with the application's login, past every action, and how the database answers."""

import json

import pytest
from django.db import DatabaseError, connection, transaction

from licensing.models import Policy
from tests import factories as make

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


def columns_of(table):
    """Return a table's columns with their types."""
    return dict(
        run(
            "SELECT column_name, data_type FROM information_schema.columns WHERE table_name = %s"
            " ORDER BY ordinal_position",
            [f"licensing_{table}"],
        )
    )
