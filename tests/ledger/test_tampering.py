"""The attacker who owns the tables: whatever is changed, verification finds it and names the right number."""

import random

import pytest

from ledger import queries
from ledger.actions import inspections
from ledger.domain import canonical, merkle, notes
from ledger.domain.checkpoint import text
from ledger.models import Entry
from tests.ledger.conftest import NOW, append, attacker, fill

SIZE = 40
EVERY = 16


@pytest.fixture
def log(db):
    fill(SIZE, signed_every=EVERY)
    return [entry.intent_id for entry in Entry.objects.order_by("number")]


def faults():
    return {layer: fault.number for layer, fault in inspections.inspect(now=NOW).faults.items()}


@pytest.mark.django_db
def test_an_untouched_log_holds_at_every_moment_of_its_growth(now):
    assert inspections.inspect(now=NOW).holds
    fill(3)
    append(3)
    assert inspections.inspect(now=NOW).holds


@pytest.mark.django_db(transaction=True)
def test_any_flipped_bit_of_any_stored_byte_is_found_at_its_number(log, request):
    columns = [
        ("ledger_intent", "canonical", "id", {"entry"}),
        ("ledger_intent", "leaf_hash", "id", {"entry"}),
        ("ledger_entry", "leaf_hash", "number", {"entry"}),
        ("ledger_entry", "prev", "number", {"chain"}),
        ("ledger_entry", "chain_hash", "number", {"chain"}),
    ]
    chosen = random.Random(20261123)
    for _ in range(4000 if request.config.getoption("--nightly") else 200):
        table, column, key, layers = chosen.choice(columns)
        number, place = chosen.randrange(SIZE), chosen.random()
        where = log[number] if key == "id" else number
        with attacker() as cursor:
            cursor.execute(f"SELECT {column} FROM {table} WHERE {key} = %s", [where])
            data = bytearray(cursor.fetchone()[0])
            data[int(place * len(data))] ^= 1 << chosen.randrange(8)
            cursor.execute(f"UPDATE {table} SET {column} = %s WHERE {key} = %s", [bytes(data), where])
            found = faults()
        assert layers <= set(found), (table, column, number, found)
        assert all(found[layer] == number for layer in layers), (table, column, number, found)
    assert inspections.inspect(now=NOW).holds


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("number", [0, 1, EVERY - 1, EVERY, SIZE - 2, SIZE - 1])
def test_a_removed_entry_is_named(log, number):
    with attacker() as cursor:
        cursor.execute("DELETE FROM ledger_entry WHERE number = %s", [number])
        assert faults()["entry"] == number


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize(("one", "other"), [(0, 1), (7, 8), (15, 16), (3, 39)])
def test_two_swapped_entries_are_named(log, one, other):
    with attacker() as cursor:
        cursor.execute("UPDATE ledger_entry SET number = 1000 WHERE number = %s", [one])
        cursor.execute("UPDATE ledger_entry SET number = %s WHERE number = %s", [one, other])
        cursor.execute("UPDATE ledger_entry SET number = %s WHERE number = 1000", [other])
        assert faults()["chain"] == one


@pytest.mark.django_db(transaction=True)
def test_an_entry_that_shows_another_intent_is_named(log):
    spare = append(SIZE)
    with attacker() as cursor:
        cursor.execute("UPDATE ledger_entry SET intent_id = %s WHERE number = 9", [spare])
        found = faults()
    assert found["entry"] == 9
    assert found["intent"] in (spare, log[9])


@pytest.mark.django_db(transaction=True)
def test_a_truncated_log_is_shorter_than_what_was_signed(log):
    with attacker() as cursor:
        rewrite(cursor, SIZE - 5, lambda number, data: data, keep=SIZE - 5)
        found = faults()
    assert found["checkpoint"] == SIZE


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("number", [0, 5, SIZE - 1])
def test_a_log_rewritten_with_every_hash_recomputed_contradicts_its_checkpoints(log, number):
    def changed(at, data):
        return data.replace(b"grant.issued", b"grant.lapsed") if at == number else data

    with attacker() as cursor:
        rewrite(cursor, SIZE, changed, keep=SIZE)
        found = faults()
    first = next(size for size in (16, 32, SIZE) if size > number)
    assert found == {"checkpoint": first, "tile": number, "bundle": number, "memory": SIZE}


