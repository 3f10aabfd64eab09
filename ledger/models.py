"""Tables of the log: what was handed in, what was numbered, what was signed.

The canonical bytes of an intent are the one truth. Every hash beside them is recomputed by a trigger
when it is stored, in PL/pgSQL, by code that shares nothing with `ledger.domain`.
"""

import json
from functools import cached_property
from typing import Any

from django.contrib.postgres.indexes import BrinIndex
from django.db import models
from django.db.models import F, Func, IntegerField, Q, Value
from django.db.models.lookups import Exact, GreaterThan, LessThanOrEqual
from pgtrigger import After, Condition, Delete, Insert, Referencing, Statement, Update

from ledger.domain.anchoring import ANCHOR_MOVES, MINED_ANCHORS, OPEN_ANCHORS, AnchorState
from ledger.domain.canonical import MAX_BYTES
from ledger.domain.merkle import HASH_SIZE
from ledger.domain.openings import ERASED
from ledger.triggers import AppendOnly, Rule, refuse

SINGLE = 1  # the primary key of the only row of `Head`


class OctetLength(Func):
    """The length of a bytea column."""

    function = "octet_length"
    output_field = IntegerField()


def is_hash(column: str) -> models.CheckConstraint:
    """Return the constraint that a column holds 32 bytes."""
    return models.CheckConstraint(
        name=f"%(class)s_{column}_length", condition=Q(Exact(OctetLength(column), HASH_SIZE))
    )


class Sha256(Func):
    """PostgreSQL's own SHA-256 over a prefix and some bytea columns, one after the other."""

    output_field = models.BinaryField()

    def __init__(self, prefix: bytes, *columns: str) -> None:
        super().__init__(Value(prefix, output_field=models.BinaryField()), *columns)
        self.template, self.arg_joiner = "sha256(%(expressions)s)", " || "


class Intent(models.Model):
    """What a caller logged, in the caller's own transaction. It waits in `Pending` for its number."""

    id = models.BigAutoField(primary_key=True)
    idempotency_key = models.TextField()
    canonical = models.BinaryField()
    leaf_hash = models.BinaryField()
    created_at = models.DateTimeField()

    class Meta:
        constraints = [
            models.CheckConstraint(
                name="intent_canonical_length",
                condition=Q(GreaterThan(OctetLength("canonical"), 1))
                & Q(LessThanOrEqual(OctetLength("canonical"), MAX_BYTES)),
            ),
            models.CheckConstraint(name="intent_key_given", condition=~Q(idempotency_key="")),
            models.UniqueConstraint(name="intent_once_for_each_key", fields=["idempotency_key"]),
            models.CheckConstraint(
                name="intent_leaf_hash", condition=Q(Exact(F("leaf_hash"), Sha256(b"\x00", "canonical")))
            ),
        ]
        triggers = [
            AppendOnly(),
            Rule(  # no row of business is without its entry in the end, whoever inserted the intent
                name="waits",
                when=After,
                operation=Insert,
                func="INSERT INTO ledger_pending (intent_id) VALUES (NEW.id); RETURN NULL;",
            ),
        ]

    def __str__(self) -> str:
        return f"intent {self.pk}"


class Pending(models.Model):
    """An intent without a number: the sequencer takes it next."""

    intent = models.OneToOneField(  # put there by the intent's own rule, so the reference needs no check
        Intent, models.PROTECT, primary_key=True, related_name="pending", db_constraint=False
    )

    class Meta:
        verbose_name_plural = "pending"
        triggers = [
            Rule(
                name="waits_as_it_is",
                operation=Update,
                func=refuse("pending: an intent waits as it is"),
            ),
            Rule(  # the rule that makes an intent wait needs no such look: the intent is new
                name="waits_once",
                operation=Insert,
                condition=Condition("pg_trigger_depth() = 0"),
                func=f"""
                    IF EXISTS (SELECT FROM ledger_entry WHERE intent_id = NEW.intent_id) THEN
                        {refuse("pending: intent % has its number already", "NEW.intent_id")}
                    END IF;
                    RETURN NEW;
                """,
            ),
            Rule(
                name="leaves_by_number",
                when=After,
                operation=Delete,
                level=Statement,
                referencing=Referencing(old="gone"),
                declare=[("lost", "bigint")],
                func=f"""
                    SELECT min(intent_id) INTO lost FROM gone WHERE
                        (SELECT e.number FROM ledger_entry e WHERE e.intent_id = gone.intent_id) IS NULL;
                    IF lost IS NOT NULL THEN
                        {refuse("pending: intent % has no number yet", "lost")}
                    END IF;
                    RETURN NULL;
                """,
            ),
        ]

    def __str__(self) -> str:
        return f"intent {self.pk}, pending"


