"""The attacker who owns tables, files and keys: whatever is changed, reading the log again names the right number."""

import ast
import secrets
import time
import types
from contextlib import contextmanager
from functools import lru_cache
from pathlib import Path

import pytest
from django.db import connection, transaction

from ledger import queries
from ledger.actions import anchors, checkpoints, inspections, publications, sequencer
from ledger.domain import canonical, merkle, notes
from ledger.domain.anchoring import EVERY
from ledger.gateways import evm, storage
from ledger.inspection_queries import Tables
from tests.ledger import tampering
from tests.ledger.chain import Node
from tests.ledger.conftest import NOW, append, attacker, document
from tests.ledger.tampering import SHOWN, SIZE, Attacker, Snapshot, Tampering
from tests.ledger.test_sequencer import Beside

SEED = 20261123


@pytest.fixture
def log(db, settings, tmp_path, monkeypatch):
    """Return all that is stored of a log of more than a thousand entries."""
    monkeypatch.setattr(inspections, "PAUSE_SECONDS", 0)
    tampering.build(tmp_path)
    return Snapshot()


@pytest.fixture
def quick(monkeypatch):
    """Look at the same bytes once: whether they are canonical, and whether a signature holds, stays true."""
    monkeypatch.setattr(canonical, "is_canonical", lru_cache(None)(canonical.is_canonical))
    monkeypatch.setattr(notes, "_verified", lru_cache(None)(notes._verified))
    monkeypatch.setattr(notes, "read_vkey", lru_cache(None)(notes.read_vkey))
    monkeypatch.setattr(
        inspections.queries, "house_policy", lru_cache(None)(inspections.queries.house_policy)
    )


@contextmanager
def spoiled(log, each):
    """Let the files be tampered with until the block ends."""
    log.spoil(each)
    try:
        yield
    finally:
        log.mend(each)


def named(verdict):
    """Return the number that each layer names."""
    return {layer: fault.number for layer, fault in verdict.faults.items()}


def found_in(log, each, check=inspections.check):
    """Return what is found after a tampering with the tables as they are in memory."""
    with spoiled(log, each):
        return named(check(log.after(each)))


def test_every_tampering_is_found_and_its_number_named(log, quick, request):
    nightly = request.config.getoption("--nightly")
    assert found_in(log, Tampering("nothing")) == {}
    for seed, count in ((SEED, 2000), (secrets.randbits(64), 18_000 if nightly else 0)):
        for number, each in enumerate(Attacker(log, seed).tamperings(count)):
            found = found_in(log, each)
            assert found == each.faults, f"seed {seed}, tampering {number}: {each.what}"
    assert found_in(log, Tampering("nothing")) == {}


@pytest.mark.django_db(transaction=True)
def test_what_is_read_of_tables_in_memory_is_what_is_read_in_sql(log, quick, request):
    count = 2000 if request.config.getoption("--nightly") else 60
    with attacker() as cursor:
        for number, each in enumerate(Attacker(log, SEED + 1).tamperings(count)):
            with transaction.atomic(), spoiled(log, each):
                log.spoil_tables(each, cursor)
                assert named(inspections.check(Tables())) == each.faults, f"tampering {number}: {each.what}"
                assert named(inspections.check(log.after(each))) == each.faults
                transaction.set_rollback(True)
        assert inspections.inspect(now=NOW).holds


@pytest.mark.django_db(transaction=True)
def test_good_inspections_that_were_never_made_hide_nothing(log):
    with attacker() as cursor:
        cursor.execute(
            "UPDATE ledger_intent SET canonical = canonical || ' ' WHERE idempotency_key = 'test:5'"
        )
        assert named(inspections.inspect(now=NOW, fast=True))["entry"] == 5
        for size in (SIZE, 1056, 2**62, -5):
            cursor.execute(
                "INSERT INTO ledger_inspection (thorough, size, faults, started_at, ended_at)"
                " VALUES (true, %s, '[]', now(), now())",
                [size],
            )
            inspections.inspect(now=NOW, fast=True)  # may begin behind it, and must not fail otherwise
            assert named(inspections.inspect(now=NOW))["entry"] == 5
        cursor.execute("DELETE FROM ledger_inspection")
        assert named(inspections.inspect(now=NOW, fast=True))["entry"] == 5


@pytest.mark.django_db(transaction=True)
def test_a_quick_look_names_what_was_changed_since_the_last(log):
    assert inspections.inspect(now=NOW).holds
    for number in (1024, 1055, SIZE - 1):
        with attacker() as cursor:
            key = f"test:{number}"
            cursor.execute(
                "UPDATE ledger_intent SET leaf_hash = prev FROM ledger_entry"
                " WHERE idempotency_key = %s AND intent_id = ledger_intent.id",
                [key],
            )
            verdict = inspections.inspect(now=NOW, fast=True)
        assert (verdict.start, named(verdict)) == (1024, {"entry": number})


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("number", [0, 256, 1055, SIZE - 1])
def test_a_number_that_stands_twice_is_named(log, number):
    with attacker() as cursor:
        cursor.execute("ALTER TABLE ledger_entry DROP CONSTRAINT ledger_entry_pkey")
        cursor.execute("INSERT INTO ledger_entry SELECT * FROM ledger_entry WHERE number = %s", [number])
        assert named(inspections.inspect(now=NOW)) == {"entry": number}