@pytest.mark.django_db(transaction=True)
def test_a_log_rewritten_and_signed_again_by_another_key_does_not_hold(log, settings):
    with attacker() as cursor:
        roots = rewrite(cursor, SIZE, lambda number, data: data.replace(b"party:1", b"party:2"), keep=SIZE)
        key = notes.new_key(settings.LEDGER_ORIGIN, bytes(32))
        for size in (16, 32, SIZE):
            frontier = roots[size]
            note = notes.sign(text(origin=settings.LEDGER_ORIGIN, size=size, root=frontier.root()), [key])
            cursor.execute(
                "UPDATE ledger_checkpoint SET root = %s, note = %s WHERE size = %s",
                [frontier.root(), note, size],
            )
        found = faults()
    assert found == {"checkpoint": 16, "publication": 16, "tile": 0, "bundle": 0, "memory": SIZE}


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize(
    ("attack", "layer", "number"),
    [
        ("UPDATE ledger_checkpoint SET root = sha256('x') WHERE size = 32", "checkpoint", 32),
        ("UPDATE ledger_checkpoint SET note = replace(note, '32', '33') WHERE size = 32", "checkpoint", 32),
        ("UPDATE ledger_checkpoint SET size = 33 WHERE size = 32", "checkpoint", 33),
        ("UPDATE ledger_checkpoint SET size = 99 WHERE size = 32", "checkpoint", 99),
        ("UPDATE ledger_head SET root = sha256('x')", "head", SIZE),
        ("UPDATE ledger_head SET tip = sha256('x')", "head", SIZE),
        ("UPDATE ledger_head SET size = 41", "head", 41),
        ("DELETE FROM ledger_head", "head", 0),
    ],
)
def test_what_is_stored_beside_the_entries_is_held_against_them(log, attack, layer, number):
    with attacker() as cursor:
        cursor.execute(attack)
        assert faults()[layer] == number


@pytest.mark.django_db(transaction=True)
def test_an_intent_that_lost_its_place_in_the_queue_is_named(log):
    lost = append(SIZE)
    with attacker() as cursor:
        cursor.execute("DELETE FROM ledger_pending")
        assert faults() == {"intent": lost}


@pytest.mark.django_db(transaction=True)
def test_an_intent_that_would_be_numbered_twice_is_named(log):
    with attacker() as cursor:
        cursor.execute("INSERT INTO ledger_pending VALUES (%s)", [log[3]])
        assert faults() == {"intent": log[3]}


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize(
    "spelling", [b'{"a":1.0}', b'{"a":1,"a":1}', b'{"a": 1}', b"[" * 9 + b"]" * 9, b"\xff\xff"]
)
def test_bytes_that_were_never_canonical_are_named_even_with_every_hash_right(now, spelling):
    fill(2)
    number = queries.size()
    with attacker() as cursor:
        cursor.execute(
            "INSERT INTO ledger_intent (idempotency_key, canonical, leaf_hash, created_at)"
            " VALUES ('raw', %s, %s, now()) RETURNING id",
            [spelling, merkle.leaf_hash(spelling)],
        )
        cursor.execute("SELECT tip FROM ledger_head")
        tip, leaf = bytes(cursor.fetchone()[0]), merkle.leaf_hash(spelling)
        cursor.execute(
            "INSERT INTO ledger_entry (number, intent_id, leaf_hash, prev, chain_hash, sequenced_at)"
            " SELECT %s, id, leaf_hash, %s, %s, now() FROM ledger_intent"
            " WHERE idempotency_key = 'raw'",
            [number, tip, merkle.chain_hash(tip, leaf)],
        )
        assert faults()["canonical"] == number


def rewrite(cursor, size, change, *, keep):
    """Rewrite the log with every leaf hash, link and head recomputed; return the frontier at each size."""
    cursor.execute("DELETE FROM ledger_pending")
    cursor.execute("SELECT intent_id FROM ledger_entry WHERE number >= %s", [keep])
    dropped = [row[0] for row in cursor.fetchall()]
    cursor.execute("DELETE FROM ledger_entry WHERE number >= %s", [keep])
    cursor.execute("DELETE FROM ledger_intent WHERE id = ANY(%s)", [dropped])
    cursor.execute(
        "SELECT number, intent_id, canonical FROM ledger_entry e JOIN ledger_intent i ON i.id = intent_id"
        " ORDER BY number"
    )
    tip, frontier, roots = merkle.GENESIS, merkle.Frontier(), {}
    for number, intent, data in cursor.fetchall():
        data = change(number, bytes(data))
        canonical.decode(data)
        leaf = merkle.leaf_hash(data)
        cursor.execute(
            "UPDATE ledger_intent SET canonical = %s, leaf_hash = %s WHERE id = %s", [data, leaf, intent]
        )
        link = merkle.chain_hash(tip, leaf)
        cursor.execute(
            "UPDATE ledger_entry SET leaf_hash = %s, prev = %s, chain_hash = %s WHERE number = %s",
            [leaf, tip, link, number],
        )
        tip, frontier = link, frontier.extend([leaf])
        roots[frontier.size] = frontier
    cursor.execute(
        "UPDATE ledger_head SET size = %s, tip = %s, frontier = %s, root = %s",
        [size, tip, bytes(frontier), frontier.root()],
    )
    return roots