class Entry(models.Model):
    """One line of the log, counted from 0 without gaps. Its bytes are its intent's."""

    number = models.BigIntegerField(primary_key=True)
    intent = models.OneToOneField(  # the rule "linked" looks it up
        Intent, models.PROTECT, related_name="entry", db_constraint=False
    )
    leaf_hash = models.BinaryField()
    prev = models.BinaryField(unique=True)
    chain_hash = models.BinaryField()  # unique because the next entry's `prev` is
    sequenced_at = models.DateTimeField()

    class Meta:
        verbose_name_plural = "entries"
        ordering = ["number"]
        constraints = [
            models.CheckConstraint(name="entry_number_from_0", condition=Q(number__gte=0)),
            is_hash("leaf_hash"),
            is_hash("prev"),
            models.CheckConstraint(
                name="entry_chain_hash",
                condition=Q(Exact(F("chain_hash"), Sha256(b"\x02", "prev", "leaf_hash"))),
            ),
        ]
        indexes = [BrinIndex(fields=["sequenced_at"], name="entry_sequenced_at")]
        triggers = [
            AppendOnly(),
            Rule(  # once for a whole batch: the look-ups are index scans, whatever the planner thinks of `fresh`
                name="linked",
                when=After,
                operation=Insert,
                level=Statement,
                referencing=Referencing(new="fresh"),
                declare=[("wrong", "record")],
                func=f"""
                    SELECT * INTO wrong FROM (
                        SELECT number, leaf_hash, prev,
                            (SELECT sha256('\\x00'::bytea || i.canonical) FROM ledger_intent i
                                WHERE i.id = fresh.intent_id) AS leaf,
                            CASE fresh.number WHEN 0 THEN decode(repeat('00', {HASH_SIZE}), 'hex') ELSE
                                (SELECT e.chain_hash FROM ledger_entry e WHERE e.number = fresh.number - 1)
                            END AS link
                        FROM fresh
                    ) AS looked
                    WHERE leaf_hash IS DISTINCT FROM leaf OR prev IS DISTINCT FROM link
                    ORDER BY number LIMIT 1;
                    IF wrong IS NULL THEN
                        RETURN NULL;
                    ELSIF wrong.leaf_hash IS DISTINCT FROM wrong.leaf THEN
                        {refuse("leaf hash: entry % does not carry the hash of its intent", "wrong.number")}
                    END IF;
                    {refuse("chain: entry % does not follow the entry before it", "wrong.number")}
                """,
            ),
        ]

    def __str__(self) -> str:
        return f"entry {self.number}"

    @property
    def canonical(self) -> bytes:
        """The bytes that were logged."""
        return bytes(self.intent.canonical)

    @cached_property
    def document(self) -> dict[str, Any]:
        """The bytes as read by JSON."""
        return json.loads(self.canonical)


class Projection(models.Model):
    """What an entry can be looked for by. Derived from its bytes after it was numbered, off the way of whoever logs."""

    entry = models.OneToOneField(
        Entry, models.PROTECT, primary_key=True, related_name="projection", db_constraint=False
    )
    kind = models.TextField()
    subject = models.TextField()

    class Meta:
        indexes = [
            models.Index(fields=["kind", "entry"], name="projection_kind"),
            models.Index(fields=["subject"], opclasses=["text_pattern_ops"], name="projection_subject"),
        ]

    def __str__(self) -> str:
        return f"{self.kind} {self.subject}"


