"""The ways the ledger refuses.

LedgerError
├── NotCanonical(path, reason)            a value that the log's profile does not admit
├── NotADocument(field, reason)           canonical, but not the shape of a ledger entry
├── KeyReused(idempotency_key)            the same key came with other bytes
├── EntryNotFound(number, size)           no entry has this number yet
├── EntryNotSigned(number, size)          sequenced, but under no signed checkpoint yet
├── IntentNotFound(intent_id)             nothing was handed in under this id
├── OpeningNotFound(intent_id, field)     nothing was handed in under this commitment
├── GroundUnknown(ground)                 nothing is erased on this ground
├── CheckpointNotFound(size)              nothing was signed at this size
├── LogBroken(number, reason)             stored rows contradict each other: stop and look
│   ├── Rollback(signed_size, size)       the log is shorter than what was signed
│   ├── SecondRoot(size, signed, found)   the log has another root than what was signed
│   └── NotConsistent(old_size, size)     no proof that the tree extends what was remembered
├── TileInvalid(reason)                   a tile or a bundle of entries that is none
├── FileContradicts(name)                 a file of the log holds other bytes than the log
├── FileMissing(name)                     a file of the log is not where it was put
├── RepairRefused(layers)                 more than derived data is wrong: nothing is repaired
├── StaleSize(remembered, given)          the caller starts from another size than the one remembered
├── MemoryUnreadable(path, reason)        what a signer remembers is not a checkpoint: never begin anew
├── NoteInvalid(reason)                   a signed note, or a key, that does not hold
├── ProofInvalid(reason)                  a text that is no inclusion proof
├── PolicyInvalid(line, reason)           a policy file that does not say clearly whom to trust
├── KeyUnusable(origin, reason)            the signing key cannot be read or made
├── WitnessFailed(name, reason)           a witness gave no cosignature
├── WitnessRefused                        a witness does not take what it was sent
│   ├── RequestMalformed(reason)          not a request of the protocol
│   ├── LogUnknown(origin)                the witness does not watch this log
│   └── LogNotSigned(origin, reason)      no key of the log that is trusted has signed
├── WitnessUnusable(path, reason)         a witness cannot start from this folder
├── ReportRefused(path, reason)           a report cannot be written there
├── AnchorTrouble(reason)                 an anchor cannot go on now: it waits where it is
│   ├── ChainUnreachable(reason)          no node answers, or none is set up
│   ├── NoFunds(address, needed, balance) the anchorer cannot pay for a transaction
│   ├── NotAnAnchorer(address, contract)  the contract does not take anchors from this address
│   ├── NonceSpent(nonce)                 the chain has a transaction with this nonce already
│   ├── TransactionRefused(reason)        the node does not take the transaction
│   ├── ProvidersDisagree(block)          two nodes have different blocks at one height
│   └── AnchorVanished(chain_id, contract)  a chain no longer has what was anchored on it
└── AnchorContradicted(size, anchored, found)  the chain has another root than the log: stop and look
"""

from django.utils.translation import gettext as _


class LedgerError(Exception):
    """Anything the ledger refuses; `str()` is a sentence for people, the fields are for programs."""


class NotCanonical(LedgerError, ValueError):
    def __init__(self, path: str, reason: str) -> None:
        super().__init__(f"{path}: {reason}")
        self.path, self.reason = path, reason


class NotADocument(LedgerError, ValueError):
    def __init__(self, field: str, reason: str) -> None:
        super().__init__(f"{field}: {reason}")
        self.field, self.reason = field, reason


class KeyReused(LedgerError):
    def __init__(self, idempotency_key: str) -> None:
        super().__init__(_("The key %(key)s has already logged other content.") % {"key": idempotency_key})
        self.idempotency_key = idempotency_key


