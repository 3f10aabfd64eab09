"""Anchors on a chain in this process: their whole life, and all that a chain does to them on the way."""

import hashlib
from contextlib import contextmanager
from datetime import timedelta

import pytest
from django.db import DatabaseError, IntegrityError, connection, transaction

from ledger import anchor_queries, tasks
from ledger.actions import anchors, locks, sequencer
from ledger.domain import merkle
from ledger.domain.anchoring import EVERY, RESEND_AFTER, AnchorState, Verdict
from ledger.errors import AnchorContradicted, ChainUnreachable
from ledger.gateways import evm
from ledger.models import Anchor, AnchorAttempt, AnchorContract, Checkpoint
from tests.ledger.chain import Node
from tests.ledger.conftest import NOW, append, fill, leaf_hashes

CONFIRMATIONS = 3
LATER = NOW + RESEND_AFTER
PLANNED, SUBMITTED, MINED, CONFIRMED, DROPPED = AnchorState

pytestmark = pytest.mark.django_db


@pytest.fixture
def nodes(monkeypatch):
    """Return the nodes that addresses lead to."""
    nodes = {}
    monkeypatch.setattr(evm, "provider", lambda url: nodes[url].provider)
    return nodes


@pytest.fixture
def node(settings, nodes):
    """Return the node that the settings name, with money for the anchorer."""
    nodes["first"] = node = Node()
    settings.EVM_RPC_URL, settings.EVM_CONFIRMATIONS = "first", CONFIRMATIONS
    node.fund(evm.anchorer())
    return node


@pytest.fixture
def contract(node):
    """Return our contract, with an anchor of three entries planned beside it."""
    fill(3)
    anchors.plan(now=NOW)
    assert step() == PLANNED  # the contract goes first
    node.mine()
    assert step() == PLANNED  # and must be as deep as an anchor
    node.mine(CONFIRMATIONS - 1)
    assert anchor_queries.open_anchor().last_trouble == ""
    return AnchorContract.objects.get()


def step(now=NOW):
    """Bring the anchor a step further and return its state."""
    return anchors.advance(now=now).state


def trouble():
    """Return what hinders the anchor under way."""
    return anchor_queries.open_anchor().last_trouble


def raws():
    """Return the transactions that were signed, oldest first."""
    return [bytes(attempt.raw) for attempt in AnchorAttempt.objects.all()]


def finish(node, now=NOW):
    """Bring the anchor under way to its end and return it."""
    for _ in range(12):
        anchor = anchors.advance(now=now)
        if not anchor.is_open:
            return anchor
        node.mine()
    raise AssertionError(f"{anchor}: {anchor.last_trouble}")


def anchor_more(node, count, now):
    """Append up to a count, anchor it and return the anchor."""
    fill_up(count)
    assert anchors.plan(now=now).size == count
    return finish(node, now)


def fill_up(count):
    """Append entries until there are so many, and sign."""
    for number in range(count):
        append(number)  # the key of those that are there is known, with the same bytes
    sequencer.catch_up(now=NOW)


# The whole life -------------------------------------------------------------------------------------------


def test_an_anchor_is_planned_submitted_mined_and_confirmed(node, contract):
    assert step() == SUBMITTED
    node.mine()
    assert step() == MINED
    assert step() == MINED  # one block is not deep enough
    node.mine(CONFIRMATIONS - 1)
    assert step() == CONFIRMED
    assert anchors.advance(now=NOW) is None
    anchor, checkpoint = anchor_queries.latest_anchor(), Checkpoint.objects.get()
    latest = evm.connect().latest(anchor.contract.address)
    assert (latest.size, latest.root) == (checkpoint.size, bytes(checkpoint.root))
    assert len(raws()) == 1
    assert anchors.check(anchor).verdict is Verdict.HOLDS
    assert [found.verdict for found in anchors.check_contracts()] == [Verdict.HOLDS]


def test_the_next_anchor_goes_on_from_the_last(node, contract):
    first = finish(node)
    second = anchor_more(node, 5, NOW + EVERY)
    assert (second.state, second.prev_size, second.prev_root) == (CONFIRMED, 3, first.root)
    assert AnchorContract.objects.count() == 1
    assert anchor_queries.anchor_over(3) == first
    assert anchor_queries.anchor_over(4) == anchor_queries.latest_anchor() == second
    assert anchor_queries.anchor_over(6) is None
    assert anchor_queries.anchors() == [second, first]