class Head(models.Model):
    """How far the log has come: the one row that changes, by compare-and-swap on size and epoch."""

    id = models.SmallIntegerField(primary_key=True, default=SINGLE)
    size = models.BigIntegerField(default=0)
    tip = models.BinaryField()
    frontier = models.BinaryField(default=b"")
    root = models.BinaryField()
    epoch = models.BigIntegerField(default=0)

    class Meta:
        constraints = [
            models.CheckConstraint(name="head_single", condition=Q(id=SINGLE)),
            models.CheckConstraint(name="head_counts", condition=Q(size__gte=0, epoch__gte=0)),
            is_hash("tip"),
            is_hash("root"),
        ]
        triggers = [
            Rule(
                name="forward_only",
                operation=Update | Delete,
                func=f"""
                    IF TG_OP = 'DELETE' OR NEW.size < OLD.size OR NEW.epoch <= OLD.epoch THEN
                        {refuse("head: the log only grows")}
                    END IF;
                    RETURN NEW;
                """,
            ),
        ]

    def __str__(self) -> str:
        return f"{self.size} entries"


class Checkpoint(models.Model):
    """A size and root that the log has signed."""

    size = models.BigIntegerField(primary_key=True)
    root = models.BinaryField()
    note = models.TextField()
    signed_at = models.DateTimeField()

    class Meta:
        ordering = ["size"]
        constraints = [
            models.CheckConstraint(name="checkpoint_size_positive", condition=Q(size__gt=0)),
            is_hash("root"),
        ]
        triggers = [
            AppendOnly(),
            Rule(
                name="grows",
                operation=Insert,
                func=f"""
                    IF EXISTS (SELECT FROM ledger_checkpoint WHERE size >= NEW.size) THEN
                        {refuse("checkpoint: size % was signed or passed already", "NEW.size")}
                    ELSIF NOT EXISTS (SELECT FROM ledger_entry WHERE number = NEW.size - 1) THEN
                        {refuse("checkpoint: the log has no % entries", "NEW.size")}
                    END IF;
                    RETURN NEW;
                """,
            ),
        ]

    def __str__(self) -> str:
        return f"checkpoint {self.size}"


class Cosignature(models.Model):
    """A line that somebody else, or another key of ours, put under a checkpoint: C2SP tlog-cosignature."""

    checkpoint = models.ForeignKey(Checkpoint, models.PROTECT, related_name="cosignatures")
    name = models.TextField()
    key_id = models.TextField()
    line = models.TextField()
    made_at = models.DateTimeField()

    class Meta:
        ordering = ["pk"]
        constraints = [
            models.UniqueConstraint(
                fields=["checkpoint", "name", "key_id"], name="cosignature_once_for_each_key"
            ),
            models.CheckConstraint(name="cosignature_is_a_line", condition=Q(line__endswith="\n")),
        ]
        triggers = [AppendOnly()]

    def __str__(self) -> str:
        return f"{self.name} under checkpoint {self.checkpoint_id}"


class Publication(models.Model):
    """A checkpoint as strangers see it: signed, and cosigned as our policy asks."""

    checkpoint = models.OneToOneField(
        Checkpoint, models.PROTECT, primary_key=True, related_name="publication"
    )
    note = models.TextField()
    published_at = models.DateTimeField()

    class Meta:
        ordering = ["checkpoint_id"]
        triggers = [
            AppendOnly(),
            Rule(
                name="grows",
                operation=Insert,
                func=f"""
                    IF EXISTS (SELECT FROM ledger_publication WHERE checkpoint_id >= NEW.checkpoint_id) THEN
                        {refuse("publication: size % was published or passed already", "NEW.checkpoint_id")}
                    END IF;
                    RETURN NEW;
                """,
            ),
        ]

    def __str__(self) -> str:
        return f"publication {self.checkpoint_id}"

    @property
    def size(self) -> int:
        """How many entries were signed."""
        return self.checkpoint_id

    @property
    def root(self) -> bytes:
        """The root that was signed."""
        return bytes(self.checkpoint.root)

    @property
    def signed_at(self) -> Any:
        """When the log signed it; cosignatures came after."""
        return self.checkpoint.signed_at


