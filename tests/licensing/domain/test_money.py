"""Money and its division: nothing is lost, nobody is favoured."""

from collections import Counter

import pytest
from hypothesis import given, seed, settings
from hypothesis import strategies as st

from licensing.domain.money import CURRENCIES, Money, allocate, display, price
from licensing.errors import AmountRefused, CurrencyMismatch, UnknownCurrency

amounts = st.integers(min_value=0, max_value=10**14)
weights = st.lists(st.integers(min_value=0, max_value=10**6), min_size=1, max_size=12).filter(any)


@seed(20261123)
@settings(max_examples=400, deadline=None)
@given(
    amount=amounts, weights=weights, key=st.text(max_size=20), currency=st.sampled_from(sorted(CURRENCIES))
)
def test_shares_add_up_to_the_total_whatever_the_weights(amount, weights, key, currency):
    parts = allocate(Money(amount, currency), weights, key)
    assert sum(part.amount_minor_units for part in parts) == amount
    assert {part.currency for part in parts} == {currency}


@seed(20261123)
@settings(max_examples=400, deadline=None)
@given(amount=amounts, weights=weights, key=st.binary(max_size=20))
def test_every_share_is_within_one_unit_of_its_exact_part(amount, weights, key):
    for part, weight in zip(allocate(Money(amount, "CNY"), weights, key), weights, strict=True):
        assert abs(part.amount_minor_units * sum(weights) - amount * weight) < sum(weights)
        assert weight or not part


def test_odd_units_go_to_each_of_three_equal_holders_equally_often():
    wins = Counter()
    for order in range(9_000):
        parts = allocate(Money(1, "CNY"), [1, 1, 1], f"WS-2026-{order:06d}")
        wins[parts.index(Money(1, "CNY"))] += 1
    assert all(2_800 < wins[position] < 3_200 for position in range(3)), wins


def test_the_same_key_divides_the_same_way_in_text_and_in_bytes():
    total = Money(1_000_001, "JPY")
    assert allocate(total, [3, 3, 3], "order") == allocate(total, [3, 3, 3], b"order")


@pytest.mark.parametrize("weights", [[], [0], [0, 0], [-1, 2], [1.5], [True, 1]])
def test_weights_that_divide_nothing_are_refused(weights):
    with pytest.raises(AmountRefused):
        allocate(Money(100, "CNY"), weights, "k")


def test_a_negative_amount_is_not_divided():
    with pytest.raises(AmountRefused):
        allocate(Money(-1, "CNY"), [1], "k")


@pytest.mark.parametrize("amount", [1.0, "1", None, True])
def test_only_whole_minor_units_are_money(amount):
    with pytest.raises(AmountRefused):
        Money(amount, "CNY")


@pytest.mark.parametrize("currency", ["RMB", "XXX", "cny", "", None])
def test_a_currency_that_is_not_sold_is_refused(currency):
    with pytest.raises(UnknownCurrency):
        Money(1, currency)


def test_two_currencies_never_meet_in_one_sum():
    for meet in (Money.__add__, Money.__sub__, Money.__lt__, Money.__ge__):
        with pytest.raises(CurrencyMismatch):
            meet(Money(1, "CNY"), Money(1, "USD"))


@pytest.mark.parametrize(
    "money, chinese, english",
    [
        (Money(120_000, "CNY"), "¥1,200.00", "CN¥1,200.00"),
        (Money(1, "CNY"), "¥0.01", "CN¥0.01"),
        (Money(5_800, "JPY"), "JP¥5,800", "¥5,800"),
        (Money(6_900, "USD"), "US$69.00", "$69.00"),
        (Money(12_340, "KWD"), "KWD12.340", "KWD12.340"),
    ],
)
def test_money_is_written_with_the_decimals_of_our_own_table(money, chinese, english):
    assert display(money, "zh-hans") == chinese
    assert display(money, "en") == english


def test_prices_follow_the_steps_of_their_currency():
    assert price(10, "KWD") == Money(10, "KWD")
    for amount, currency in ((11, "KWD"), (-1, "CNY")):
        with pytest.raises(AmountRefused):
            price(amount, currency)


def test_one_fen_is_below_what_the_provider_charges_and_nothing_is_not():
    assert Money(1, "CNY").is_below_minimum
    assert not Money(0, "CNY").is_below_minimum
    assert not Money(CURRENCIES["CNY"].provider_minimum, "CNY").is_below_minimum
