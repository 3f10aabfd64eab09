"""What can be asked of the log."""

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from functools import lru_cache
from pathlib import Path
from typing import Any

from django.conf import settings
from django.db.models import QuerySet

from ledger.domain import canonical, merkle
from ledger.domain.keys import Keys
from ledger.domain.policy import Policy
from ledger.errors import (
    CheckpointNotFound,
    EntryNotFound,
    EntryNotSigned,
    IntentNotFound,
    NoteInvalid,
)
from ledger.gateways.tiles import Tree
from ledger.models import Entry, Head, Intent, Pending, Publication

LONGEST_PAGE = 500


class EntryState(StrEnum):
    """How far something that was handed in has come."""

    PENDING = "pending"  # the sequencer acts next
    SEQUENCED = "sequenced"  # the signer acts next, then the witnesses
    SIGNED = "signed"  # nobody: it is under a published checkpoint, and provable from now on


@dataclass(frozen=True)
class Proof:
    """That an entry stands in the log of a signed size: everything a stranger needs besides our key."""

    leaf_hash: bytes
    index: int
    size: int
    root: bytes
    path: list[bytes]
    note: str


@dataclass(frozen=True)
class ProvedEntry:
    """An entry with the newest checkpoint over it, where there is one already."""

    entry: Entry
    checkpoint: Publication | None
    proof: Proof | None

    def __getattr__(self, name: str) -> Any:
        return getattr(self.entry, name)

    @property
    def state(self) -> EntryState:
        """How far the entry has come."""
        return EntryState.SIGNED if self.proof else EntryState.SEQUENCED


@dataclass(frozen=True)
class Check:
    """One thing that was recomputed. `code` is for programs and for the words of a page."""

    code: str
    passed: bool
    expected: str
    found: str


def size() -> int:
    """Return how many entries have a number."""
    return Head.objects.values_list("size", flat=True).first() or 0


def pending_count() -> int:
    """Return how many intents wait for their number."""
    return Pending.objects.count()


def number_of(intent_id: int) -> int | None:
    """Return the number of what was handed in as this intent, or None while it is pending."""
    return Entry.objects.filter(intent_id=intent_id).values_list("number", flat=True).first()


def numbers_of(intent_ids: Sequence[int]) -> dict[int, int]:
    """Return intent id to number for those that are sequenced."""
    return dict(Entry.objects.filter(intent_id__in=intent_ids).values_list("intent_id", "number"))


def entry(number: int) -> Entry:
    """Return one entry. Raises EntryNotFound."""
    try:
        return Entry.objects.select_related("intent").get(number=number)
    except (Entry.DoesNotExist, OverflowError):
        raise _not_found(number) from None


def proved_entry(number: int) -> ProvedEntry:
    """Return one entry with its proof, if it is signed. Raises EntryNotFound."""
    row, signed = entry(number), latest_checkpoint()
    if signed is None or number >= signed.size:
        return ProvedEntry(row, None, None)
    return proved_entries([number], signed.size)[0]


def entries(*, after: int | None = None, limit: int = 50, newest_first: bool = False) -> list[Entry]:
    """Return a page of entries: those after a number, or before it when the newest come first."""
    rows = Entry.objects.select_related("intent").order_by("-number" if newest_first else "number")
    if after is not None:
        rows = rows.filter(number__lt=after) if newest_first else rows.filter(number__gt=after)
    return list(rows[: max(0, min(limit, LONGEST_PAGE))])


def intent(intent_id: int) -> Intent:
    """Return what was handed in. Raises IntentNotFound."""
    try:
        return Intent.objects.get(pk=intent_id)
    except (Intent.DoesNotExist, OverflowError):
        raise IntentNotFound(intent_id) from None


def entry_state(intent_id: int) -> EntryState:
    """Tell how far an intent has come. Raises IntentNotFound."""
    number = number_of(intent_id)
    if number is None:
        intent(intent_id)
        return EntryState.PENDING
    signed = latest_checkpoint()
    return EntryState.SIGNED if signed and number < signed.size else EntryState.SEQUENCED


def latest_checkpoint() -> Publication | None:
    """Return the newest published checkpoint, if there is one."""
    return _publications().last()


def checkpoint_at(size: int | None = None) -> Publication:
    """Return the published checkpoint of a size, or the newest. Raises CheckpointNotFound."""
    found = latest_checkpoint() if size is None else _publications().filter(pk=size).first()
    if found is None:
        raise CheckpointNotFound(size)
    return found


def checkpoints(*, limit: int = 50) -> list[Publication]:
    """Return the newest published checkpoints, newest first."""
    return list(_publications().reverse()[:limit])