class Inspection(models.Model):
    """One reading of the log by `ledger_fsck`: what was read, and what was wrong with it."""

    thorough = models.BooleanField(help_text="whether the whole log was read, or what came since")
    size = models.BigIntegerField()
    faults = models.JSONField(default=list, help_text="layer, number and reason of each first fault")
    started_at = models.DateTimeField()
    ended_at = models.DateTimeField()

    class Meta:
        ordering = ["pk"]
        triggers = [AppendOnly()]

    def __str__(self) -> str:
        return f"inspection of {self.size} entries"


def moves(table: str) -> Rule:
    """Return the rule of a table whose rows begin as planned and move only as the table of moves says."""
    pairs = sorted((before, after) for before in ANCHOR_MOVES for after in ANCHOR_MOVES[before])
    listed = ", ".join(f"('{before}', '{after}')" for before, after in pairs)
    return Rule(
        name="moves",
        operation=Insert | Update | Delete,
        func=f"""
            IF TG_OP = 'DELETE' THEN
                {refuse(f"{table}: rows are not removed")}
            ELSIF TG_OP = 'INSERT' THEN
                IF NEW.state <> '{AnchorState.PLANNED}' THEN
                    {refuse(f"{table}: it begins as planned")}
                END IF;
            ELSIF NEW.state <> OLD.state AND (OLD.state, NEW.state) NOT IN ({listed}) THEN
                {refuse(f"{table}: no move from % to %", "OLD.state", "NEW.state")}
            END IF;
            RETURN NEW;
        """,
    )


class AnchorContract(models.Model):
    """A contract that anchors are sent to, on one chain. One that we deploy is written down before it is sent."""

    chain_id = models.BigIntegerField()
    genesis = models.BinaryField()  # the hash of block 0 tells test chains of the same id apart
    address = models.TextField()
    nonce = models.BigIntegerField(null=True)  # of our own deployment, which the address follows from
    raw = models.BinaryField(default=b"")  # its newest transaction, signed
    sent_at = models.DateTimeField(null=True)
    deployed_at = models.DateTimeField(null=True)
    vanished_at = models.DateTimeField(null=True)

    class Meta:
        constraints = [
            is_hash("genesis"),
            models.CheckConstraint(name="anchorcontract_chain", condition=Q(chain_id__gt=0)),
            models.CheckConstraint(
                name="anchorcontract_address", condition=Q(address__regex="^0x[0-9a-fA-F]{40}$")
            ),
            models.UniqueConstraint(
                name="anchorcontract_once",
                fields=["chain_id", "genesis", "address"],
                condition=Q(vanished_at=None),
            ),
        ]
        triggers = [
            Rule(
                name="stays",
                operation=Update | Delete,
                func=f"""
                    IF TG_OP = 'DELETE' THEN
                        {refuse("contract: rows are not removed")}
                    ELSIF (NEW.chain_id, NEW.genesis, NEW.address, NEW.nonce) IS DISTINCT FROM
                        (OLD.chain_id, OLD.genesis, OLD.address, OLD.nonce) THEN
                        {refuse("contract: it stays where it is")}
                    ELSIF OLD.vanished_at IS NOT NULL OR
                        OLD.deployed_at IS NOT NULL AND NEW.deployed_at IS DISTINCT FROM OLD.deployed_at THEN
                        {refuse("contract: what has happened to it stays")}
                    END IF;
                    RETURN NEW;
                """,
            ),
        ]

    def __str__(self) -> str:
        return f"{self.address} on chain {self.chain_id}"


