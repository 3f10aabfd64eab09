"""Double entry: which accounts each fact moves, as balanced lists of postings. A debit is positive.

Sale: stripe_pending to each holder's payable_pending and the platform's income. Refund: from those back to
refund_due when we owe it, from refund_due to stripe_pending when the provider has sent it.
"""

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from enum import StrEnum
from uuid import UUID

from licensing.domain.money import Money, allocate
from licensing.domain.parties import PLATFORM_PARTY_ID


class AccountKind(StrEnum):
    """Where money sits; those of a rights holder have an owner."""

    STRIPE_PENDING = "stripe_pending"  # with the provider, not yet available
    PLATFORM_INCOME = "platform_income"
    REFUND_DUE = "refund_due"  # owed back to licensees
    SUSPENSE = "suspense"  # money that fits nothing, until a person says what it is
    PAYABLE_PENDING = "payable_pending"  # a rights holder's, before its release


class EntryKind(StrEnum):
    """What a journal entry tells. A memo has no postings: the record of a free order."""

    SALE = "sale"
    REFUND_OWED = "refund_owed"
    REFUND = "refund"
    REFUND_RETURNED = "refund_returned"
    SURPLUS = "surplus"
    SUSPENSE = "suspense"
    MEMO = "memo"


@dataclass(frozen=True, order=True)
class AccountKey:
    """Names an account of one currency."""

    kind: AccountKind
    currency: str
    owner: UUID | None = None


@dataclass(frozen=True)
class Posting:
    """One line of an entry: so much onto this account; below zero is a credit."""

    account: AccountKey
    amount_minor_units: int


@dataclass(frozen=True)
class Holding:
    """A rights holder's part of an amount."""

    party_id: UUID
    amount: Money


def share_out(price: Money, weights: Sequence[tuple[UUID, int]], *, key: str) -> list[Holding]:
    """Divide a line's price by its frozen share plan; the key settles who gets the odd units."""
    if not price:
        return []
    parts = allocate(price, [weight for _, weight in weights], key)
    return [Holding(party, part) for (party, _), part in zip(weights, parts, strict=True)]


def remaining_shares(amount: Money, remaining: Sequence[Money], *, key: str) -> list[Money]:
    """Divide a refund over what the holders still have of the line, so that no share passes zero."""
    return allocate(amount, [money.amount_minor_units for money in remaining], key)


def sale_postings(total: Money, holdings: Iterable[Holding]) -> list[Posting]:
    """Return the postings of a sale: the provider holds the total, each holder is owed a share."""
    return _between(_platform(AccountKind.STRIPE_PENDING, total), total, holdings, to_holders=True)


def refund_owed_postings(amount: Money, holdings: Iterable[Holding]) -> list[Posting]:
    """Return the postings that take a refund from the holders' shares and make us owe it to the licensee."""
    return _between(_platform(AccountKind.REFUND_DUE, amount), amount, holdings, to_holders=False)


def refund_postings(amount: Money) -> list[Posting]:
    """Return the postings of money that the provider has sent back."""
    return _move(amount, AccountKind.REFUND_DUE, AccountKind.STRIPE_PENDING)


def refund_returned_postings(amount: Money) -> list[Posting]:
    """Return the postings of a refund that came back to the provider: we owe it still."""
    return _move(amount, AccountKind.STRIPE_PENDING, AccountKind.REFUND_DUE)


def surplus_postings(amount: Money) -> list[Posting]:
    """Return the postings of money that nobody asked for and that is owed back at once."""
    return refund_returned_postings(amount)


def suspense_postings(amount: Money) -> list[Posting]:
    """Return the postings of money that does not fit what was asked."""
    return _move(amount, AccountKind.STRIPE_PENDING, AccountKind.SUSPENSE)


def _platform(kind: AccountKind, money: Money) -> AccountKey:
    return AccountKey(kind, money.currency)


def _move(amount: Money, debit: AccountKind, credit: AccountKind) -> list[Posting]:
    return [
        Posting(_platform(debit, amount), amount.amount_minor_units),
        Posting(_platform(credit, amount), -amount.amount_minor_units),
    ]


def _between(
    platform: AccountKey, total: Money, holdings: Iterable[Holding], *, to_holders: bool
) -> list[Posting]:
    """Move a total between one account of the platform and the holders', one posting for each account."""
    owed: Counter[AccountKey] = Counter()
    for holding in holdings:
        owed[_account_of(holding)] += holding.amount.amount_minor_units
    assert sum(owed.values()) == total.amount_minor_units, "shares add up to the total"
    sign = -1 if to_holders else 1
    postings = [
        Posting(account, sign * amount) for account, amount in sorted(owed.items(), key=_order) if amount
    ]
    return [Posting(platform, -sign * total.amount_minor_units), *postings]


def _account_of(holding: Holding) -> AccountKey:
    if holding.party_id == PLATFORM_PARTY_ID:
        return AccountKey(AccountKind.PLATFORM_INCOME, holding.amount.currency)
    return AccountKey(AccountKind.PAYABLE_PENDING, holding.amount.currency, holding.party_id)


def _order(item: tuple[AccountKey, int]) -> tuple[str, str]:
    return item[0].kind, str(item[0].owner)