def test_nothing_is_planned_where_nothing_is_new_or_it_is_too_soon(node, contract):
    assert anchors.plan(now=NOW + EVERY) is None  # one is under way
    finish(node)
    assert anchors.plan(now=NOW + EVERY) is None
    fill_up(4)
    assert anchors.plan(now=NOW + EVERY - timedelta(seconds=1)) is None
    assert anchors.plan(now=NOW + EVERY).size == 4


def test_an_empty_log_plans_no_anchor():
    assert anchors.plan(now=NOW) is None
    assert anchors.advance(now=NOW) is None


# What hinders ---------------------------------------------------------------------------------------------


def test_where_no_chain_can_run_an_anchor_waits_as_planned(settings):
    assert settings.EVM_RPC_URL == ""
    fill(2)
    tasks.anchor()
    assert [anchor.state for anchor in anchor_queries.anchors()] == [PLANNED]
    assert "No chain is set up" in trouble()


def test_a_node_that_is_away_is_told_and_waited_for(node, contract):
    node.away = True
    assert step() == PLANNED
    assert "does not answer" in trouble()
    node.away = False
    assert step() == SUBMITTED
    assert trouble() == ""


def test_the_address_of_a_node_is_never_shown_as_it_may_hold_a_key(settings):
    settings.EVM_RPC_URL = "http://127.0.0.1:9/v3/c0ffee"
    fill(1)
    anchors.plan(now=NOW)
    assert step() == PLANNED
    assert "does not answer" in trouble() and "c0ffee" not in trouble()


def test_an_anchorer_without_money_waits_and_says_how_much(settings, nodes):
    nodes["first"] = node = Node()
    settings.EVM_RPC_URL, settings.EVM_CONFIRMATIONS = "first", CONFIRMATIONS
    fill(1)
    anchors.plan(now=NOW)
    assert step() == PLANNED
    assert evm.anchorer() in trouble()
    assert not AnchorContract.objects.exists()
    node.fund(evm.anchorer())
    assert finish(node).state == CONFIRMED


def test_a_contract_that_takes_no_anchors_from_us_is_told(node, contract, settings):
    settings.EVM_ANCHOR_CONTRACT = contract.address
    settings.EVM_ANCHOR_KEY = hashlib.sha256(b"another").hexdigest()
    node.fund(evm.anchorer())
    assert step() == PLANNED
    assert "takes no anchors" in trouble()
    assert raws() == []


def test_a_given_contract_that_is_not_there_is_told(node, settings):
    settings.EVM_ANCHOR_CONTRACT = "0x" + "11" * 20
    fill(1)
    anchors.plan(now=NOW)
    assert step() == PLANNED
    assert "no contract at" in trouble()


def test_a_key_that_is_none_is_told_without_being_shown(node, settings):
    settings.EVM_ANCHOR_KEY = "c0ffee"
    fill(1)
    anchors.plan(now=NOW)
    assert step() == PLANNED
    assert "EVM_ANCHOR_KEY" in trouble()
    assert "c0ffee" not in trouble()


# Transactions that are lost, late or twice ----------------------------------------------------------------


def test_a_transaction_that_the_node_lost_is_sent_again_as_it_was(node, contract):
    step()
    node.lose()
    assert step() == SUBMITTED
    assert list(node.pool.values()) == raws() and len(raws()) == 1
    assert finish(node).state == CONFIRMED


def test_one_that_nobody_mines_is_replaced_by_a_dearer_one_of_the_same_nonce(node, contract):
    step()
    step(LATER)
    first, second = map(evm.read, raws())
    assert first.nonce == second.nonce
    assert second.fees.max_fee > first.fees.max_fee * 1.1
    assert list(node.pool.values()) == raws()[1:]
    assert finish(node).state == CONFIRMED


def test_the_earlier_transaction_that_had_timed_out_may_be_the_one_mined(node, contract):
    node.searches = False  # as public nodes do
    step()
    step(LATER)
    node.lose()
    node.include(raws()[0])
    assert step(LATER) == MINED
    anchor = finish(node, LATER)
    assert bytes(anchor.tx_hash) == evm.read(raws()[0]).tx_hash
    assert anchors.check(anchor).verdict is Verdict.HOLDS


