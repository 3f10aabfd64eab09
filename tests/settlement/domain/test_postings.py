"""Postings and shares as values: whatever the prices and weights, nothing is lost and nothing is invented."""

from collections import Counter
from uuid import UUID

from hypothesis import given, seed, settings
from hypothesis import strategies as st

from licensing.domain.money import Money
from licensing.domain.parties import PLATFORM_PARTY_ID
from settlement.domain import states
from settlement.domain.postings import (
    AccountKind,
    Holding,
    refund_owed_postings,
    refund_postings,
    refund_returned_postings,
    remaining_shares,
    sale_postings,
    share_out,
    surplus_postings,
    suspense_postings,
)

HOLDERS = [PLATFORM_PARTY_ID, *(UUID(int=number) for number in range(1, 6))]
amounts = st.integers(1, 10**10).map(lambda amount: Money(amount, "CNY"))
plans = st.lists(st.tuples(st.sampled_from(HOLDERS), st.integers(0, 1000)), min_size=1, max_size=6).filter(
    lambda plan: any(weight for _, weight in plan)
)
kinds = [refund_postings, refund_returned_postings, surplus_postings, suspense_postings]


def total(postings):
    return sum(posting.amount_minor_units for posting in postings)


@seed(1)
@given(amounts, plans, st.text(max_size=8))
def test_a_sale_balances_and_its_shares_add_up(price, plan, key):
    holdings = share_out(price, plan, key=key)
    assert sum(holding.amount.amount_minor_units for holding in holdings) == price.amount_minor_units
    postings = sale_postings(price, holdings)
    assert total(postings) == 0
    assert all(posting.amount_minor_units for posting in postings)
    assert len({posting.account for posting in postings}) == len(postings)
    assert postings[0].account.kind == AccountKind.STRIPE_PENDING
    assert total(refund_owed_postings(price, holdings)) == 0


@seed(1)
@given(amounts)
def test_the_other_entries_balance(amount):
    for postings in kinds:
        assert total(postings(amount)) == 0
        assert len(postings(amount)) == 2


@seed(1)
@settings(max_examples=150)
@given(st.integers(1, 3000), plans, st.lists(st.integers(1, 400), min_size=1, max_size=30))
def test_refunds_step_by_step_end_at_nothing_and_never_below(price, plan, steps):
    left = [holding.amount for holding in share_out(Money(price, "CNY"), plan, key="WS-1:0")]
    rest = price
    for step in [*steps, price]:
        amount = min(step, rest)
        if not amount:
            break
        taken = remaining_shares(Money(amount, "CNY"), left, key="WS-1:0")
        left = [before - part for before, part in zip(left, taken, strict=True)]
        rest -= amount
        assert sum(money.amount_minor_units for money in taken) == amount
        assert min(money.amount_minor_units for money in left) >= 0
    assert not any(left)


def test_the_odd_cent_goes_to_each_holder_in_turn():
    plan = [(holder, 1) for holder in HOLDERS[1:4]]
    lucky = Counter()
    for number in range(3000):
        for holding in share_out(Money(1, "CNY"), plan, key=f"WS-2026-{number:06d}:0"):
            lucky[holding.party_id] += holding.amount.amount_minor_units
    assert all(900 <= count <= 1100 for count in lucky.values())


def test_the_same_holder_twice_gets_one_posting():
    holder = HOLDERS[1]
    parts = [Holding(holder, Money(30, "CNY")), Holding(holder, Money(70, "CNY"))]
    assert [posting.amount_minor_units for posting in sale_postings(Money(100, "CNY"), parts)] == [100, -100]


def test_every_state_has_its_moves_and_no_move_leads_nowhere():
    for table, kind in (
        (states.ORDER_MOVES, states.OrderState),
        (states.LINE_MOVES, states.LineState),
        (states.PAYMENT_MOVES, states.PaymentState),
        (states.REFUND_MOVES, states.RefundState),
    ):
        assert set(table) == set(kind)
        assert all(after in table for moves in table.values() for after in moves)
        assert all(states.allows(table, state, state) for state in kind)
        assert not any(state in table[state] for state in kind)