class EntryNotFound(LedgerError):
    def __init__(self, number: int, size: int) -> None:
        super().__init__(
            _("There is no entry %(number)d; the ledger has %(size)d entries, counted from 0.")
            % {"number": number, "size": size}
        )
        self.number, self.size = number, size


class EntryNotSigned(LedgerError):
    def __init__(self, number: int, size: int) -> None:
        super().__init__(
            _("Entry %(number)d is not under the checkpoint of size %(size)d. Try again in a few seconds.")
            % {"number": number, "size": size}
        )
        self.number, self.size = number, size


class IntentNotFound(LedgerError):
    def __init__(self, intent_id: int) -> None:
        super().__init__(_("Nothing was handed in under the id %(id)d.") % {"id": intent_id})
        self.intent_id = intent_id


class OpeningNotFound(LedgerError):
    def __init__(self, intent_id: int, field: str) -> None:
        super().__init__(_("The entry keeps nothing under the field %(field)s.") % {"field": field})
        self.intent_id, self.field = intent_id, field


class GroundUnknown(LedgerError, ValueError):
    def __init__(self, ground: str) -> None:
        super().__init__(_("Nothing is erased on the ground %(ground)s.") % {"ground": ground})
        self.ground = ground


class CheckpointNotFound(LedgerError):
    def __init__(self, size: int | None) -> None:
        super().__init__(
            _("Nothing has been signed yet.")
            if size is None
            else _("No checkpoint was signed at size %(size)d.") % {"size": size}
        )
        self.size = size


class LogBroken(LedgerError):
    def __init__(self, number: int, reason: str) -> None:
        super().__init__(
            _("The ledger stops at entry %(number)d: %(reason)s") % {"number": number, "reason": reason}
        )
        self.number, self.reason = number, reason


class Rollback(LogBroken):
    def __init__(self, signed_size: int, size: int) -> None:
        super().__init__(size, f"{signed_size} entries were signed, {size} are left")
        self.signed_size, self.size = signed_size, size


class SecondRoot(LogBroken):
    def __init__(self, size: int, signed: bytes, found: bytes) -> None:
        super().__init__(size, f"root {found.hex()} where {signed.hex()} was recorded")
        self.size, self.signed, self.found = size, signed, found


class TileInvalid(LedgerError, ValueError):
    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


class FileContradicts(LedgerError):
    def __init__(self, name: str) -> None:
        super().__init__(
            _("The file %(name)s of the ledger holds other bytes than it must.") % {"name": name}
        )
        self.name = name


class FileMissing(LedgerError):
    def __init__(self, name: str) -> None:
        super().__init__(_("The file %(name)s of the ledger is missing.") % {"name": name})
        self.name = name


class RepairRefused(LedgerError):
    def __init__(self, layers: list[str]) -> None:
        super().__init__(
            _("Only what is derived from signed entries can be repaired, and this is not: %(layers)s")
            % {"layers": ", ".join(layers) or _("nothing is signed yet")}
        )
        self.layers = layers


class NotConsistent(LogBroken):
    def __init__(self, old_size: int, size: int) -> None:
        super().__init__(old_size, f"there is no proof that {size} entries extend the {old_size} remembered")
        self.old_size, self.size = old_size, size


class StaleSize(LedgerError):
    def __init__(self, remembered: int, given: int) -> None:
        super().__init__(
            _("The size remembered of this log is %(remembered)d, not %(given)d.")
            % {"remembered": remembered, "given": given}
        )
        self.remembered, self.given = remembered, given


class MemoryUnreadable(LedgerError):
    def __init__(self, path: str, reason: str) -> None:
        super().__init__(
            _("What was last signed cannot be read from %(path)s: %(reason)s")
            % {"path": path, "reason": reason}
        )
        self.path, self.reason = path, reason


class ProofInvalid(LedgerError, ValueError):
    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


class NoteInvalid(LedgerError, ValueError):
    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


