"""Tables of the log: what was handed in, what was numbered, what was signed.

The canonical bytes of an intent are the one truth. Every hash beside them is recomputed by a trigger
when it is stored, in PL/pgSQL, by code that shares nothing with `ledger.domain`.
"""

import json
from functools import cached_property
from typing import Any

from django.db import models
from django.db.models import Func, IntegerField, Q
from django.db.models.lookups import Exact, GreaterThan, LessThanOrEqual
from pgtrigger import After, Delete, Insert, Update

from ledger.domain.canonical import MAX_BYTES
from ledger.domain.merkle import HASH_SIZE
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


class Intent(models.Model):
    """What a caller logged, in the caller's own transaction. It waits in `Pending` for its number."""

    id = models.BigAutoField(primary_key=True)
    idempotency_key = models.TextField(unique=True)
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
            is_hash("leaf_hash"),
        ]
        triggers = [
            AppendOnly(),
            Rule(
                name="leaf_hash",
                operation=Insert,
                func=f"""
                    IF NEW.leaf_hash IS DISTINCT FROM sha256('\\x00'::bytea || NEW.canonical) THEN
                        {refuse("leaf hash: an intent carries the hash of its own bytes")}
                    END IF;
                    RETURN NEW;
                """,
            ),
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

    intent = models.OneToOneField(Intent, models.PROTECT, primary_key=True, related_name="pending")

    class Meta:
        verbose_name_plural = "pending"
        triggers = [
            Rule(
                name="leaves_by_number",
                operation=Insert | Update | Delete,
                declare=[("sequenced", "boolean")],
                func=f"""
                    IF TG_OP = 'UPDATE' THEN
                        {refuse("pending: an intent waits as it is")}
                    END IF;
                    SELECT EXISTS (SELECT FROM ledger_entry WHERE intent_id
                        = CASE TG_OP WHEN 'INSERT' THEN NEW.intent_id ELSE OLD.intent_id END) INTO sequenced;
                    IF TG_OP = 'INSERT' AND sequenced THEN
                        {refuse("pending: intent % has its number already", "NEW.intent_id")}
                    ELSIF TG_OP = 'DELETE' AND NOT sequenced THEN
                        {refuse("pending: intent % has no number yet", "OLD.intent_id")}
                    END IF;
                    RETURN CASE TG_OP WHEN 'DELETE' THEN OLD ELSE NEW END;
                """,
            ),
        ]

    def __str__(self) -> str:
        return f"intent {self.pk}, pending"


class Entry(models.Model):
    """One line of the log, counted from 0 without gaps. Its bytes are its intent's."""

    number = models.BigIntegerField(primary_key=True)
    intent = models.OneToOneField(Intent, models.PROTECT, related_name="entry")
    leaf_hash = models.BinaryField()
    prev = models.BinaryField(unique=True)
    chain_hash = models.BinaryField(unique=True)
    sequenced_at = models.DateTimeField()

    class Meta:
        verbose_name_plural = "entries"
        ordering = ["number"]
        constraints = [
            models.CheckConstraint(name="entry_number_from_0", condition=Q(number__gte=0)),
            is_hash("leaf_hash"),
            is_hash("prev"),
            is_hash("chain_hash"),
        ]
        triggers = [
            AppendOnly(),
            Rule(
                name="linked",
                operation=Insert,
                declare=[("link", "bytea"), ("leaf", "bytea")],
                func=f"""
                    SELECT sha256('\\x00'::bytea || canonical) INTO leaf FROM ledger_intent WHERE id = NEW.intent_id;
                    IF NEW.leaf_hash IS DISTINCT FROM leaf THEN
                        {refuse("leaf hash: entry % does not carry the hash of its intent", "NEW.number")}
                    END IF;
                    IF NEW.number = 0 THEN
                        link := decode(repeat('00', {HASH_SIZE}), 'hex');
                    ELSE
                        SELECT chain_hash INTO link FROM ledger_entry WHERE number = NEW.number - 1;
                    END IF;
                    IF NEW.prev IS DISTINCT FROM link THEN
                        {refuse("chain: entry % does not follow the entry before it", "NEW.number")}
                    END IF;
                    IF NEW.chain_hash IS DISTINCT FROM sha256('\\x02'::bytea || NEW.prev || NEW.leaf_hash) THEN
                        {refuse("chain: entry % does not carry the hash of its link", "NEW.number")}
                    END IF;
                    RETURN NEW;
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
    """A signed size and root. The frontier lets the next one be computed without the entries before it."""

    size = models.BigIntegerField(primary_key=True)
    root = models.BinaryField()
    frontier = models.BinaryField()
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
