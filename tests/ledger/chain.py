"""A node with a chain of its own, in this process: py-evm under eth-tester, behind a pool that can lose and replace."""

import itertools

from eth_tester import EthereumTester, PyEVMBackend
from web3 import Web3
from web3.providers.eth_tester import EthereumTesterProvider

from ledger.gateways import evm

REPLACEMENT_PERCENT = 110


class Provider(EthereumTesterProvider):
    """What web3 speaks to: transactions wait in the node's pool until it mines."""

    def __init__(self, node):
        super().__init__(node.tester)
        self.node = node

    def make_request(self, method, params):
        if self.node.away:
            raise ConnectionRefusedError("the node is away")
        if method == "eth_getLogs" and not self.node.searches:
            return {"jsonrpc": "2.0", "id": 1, **refusal("query exceeds the range of blocks allowed")}
        if method == "eth_sendRawTransaction":
            return {"jsonrpc": "2.0", "id": 1, **self.node.take(bytes.fromhex(params[0][2:]))}
        return super().make_request(method, params)


class Node:
    """A node: it mines and forks when told to, may be away, and may refuse to search. No two begin with one block."""

    births = itertools.count(1_700_000_000)

    def __init__(self):
        genesis = PyEVMBackend.generate_genesis_params(overrides={"timestamp": next(Node.births)})
        self.tester = EthereumTester(PyEVMBackend(genesis_parameters=genesis))
        self.rich = self.tester.get_accounts()[0]
        self.pool, self.forks, self.away, self.searches = {}, 0, False, True
        self.provider = Provider(self)
        self.web3 = Web3(self.provider)

    def fund(self, address, ether=1):
        """Send somebody money."""
        self.tester.send_transaction(
            {"from": self.rich, "to": address, "value": ether * 10**18, "gas": 21_000}
        )

    def take(self, raw):
        """Take a transaction into the pool, as nodes do."""
        said = evm.read(raw)
        waiting = self.pool.get((said.sender, said.nonce))
        if waiting == raw:
            return refusal("already known")
        if said.nonce < self.tester.get_nonce(said.sender):
            return refusal("nonce too low")
        if self.tester.get_balance(said.sender) < evm.ANCHOR_GAS * said.fees.max_fee:
            return refusal("insufficient funds for gas * price + value")
        if waiting and said.fees.max_fee * 100 < evm.read(waiting).fees.max_fee * REPLACEMENT_PERCENT:
            return refusal("replacement transaction underpriced")
        self.pool[said.sender, said.nonce] = raw
        return {"result": "0x" + said.tx_hash.hex()}

    def lose(self):
        """Forget what waits."""
        self.pool.clear()

    def mine(self, count=1):
        """Mine what waits, and empty blocks up to a count."""
        until = self.height() + count
        for key in sorted(self.pool):
            self.include(self.pool[key])
        if self.height() < until:
            self.tester.mine_blocks(until - self.height())

    def include(self, raw):
        """Mine one transaction, whether or not it waits here; what waits with its nonce is out."""
        said = evm.read(bytes(raw))
        self.pool.pop((said.sender, said.nonce), None)
        self.tester.send_raw_transaction("0x" + bytes(raw).hex())

    def height(self):
        """Return the number of the newest block."""
        return self.tester.get_block_by_number("latest")["number"]

    def fork(self, snapshot, blocks):
        """Go back to a snapshot and mine other blocks instead of those after it."""
        self.tester.revert_to_snapshot(snapshot)
        self.forks += 1
        for _ in range(blocks):
            self.tester.send_transaction(
                {"from": self.rich, "to": self.rich, "value": self.forks, "gas": 21_000}
            )


def refusal(words):
    """Return an error as nodes answer it."""
    return {"error": {"code": -32000, "message": words}}