class PolicyInvalid(LedgerError, ValueError):
    def __init__(self, line: int, reason: str) -> None:
        super().__init__(
            _("The policy cannot be used, line %(line)d: %(reason)s") % {"line": line, "reason": reason}
        )
        self.line, self.reason = line, reason


class KeyUnusable(LedgerError):
    def __init__(self, origin: str, reason: str) -> None:
        super().__init__(
            _("The signing key of the ledger %(origin)s (LEDGER_SIGNING_KEY) cannot be used: %(reason)s")
            % {"origin": origin, "reason": reason}
        )
        self.origin, self.reason = origin, reason


class WitnessFailed(LedgerError):
    def __init__(self, name: str, reason: str) -> None:
        super().__init__(
            _("The witness %(name)s gave no cosignature: %(reason)s") % {"name": name, "reason": reason}
        )
        self.name, self.reason = name, reason


class WitnessRefused(LedgerError):
    """What a witness answers to a request that it does not take; its own words, in English, for programs."""


class RequestMalformed(WitnessRefused):
    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


class LogUnknown(WitnessRefused):
    def __init__(self, origin: str) -> None:
        super().__init__(f"the log {origin} is not watched here")
        self.origin = origin


class LogNotSigned(WitnessRefused):
    def __init__(self, origin: str, reason: str) -> None:
        super().__init__(f"not signed by a trusted key of {origin}: {reason}")
        self.origin, self.reason = origin, reason


class WitnessUnusable(LedgerError):
    def __init__(self, path: str, reason: str) -> None:
        super().__init__(
            _("The witness cannot start from %(path)s: %(reason)s") % {"path": path, "reason": reason}
        )
        self.path, self.reason = path, reason


class ReportRefused(LedgerError):
    def __init__(self, path: str, reason: str) -> None:
        super().__init__(
            _("The report cannot be written to %(path)s: %(reason)s") % {"path": path, "reason": reason}
        )
        self.path, self.reason = path, reason


class AnchorTrouble(LedgerError):
    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


class ChainUnreachable(AnchorTrouble):
    pass


class NoFunds(AnchorTrouble):
    def __init__(self, address: str, needed: int, balance: int) -> None:
        super().__init__(
            _("The anchorer %(address)s has %(balance)d wei and needs %(needed)d: send it more.")
            % {"address": address, "needed": needed, "balance": balance}
        )
        self.address, self.needed, self.balance = address, needed, balance


class NotAnAnchorer(AnchorTrouble):
    def __init__(self, address: str, contract: str) -> None:
        super().__init__(
            _("The contract %(contract)s takes no anchors from %(address)s: its owner must allow it.")
            % {"address": address, "contract": contract}
        )
        self.address, self.contract = address, contract


class NonceSpent(AnchorTrouble):
    def __init__(self, nonce: int) -> None:
        super().__init__(
            _("The chain has a transaction with the nonce %(nonce)d already.") % {"nonce": nonce}
        )
        self.nonce = nonce


class TransactionRefused(AnchorTrouble):
    pass


class ProvidersDisagree(AnchorTrouble):
    def __init__(self, block: int) -> None:
        super().__init__(_("Two nodes have different blocks at height %(block)d.") % {"block": block})
        self.block = block


class AnchorVanished(AnchorTrouble):
    def __init__(self, chain_id: int, contract: str) -> None:
        super().__init__(
            _("The chain %(chain)d no longer has what was anchored by the contract %(contract)s.")
            % {"chain": chain_id, "contract": contract}
        )
        self.chain_id, self.contract = chain_id, contract


class AnchorContradicted(LedgerError):
    def __init__(self, size: int, anchored: bytes, found: bytes | None) -> None:
        super().__init__(
            _("The chain has the root %(anchored)s at size %(size)d, and the log has %(found)s.")
            % {"size": size, "anchored": anchored.hex(), "found": found.hex() if found else _("no such size")}
        )
        self.size, self.anchored, self.found = size, anchored, found