class Anchor(models.Model):
    """A checkpoint on its way onto a chain, or there. `revision` is compared and counted up at each change."""

    size = models.BigIntegerField()
    root = models.BinaryField()
    prev_size = models.BigIntegerField()
    prev_root = models.BinaryField()
    state = models.TextField(default=AnchorState.PLANNED)
    revision = models.BigIntegerField(default=0)
    contract = models.ForeignKey(AnchorContract, models.PROTECT, null=True, related_name="anchors")
    sender = models.TextField(default="")
    nonce = models.BigIntegerField(null=True)
    tx_hash = models.BinaryField(null=True)  # of the transaction that is in a block, ours or somebody's
    block_number = models.BigIntegerField(null=True)
    block_hash = models.BinaryField(null=True)
    planned_at = models.DateTimeField()
    moved_at = models.DateTimeField()
    confirmed_at = models.DateTimeField(null=True)
    last_trouble = models.TextField(default="")
    trouble_at = models.DateTimeField(null=True)

    class Meta:
        ordering = ["-id"]
        constraints = [
            models.CheckConstraint(
                name="anchor_sizes", condition=Q(prev_size__gte=0, size__gt=models.F("prev_size"))
            ),
            is_hash("root"),
            is_hash("prev_root"),
            models.CheckConstraint(name="anchor_state", condition=Q(state__in=[str(s) for s in AnchorState])),
            models.CheckConstraint(
                name="anchor_has_a_contract",
                condition=Q(contract__isnull=False) | Q(state__in=[AnchorState.PLANNED, AnchorState.DROPPED]),
            ),
            models.CheckConstraint(
                name="anchor_has_a_block",
                condition=Q(
                    state__in=[str(s) for s in MINED_ANCHORS],
                    block_number__isnull=False,
                    block_hash__isnull=False,
                    tx_hash__isnull=False,
                )
                | ~Q(state__in=[str(s) for s in MINED_ANCHORS])
                & Q(block_number=None, block_hash=None, tx_hash=None),
            ),
            models.CheckConstraint(
                name="anchor_confirmed_when",
                condition=Q(state=AnchorState.CONFIRMED, confirmed_at__isnull=False)
                | ~Q(state=AnchorState.CONFIRMED) & Q(confirmed_at=None),
            ),
            models.UniqueConstraint(
                Exact(models.Value(1), models.Value(1)),
                name="anchor_one_open",
                condition=Q(state__in=[str(s) for s in OPEN_ANCHORS]),
            ),
            models.UniqueConstraint(
                name="anchor_one_live", fields=["contract", "size"], condition=~Q(state=AnchorState.DROPPED)
            ),
            models.UniqueConstraint(
                name="anchor_one_nonce",
                fields=["contract", "sender", "nonce"],
                condition=~Q(state=AnchorState.DROPPED),
            ),
        ]
        triggers = [
            moves("anchor"),
            Rule(
                name="of_a_checkpoint",
                operation=Insert | Update,
                func=f"""
                    IF TG_OP = 'INSERT' AND NOT EXISTS (
                        SELECT FROM ledger_checkpoint WHERE size = NEW.size AND root = NEW.root) THEN
                        {refuse("anchor: no checkpoint has this size and root")}
                    ELSIF TG_OP = 'UPDATE' THEN
                        IF (NEW.size, NEW.root, NEW.planned_at) IS DISTINCT FROM (OLD.size, OLD.root, OLD.planned_at)
                            OR NEW.revision < OLD.revision THEN
                            {refuse("anchor: its checkpoint stays")}
                        ELSIF OLD.state IN ('mined', 'confirmed', 'dropped') AND NEW.state IN (OLD.state, 'confirmed')
                            AND (NEW.prev_size, NEW.prev_root, NEW.contract_id, NEW.sender, NEW.nonce, NEW.tx_hash,
                                 NEW.block_number, NEW.block_hash) IS DISTINCT FROM
                                (OLD.prev_size, OLD.prev_root, OLD.contract_id, OLD.sender, OLD.nonce, OLD.tx_hash,
                                 OLD.block_number, OLD.block_hash) THEN
                            {refuse("anchor: what is in a block stays")}
                        END IF;
                    END IF;
                    RETURN NEW;
                """,
            ),
        ]

    def __str__(self) -> str:
        return f"anchor of size {self.size}, {self.state}"

    @property
    def is_open(self) -> bool:
        """Tell whether something is still to be done about it."""
        return self.state in OPEN_ANCHORS


