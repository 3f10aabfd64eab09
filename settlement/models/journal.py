"""The journal: double entry in which each fact is one balanced entry, and nothing is ever changed.

Entries balance per currency, when their postings are written and again when the transaction commits. A posting
comes only in the transaction that made its entry; a memo has none.
"""

import uuid

import pgtrigger
from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from ledger.triggers import AppendOnly, Rule, refuse
from settlement.domain.postings import AccountKind, EntryKind
from settlement.models.orders import Order
from settlement.models.rules import after_insert, known_currency, one_of

OF_A_HOLDER = [AccountKind.PAYABLE_PENDING]


class TransactionId(models.Field):
    """PostgreSQL's 64-bit number of the transaction that wrote a row (`xid8`)."""

    def db_type(self, connection) -> str:
        return "xid8"


class Account(models.Model):
    """Where money of one currency sits: the platform's, or one rights holder's."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    kind = models.TextField()
    owner = models.ForeignKey(
        "licensing.Party", models.PROTECT, null=True, blank=True, related_name="accounts"
    )
    currency = models.CharField(max_length=3)

    class Meta:
        verbose_name = _("account")
        verbose_name_plural = _("accounts")
        constraints = [
            one_of("account_kind", AccountKind, "kind"),
            known_currency("account_currency"),
            models.UniqueConstraint(
                name="account_one_each", fields=["kind", "owner", "currency"], nulls_distinct=False
            ),
            # Postings point here with their currency, so that none lands on an account of another.
            models.UniqueConstraint(name="account_in_currency", fields=["id", "currency"]),
            models.CheckConstraint(
                name="account_owner",
                condition=Q(kind__in=OF_A_HOLDER, owner__isnull=False)
                | (~Q(kind__in=OF_A_HOLDER) & Q(owner__isnull=True)),
            ),
        ]
        triggers = [AppendOnly()]

    def __str__(self) -> str:
        return f"{self.kind} {self.currency}"


class JournalEntry(models.Model):
    """One fact about money. The key is the fact, whoever tells it and however often."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    fact_key = models.TextField(unique=True)
    kind = models.TextField()
    order = models.ForeignKey(Order, models.PROTECT, null=True, blank=True, related_name="journal_entries")
    effective_at = models.DateTimeField()
    created_xid = TransactionId(editable=False, default=None)

    class Meta:
        verbose_name = _("journal entry")
        verbose_name_plural = _("journal entries")
        constraints = [
            one_of("journal_entry_kind", EntryKind, "kind"),
            models.CheckConstraint(name="journal_entry_fact", condition=~Q(fact_key="")),
        ]
        triggers = [
            AppendOnly(),
            Rule(
                name="knows_its_transaction",
                operation=pgtrigger.Insert,
                func="NEW.created_xid := pg_current_xact_id(); RETURN NEW;",
            ),
            Rule(
                name="balances",
                operation=pgtrigger.Insert,
                deferred=True,
                declare=[("postings", "bigint")],
                func=f"""
                    SELECT count(*) INTO postings FROM settlement_posting WHERE entry_id = NEW.id;
                    IF NEW.kind = 'memo' AND postings > 0 THEN
                        {refuse("journal: a memo has no postings")}
                    END IF;
                    IF NEW.kind <> 'memo' AND postings < 2 THEN
                        {refuse("journal: an entry has two postings or more")}
                    END IF;
                    IF EXISTS (SELECT FROM settlement_posting WHERE entry_id = NEW.id
                               GROUP BY currency HAVING sum(amount_minor_units) <> 0) THEN
                        {refuse("journal: an entry adds up to nothing in each currency")}
                    END IF;
                    RETURN NULL;
                """,
            ),
        ]

    def __str__(self) -> str:
        return self.fact_key


class Posting(models.Model):
    """One line of an entry: so much onto an account. A debit is above zero, a credit below."""

    id = models.BigAutoField(primary_key=True)
    entry = models.ForeignKey(JournalEntry, models.PROTECT, related_name="postings")
    account = models.ForeignKey(Account, models.PROTECT, related_name="postings")
    currency = models.CharField(max_length=3)
    amount_minor_units = models.BigIntegerField()

    class Meta:
        verbose_name = _("posting")
        verbose_name_plural = _("postings")
        constraints = [
            models.CheckConstraint(name="posting_amount", condition=~Q(amount_minor_units=0)),
        ]
        triggers = [
            AppendOnly(),
            # All postings of an entry come in one INSERT, so they balance at its end already.
            after_insert(
                "balances",
                f"""
                    IF EXISTS (SELECT FROM settlement_journalentry WHERE id IN (SELECT entry_id FROM added)
                               AND (created_xid <> pg_current_xact_id() OR kind = 'memo')) THEN
                        {refuse("journal: postings come with their entry and never later")}
                    END IF;
                    IF EXISTS (SELECT FROM settlement_posting WHERE entry_id IN (SELECT entry_id FROM added)
                               GROUP BY entry_id, currency HAVING sum(amount_minor_units) <> 0) THEN
                        {refuse("journal: an entry adds up to nothing in each currency")}
                    END IF;
                    RETURN NULL;
                """,
            ),
        ]

    def __str__(self) -> str:
        return f"{self.amount_minor_units} {self.currency}"
