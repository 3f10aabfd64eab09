"""The contract itself: what it takes, what it refuses, what it costs, and that it is compiled from its source."""

import json
import shutil
import subprocess
from pathlib import Path

import pytest
from eth_tester.exceptions import TransactionFailed
from web3 import Web3
from web3.providers.eth_tester import EthereumTesterProvider

from ledger.gateways import evm

ROOT = Path(__file__).resolve().parents[2]
SOURCE = ROOT / "ledger/contracts"
ORIGIN, OTHER, FIRST, SECOND, NONE = (bytes([byte]) * 32 for byte in (0xAA, 0xBB, 0x11, 0x22, 0))
LARGE = 2**63 + 0x1234_5678_9ABC_DEF1  # no byte of it is 0, and those cost less


@pytest.fixture
def web3():
    return Web3(EthereumTesterProvider())


@pytest.fixture
def owner(web3):
    return web3.eth.accounts[0]


@pytest.fixture
def stranger(web3):
    return web3.eth.accounts[1]


@pytest.fixture
def contract(web3, owner):
    compiled = evm.compiled()
    draft = web3.eth.contract(abi=compiled["abi"], bytecode=compiled["bytecode"])
    receipt = mined(web3, draft.constructor().transact({"from": owner}))
    return web3.eth.contract(receipt["contractAddress"], abi=compiled["abi"])


def mined(web3, tx_hash):
    return web3.eth.wait_for_transaction_receipt(tx_hash, poll_latency=0.01)


def anchor(contract, sender, size, root, prev_root, origin=ORIGIN):
    call = contract.functions.anchor(origin, size, root, prev_root)
    return mined(contract.w3, call.transact({"from": sender}))


def refusal(contract, call):
    """Return the name of the error that a call is refused with, and its values."""
    with pytest.raises(TransactionFailed) as failed:
        call()
    data = failed.value.args[0].partition("execution reverted: ")[2]
    raw = eval(data)  # eth-tester says the bytes as Python writes them
    for error in (item for item in contract.abi if item["type"] == "error"):
        types = [value["type"] for value in error["inputs"]]
        if Web3.keccak(text=f"{error['name']}({','.join(types)})")[:4] == raw[:4]:
            return (error["name"], *contract.w3.codec.decode(types, raw[4:]))
    raise AssertionError(raw)


def test_it_keeps_the_newest_of_each_log_and_tells_of_each(contract, owner):
    assert contract.functions.latest(ORIGIN).call() == [0, NONE]
    anchor(contract, owner, 5, FIRST, NONE)
    receipt = anchor(contract, owner, 9, SECOND, FIRST)
    anchor(contract, owner, 1, FIRST, NONE, origin=OTHER)
    assert contract.functions.latest(ORIGIN).call() == [9, SECOND]
    assert contract.functions.latest(OTHER).call() == [1, FIRST]
    (event,) = contract.events.Anchored().process_receipt(receipt)
    assert dict(event["args"]) == {"origin": ORIGIN, "size": 9, "root": SECOND, "prevRoot": FIRST}


@pytest.mark.parametrize("size", [0, 4, 5])
def test_a_size_that_is_not_greater_is_refused(contract, owner, size):
    anchor(contract, owner, 5, FIRST, NONE)
    said = refusal(contract, lambda: anchor(contract, owner, size, SECOND, FIRST))
    assert said == ("SizeNotGreater", 5, size)
    assert contract.functions.latest(ORIGIN).call() == [5, FIRST]


@pytest.mark.parametrize("prev_root", [NONE, SECOND])
def test_a_root_that_does_not_follow_is_refused(contract, owner, prev_root):
    anchor(contract, owner, 5, FIRST, NONE)
    said = refusal(contract, lambda: anchor(contract, owner, 6, SECOND, prev_root))
    assert said == ("RootNotPrevious", FIRST, prev_root)


def test_the_first_of_a_log_follows_nothing(contract, owner):
    assert refusal(contract, lambda: anchor(contract, owner, 1, FIRST, SECOND)) == (
        "RootNotPrevious",
        NONE,
        SECOND,
    )
    assert refusal(contract, lambda: anchor(contract, owner, 0, FIRST, NONE)) == ("SizeNotGreater", 0, 0)


def test_only_whom_the_owner_allows_may_anchor_and_only_as_long(contract, owner, stranger, web3):
    allow = contract.functions.setAnchorer
    assert refusal(contract, lambda: anchor(contract, stranger, 1, FIRST, NONE))[0] == "NotAnchorer"
    assert refusal(contract, lambda: allow(stranger, True).transact({"from": stranger}))[0] == "NotOwner"
    mined(web3, allow(stranger, True).transact({"from": owner}))
    anchor(contract, stranger, 1, FIRST, NONE)
    mined(web3, allow(stranger, False).transact({"from": owner}))
    assert refusal(contract, lambda: anchor(contract, stranger, 2, SECOND, FIRST))[0] == "NotAnchorer"
    assert contract.functions.owner().call() == owner


def test_the_first_anchor_takes_80_000_gas_at_most_and_later_ones_45_000(contract, owner):
    roots = [Web3.keccak(text=str(number)) for number in range(4)]  # dense, as roots are
    used = [anchor(contract, owner, 1, roots[0], NONE)["gasUsed"]]
    used += [
        anchor(contract, owner, size, roots[number], roots[number - 1])["gasUsed"]
        for number, size in enumerate((2, 100_000, LARGE), start=1)
    ]
    assert used[0] <= 80_000, used
    assert max(used[1:]) <= 45_000, used
    assert max(used) <= evm.ANCHOR_GAS


def test_the_source_compiles_to_the_bytecode_that_is_deployed():
    node = shutil.which("node")
    if not node or not (ROOT / "node_modules/solc").is_dir():
        pytest.skip("no Node or no solc here: npm ci brings the compiler")
    done = subprocess.run([node, str(SOURCE / "compile.cjs")], capture_output=True, text=True, check=True)
    assert json.loads(done.stdout) == json.loads(evm.COMPILED.read_text())