def test_a_nonce_that_is_spent_makes_us_look_for_every_attempt_first(node, contract, monkeypatch):
    step()
    node.include(raws()[0])
    with monkeypatch.context() as patch:  # the node has the block, and does not find what is in it yet
        patch.setattr(evm.Chain, "anchored_by", lambda *_: None)
        patch.setattr(evm.Chain, "anchored_at", lambda *_: None)
        patch.setattr(evm.Chain, "latest", lambda *_: anchors.NOTHING)
        patch.setattr(evm.Chain, "nonce", lambda *_: evm.read(raws()[0]).nonce)
        assert step(LATER) == SUBMITTED
        assert "nonce" in trouble()
    assert len(raws()) == 2
    assert step(LATER) == MINED
    assert finish(node, LATER).state == CONFIRMED


def test_a_nonce_that_another_transaction_took_is_given_up_for_the_next(node, contract, settings):
    step()
    node.lose()
    chain, spent = evm.connect(), evm.read(raws()[0])
    other = chain.sign_deployment(nonce=spent.nonce, fees=spent.fees)[1]
    node.include(other.raw)
    assert finish(node).state == CONFIRMED
    assert [evm.read(raw).nonce for raw in raws()] == [spent.nonce, spent.nonce + 1]


def test_a_key_that_was_exchanged_on_the_way_goes_on_with_a_nonce_of_its_own(node, contract, settings):
    chain, old = evm.connect(), settings.EVM_ANCHOR_KEY
    settings.EVM_ANCHOR_KEY = hashlib.sha256(b"another").hexdigest()
    node.fund(new := evm.anchorer())
    settings.EVM_ANCHOR_KEY = old
    allow = chain._contract(contract.address).encode_abi("setAnchorer", [new, True])
    signed = chain._sign(to=contract.address, data=allow, gas=100_000, nonce=1, fees=chain.fees())
    node.tester.send_raw_transaction("0x" + signed.raw.hex())
    step()
    node.lose()
    settings.EVM_ANCHOR_KEY = hashlib.sha256(b"another").hexdigest()
    anchor = finish(node, LATER)
    assert (anchor.state, anchor.sender, anchor.nonce) == (CONFIRMED, new, 0)
    assert [evm.read(raw).nonce for raw in raws()] == [2, 0]


def test_sending_twice_anchors_once(node, contract):
    step()
    chain = evm.connect()
    chain.send(raws()[0])
    chain.send(raws()[0])
    assert finish(node).state == CONFIRMED
    assert [found.verdict for found in anchors.check_contracts()] == [Verdict.HOLDS]


def test_a_worker_killed_between_writing_and_sending_loses_no_transaction(node, contract, monkeypatch):
    with monkeypatch.context() as patch:
        patch.setattr(evm.Chain, "send", killed)
        with pytest.raises(KeyboardInterrupt):
            step()
    assert (anchor_queries.open_anchor().state, len(raws()), node.pool) == (SUBMITTED, 1, {})
    assert finish(node).state == CONFIRMED
    assert len(raws()) == 1


def test_a_worker_killed_after_sending_finds_its_transaction(node, contract, monkeypatch):
    send = evm.Chain.send
    with monkeypatch.context() as patch:
        patch.setattr(evm.Chain, "send", lambda chain, raw: (send(chain, raw), killed()))
        with pytest.raises(KeyboardInterrupt):
            step()
    node.mine()
    assert step() == MINED
    assert len(raws()) == 1


def test_a_contract_whose_sending_was_cut_short_is_sent_again(node, monkeypatch):
    fill(1)
    anchors.plan(now=NOW)
    with monkeypatch.context() as patch:
        patch.setattr(evm.Chain, "send", killed)
        with pytest.raises(KeyboardInterrupt):
            step()
    assert finish(node).state == CONFIRMED
    assert AnchorContract.objects.count() == 1