def test_what_cannot_be_checked_is_said(log, settings):
    assert inspections.inspect(now=NOW).notes == {}
    log.memory_path.unlink()
    settings.LEDGER_POLICY = ""  # which names the house's own keys alone
    verdict = inspections.inspect(now=NOW)
    assert verdict.holds
    assert set(verdict.notes) == {"memory", *(f"cosignature {size}" for size in SHOWN)}


# A chain ------------------------------------------------------------------------------------------------


@pytest.fixture
def anchored(log, settings, monkeypatch):
    """Return the log with its newest published checkpoint anchored on a chain."""
    node = Node()
    monkeypatch.setattr(evm, "provider", lambda url: node.provider)
    settings.EVM_RPC_URL, settings.EVM_CONFIRMATIONS = "first", 1
    node.fund(evm.anchorer())
    anchor = anchors.plan(now=NOW + EVERY)
    while anchor.is_open:
        node.mine()
        anchor = anchors.advance(now=NOW + EVERY)
    assert anchor.size == SHOWN[-1]
    return log


@pytest.mark.django_db(transaction=True)
def test_an_anchor_that_differs_from_its_chain_is_named(anchored):
    changes = [
        ("anchor", "root", "sha256('x')"),
        ("anchor", "prev_root", "sha256('x')"),
        ("anchor", "tx_hash", "sha256('x')"),
        ("anchor", "block_hash", "sha256('x')"),
        ("anchor", "block_number", "block_number + 1"),
        ("anchor", "nonce", "nonce + 1"),
        (
            "anchor",
            "sender",
            "overlay(sender placing CASE WHEN substr(sender, 3, 2) = '00' THEN '11' ELSE '00' END from 3)",
        ),
        ("anchor", "size", "size - 1"),
        ("anchor", "size", "size + 1"),
        ("anchor", "state", "'dropped'"),
        ("anchor", "contract_id", "NULL"),
        (
            "anchorcontract",
            "address",
            "overlay(address placing CASE WHEN substr(address, 3, 2) = '00' THEN '11' ELSE '00' END from 3)",
        ),
        ("anchorcontract", "chain_id", "chain_id + 1"),
        ("anchorcontract", "genesis", "sha256('x')"),
        ("anchorcontract", "vanished_at", "now()"),
        ("anchorattempt", "raw", "set_byte(raw, 60, get_byte(raw, 60) # 1)"),
        ("anchorattempt", "tx_hash", "sha256('x')"),
        ("anchorattempt", "nonce", "nonce + 1"),
        ("anchorattempt", "max_fee_wei", "max_fee_wei + 1"),
        ("anchorattempt", "tip_wei", "tip_wei + 1"),
    ]
    with attacker() as cursor:
        assert inspections.inspect(now=NOW).holds
        for table, column, value in changes:
            with transaction.atomic():
                cursor.execute(f"UPDATE ledger_{table} SET {column} = {value}")
                size = SHOWN[-1] + {"size - 1": -1, "size + 1": 1}.get(value, 0)  # as the row says
                assert named(inspections.inspect(now=NOW)) == {"anchor": size}, (
                    table,
                    column,
                )
                transaction.set_rollback(True)
        cursor.execute("DELETE FROM ledger_anchorattempt; DELETE FROM ledger_anchor")
        assert named(inspections.inspect(now=NOW)) == {"anchor": SHOWN[-1]}


@pytest.mark.django_db(transaction=True)
def test_a_log_rewritten_with_every_key_and_the_memory_contradicts_its_anchor(anchored):
    each = Attacker(anchored, SEED).signed_anew(300, museum="stolen", memory=True)
    with attacker() as cursor, spoiled(anchored, each):
        anchored.spoil_tables(each, cursor)
        assert named(inspections.inspect(now=NOW)) == {"anchor": SHOWN[-1]}


# No false alarm -----------------------------------------------------------------------------------------


@pytest.mark.django_db
def test_an_untouched_log_holds_at_every_moment_of_its_growth():
    assert inspections.inspect(now=NOW).holds
    size = 0
    for more in (1, 1, 3, 60, 190, 1, 1, 255, 256, 7):
        for number in range(size, size + more):
            append(number)
        size += more
        for step in (sequencer.run, checkpoints.sign, publications.publish):
            for fast in (False, True):
                assert inspections.inspect(now=NOW, fast=fast).holds, (size, step)
            step(now=NOW)
    assert inspections.inspect(now=NOW).size == size


