"""What can be asked of the log."""

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from functools import lru_cache
from pathlib import Path
from typing import Any

from django.conf import settings
from django.db.models import QuerySet

from ledger.domain import canonical, checkpoint, merkle, notes, proofs, tiles
from ledger.domain.entry import commitment
from ledger.domain.keys import Keys
from ledger.domain.openings import ERASED, erasure_key
from ledger.domain.policy import Policy
from ledger.errors import (
    CheckpointNotFound,
    EntryNotFound,
    EntryNotSigned,
    IntentNotFound,
    NoteInvalid,
)
from ledger.gateways import storage
from ledger.gateways.tiles import Tree, read
from ledger.models import Entry, Head, Inspection, Intent, Opening, Pending, Publication

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
class Filter:
    """Which entries are looked for; what is empty does not matter."""

    kind: str = ""
    subject: str = ""  # or how it begins
    since: datetime | None = None
    until: datetime | None = None
    number: int | None = None


@dataclass(frozen=True)
class Comparison:
    """Two published checkpoints, and whether the older is a prefix of the newer: recomputed from the proof."""

    old: Publication
    new: Publication
    proof: list[bytes]
    holds: bool


@dataclass(frozen=True)
class Signer:
    """A key that our policy names, and what it did under one checkpoint."""

    name: str
    kind: bytes
    key_id: str
    is_log: bool
    is_ours: bool
    holds: bool | None  # None: it has not signed
    may: bool  # the policy lets it sign this size
    timestamp: int | None


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


def documents_of(intent_ids: Sequence[int]) -> dict[int, dict[str, Any]]:
    """Return intent id to the document that was handed in, numbered or not."""
    rows = Intent.objects.filter(pk__in=intent_ids).values_list("pk", "canonical")
    return {intent_id: json.loads(bytes(data)) for intent_id, data in rows.iterator(10_000)}


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


def entries(
    *, after: int | None = None, limit: int = 50, newest_first: bool = False, where: Filter = Filter()
) -> list[Entry]:
    """Return a page of entries: those after a number, or before it when the newest come first."""
    rows = _filtered(where).select_related("intent").order_by("-number" if newest_first else "number")
    if after is not None:
        rows = rows.filter(number__lt=after) if newest_first else rows.filter(number__gt=after)
    return list(rows[: max(0, min(limit, LONGEST_PAGE))])


def entry_count(*, where: Filter, most: int) -> int:
    """Return how many entries are found, counting no further than `most`."""
    return size() if where == Filter() else _filtered(where)[:most].count()


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


def checkpoints(*, limit: int = 50, before: int | None = None) -> list[Publication]:
    """Return the newest published checkpoints, newest first; those before a size, if one is given."""
    rows = _publications() if before is None else _publications().filter(pk__lt=before)
    return list(rows.reverse()[:limit])


def checkpoint_before(size: int) -> Publication | None:
    """Return the published checkpoint before that of a size."""
    return _publications().filter(pk__lt=size).last()


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


def comparison(old_size: int, new_size: int) -> Comparison:
    """Hold an older published checkpoint against a newer one. Raises CheckpointNotFound."""
    proof = consistency(old_size, new_size)
    old, new = checkpoint_at(old_size), checkpoint_at(new_size)
    holds = merkle.verify_consistency(
        old_size=old.size, new_size=new.size, old_root=old.root, new_root=new.root, proof=proof
    )
    return Comparison(old, new, proof, holds)


def signers(signed: Publication) -> list[Signer]:
    """Return what each key of our policy did under a checkpoint: those of the log first."""
    found, ours = house_policy(), set(keys().ml_dsa_vkeys)
    named = [("", log.vkey) for log in found.logs] + [(each.name, each.vkey) for each in found.witnesses]
    return [_signer(signed, found, name, vkey, is_ours=not name or vkey in ours) for name, vkey in named]


def latest_inspection() -> Inspection | None:
    """Return the last reading of the log by `ledger_fsck`."""
    return Inspection.objects.last()


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