def test_a_contract_that_nobody_mines_is_sent_dearer_to_the_same_address(node):
    fill(1)
    anchors.plan(now=NOW)
    step()
    cheap = bytes(AnchorContract.objects.get().raw)
    step(LATER)
    assert finish(node, LATER).state == CONFIRMED
    deployed = AnchorContract.objects.get()
    assert bytes(deployed.raw) != cheap and evm.read(bytes(deployed.raw)).nonce == evm.read(cheap).nonce


def test_a_contract_whose_nonce_another_transaction_took_is_given_up_for_the_next(node):
    fill(1)
    anchors.plan(now=NOW)
    step()
    node.lose()
    chain = evm.connect()
    node.include(
        chain.sign_anchor(
            contract=evm.anchorer(), size=1, root=bytes(32), prev_root=bytes(32), nonce=0, fees=chain.fees()
        ).raw
    )
    assert finish(node).state == CONFIRMED
    assert [bool(row.vanished_at) for row in AnchorContract.objects.order_by("id")] == [True, False]


def test_two_workers_at_once_write_one_transaction(node, contract, monkeypatch):
    look = anchors._look
    anchor = anchor_queries.open_anchor()

    def overtaken(*arguments):
        seen = look(*arguments)
        if not raws():
            monkeypatch.setattr(anchors, "_look", look)
            anchors.advance(now=NOW)  # by the other worker
        return seen

    monkeypatch.setattr(anchors, "_look", overtaken)
    assert step() == SUBMITTED
    assert len(raws()) == 1
    assert Anchor.objects.get(pk=anchor.pk).revision == anchor.revision + 1


def test_nothing_is_sent_that_could_not_be_written_down(node, contract, monkeypatch):
    with monkeypatch.context() as patch:
        patch.setattr(locks, "try_lock", lambda _: False)  # another worker has it
        assert step() == PLANNED
    assert (raws(), node.pool) == ([], {})
    assert finish(node).state == CONFIRMED


def test_a_contract_that_the_settings_no_longer_name_is_not_gone_on_with(node, contract):
    AnchorContract.objects.create(
        chain_id=contract.chain_id, genesis=contract.genesis, address="0x" + "22" * 20, deployed_at=NOW
    )
    assert finish(node).contract == contract


def killed(*_):
    raise KeyboardInterrupt


# Reorganisations ------------------------------------------------------------------------------------------


@pytest.mark.parametrize("depth", [1, 3])
def test_a_block_that_is_gone_takes_the_anchor_back_until_it_is_mined_again(node, contract, settings, depth):
    step()
    settings.EVM_CONFIRMATIONS = depth + 1
    before = node.tester.take_snapshot()
    node.mine(depth)
    assert step() == MINED
    lost = bytes(anchor_queries.open_anchor().block_hash)
    node.fork(before, depth + 1)  # without our transaction, which waits in no pool
    assert step(LATER) == SUBMITTED
    assert node.pool == {}  # one look at every earlier transaction before any is sent
    anchor = finish(node, LATER)
    assert anchor.state == CONFIRMED and bytes(anchor.block_hash) != lost
    assert len(raws()) == 1
    assert anchors.check(anchor).verdict is Verdict.HOLDS


def test_the_same_transaction_mined_in_another_block_is_confirmed_there(node, contract):
    step()
    before = node.tester.take_snapshot()
    node.mine()
    assert step() == MINED
    first = anchor_queries.open_anchor()
    node.fork(before, 1)
    node.include(raws()[0])
    node.mine(CONFIRMATIONS)
    assert step() == SUBMITTED  # deep enough by height, and not by the block we knew
    assert step() == MINED
    assert step() == CONFIRMED
    anchor = anchor_queries.latest_anchor()
    assert bytes(anchor.tx_hash) == bytes(first.tx_hash)
    assert bytes(anchor.block_hash) != bytes(first.block_hash)


def test_after_a_reorganisation_an_earlier_attempt_may_be_the_one_mined(node, contract):
    step()
    step(LATER)
    before = node.tester.take_snapshot()
    node.mine()
    assert step(LATER) == MINED
    node.fork(before, 1)
    assert step(LATER) == SUBMITTED
    node.include(raws()[0])
    anchor = finish(node, LATER)
    assert bytes(anchor.tx_hash) == evm.read(raws()[0]).tx_hash
    assert len(raws()) == 2


