"""The rules that stand in the live schema, tried with SQL as the application's login and as the owner."""

import pytest
from django.db import DatabaseError, IntegrityError, ProgrammingError, connection, transaction

from ledger.domain import merkle
from tests.ledger.conftest import append, attacker, fill

APPEND_ONLY = ("ledger_intent", "ledger_entry", "ledger_checkpoint", "ledger_publication")
CHANGES = [
    "UPDATE {} SET {} = {}",
    "DELETE FROM {}",
    "TRUNCATE {} CASCADE",
    "DROP TABLE {} CASCADE",
    "ALTER TABLE {} DISABLE TRIGGER ALL",
    "ALTER TABLE {} OWNER TO CURRENT_USER",
]
COLUMN = {
    "ledger_intent": "idempotency_key",
    "ledger_entry": "number",
    "ledger_checkpoint": "size",
    "ledger_publication": "note",
}


def refused(sql, parameters=(), *, by=DatabaseError):
    """Run a statement that must be refused, and return the words of the refusal."""
    with pytest.raises(by) as refusal, transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(sql, parameters)
        cursor.execute("SET CONSTRAINTS ALL IMMEDIATE")
    return str(refusal.value)


@pytest.mark.django_db
@pytest.mark.parametrize("table", APPEND_ONLY)
@pytest.mark.parametrize("change", CHANGES)
def test_the_application_may_not_change_what_was_logged(table, change):
    fill(2)
    column = COLUMN[table]
    said = refused(change.format(table, column, column), by=ProgrammingError)
    assert "permission denied" in said or "must be owner" in said


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("table", APPEND_ONLY)
@pytest.mark.parametrize("change", CHANGES[:3])
def test_even_the_owner_is_refused_while_the_triggers_stand(table, change):
    fill(2)
    column = COLUMN[table]
    with connection.as_owner():
        for settings in ("", "SET session_replication_role = replica"):
            if settings:  # only a superuser may, and the triggers would still fire
                with connection.cursor() as cursor, pytest.raises(DatabaseError), transaction.atomic():
                    cursor.execute(settings)
            assert "append-only" in refused(change.format(table, column, column), by=IntegrityError)


@pytest.mark.django_db
def test_the_application_may_not_become_the_owner():
    assert "permission denied" in refused(f"SET ROLE {connection.owner['USER']}")
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT count(*) FROM pg_auth_members m JOIN pg_roles r ON r.oid = m.member WHERE r.rolname = current_user"
        )
        assert cursor.fetchone() == (0,)


@pytest.mark.django_db
def test_an_intent_carries_the_hash_of_its_bytes():
    said = refused(
        "INSERT INTO ledger_intent (idempotency_key, canonical, leaf_hash, created_at) VALUES ('k', %s, %s, now())",
        [b"{}", merkle.leaf_hash(b"[]")],
    )
    assert "intent_leaf_hash" in said


@pytest.mark.django_db
@pytest.mark.parametrize("data", [b"", b"1", b"x" * 65_536])
def test_an_intent_has_a_length_that_the_log_takes(data):
    said = refused(
        "INSERT INTO ledger_intent (idempotency_key, canonical, leaf_hash, created_at) VALUES ('k', %s, %s, now())",
        [data, merkle.leaf_hash(data)],
    )
    assert "intent_canonical_length" in said


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("number", "change", "word"),
    [
        (3, {}, "does not follow"),  # a gap
        (1, {}, "ledger_entry_pkey"),  # a number that is taken
        (0, {}, "ledger_entry_pkey"),
        (2, {"prev": bytes(32)}, "ledger_entry_prev_key"),  # a fork
        (2, {"prev": b"x" * 32}, "does not follow"),
        (2, {"leaf_hash": bytes(32)}, "hash of its intent"),
        (2, {"chain_hash": bytes(32)}, "entry_chain_hash"),
        (-1, {}, "entry_number_from_0"),
    ],
)
def test_an_entry_follows_the_one_before_it_and_carries_its_own_hashes(number, change, word):
    fill(2)
    assert word in insert_entry(number, **change)