def proof_checks(given: proofs.ProofText) -> list[Check]:
    """Hold a proof that somebody brings against our entry, its own checkpoint and our policy.

    Raises EntryNotFound, and NoteInvalid where its checkpoint cannot be read.
    """
    row = entry(given.index)
    stated = checkpoint.read(notes.text_of(given.note))
    included = merkle.verify_inclusion(
        leaf_hash=merkle.leaf_hash(row.canonical),
        index=given.index,
        size=stated.size,
        proof=given.path,
        root=stated.root,
    )
    try:
        accepted, reason = house_policy().verify_checkpoint(given.note).origin == settings.LEDGER_ORIGIN, ""
    except NoteInvalid as error:
        accepted, reason = False, str(error)
    root = stated.root.hex()
    return [
        _check("leaf_hash", bytes(row.leaf_hash), merkle.leaf_hash(row.canonical)),
        Check("inclusion", included, root, root if included else ""),
        Check("signature", accepted, "", reason),
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


def _filtered(where: Filter) -> QuerySet[Entry]:
    rows = Entry.objects.all()
    if where.kind:
        rows = rows.filter(projection__kind=where.kind)
    if where.subject:
        rows = rows.filter(projection__subject__startswith=where.subject)
    if where.since:
        rows = rows.filter(sequenced_at__gte=where.since)
    if where.until:
        rows = rows.filter(sequenced_at__lt=where.until)
    return rows if where.number is None else rows.filter(number=where.number)


def _signer(signed: Publication, policy: Policy, name: str, vkey: str, *, is_ours: bool) -> Signer:
    key = notes.read_vkey(vkey)
    try:
        (signature,) = notes.verify(signed.note, [vkey]).signatures
        holds, timestamp = True, signature.timestamp
    except NoteInvalid:
        holds, timestamp = False if notes.is_signed_by(signed.note, vkey) else None, None
    return Signer(
        name=name or key.name,
        kind=key.kind,
        key_id=key.key_id,
        is_log=not name,
        is_ours=is_ours,
        holds=holds,
        may=policy.is_valid(vkey, size=signed.size),
        timestamp=timestamp,
    )


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


# What commitments hide ---------------------------------------------------------------------------------


@dataclass(frozen=True)
class Hidden:
    """A personal field of an entry: value and salt, or the ground on which another entry says they were erased.

    `entry` and `erased_by` are numbers of entries, None while pending.
    """

    entry: int | None
    field: str
    commitment: str
    salt: bytes | None = None
    value: Any = None
    ground: str | None = None
    erased_by: int | None = None

    @property
    def is_erased(self) -> bool:
        """Tell whether nothing can open the commitment any more."""
        return self.salt is None


def document(intent_id: int) -> dict[str, Any]:
    """Return the document that was handed in as an intent. Raises IntentNotFound."""
    return json.loads(bytes(intent(intent_id).canonical))


def openings(intent_id: int) -> list[Hidden]:
    """Return the personal fields of an intent, opened or erased, in the order of their names.

    Raises IntentNotFound.
    """
    return _hidden({intent_id: document(intent_id)})


def opening(intent_id: int, field: str) -> Hidden | None:
    """Return one personal field of an intent, opened or erased; None where it never was one.

    Raises IntentNotFound.
    """
    return next((each for each in openings(intent_id) if each.field == field), None)


def openings_of(numbers: Iterable[int]) -> list[Hidden]:
    """Return the personal fields of several entries, in the order of their numbers."""
    rows = Entry.objects.select_related("intent").filter(number__in=list(numbers)).order_by("number")
    return _hidden({row.intent_id: row.document for row in rows})


def is_erased(intent_id: int, field: str) -> bool:
    """Tell whether an entry says that a field was erased."""
    return Intent.objects.filter(idempotency_key=erasure_key(intent_id, field)).exists()


def erasures() -> list[dict[str, Any]]:
    """Return the documents of all erasures, the earliest first: what is erased again after a restore."""
    rows = Intent.objects.filter(idempotency_key__startswith=f"{ERASED}:").order_by("pk")
    return [json.loads(bytes(data)) for data in rows.values_list("canonical", flat=True)]


def erasures_in_files() -> list[dict[str, Any]]:
    """Return the documents of all erasures that the files of the log tell of, which may be ahead of the database.

    Raises FileMissing, TileInvalid, NoteInvalid, PolicyInvalid.
    """
    note = storage.read("checkpoint")
    if note is None:
        return []
    signed = house_policy().verify_checkpoint(note.decode())
    found = []
    for place in tiles.grown(tiles.ENTRIES, 0, signed.size):
        for data in tiles.unbundle(read(place), place.width):
            if ERASED.encode() in data and (said := json.loads(data))["kind"] == ERASED:
                found.append(said)
    return found


def erased_but_there(said: Iterable[dict[str, Any]]) -> list[tuple[int, str, str]]:
    """Return intent, field and ground of what was erased by these documents and still opens: a backup's rows."""
    grounds = {(each["subject"], each["refs"]["field"]): each["refs"]["ground"] for each in said}
    return [
        (row.intent_id, row.field, grounds[name])
        for row in Opening.objects.select_related("intent").iterator()
        if (name := (json.loads(bytes(row.intent.canonical))["id"], row.field)) in grounds
    ]


def false_openings() -> list[tuple[int, str]]:
    """Return intent and field of each opening that does not open its commitment: somebody has been at the row."""
    rows = Opening.objects.select_related("intent").order_by("intent_id", "field")
    return [(row.intent_id, row.field) for row in rows.iterator() if not _opens(row)]


def _opens(row: Opening) -> bool:
    try:
        committed = json.loads(bytes(row.intent.canonical))["commit"][row.field]
        return commitment(bytes(row.salt), row.value) == committed
    except (ValueError, LookupError):  # a salt of another length, bytes that are no document: no less false
        return False


def _hidden(documents: Mapping[int, dict[str, Any]]) -> list[Hidden]:
    """Return the personal fields of some intents; a commitment that its caller made itself is none."""
    opened = {(row.intent_id, row.field): row for row in Opening.objects.filter(intent_id__in=documents)}
    asked = {
        erasure_key(intent_id, field): (intent_id, field)
        for intent_id, said in documents.items()
        for field in said["commit"]
        if (intent_id, field) not in opened
    }
    erased = {
        asked[row.idempotency_key]: row for row in Intent.objects.filter(idempotency_key__in=list(asked))
    }
    numbers = numbers_of([*documents, *(row.pk for row in erased.values())])
    found = []
    for intent_id, said in documents.items():
        for field, digest in sorted(said["commit"].items()):
            name, number = (intent_id, field), numbers.get(intent_id)
            if name in opened:
                row = opened[name]
                found.append(Hidden(number, field, digest, bytes(row.salt), row.value))
            elif name in erased:
                ground = json.loads(bytes(erased[name].canonical))["refs"]["ground"]
                by = numbers.get(erased[name].pk)
                found.append(Hidden(number, field, digest, ground=ground, erased_by=by))
    return found