@pytest.mark.django_db(transaction=True)
def test_a_log_that_grows_while_it_is_read_holds(settings, tmp_path, request):
    store = {"BACKEND": "ledger.gateways.storage.LogFiles", "OPTIONS": {"location": tmp_path / "log"}}
    settings.STORAGES = {**settings.STORAGES, "ledger": store}
    until = time.monotonic() + (120 if request.config.getoption("--nightly") else 4)

    def again(work):
        def repeat():
            while time.monotonic() < until:
                work()

        return Beside(repeat)

    numbers = iter(range(10**7))
    beside = [again(lambda: append(next(numbers))), again(lambda: append(10**8 + next(numbers)))]
    beside += [again(lambda: sequencer.advance(now=NOW)), again(lambda: publications.publish(now=NOW))]
    looked = 0
    while time.monotonic() < until:
        verdict = inspections.inspect(now=NOW, fast=looked % 2 == 1)
        assert verdict.holds, verdict.faults
        looked += 1
    for each in beside:
        each.join()
    assert looked > 1 and queries.size() > 100
    assert inspections.inspect(now=NOW).holds


# By night -----------------------------------------------------------------------------------------------


@pytest.mark.nightly
@pytest.mark.django_db(transaction=True)
def test_the_edges_of_the_second_level_are_named(now):
    data = [
        canonical.log_bytes({**document(number), "ledger": "wenshi.example/log"}) for number in range(65_600)
    ]
    with (
        connection.cursor() as cursor,
        cursor.copy(
            "COPY ledger_intent (idempotency_key, canonical, leaf_hash, created_at) FROM STDIN"
        ) as rows,
    ):
        for number, each in enumerate(data):
            rows.write_row((f"test:{number}", each, merkle.leaf_hash(each), now))
    sequencer.catch_up(now=now)
    assert inspections.inspect(now=NOW).holds
    for number in (65_279, 65_280, 65_534, 65_535, 65_536, 65_537, 65_599):
        for attack in (
            "UPDATE ledger_intent SET canonical = canonical || ' ' WHERE idempotency_key = %s",
            "DELETE FROM ledger_intent WHERE idempotency_key = %s",
        ):
            with attacker() as cursor:
                cursor.execute(attack, [f"test:{number}"])
                assert named(inspections.inspect(now=NOW))["entry"] == number
    for name, at, number in (
        ("tile/1/000", 100, 25_600),
        ("tile/2/000.p/1", 0, 0),
        ("tile/0/256.p/64", 63, 65_599),
    ):
        right = storage.read(name)
        storage.replace(name, right[: 32 * at] + bytes(32) + right[32 * at + 32 :])
        assert named(inspections.inspect(now=NOW)) == {"tile": number}
        storage.replace(name, right)
    assert inspections.inspect(now=NOW).holds


ELSEWHERE = {  # what no tampering of this log can notice
    "nothing": "the check as it is",
    "if len(row) == WIDTH * merkle.HASH_SIZE:": "a tile of the second level is full: the test above",
    "self._compare(level, index // WIDTH, WIDTH, bytes(row))": "so is here",
    "self._above(level + 1, index // WIDTH, Subtree(bytes(row)).root)": "and here",
    "if signer not in self.witnesses:": "it only says that something was not checked",
    "if remembered is None and newest and ('memory' not in verdict.faults):": "so does this",
    "if not heads and (not entries):": "an empty log holds: the test of its growth",
    "time.sleep(PAUSE_SECONDS)": "a publisher at work: the test of a log that grows",
}


@pytest.mark.nightly
def test_no_check_can_be_taken_away_unnoticed(log, quick):
    tamperings = list(Attacker(log, SEED).tamperings(600))
    broken = list(mutants())
    alive = {what for what, check in broken if not is_noticed(log, tamperings, check)}
    assert alive == set(ELSEWHERE) and len(broken) > 60


def is_noticed(log, tamperings, check):
    """Tell whether something else is found after a tampering than must be, or it fails."""
    for each in tamperings:
        try:
            if found_in(log, each, check) != each.faults:
                return True
        except Exception:
            return True
    return False


def mutants():
    """Yield `check` as it is; with each of its conditions that never holds; with each of its calls that is not made."""
    source = Path(inspections.__file__).read_text()
    names = {"check", "_Walk", "_House", "_check_newest", "_check_head", "_check_intents", "_check_memory"}
    yield "nothing", compiled(ast.parse(source))
    for part, node in enumerate(ast.parse(source).body):
        for at, inner in enumerate(ast.walk(node) if getattr(node, "name", "") in names else ()):
            changed = ast.parse(source)
            found = list(ast.walk(changed.body[part]))[at]
            if isinstance(found, ast.If):
                found.test = ast.copy_location(ast.Constant(False), found.test)
            elif isinstance(found, ast.Expr) and isinstance(found.value, ast.Call):
                found.value = ast.copy_location(ast.Constant(None), found.value)
            else:
                continue
            yield ast.unparse(inner).splitlines()[0], compiled(changed)


def compiled(tree):
    """Return `check` of a changed module."""
    module = types.ModuleType(inspections.__name__)
    exec(compile(tree, inspections.__file__, "exec"), module.__dict__)
    module.PAUSE_SECONDS = 0
    return module.check
