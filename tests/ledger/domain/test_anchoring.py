"""When an anchor is due, and what is done next about one, for everything that a chain may say."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from ledger.domain.anchoring import (
    ANCHOR_MOVES,
    EVERY,
    EVERY_ENTRIES,
    RESEND_AFTER,
    Anchored,
    AnchorState,
    Latest,
    Own,
    Seen,
    Step,
    decide,
    is_due,
)

NOW = datetime(2026, 11, 23, 8, 0, tzinfo=UTC)
BEFORE, AFTER = NOW - timedelta(seconds=15), NOW - RESEND_AFTER
PREV, ROOT, BLOCK, OTHER = (bytes([byte]) * 32 for byte in range(1, 5))

PLANNED = Own(AnchorState.PLANNED, 10, PREV, None, None, None)
SUBMITTED = replace(PLANNED, state=AnchorState.SUBMITTED, nonce=7, since=BEFORE)
MINED = replace(SUBMITTED, state=AnchorState.MINED, block_hash=BLOCK)

NOTHING = Seen(height=100, latest=Latest(5, PREV), anchored=None, nonce=7, knows_newest=True)
EVENT = Anchored("0x", 10, ROOT, PREV, b"", 100, BLOCK)
THERE = replace(NOTHING, latest=Latest(10, ROOT), anchored=EVENT, nonce=8)
DEEP = replace(THERE, height=111)
PASSED = replace(NOTHING, latest=Latest(11, OTHER))


@pytest.mark.parametrize(
    ("own", "seen", "step"),
    [
        (PLANNED, NOTHING, Step.SIGN),
        (PLANNED, THERE, Step.MINE),
        (PLANNED, PASSED, Step.DROP),
        (SUBMITTED, NOTHING, Step.WAIT),
        (SUBMITTED, replace(NOTHING, knows_newest=False), Step.SEND),
        (replace(SUBMITTED, since=AFTER), NOTHING, Step.REPLACE),
        (SUBMITTED, replace(NOTHING, latest=Latest(6, OTHER)), Step.REPLACE),
        (SUBMITTED, replace(NOTHING, nonce=8), Step.SIGN),
        (replace(SUBMITTED, nonce=None), NOTHING, Step.SIGN),
        (SUBMITTED, THERE, Step.MINE),
        (SUBMITTED, DEEP, Step.MINE),
        (SUBMITTED, PASSED, Step.DROP),
        (MINED, THERE, Step.WAIT),
        (MINED, replace(THERE, height=110), Step.WAIT),
        (MINED, DEEP, Step.CONFIRM),
        (MINED, replace(DEEP, latest=Latest(11, OTHER)), Step.CONFIRM),
        (MINED, replace(DEEP, anchored=replace(EVENT, block_hash=OTHER)), Step.STEP_BACK),
        (MINED, NOTHING, Step.STEP_BACK),
        (MINED, PASSED, Step.STEP_BACK),
    ],
)
def test_the_next_step_follows_from_what_the_chain_says(own, seen, step):
    assert decide(own, seen, confirmations=12, now=NOW) is step


@pytest.mark.parametrize(
    ("size", "later", "due"),
    [
        (101, EVERY, True),
        (101, EVERY - timedelta(seconds=1), False),
        (100, EVERY * 100, False),
        (99, EVERY, False),
        (100 + EVERY_ENTRIES, timedelta(), True),
        (99 + EVERY_ENTRIES, timedelta(), False),
    ],
)
def test_an_anchor_is_due_after_a_while_or_enough_entries_and_never_for_nothing(size, later, due):
    assert is_due(size=size, last_size=100, last_at=NOW, now=NOW + later) is due


def test_the_only_way_back_is_from_a_block_that_is_gone():
    order = list(AnchorState)
    back = {(a, b) for a, after in ANCHOR_MOVES.items() for b in after if order.index(b) < order.index(a)}
    assert back == {(AnchorState.MINED, AnchorState.SUBMITTED)}
