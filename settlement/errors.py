"""The ways settlement refuses.

SettlementError
├── OrderRefused
│   ├── EmptyOrder                             no line
│   ├── MixedCurrencies(currencies)            one order has one currency
│   ├── BelowMinimum(total, minimum)           the provider does not charge so little
│   └── KeyReused(idempotency_key)             the same key came with another order
├── OrderNotFound(key)                         no order has this number or id
├── OrderClosed(number, state)                 nothing can be paid here any more
├── NothingToPay(number)                       a free order has no payment
├── IllegalMove(thing, before, after)          the table of moves has no such move
├── ChargeMismatch(number, expected, found)    the provider's money is not this order's exact total
├── RefundRefused(payment_id, reason)          more than was paid, or nothing
├── BadSignature(reason)                       a webhook that the provider did not sign
└── ProviderError                              the payment provider, or the way to it
    ├── ProviderUnavailable(reason)            no answer: ask again with the same key
    ├── ProviderFaltered(reason)               an answer that does not say what was done: look first
    └── ProviderRefused(code, reason)          a clear no: asking again changes nothing
"""

from collections.abc import Collection
from uuid import UUID

from django.utils.translation import get_language
from django.utils.translation import gettext as _

from licensing.domain.money import Money, display


class SettlementError(Exception):
    """Anything settlement refuses; `str()` is a sentence for people, the fields are for programs."""


class OrderRefused(SettlementError):
    """An order that was not placed."""


class EmptyOrder(OrderRefused):
    def __init__(self) -> None:
        super().__init__(_("An order needs at least one line."))


class MixedCurrencies(OrderRefused):
    def __init__(self, currencies: Collection[str]) -> None:
        self.currencies = tuple(sorted(currencies))
        super().__init__(
            _("One order has one currency; these lines have %(currencies)s. Place one order for each.")
            % {"currencies": ", ".join(self.currencies)}
        )


class BelowMinimum(OrderRefused):
    def __init__(self, total: Money, minimum: Money) -> None:
        language = get_language() or "en"
        super().__init__(
            _(
                "The total of %(total)s is less than the payment provider charges at once (%(minimum)s). "
                "Add something to the order, or ask for a free licence where the terms offer one."
            )
            % {"total": display(total, language), "minimum": display(minimum, language)}
        )
        self.total, self.minimum = total, minimum


class KeyReused(OrderRefused):
    def __init__(self, idempotency_key: str) -> None:
        super().__init__(
            _("The key %(key)s has already placed another order.") % {"key": idempotency_key[:80]}
        )
        self.idempotency_key = idempotency_key


class OrderNotFound(SettlementError):
    def __init__(self, key: object) -> None:
        super().__init__(_("There is no order %(key)s.") % {"key": key})
        self.key = key


class OrderClosed(SettlementError):
    def __init__(self, number: str, state: str) -> None:
        super().__init__(
            _("Nothing can be paid for order %(number)s any more. Place a new order.") % {"number": number}
        )
        self.number, self.state = number, state


class NothingToPay(SettlementError):
    def __init__(self, number: str) -> None:
        super().__init__(_("Order %(number)s is free; there is nothing to pay.") % {"number": number})
        self.number = number


class IllegalMove(SettlementError):
    def __init__(self, thing: str, before: str, after: str) -> None:
        super().__init__(f"{thing}: no move from {before} to {after}")
        self.thing, self.before, self.after = thing, before, after


class ChargeMismatch(SettlementError):
    def __init__(self, number: str, expected: str, found: str) -> None:
        super().__init__(f"order {number}: expected {expected}, the provider says {found}")
        self.number, self.expected, self.found = number, expected, found


class RefundRefused(SettlementError):
    def __init__(self, payment_id: UUID, reason: str) -> None:
        super().__init__(reason)
        self.payment_id, self.reason = payment_id, reason


class BadSignature(SettlementError):
    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


class ProviderError(SettlementError):
    """The payment provider did not do what it was asked, or did not say so."""


class ProviderUnavailable(ProviderError):
    def __init__(self, reason: str) -> None:
        super().__init__(
            _("The payment provider does not answer just now. Your order stands; try again in a minute.")
        )
        self.reason = reason


class ProviderFaltered(ProviderError):
    def __init__(self, reason: str) -> None:
        super().__init__(
            _("The payment provider does not answer just now. Your order stands; try again in a minute.")
        )
        self.reason = reason


class ProviderRefused(ProviderError):
    def __init__(self, code: str, reason: str) -> None:
        super().__init__(_("The payment provider refused: %(reason)s") % {"reason": reason})
        self.code, self.reason = code, reason