def checkpoint_over(number: int) -> Publication | None:
    """Return the first published checkpoint over an entry."""
    return _publications().filter(pk__gt=number).first()


def proof(number: int, size: int | None = None) -> Proof:
    """Prove an entry under the newest checkpoint, or that of a size.

    Raises EntryNotFound, EntryNotSigned, CheckpointNotFound.
    """
    return proved_entries([number], size)[0].proof


def proved_entries(numbers: Sequence[int], size: int | None = None) -> list[ProvedEntry]:
    """Return several entries, each proved under one checkpoint. Raises as `proof` does."""
    rows = Entry.objects.select_related("intent").in_bulk(numbers)
    for number in numbers:
        if number not in rows:
            raise _not_found(number)
    signed = latest_checkpoint() if size is None else checkpoint_at(size)
    signed_size = signed.size if signed else 0
    for number in numbers:
        if number >= signed_size:
            raise EntryNotSigned(number, signed_size)
    return [ProvedEntry(rows[number], signed, _proof(number, signed)) for number in numbers if signed]


def consistency(old_size: int, new_size: int) -> list[bytes]:
    """Prove that the checkpoint of one size is a prefix of that of another. Raises CheckpointNotFound."""
    old, new = checkpoint_at(old_size), checkpoint_at(new_size)
    if old.size > new.size:
        raise CheckpointNotFound(old_size)
    return Tree(new.size).consistency(old.size)


def checks(number: int) -> list[Check]:
    """Recompute what can be recomputed of one entry, from its bytes up to the signature."""
    row = entry(number)
    found = [
        Check("canonical", canonical.is_canonical(row.canonical), "", ""),
        _check("leaf_hash", bytes(row.leaf_hash), merkle.leaf_hash(row.canonical)),
        _check("previous", _link_before(number), bytes(row.prev)),
        _check("chain_hash", bytes(row.chain_hash), merkle.chain_hash(bytes(row.prev), bytes(row.leaf_hash))),
    ]
    signed = latest_checkpoint()
    if signed is None or number >= signed.size:
        return found
    proved = proof(number, signed.size)
    included = merkle.verify_inclusion(
        leaf_hash=merkle.leaf_hash(row.canonical),
        index=number,
        size=proved.size,
        proof=proved.path,
        root=proved.root,
    )
    root, key = proved.root.hex(), keys().log_vkey
    return [
        *found,
        Check("inclusion", included, root, root if included else ""),
        Check("signature", is_signed(signed), key, key if is_signed(signed) else ""),
    ]


def is_signed(signed: Publication) -> bool:
    """Tell whether a note is signed and cosigned as our policy asks, and says the size and root beside it."""
    try:
        found = house_policy().verify_checkpoint(signed.note)
    except NoteInvalid:
        return False
    return (found.origin, found.size, found.root) == (settings.LEDGER_ORIGIN, signed.size, signed.root)


def keys() -> Keys:
    """Return the log's own keys. Raises KeyUnusable."""
    return _keys(settings.LEDGER_SIGNING_KEY, settings.LEDGER_ORIGIN)


def house_policy() -> Policy:
    """Return who must sign and cosign: the file LEDGER_POLICY, else our own keys. Raises PolicyInvalid."""
    path = Path(settings.LEDGER_POLICY) if settings.LEDGER_POLICY else None
    return _policy(path.read_bytes()) if path and path.exists() else keys().policy()


def policy() -> str:
    """Return the public keys to trust, as a policy file."""
    return house_policy().render(heading=keys().heading).decode()


@lru_cache(maxsize=4)
def _keys(given: str, origin: str) -> Keys:
    """Read the keys once: the sequencer asks for them several times a second."""
    return Keys.read(given, origin=origin)


@lru_cache(maxsize=4)
def _policy(data: bytes) -> Policy:
    return Policy.parse(data)


def _check(code: str, expected: bytes, found: bytes) -> Check:
    return Check(code, expected == found, expected.hex(), found.hex())


def _not_found(number: int) -> EntryNotFound:
    return EntryNotFound(number, size())


def _proof(number: int, signed: Publication) -> Proof:
    tree = Tree(signed.size)
    return Proof(
        leaf_hash=tree.leaf(number),
        index=number,
        size=signed.size,
        root=signed.root,
        path=tree.inclusion(number),
        note=signed.note,
    )


def _publications() -> QuerySet[Publication]:
    return Publication.objects.select_related("checkpoint")


def _link_before(number: int) -> bytes:
    if number == 0:
        return merkle.GENESIS
    before = Entry.objects.filter(number=number - 1).values_list("chain_hash", flat=True).first()
    return bytes(before or b"")