@pytest.mark.django_db
def test_an_intent_is_numbered_once():
    fill(2)
    with connection.cursor() as cursor:
        cursor.execute("SELECT intent_id, leaf_hash FROM ledger_entry WHERE number = 0")
        intent, leaf = cursor.fetchone()
    assert "unique" in insert_entry(2, intent=intent, leaf_hash=bytes(leaf))


def insert_entry(number, *, intent=None, **change):
    """Try to insert an entry that is right but for the change, and return the words of the refusal."""
    intent = intent or append(99)
    with connection.cursor() as cursor:
        cursor.execute("SELECT leaf_hash FROM ledger_intent WHERE id = %s", [intent])
        leaf = change.get("leaf_hash", bytes(cursor.fetchone()[0]))
        cursor.execute("SELECT chain_hash FROM ledger_entry WHERE number = 1")
        prev = change.get("prev", bytes(cursor.fetchone()[0]))
    link = change.get("chain_hash", merkle.chain_hash(prev, leaf))
    return refused(
        "INSERT INTO ledger_entry (number, intent_id, leaf_hash, prev, chain_hash, sequenced_at)"
        " VALUES (%s, %s, %s, %s, %s, now())",
        [number, intent, leaf, prev, link],
        by=IntegrityError,
    )


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("sql", "word"),
    [
        ("DELETE FROM ledger_pending", "no number yet"),
        ("UPDATE ledger_pending SET intent_id = intent_id", "waits as it is"),
        ("INSERT INTO ledger_pending SELECT intent_id FROM ledger_entry LIMIT 1", "has its number already"),
        ("UPDATE ledger_head SET size = size - 1, epoch = epoch + 1", "only grows"),
        ("UPDATE ledger_head SET size = size + 1", "only grows"),
        ("DELETE FROM ledger_head", "only grows"),
        (
            "INSERT INTO ledger_head SELECT 2, size, tip, frontier, root, epoch FROM ledger_head",
            "head_single",
        ),
        (
            "INSERT INTO ledger_checkpoint SELECT size - 1, root, note, now() FROM ledger_checkpoint",
            "passed",
        ),
        (
            "INSERT INTO ledger_checkpoint SELECT size + 1, root, note, now() FROM ledger_checkpoint",
            "has no",
        ),
    ],
)
def test_what_waits_what_leads_and_what_is_signed_only_moves_on(sql, word):
    fill(2)
    append(2)
    assert word in refused(sql, by=IntegrityError)


@pytest.mark.django_db
def test_the_live_schema_holds_every_constraint_and_no_cascade():
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT conname, confdeltype FROM pg_constraint WHERE conrelid::regclass::text LIKE 'ledger\\_%%'"
        )
        found = dict(cursor.fetchall())
    assert {
        "ledger_entry_pkey",
        "ledger_entry_prev_key",
        "ledger_entry_intent_id_key",
        "intent_once_for_each_key",
        "ledger_checkpoint_pkey",
        "intent_canonical_length",
        "intent_leaf_hash",
        "entry_number_from_0",
        "entry_leaf_hash_length",
        "entry_prev_length",
        "entry_chain_hash",
        "head_single",
        "head_counts",
        "checkpoint_root_length",
        "ledger_publication_pkey",
        "cosignature_once_for_each_key",
    } <= set(found)
    assert set(found.values()) <= {" ", "a", "r"}  # no action, restrict: never cascade


@pytest.mark.django_db
def test_every_trigger_of_the_log_fires_always_and_with_a_fixed_search_path():
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT t.tgname, t.tgenabled, p.proconfig FROM pg_trigger t JOIN pg_proc p ON p.oid = t.tgfoid"
            " WHERE t.tgrelid::regclass::text LIKE 'ledger\\_%%' AND NOT t.tgisinternal"
        )
        triggers = cursor.fetchall()
    assert len(triggers) >= 11
    for name, enabled, config in triggers:
        assert enabled == "A", name
        assert config == ["search_path=public, pg_temp"], name


@pytest.mark.django_db(transaction=True)
def test_after_an_attack_in_a_test_the_triggers_stand_again():
    with attacker() as cursor:
        cursor.execute("SELECT 1")
    test_every_trigger_of_the_log_fires_always_and_with_a_fixed_search_path()