def test_two_nodes_that_disagree_leave_the_anchor_unconfirmed(node, nodes, contract, settings):
    nodes["second"] = Node()
    settings.EVM_SECOND_RPC_URL = "second"
    step()
    node.mine(CONFIRMATIONS)
    nodes["second"].mine(node.height())
    assert step() == MINED
    assert step() == MINED
    assert "different blocks" in trouble()
    nodes["second"].away = True
    assert step() == MINED
    assert "does not answer" in trouble()
    nodes["second"] = node
    assert step() == CONFIRMED


# What others wrote ----------------------------------------------------------------------------------------


def anchor_by_hand(contract, size, root, prev_root):
    """Send an anchor of our log past our own rows, as another house with the key would, and return the transaction."""
    chain = evm.connect()
    signed = chain.sign_anchor(
        contract=contract.address,
        size=size,
        root=root,
        prev_root=prev_root,
        nonce=chain.nonce(evm.anchorer()),
        fees=chain.fees(),
    )
    chain.send(signed.raw)
    return signed


def test_what_an_earlier_transaction_already_anchored_is_taken_as_done(node, contract):
    signed = anchor_by_hand(contract, 3, bytes(Checkpoint.objects.get().root), bytes(32))
    node.mine()
    assert step() == MINED
    anchor = finish(node)
    assert (anchor.state, bytes(anchor.tx_hash), raws()) == (CONFIRMED, signed.tx_hash, [])
    assert anchors.check(anchor).verdict is Verdict.HOLDS


def test_another_root_at_a_size_is_an_alarm(node, contract):
    anchor_by_hand(contract, 3, b"\x01" * 32, bytes(32))
    node.mine()
    with pytest.raises(AnchorContradicted) as alarm:
        anchors.advance(now=NOW)
    assert (alarm.value.size, alarm.value.anchored) == (3, b"\x01" * 32)
    assert "01" * 32 in trouble()
    assert [found.verdict for found in anchors.check_contracts()] == [Verdict.CONTRADICTED]


def test_a_log_that_is_shorter_than_what_was_anchored_is_an_alarm(node, contract):
    anchor_by_hand(contract, 9, b"\x01" * 32, bytes(32))
    node.mine()
    with pytest.raises(AnchorContradicted, match="no such size"):
        anchors.advance(now=NOW)


def test_an_anchor_that_another_went_past_is_dropped_and_the_next_goes_on_from_there(node, contract):
    fill_up(4)
    anchor_by_hand(contract, 4, bytes(Checkpoint.objects.get(size=4).root), bytes(32))
    node.mine()
    assert step() == DROPPED
    later = anchor_more(node, 6, NOW)
    assert (later.state, later.prev_size) == (CONFIRMED, 4)


def test_one_that_another_anchor_came_before_is_signed_again_from_there(node, contract):
    step()
    node.lose()
    anchor_by_hand(contract, 2, merkle.root(leaf_hashes(2)), bytes(32))  # a size that was never signed
    node.mine()
    anchor = finish(node)
    assert (anchor.state, anchor.prev_size, anchor.size) == (CONFIRMED, 2, 3)
    assert len(raws()) == 2  # and none of them for nothing


# Chains that are gone -------------------------------------------------------------------------------------


def test_a_test_chain_that_was_made_anew_is_told_and_anchored_on_from_the_start(
    node, nodes, contract, settings, caplog
):
    first = finish(node)
    nodes["first"] = anew = Node()
    anew.fund(evm.anchorer(), 2)
    assert anchors.check(first).verdict is Verdict.VANISHED
    assert "no longer has" in anchors.check(first).reason
    fill_up(4)
    anchors.plan(now=NOW + EVERY)
    step()
    assert "no longer has" in trouble() and "no longer has" in caplog.text
    assert finish(anew).state == CONFIRMED
    assert [bool(row.vanished_at) for row in AnchorContract.objects.order_by("id")] == [True, False]
    assert anchor_queries.anchor_over(1) == anchor_queries.latest_anchor() != first
    assert [anchors.check(anchor).verdict for anchor in anchor_queries.anchors()] == [
        Verdict.HOLDS,
        Verdict.VANISHED,
    ]


