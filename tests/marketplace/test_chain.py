"""The embedded test chain: anvil under its keeper, with an anchor on it that outlives a kill."""

import os
import signal
import time
from pathlib import Path
from types import SimpleNamespace

import pytest

from ledger import anchor_queries
from ledger.actions import anchors
from ledger.domain.anchoring import AnchorState, Verdict
from ledger.errors import ChainUnreachable
from ledger.gateways import evm
from marketplace.local import chain, servers
from marketplace.local.house import House, Trouble
from tests.ledger.conftest import NOW, fill

needs_anvil = pytest.mark.skipif(not chain.installed(), reason="no anvil here: npm ci brings one for Linux")


@pytest.fixture
def house(tmp_path, settings, monkeypatch):
    """Return a house of its own whose chain the settings name, stopped at the end."""
    house = House(tmp_path / "house")
    lent = SimpleNamespace(default=lambda: house, Trouble=Trouble)
    monkeypatch.setattr("marketplace.chain.house", lent)
    settings.EVM_EMBEDDED, settings.EVM_RPC_URL, settings.EVM_CONFIRMATIONS = True, chain.address(house), 1
    yield house
    servers.let_go("chain", house=house)
    assert not processes(house)


def processes(house):
    """Return the anvils of a house."""
    found = []
    for folder in Path("/proc").glob("[0-9]*"):
        try:
            words = (folder / "cmdline").read_bytes()
        except OSError:
            continue
        if b"bin/anvil" in words and os.fsencode(house.state) in words:
            found.append(int(folder.name))
    return found


def wait_until(holds, seconds=20):
    deadline = time.monotonic() + seconds
    while not holds():
        assert time.monotonic() < deadline, "it did not come about"
        time.sleep(0.05)


def confirm():
    """Bring the anchor under way to its end, as the worker does every 15 s."""

    def confirmed():
        anchor = anchors.advance(now=NOW)
        assert anchor.last_trouble == ""
        return anchor.state == AnchorState.CONFIRMED

    wait_until(confirmed)
    return anchor_queries.latest_anchor()


@needs_anvil
@pytest.mark.django_db
def test_an_anchor_on_the_embedded_chain_outlives_a_kill_of_its_server(house):
    fill(3)
    anchors.plan(now=NOW)
    anchor = confirm()
    assert anchor.contract.chain_id == chain.CHAIN_ID
    wait_until(lambda: bytes(anchor.tx_hash).hex().encode() in state_of(house))
    (before,) = processes(house)
    os.kill(before, signal.SIGKILL)
    wait_until(lambda: processes(house) not in ([before], []))
    wait_until(lambda: anchors.check(anchor).verdict is not Verdict.UNREACHABLE)
    assert anchors.check(anchor).verdict is Verdict.HOLDS
    assert [found.verdict for found in anchors.check_contracts()] == [Verdict.HOLDS]


def state_of(house):
    state = house.state / "chain/state.json"
    return state.read_bytes() if state.exists() else b""


@needs_anvil
@pytest.mark.django_db
def test_a_chain_whose_folder_was_deleted_is_begun_anew(house):
    fill(3)
    anchors.plan(now=NOW)
    first = confirm()
    servers.let_go("chain", house=house)
    for path in (house.state / "chain").glob("state.*"):
        path.unlink()
    assert anchors.check(first).verdict is Verdict.VANISHED
    anchors.plan(now=NOW)
    assert anchors.advance(now=NOW) is None
    fill(4)
    anchors.plan(now=NOW + anchors.anchoring.EVERY)
    assert "no longer has" in anchors.advance(now=NOW).last_trouble
    assert confirm() != first


def test_a_state_that_a_kill_has_torn_is_put_back_from_its_copy(tmp_path):
    server = chain.Chain(House(tmp_path))
    server.state.parent.mkdir()
    server.prepare()
    assert not server.state.exists()
    for state, found in (('{"block": 1}', '{"block": 1}'), ('{"block": 2', '{"block": 1}')):
        server.state.write_text(state)
        server.prepare()
        assert server.state.read_text() == found


def test_a_torn_state_without_a_copy_is_left_for_a_new_chain(tmp_path):
    server = chain.Chain(House(tmp_path))
    server.state.parent.mkdir()
    server.state.write_text("{")
    server.prepare()
    assert not server.state.exists()


def test_where_no_anvil_is_installed_the_reason_is_told(house, settings, monkeypatch):
    monkeypatch.setattr(chain, "installed", lambda: None)
    assert chain.address(house) == ""
    with pytest.raises(chain.NoChain):
        chain.Chain(house).program()
    settings.EVM_RPC_URL = chain.address(house)
    with pytest.raises(ChainUnreachable, match="no anvil"):
        evm.connect()


def test_a_chain_that_does_not_start_is_told_and_left_alone_for_a_while(house, monkeypatch, db):
    tries = []

    def fail(*_, **__):
        tries.append(1)
        raise Trouble("anvil is of another architecture")

    monkeypatch.setattr(servers, "hold", fail)
    fill(1)
    anchors.plan(now=NOW)
    for _ in range(3):
        assert "another architecture" in anchors.advance(now=NOW).last_trouble
    assert len(tries) == 1
    monkeypatch.setattr("marketplace.chain.LEFT_ALONE_SECONDS", 0)
    anchors.advance(now=NOW)
    assert len(tries) == 2


def test_nothing_starts_a_chain_before_something_is_to_be_anchored(house, db):
    anchors.plan(now=NOW)
    anchors.advance(now=NOW)
    assert not chain.answers(house)
    assert not (house.state / "chain").exists()