class AnchorAttempt(models.Model):
    """A signed transaction of an anchor, written down before it is sent, so that none is ever unknown to us."""

    anchor = models.ForeignKey(Anchor, models.PROTECT, related_name="attempts")
    nonce = models.BigIntegerField()
    tx_hash = models.BinaryField()
    raw = models.BinaryField()
    max_fee_wei = models.BigIntegerField()  # per unit of gas, as is the tip
    tip_wei = models.BigIntegerField()
    sent_at = models.DateTimeField()

    class Meta:
        ordering = ["id"]
        constraints = [
            is_hash("tx_hash"),
            # A test chain made anew may see the very transaction that the one before it saw.
            models.UniqueConstraint(name="anchorattempt_once", fields=["anchor", "tx_hash"]),
            models.CheckConstraint(name="anchorattempt_counts", condition=Q(nonce__gte=0, max_fee_wei__gt=0)),
        ]
        triggers = [AppendOnly()]

    def __str__(self) -> str:
        return f"0x{bytes(self.tx_hash).hex()}"


class Opening(models.Model):
    """What a commitment hides: the value and its salt. The row can be erased, by an entry that says so."""

    intent = models.ForeignKey(Intent, models.PROTECT, related_name="openings")
    field = models.TextField()
    salt = models.BinaryField()
    value = models.JSONField()
    created_at = models.DateTimeField()

    class Meta:
        ordering = ["pk"]
        constraints = [
            models.UniqueConstraint(name="opening_once_for_each_field", fields=["intent", "field"]),
            is_hash("salt"),
        ]
        triggers = [
            Rule(
                name="says_what_was_said",
                operation=Update,
                func=refuse("opening: it is erased or kept, never rewritten"),
            ),
            Rule(
                name="opens_a_commitment",
                operation=Insert,
                func=f"""
                    IF NOT EXISTS (SELECT FROM ledger_intent WHERE id = NEW.intent_id
                                   AND convert_from(canonical, 'UTF8')::json -> 'commit' ->> NEW.field IS NOT NULL)
                    THEN
                        {refuse("opening: intent % commits to no %", "NEW.intent_id", "NEW.field")}
                    ELSIF EXISTS (SELECT FROM ledger_intent WHERE idempotency_key
                                  = '{ERASED}:' || NEW.intent_id || ':' || NEW.field) THEN
                        {refuse("opening: what was erased does not come back")}
                    END IF;
                    RETURN NEW;
                """,
            ),
            Rule(  # the entry may be an older one: what a backup brings back is erased again without a new one
                name="erased_by_an_entry",
                operation=Delete,
                declare=[("says", "json")],
                func=f"""
                    SELECT convert_from(canonical, 'UTF8')::json INTO says FROM ledger_intent
                        WHERE idempotency_key = '{ERASED}:' || OLD.intent_id || ':' || OLD.field;
                    IF (says ->> 'kind', says -> 'refs' ->> 'field', says ->> 'subject') IS DISTINCT FROM (
                        '{ERASED}', OLD.field, (SELECT convert_from(canonical, 'UTF8')::json ->> 'id'
                                                FROM ledger_intent WHERE id = OLD.intent_id)) THEN
                        {refuse("opening: no entry says that % of intent % is erased", "OLD.field", "OLD.intent_id")}
                    END IF;
                    RETURN OLD;
                """,
            ),
        ]

    def __str__(self) -> str:
        return f"{self.field} of intent {self.intent_id}"
