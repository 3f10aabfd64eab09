"""Posting to the journal: one entry for a fact, whoever tells it and however often."""

from collections.abc import Sequence
from datetime import datetime

from django.db import transaction

from settlement.domain.postings import AccountKey, EntryKind, Posting
from settlement.models import Account, JournalEntry, Order
from settlement.models import Posting as PostingRow


@transaction.atomic(savepoint=False)
def post(
    postings: Sequence[Posting], *, kind: EntryKind, fact: str, order: Order | None, now: datetime
) -> JournalEntry:
    """Write the entry of a fact with its postings; a fact that is on the books already is left as it is.

    The caller holds the lock on what the fact is about. The database refuses what does not balance.
    """
    if written := JournalEntry.objects.filter(fact_key=fact).first():
        return written
    accounts = _accounts({posting.account for posting in postings})
    entry = JournalEntry.objects.create(fact_key=fact, kind=kind, order=order, effective_at=now)
    PostingRow.objects.bulk_create(
        PostingRow(
            entry=entry,
            account=accounts[posting.account],
            currency=posting.account.currency,
            amount_minor_units=posting.amount_minor_units,
        )
        for posting in postings
    )
    return entry


def _accounts(keys: set[AccountKey]) -> dict[AccountKey, Account]:
    """Return the accounts, opening those that are new; two openers of one account get the same."""
    found = _found(keys)
    if missing := sorted(keys - found.keys(), key=str):
        Account.objects.bulk_create(
            [Account(kind=key.kind, owner_id=key.owner, currency=key.currency) for key in missing],
            ignore_conflicts=True,
        )
        found = _found(keys)
    return found


def _found(keys: set[AccountKey]) -> dict[AccountKey, Account]:
    rows = Account.objects.filter(
        kind__in={key.kind for key in keys}, currency__in={key.currency for key in keys}
    )
    owners = {key.owner for key in keys if key.owner}
    rows = rows.filter(owner__isnull=True) | rows.filter(owner__in=owners)
    by_key = {AccountKey(row.kind, row.currency, row.owner_id): row for row in rows}
    return {key: by_key[key] for key in keys if key in by_key}
