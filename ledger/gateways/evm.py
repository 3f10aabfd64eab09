"""An EVM chain, by web3: the only file that knows its words. What web3 raises becomes ours here.

Importing web3 takes a second, so that waits until a chain is asked. Nothing here belongs inside a transaction of
the database. Amounts are in wei.
"""

import hashlib
import json
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cached_property, lru_cache
from pathlib import Path
from typing import Any

from django.conf import settings
from django.utils.module_loading import import_string
from django.utils.translation import gettext as _

from ledger.domain.anchoring import Anchored, Latest
from ledger.errors import (
    AnchorTrouble,
    ChainUnreachable,
    NoFunds,
    NonceSpent,
    ProvidersDisagree,
    TransactionRefused,
)

COMPILED = Path(__file__).resolve().parent.parent / "contracts/anchor.json"
TIMEOUT_SECONDS = 10
ANCHOR_GAS, DEPLOYMENT_GAS = 100_000, 500_000  # limits, a quarter and more above what they use
BUMP_PERCENT = 125  # nodes ask for a tenth more before they let one transaction take the place of another
TEST_FUNDS = 10**21

# What nodes say when they have the very transaction, or another of its nonce, or see no money for it.
KNOWN = ("already known", "already imported", "known transaction", "already in")
SPENT = ("nonce too low", "invalid transaction nonce", "nonce is too low", "oldnonce")
POOR = ("insufficient funds", "enough balance", "insufficient balance")