def test_an_anchor_under_way_on_a_chain_that_is_gone_is_dropped(node, nodes, contract):
    step()
    node.mine()
    assert step() == MINED
    nodes["first"] = anew = Node()
    anew.fund(evm.anchorer())
    assert step() == DROPPED
    assert anchors.plan(now=NOW).size == 3  # nothing is new, and nothing of it is on this chain
    assert finish(anew).state == CONFIRMED
    first, second = raws()
    assert first == second  # signed for the same place on a chain of the same id


@pytest.mark.parametrize("embedded", [True, False])
def test_a_chain_that_went_back_is_begun_anew_only_where_it_is_ours(node, contract, settings, embedded):
    settings.EVM_EMBEDDED, settings.EVM_HOLD = embedded, "builtins.list"
    before = node.tester.take_snapshot()
    anchor = finish(node)
    node.tester.revert_to_snapshot(before)
    assert anchors.check(anchor).verdict is Verdict.VANISHED
    assert [found.verdict for found in anchors.check_contracts()] == [Verdict.VANISHED]
    fill_up(4)
    anchors.plan(now=NOW + EVERY)
    step()
    assert "no longer has" in trouble()
    contract.refresh_from_db()
    assert bool(contract.vanished_at) is embedded


# The second look ------------------------------------------------------------------------------------------


@contextmanager
def attacker():
    """Be the owner of the tables, with their triggers off, until the block ends; then all is as it was."""
    with connection.as_owner(), transaction.atomic(), connection.cursor() as cursor:
        for table in ("ledger_anchor", "ledger_anchorattempt", "ledger_anchorcontract"):
            cursor.execute(f"ALTER TABLE {table} DISABLE TRIGGER USER")
        yield cursor
        transaction.set_rollback(True)


FORGERIES = {
    "size": ("ledger_anchor", "size = 2"),
    "root": ("ledger_anchor", r"root = '\x" + "01" * 32 + "'"),
    "prev_root": ("ledger_anchor", r"prev_root = '\x" + "01" * 32 + "'"),
    "sender": ("ledger_anchor", "sender = '0x" + "11" * 20 + "'"),
    "nonce": ("ledger_anchor", "nonce = nonce + 1"),
    "tx_hash": ("ledger_anchor", r"tx_hash = '\x" + "01" * 32 + "'"),
    "block_number": ("ledger_anchor", "block_number = block_number + 1"),
    "block_hash": ("ledger_anchor", r"block_hash = '\x" + "01" * 32 + "'"),
    "chain_id": ("ledger_anchorcontract", "chain_id = chain_id + 1"),
    "genesis": ("ledger_anchorcontract", r"genesis = '\x" + "01" * 32 + "'"),
    "vanished_at": ("ledger_anchorcontract", "vanished_at = now()"),
    "contract": ("ledger_anchorcontract", "address = '0x" + "11" * 20 + "'"),
    "raw": ("ledger_anchorattempt", r"raw = '\x" + "01" * 32 + "'"),
    "fees": ("ledger_anchorattempt", "tip_wei = tip_wei + 1"),
}


@pytest.mark.django_db(transaction=True)
def test_a_row_that_an_attacker_changed_contradicts_the_chain_and_the_field_is_named(node, contract):
    anchor, found = finish(node), {}
    for field, (table, change) in FORGERIES.items():
        with attacker() as cursor:
            cursor.execute(f"UPDATE {table} SET {change}")
            found[field] = anchors.check(Anchor.objects.get(pk=anchor.pk))
        assert anchors.check(anchor).verdict is Verdict.HOLDS
    assert {field: (check.verdict, check.field) for field, check in found.items()} == {
        field: (Verdict.CONTRADICTED, field) for field in FORGERIES
    }


@pytest.mark.django_db(transaction=True)
def test_an_anchor_that_was_made_up_is_not_taken_for_one_that_its_chain_lost(node, contract):
    finish(node)
    fill_up(4)
    with attacker() as cursor:
        cursor.execute(
            "INSERT INTO ledger_anchor (size, root, prev_size, prev_root, state, revision, contract_id, sender,"
            " tx_hash, block_number, block_hash, planned_at, moved_at, confirmed_at, last_trouble)"
            " SELECT c.size, c.root, a.size, a.root, a.state, 0, a.contract_id, a.sender, %s, a.block_number,"
            " a.block_hash, now(), now(), now(), '' FROM ledger_anchor a, ledger_checkpoint c WHERE c.size = 4",
            [b"\x01" * 32],
        )
        found = anchors.check(Anchor.objects.get(size=4))
    assert (found.verdict, found.field) == (Verdict.CONTRADICTED, "tx_hash")


