"""Triggers hold against everybody who does not switch them off by name: the owner, and sessions with tricks."""

import pgtrigger
import pytest
from django.db import IntegrityError, connection, transaction

from ledger import triggers


def run(statement):
    with connection.cursor() as cursor:
        cursor.execute(statement)


ADD = (
    "INSERT INTO ledger_intent (idempotency_key, canonical, leaf_hash, created_at) "
    r"VALUES ('one', '\x7b7d', sha256('\x007b7d'), now())"
)


@pytest.fixture
def one_intent():
    with connection.as_owner():
        run(ADD)
        yield


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize(
    "trick", ["SELECT 1", "SET pgtrigger.ignore = '{append_only}'", "SET search_path = pg_temp"]
)
@pytest.mark.parametrize(
    "change",
    [
        "UPDATE public.ledger_intent SET idempotency_key = 'other'",
        "DELETE FROM public.ledger_intent",
        "TRUNCATE public.ledger_intent CASCADE",
    ],
)
def test_not_even_the_owner_changes_what_is_append_only(change, trick, one_intent):
    with pytest.raises(IntegrityError, match="append-only: rows of ledger_"), transaction.atomic():
        run(trick)
        run(change)


def test_a_rule_is_written_in_the_words_of_sql():
    rule = triggers.Rule(name="r", operation="INSERT OR UPDATE OF a, b", func="RETURN NEW;")
    assert str(rule.operation) == 'INSERT OR UPDATE OF "a", "b"'
    assert rule.when == pgtrigger.Before
    with pytest.raises(KeyError):
        triggers.Rule(name="r", operation="INSERT AND UPDATE", func="RETURN NEW;")


def test_a_deferred_rule_looks_when_the_transaction_commits():
    from ledger.models import Entry

    rule = triggers.Rule(name="r", operation="INSERT", deferred=True, func="RETURN NULL;")
    sql = str(rule.compile(Entry).install_sql)
    assert "CREATE CONSTRAINT TRIGGER" in sql
    assert "AFTER INSERT" in sql
    assert "DEFERRABLE INITIALLY DEFERRED" in sql


def test_every_trigger_is_always_on_and_trusts_no_search_path():
    from ledger.models import Entry

    sql = str(triggers.AppendOnly().compile(Entry).install_sql)
    assert sql.count("ENABLE ALWAYS TRIGGER") == 2
    assert "SET search_path = public, pg_temp" in sql
    assert "ignore" not in sql


def test_a_table_that_is_append_only_says_so_in_its_triggers_name():
    with pytest.raises(ValueError, match="must end in append_only"):
        triggers.AppendOnly(name="never_change")


def test_a_refusal_quotes_what_it_says():
    assert triggers.refuse("one's % and %", "NEW.id", "2") == (
        "RAISE EXCEPTION 'one''s % and %', NEW.id, 2 USING ERRCODE = 'restrict_violation';"
    )
