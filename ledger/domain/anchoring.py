"""When a checkpoint is anchored on a chain, and what is to be done next about an anchor, from what the chain says."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum

EVERY = timedelta(minutes=10)
EVERY_ENTRIES = 100_000
RESEND_AFTER = timedelta(minutes=3)


class AnchorState(StrEnum):
    """The life of an anchor."""

    PLANNED = "planned"  # us: sign a transaction, as soon as a chain answers
    SUBMITTED = "submitted"  # the chain: take a transaction of ours into a block; we send again what it lost
    MINED = "mined"  # the chain: bury the block
    CONFIRMED = "confirmed"  # nobody
    DROPPED = "dropped"  # nobody: its chain is gone or went past its size, and the next anchor covers it


ANCHOR_MOVES: dict[AnchorState, frozenset[AnchorState]] = {
    AnchorState.PLANNED: frozenset({AnchorState.SUBMITTED, AnchorState.MINED, AnchorState.DROPPED}),
    AnchorState.SUBMITTED: frozenset({AnchorState.MINED, AnchorState.DROPPED}),
    # Back where a reorganisation of the chain took the block away.
    AnchorState.MINED: frozenset({AnchorState.CONFIRMED, AnchorState.SUBMITTED, AnchorState.DROPPED}),
    AnchorState.CONFIRMED: frozenset(),
    AnchorState.DROPPED: frozenset(),
}
# One anchor at most is in one of these.
OPEN_ANCHORS = (AnchorState.PLANNED, AnchorState.SUBMITTED, AnchorState.MINED)
# A block of the chain has it.
MINED_ANCHORS = (AnchorState.MINED, AnchorState.CONFIRMED)


class Step(StrEnum):
    """What is to be done next about an open anchor."""

    WAIT = "wait"
    SIGN = "sign"  # a transaction with the next nonce
    REPLACE = "replace"  # a transaction with the same nonce and higher fees
    SEND = "send"  # the newest transaction again, as it is
    MINE = "mine"  # write down the block
    STEP_BACK = "step_back"  # the block is gone
    CONFIRM = "confirm"
    DROP = "drop"


@dataclass(frozen=True)
class Latest:
    """The newest size and root that a contract has for our log."""

    size: int
    root: bytes


@dataclass(frozen=True)
class Anchored:
    """What a contract said when it took an anchor, and where."""

    contract: str
    size: int
    root: bytes
    prev_root: bytes
    tx_hash: bytes
    block_number: int
    block_hash: bytes


@dataclass(frozen=True)
class Own:
    """What we know of an open anchor."""

    state: AnchorState
    size: int
    prev_root: bytes
    block_hash: bytes | None
    nonce: int | None
    since: datetime | None  # when its newest transaction was first sent, or last lost its block


@dataclass(frozen=True)
class Seen:
    """What the chain says about an open anchor."""

    height: int  # the number of the newest block
    latest: Latest
    anchored: Anchored | None  # this very anchor, by whichever transaction
    nonce: int  # how many transactions of the anchorer are in blocks
    knows_newest: bool  # the node has our newest transaction


def is_due(*, size: int, last_size: int, last_at: datetime, now: datetime) -> bool:
    """Tell whether a log of a size is to be anchored again, long enough or enough entries after the last time."""
    return size > last_size and (now - last_at >= EVERY or size - last_size >= EVERY_ENTRIES)


def decide(own: Own, seen: Seen, *, confirmations: int, now: datetime) -> Step:
    """Return the next step. A block of the chain outweighs all that we remember."""
    if seen.anchored:
        if own.state is not AnchorState.MINED:
            return Step.MINE
        if seen.anchored.block_hash != own.block_hash:
            return Step.STEP_BACK
        deep = seen.height - seen.anchored.block_number + 1 >= confirmations
        return Step.CONFIRM if deep else Step.WAIT
    if own.state is AnchorState.MINED:
        return Step.STEP_BACK
    if seen.latest.size >= own.size:
        return Step.DROP
    if own.state is AnchorState.PLANNED or own.nonce is None or seen.nonce > own.nonce:
        return Step.SIGN
    return _watch(own, seen, now=now)


def _watch(own: Own, seen: Seen, *, now: datetime) -> Step:
    """Return the next step for what was sent and is in no block."""
    if own.since is None or own.prev_root != seen.latest.root or now - own.since >= RESEND_AFTER:
        return Step.REPLACE
    return Step.WAIT if seen.knows_newest else Step.SEND


# Reading an anchor again ----------------------------------------------------------------------------------


class Verdict(StrEnum):
    """What a second look at an anchor found."""

    HOLDS = "holds"
    WAITING = "waiting"  # it is in no block for good yet, or never will be
    UNREACHABLE = "unreachable"  # the chain cannot be asked now
    VANISHED = "vanished"  # the chain has lost it, as test chains do
    CONTRADICTED = "contradicted"  # row, transaction and chain do not say the same


@dataclass(frozen=True)
class AnchorCheck:
    """What a second look at an anchor found; where it contradicts, which field, and what was expected there."""

    size: int
    verdict: Verdict
    field: str = ""
    expected: str = ""
    found: str = ""
    reason: str = ""

    @property
    def passed(self) -> bool:
        """Tell whether nothing speaks against the anchor."""
        return self.verdict in (Verdict.HOLDS, Verdict.WAITING)


def difference(pairs: Sequence[tuple[str, object, object]]) -> tuple[str, str, str] | None:
    """Return field, expected and found of the first pair whose values differ."""
    for field, expected, found in pairs:
        if expected != found:
            return field, _text(expected), _text(found)
    return None


def _text(value: object) -> str:
    return value.hex() if isinstance(value, bytes) else str(value)