@dataclass(frozen=True)
class Fees:
    """What is paid at most for a unit of gas, and how much of that goes to the miner."""

    max_fee: int
    tip: int

    def over(self, before: "Fees") -> "Fees":
        """Return fees that may take the place of others."""
        return Fees(
            *(max(a, b * BUMP_PERCENT // 100 + 1) for a, b in zip(self.pair, before.pair, strict=True))
        )

    @property
    def pair(self) -> tuple[int, int]:
        """Return both."""
        return self.max_fee, self.tip


@dataclass(frozen=True)
class Signed:
    """A signed transaction."""

    tx_hash: bytes
    raw: bytes


@dataclass(frozen=True)
class Transaction:
    """What a signed transaction says, and who signed it."""

    tx_hash: bytes
    sender: str
    chain_id: int
    nonce: int
    fees: Fees
    to: str
    origin: bytes
    size: int
    root: bytes
    prev_root: bytes


def connect() -> "Chain":
    """Return the chain that the settings name, starting the embedded one at need. Raises ChainUnreachable."""
    if not settings.EVM_RPC_URL:
        raise ChainUnreachable(
            _("No chain is set up: there is no anvil here, and EVM_RPC_URL names no node.")
        )
    if settings.EVM_EMBEDDED:
        import_string(settings.EVM_HOLD)()
    return Chain(settings.EVM_RPC_URL)


def origin() -> bytes:
    """Return what contracts know our log by: the SHA-256 of its name."""
    return hashlib.sha256(settings.LEDGER_ORIGIN.encode()).digest()


def anchorer() -> str:
    """Return the address that we anchor from. Raises AnchorTrouble when the key is none."""
    return _account().address


@lru_cache
def compiled() -> dict[str, Any]:
    """Return the contract as it was compiled: ABI and bytecode."""
    return json.loads(COMPILED.read_text())


@lru_cache
def provider(url: str):
    """Return how a node is spoken to: over HTTP, or through a socket where the address is a path; kept open."""
    from web3 import HTTPProvider, IPCProvider

    if url.startswith(("http://", "https://")):
        patience = {"timeout": TIMEOUT_SECONDS}  # once: the timetable tries again
        return HTTPProvider(url, request_kwargs=patience, exception_retry_configuration=None)
    return IPCProvider(url, timeout=TIMEOUT_SECONDS)


class Chain:
    """A chain that answers."""

    def __init__(self, url: str) -> None:
        from web3 import Web3
        from web3.middleware import ExtraDataToPOAMiddleware

        self.web3 = Web3(provider(url))
        self.web3.middleware_onion.inject(ExtraDataToPOAMiddleware, layer=0)  # for chains of known validators
        with asking():
            self.chain_id = self.web3.eth.chain_id
            self.genesis = bytes(self.web3.eth.get_block(0)["hash"])

    @cached_property
    def second(self) -> "Chain | None":
        """The other node that must agree, where one is set."""
        return Chain(settings.EVM_SECOND_RPC_URL) if settings.EVM_SECOND_RPC_URL else None

    # Reading

    def height(self) -> int:
        """Return the number of the newest block."""
        with asking():
            return self.web3.eth.block_number

    def block_hash(self, number: int) -> bytes | None:
        """Return the hash of a block, if there is one of this number."""
        from web3.exceptions import BlockNotFound

        with asking():
            try:
                return bytes(self.web3.eth.get_block(number)["hash"])
            except BlockNotFound:
                return None

    def agree(self, number: int, block_hash: bytes) -> None:
        """Make sure that the second node, where there is one, has the same block. Raises ProvidersDisagree."""
        if self.second and self.second.block_hash(number) != block_hash:
            raise ProvidersDisagree(number)

    def has_contract(self, address: str, *, confirmations: int = 1) -> bool:
        """Tell whether there is code at an address, and was so many blocks deep."""
        block = max(0, self.height() - confirmations + 1)
        with asking():
            return bool(self.web3.eth.get_code(self._address(address), block))

    def latest(self, address: str) -> Latest:
        """Return the newest size and root of our log in a contract."""
        with asking():
            size, root = self._contract(address).functions.latest(origin()).call()
        return Latest(size, bytes(root))

    def takes_from(self, address: str, sender: str) -> bool:
        """Tell whether a contract takes anchors from a sender."""
        with asking():
            return self._contract(address).functions.isAnchorer(sender).call()

    def nonce(self, sender: str) -> int:
        """Return how many transactions of a sender are in blocks."""
        with asking():
            return self.web3.eth.get_transaction_count(sender)

    def knows(self, tx_hash: bytes) -> bool:
        """Tell whether the node has a transaction, in a block or waiting for one."""
        from web3.exceptions import TransactionNotFound

        with asking():
            try:
                return bool(self.web3.eth.get_transaction(tx_hash))
            except TransactionNotFound:
                return False

    def anchored_by(self, tx_hash: bytes) -> Anchored | None:
        """Return what a contract said about our log in a transaction, if that is in a block."""
        from web3.exceptions import TransactionNotFound
        from web3.logs import DISCARD

        with asking():
            try:
                receipt = self.web3.eth.get_transaction_receipt(tx_hash)
            except TransactionNotFound:
                return None
            events = self._contract(None).events.Anchored().process_receipt(receipt, errors=DISCARD)
        return next((_anchored(event) for event in events if event["args"]["origin"] == origin()), None)

    def anchored_at(self, address: str, size: int) -> Anchored | None:
        """Look through a contract's events for the one of a size of our log; many public nodes refuse to."""
        from web3.exceptions import Web3RPCError

        with asking():
            event = self._contract(address).events.Anchored()
            try:
                events = event.get_logs(from_block=0, argument_filters={"origin": origin()})
            except Web3RPCError:
                return None
        return next((_anchored(event) for event in events if event["args"]["size"] == size), None)

    # Writing

    def fees(self) -> Fees:
        """Return the fees that get a transaction into one of the next blocks."""
        with asking():
            base = self.web3.eth.get_block("latest").get("baseFeePerGas", 0)
            tip = self.web3.eth.max_priority_fee
        return Fees(2 * base + tip, tip)

    def need_funds(self, gas: int, fees: Fees) -> None:
        """Make sure that the anchorer can pay; on the embedded chain it is given money. Raises NoFunds."""
        needed, sender = gas * fees.max_fee, anchorer()
        with asking():
            balance = self.web3.eth.get_balance(sender)
            if balance < needed and settings.EVM_EMBEDDED:
                self.web3.provider.make_request("anvil_setBalance", [sender, hex(TEST_FUNDS)])
                balance = self.web3.eth.get_balance(sender)
        if balance < needed:
            raise NoFunds(sender, needed, balance)

    def sign_anchor(
        self, *, contract: str, size: int, root: bytes, prev_root: bytes, nonce: int, fees: Fees
    ) -> Signed:
        """Sign the transaction that anchors a size and root."""
        call = self._contract(contract).encode_abi("anchor", [origin(), size, root, prev_root])
        return self._sign(to=self._address(contract), data=call, gas=ANCHOR_GAS, nonce=nonce, fees=fees)

    def sign_deployment(self, *, nonce: int, fees: Fees) -> tuple[str, Signed]:
        """Sign the transaction that makes a contract, and return the address that it will have."""
        from web3.utils.address import get_create_address

        signed = self._sign(data=compiled()["bytecode"], gas=DEPLOYMENT_GAS, nonce=nonce, fees=fees)
        return get_create_address(anchorer(), nonce), signed

    def send(self, raw: bytes) -> None:
        """Send a signed transaction; sending it twice is no error. Raises NonceSpent, NoFunds, TransactionRefused."""
        from eth_utils.exceptions import ValidationError
        from web3.exceptions import Web3RPCError

        with asking():
            try:
                self.web3.eth.send_raw_transaction(raw)
            except (Web3RPCError, ValidationError, ValueError) as error:
                self._refused(read(raw).nonce, str(error))

    def _refused(self, nonce: int, said: str) -> None:
        words = said.lower()
        if any(sign in words for sign in KNOWN):
            return
        if any(sign in words for sign in SPENT):
            raise NonceSpent(nonce)
        if any(sign in words for sign in POOR):
            raise NoFunds(anchorer(), 0, self.web3.eth.get_balance(anchorer()))
        raise TransactionRefused(_("The node does not take the transaction: %(said)s") % {"said": said[:300]})

    def _sign(self, *, data: str, gas: int, nonce: int, fees: Fees, **to) -> Signed:
        signed = _account().sign_transaction(
            {
                "type": 2,
                "chainId": self.chain_id,
                "nonce": nonce,
                "gas": gas,
                "maxFeePerGas": fees.max_fee,
                "maxPriorityFeePerGas": fees.tip,
                "value": 0,
                "data": data,
                **to,
            }
        )
        return Signed(bytes(signed.hash), bytes(signed.raw_transaction))

    def _contract(self, address: str | None):
        at = {"address": self._address(address)} if address else {}
        return self.web3.eth.contract(abi=compiled()["abi"], **at)

    def _address(self, address: str) -> str:
        try:
            return self.web3.to_checksum_address(address)
        except ValueError:
            raise AnchorTrouble(_("%(address)s is no address.") % {"address": address}) from None


def read(raw: bytes) -> Transaction:
    """Read a signed transaction of ours, without a chain. Raises AnchorTrouble when it is none."""
    from eth_account import Account
    from eth_account.typed_transactions import TypedTransaction
    from eth_utils import keccak, to_checksum_address
    from hexbytes import HexBytes
    from web3 import Web3

    try:
        said = TypedTransaction.from_bytes(HexBytes(raw)).as_dict()
        data, to = bytes(said["data"]), bytes(said["to"])
        arguments = {"origin": b"", "size": 0, "root": b"", "prevRoot": b""}
        if to:
            contract = Web3().eth.contract(abi=compiled()["abi"])
            arguments = contract.decode_function_input(data)[1]
        return Transaction(
            tx_hash=keccak(raw),
            sender=Account.recover_transaction(raw),
            chain_id=said["chainId"],
            nonce=said["nonce"],
            fees=Fees(said["maxFeePerGas"], said["maxPriorityFeePerGas"]),
            to=to_checksum_address(to) if to else "",
            origin=arguments["origin"],
            size=arguments["size"],
            root=arguments["root"],
            prev_root=arguments["prevRoot"],
        )
    except Exception as error:  # whatever a changed byte makes the libraries raise
        raise AnchorTrouble(_("This is no transaction of ours: %(said)s") % {"said": error}) from error


@contextmanager
def asking() -> Iterator[None]:
    """Turn what goes wrong between us and a node into our own words, without its address, which may hold a key."""
    from web3._utils.threads import Timeout  # what a socket's silence is raised as; it has no public name
    from web3.exceptions import Web3Exception

    try:
        yield
    except (OSError, Timeout) as error:
        said = type(error).__name__
        raise ChainUnreachable(_("The chain does not answer: %(said)s") % {"said": said}) from error
    except (Web3Exception, json.JSONDecodeError) as error:
        raise AnchorTrouble(
            _("The chain answers with a fault: %(said)s") % {"said": str(error)[:300]}
        ) from error


def _account():
    from eth_account import Account

    try:
        return Account.from_key(settings.EVM_ANCHOR_KEY)
    except Exception:  # the libraries have no one name for it, and their words could hold the key
        raise AnchorTrouble(_("EVM_ANCHOR_KEY is no private key.")) from None


def _anchored(event) -> Anchored:
    said = event["args"]
    return Anchored(
        contract=event["address"],
        size=said["size"],
        root=bytes(said["root"]),
        prev_root=bytes(said["prevRoot"]),
        tx_hash=bytes(event["transactionHash"]),
        block_number=event["blockNumber"],
        block_hash=bytes(event["blockHash"]),
    )
