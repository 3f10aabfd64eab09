"""Money as whole minor units of one currency, and its division among rights holders.

There is no float, no mixed sum and no division but `allocate`. `CURRENCIES` is the house's own table of what
it sells in: ISO 4217 exponents beside those of the payment provider, which differ from every library's.
"""

import hashlib
from collections.abc import Sequence
from copy import copy
from dataclasses import dataclass
from decimal import Decimal

from babel import Locale

from licensing.errors import AmountRefused, CurrencyMismatch, UnknownCurrency


@dataclass(frozen=True, slots=True)
class Currency:
    """How a currency is counted: decimals, decimals at the provider, smallest price step, smallest charge."""

    exponent: int
    provider_exponent: int
    step: int
    provider_minimum: int


# Prices are multiples of `step`; a charge below `provider_minimum` minor units is refused before it is tried.
CURRENCIES = {
    "CNY": Currency(exponent=2, provider_exponent=2, step=1, provider_minimum=400),
    "USD": Currency(exponent=2, provider_exponent=2, step=1, provider_minimum=50),
    "EUR": Currency(exponent=2, provider_exponent=2, step=1, provider_minimum=50),
    "GBP": Currency(exponent=2, provider_exponent=2, step=1, provider_minimum=30),
    "HKD": Currency(exponent=2, provider_exponent=2, step=1, provider_minimum=400),
    "JPY": Currency(exponent=0, provider_exponent=0, step=1, provider_minimum=50),
    "SGD": Currency(exponent=2, provider_exponent=2, step=1, provider_minimum=50),
    "KRW": Currency(exponent=0, provider_exponent=0, step=1, provider_minimum=700),
    "KWD": Currency(exponent=3, provider_exponent=3, step=10, provider_minimum=200),
}

LOCALES = {"zh": "zh_Hans_CN", "en": "en_US"}


@dataclass(frozen=True, slots=True)
class Money:
    """An amount in minor units: Money(129900, "CNY") is 1,299 yuan."""

    amount_minor_units: int
    currency: str

    def __post_init__(self) -> None:
        if type(self.amount_minor_units) is not int:  # a bool is an int to isinstance
            raise AmountRefused(f"not a whole number of minor units: {self.amount_minor_units!r}")
        if self.currency not in CURRENCIES:
            raise UnknownCurrency(self.currency)

    @classmethod
    def zero(cls, currency: str) -> "Money":
        """Return nothing, in a currency."""
        return cls(0, currency)

    def __add__(self, other: "Money") -> "Money":
        return Money(self.amount_minor_units + self._same(other), self.currency)

    def __sub__(self, other: "Money") -> "Money":
        return Money(self.amount_minor_units - self._same(other), self.currency)

    def __neg__(self) -> "Money":
        return Money(-self.amount_minor_units, self.currency)

    def __mul__(self, times: int) -> "Money":
        if type(times) is not int:
            raise AmountRefused(f"money is multiplied by whole numbers only, not by {times!r}")
        return Money(self.amount_minor_units * times, self.currency)

    def __lt__(self, other: "Money") -> bool:
        return self.amount_minor_units < self._same(other)

    def __le__(self, other: "Money") -> bool:
        return self.amount_minor_units <= self._same(other)

    def __gt__(self, other: "Money") -> bool:
        return self.amount_minor_units > self._same(other)

    def __ge__(self, other: "Money") -> bool:
        return self.amount_minor_units >= self._same(other)

    def __bool__(self) -> bool:
        return self.amount_minor_units != 0

    @property
    def decimal(self) -> Decimal:
        """Return the amount in major units, exactly."""
        return Decimal(self.amount_minor_units).scaleb(-CURRENCIES[self.currency].exponent)

    @property
    def provider_amount(self) -> int:
        """Return the amount as the payment provider counts it."""
        currency = CURRENCIES[self.currency]
        shift: int = 10 ** abs(currency.provider_exponent - currency.exponent)
        if currency.provider_exponent >= currency.exponent:
            return self.amount_minor_units * shift
        amount, rest = divmod(self.amount_minor_units, shift)
        if rest:
            raise AmountRefused(
                f"{self.amount_minor_units} {self.currency} is finer than the provider counts"
            )
        return amount

    @property
    def is_below_minimum(self) -> bool:
        """Tell whether the provider would refuse to charge so little. Nothing at all is not charged."""
        return 0 < self.amount_minor_units < CURRENCIES[self.currency].provider_minimum

    def _same(self, other: "Money") -> int:
        if not isinstance(other, Money):
            raise AmountRefused(f"not money: {other!r}")
        if other.currency != self.currency:
            raise CurrencyMismatch(self.currency, other.currency)
        return other.amount_minor_units


def price(amount_minor_units: int, currency: str) -> Money:
    """Return an amount that may stand as a price: not negative, and in whole steps. Raises AmountRefused."""
    money = Money(amount_minor_units, currency)
    if amount_minor_units < 0:
        raise AmountRefused(f"a price is not negative: {amount_minor_units}")
    if amount_minor_units % CURRENCIES[currency].step:
        raise AmountRefused(f"prices in {currency} are multiples of {CURRENCIES[currency].step} minor units")
    return money


def allocate(total: Money, weights: Sequence[int], key: bytes | str) -> list[Money]:
    """Divide a total by whole weights so that the parts add up exactly. Raises AmountRefused.

    The largest remainders get the odd units; equal remainders go by SHA-256(key, position), so that over many
    sales no holder is first by position alone.
    """
    if total.amount_minor_units < 0 or not weights or any(type(w) is not int or w < 0 for w in weights):
        raise AmountRefused("only an amount that is not negative can be divided, by weights that are not")
    whole = sum(weights)
    if whole == 0:
        raise AmountRefused("at least one weight must be above zero")
    amount = total.amount_minor_units
    parts, remainders = zip(*(divmod(amount * weight, whole) for weight in weights), strict=True)
    odd = amount - sum(parts)
    text = key.encode() if isinstance(key, str) else key
    ranked = sorted(range(len(weights)), key=lambda position: (-remainders[position], _lot(text, position)))
    lucky = set(ranked[:odd])
    return [Money(part + (position in lucky), total.currency) for position, part in enumerate(parts)]


def display(money: Money, language: str) -> str:
    """Return the amount as people write it: `¥1,200.00` in Chinese, `CN¥1,200.00` in English."""
    locale = Locale.parse(LOCALES.get(language[:2], LOCALES["en"]))
    pattern = copy(locale.currency_formats["standard"])
    pattern.frac_prec = (CURRENCIES[money.currency].exponent,) * 2
    text: str = pattern.apply(money.decimal, locale, currency=money.currency, currency_digits=False)
    return text


def _lot(key: bytes, position: int) -> bytes:
    return hashlib.sha256(len(key).to_bytes(8, "big") + key + position.to_bytes(8, "big")).digest()