@pytest.mark.django_db(transaction=True)
def test_rows_that_an_attacker_removed_do_not_hide_what_is_on_the_chain(node, contract):
    finish(node)
    with attacker() as cursor:
        cursor.execute("DELETE FROM ledger_anchorattempt")
        cursor.execute("DELETE FROM ledger_anchor")
        assert [found.verdict for found in anchors.check_contracts()] == [Verdict.CONTRADICTED]
    assert [found.verdict for found in anchors.check_contracts()] == [Verdict.HOLDS]


def test_an_anchor_is_looked_at_again_only_where_its_chain_answers(node, contract, settings):
    assert anchors.check(anchor_queries.open_anchor()).verdict is Verdict.WAITING
    anchor = finish(node)
    node.away = True
    assert anchors.check(anchor).verdict is Verdict.UNREACHABLE
    assert [found.verdict for found in anchors.check_contracts()] == [Verdict.UNREACHABLE]
    settings.EVM_RPC_URL = ""
    with pytest.raises(ChainUnreachable):
        evm.connect()
    assert anchors.check(anchor).verdict is Verdict.UNREACHABLE


# What the tables refuse -----------------------------------------------------------------------------------


def test_an_anchor_changes_only_as_its_life_allows(contract):
    for change, word in (
        ("size = 4", "its checkpoint stays"),
        (r"root = '\x" + "01" * 32 + "'", "its checkpoint stays"),
        ("revision = revision - 1", "its checkpoint stays"),
        ("state = 'confirmed'", "no move from planned to confirmed"),
        ("state = 'lost'", "no move from planned to lost"),
        ("state = 'submitted'", "anchor_has_a_contract"),
        ("state = 'mined'", "anchor_has_a"),
        ("block_number = 1", "anchor_has_a_block"),
        ("confirmed_at = now()", "anchor_confirmed_when"),
        ("prev_size = 3", "anchor_sizes"),
    ):
        assert word in refused(f"UPDATE ledger_anchor SET {change}"), change


def test_what_is_anchored_stays_as_it_is(node, contract):
    finish(node)
    for sql, word in (
        (r"UPDATE ledger_anchor SET tx_hash = '\x" + "01" * 32 + "'", "what is in a block stays"),
        ("UPDATE ledger_anchor SET nonce = nonce + 1", "what is in a block stays"),
        ("UPDATE ledger_anchor SET state = 'submitted'", "no move from confirmed"),
        ("DELETE FROM ledger_anchor", "rows are not removed"),
        ("UPDATE ledger_anchorcontract SET address = '0x" + "11" * 20 + "'", "it stays where it is"),
        ("UPDATE ledger_anchorcontract SET deployed_at = NULL", "what has happened to it stays"),
        ("DELETE FROM ledger_anchorcontract", "rows are not removed"),
        ("DELETE FROM ledger_anchorattempt", "permission denied"),
        ("UPDATE ledger_anchorattempt SET nonce = 1", "permission denied"),
    ):
        assert word in refused(sql), sql


def test_one_anchor_is_under_way_at_a_time_and_is_of_a_checkpoint(contract):
    fill_up(4)
    row = Checkpoint.objects.get(size=4)
    fields = {"prev_size": 0, "prev_root": bytes(32), "planned_at": NOW, "moved_at": NOW}
    with pytest.raises(IntegrityError, match="anchor_one_open"), transaction.atomic():
        Anchor.objects.create(size=4, root=row.root, **fields)
    with pytest.raises(IntegrityError, match="no checkpoint"), transaction.atomic():
        Anchor.objects.create(size=4, root=bytes(32), **fields)
    with pytest.raises(IntegrityError, match="begins as planned"), transaction.atomic():
        Anchor.objects.create(size=4, root=row.root, state=DROPPED, **fields)


def refused(sql):
    """Run a statement that must be refused, and return the words of the refusal."""
    with pytest.raises(DatabaseError) as refusal, transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(sql)
    return str(refusal.value)
