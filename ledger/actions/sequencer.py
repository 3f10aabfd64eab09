"""Numbering what was handed in: gapless, in one order, by one at a time whoever is started beside it."""

from collections.abc import Iterable
from datetime import UTC, datetime, timedelta
from struct import Struct

from django.db import connection, transaction

from ledger.actions import checkpoints, projections, publications
from ledger.actions.locks import try_lock
from ledger.domain import merkle
from ledger.errors import LogBroken
from ledger.models import SINGLE, Checkpoint, Entry, Head, Pending

BATCH = 8192
STRIDE = 8  # batches that are numbered before they are signed, when many wait
LOCK = 0x57_45_4E_01  # the sequencer's advisory lock

COLUMNS = "number, intent_id, leaf_hash, prev, chain_hash, sequenced_at"
ENTRIES = f"COPY ledger_entry ({COLUMNS}) FROM STDIN (FORMAT BINARY)"
HEADER, TRAILER = b"PGCOPY\n\xff\r\n\0" + bytes(8), b"\xff\xff"
ROW = Struct(">h iq iq i32s i32s i32s iq")  # the number of columns, then the length of each before it
EPOCH = datetime(2000, 1, 1, tzinfo=UTC)  # PostgreSQL counts its microseconds from here
NUMBERED = """
    DELETE FROM ledger_pending p USING ledger_entry e WHERE e.intent_id = p.intent_id AND e.number >= %s
"""


def run(*, now: datetime) -> int:
    """Number one batch of pending intents in the order of their ids, and return how many.

    Returns 0 when another sequencer is at it. Raises LogBroken when head and entries contradict each other.
    """
    with transaction.atomic():
        if not try_lock(LOCK):
            return 0
        head = _head()
        batch = list(
            Pending.objects.order_by("intent_id").values_list("intent_id", "intent__leaf_hash")[:BATCH]
        )
        leaves = [bytes(leaf) for _, leaf in batch]
        links = [bytes(head.tip), *merkle.chain(bytes(head.tip), leaves)]
        if not batch or not _advance(head, leaves, links[-1]):
            return 0
        _write(head, zip([intent for intent, _ in batch], leaves, links, links[1:], strict=False), now)
    return len(batch)


def advance(*, now: datetime) -> Checkpoint | None:
    """Number all that is pending and sign it; returns the last checkpoint that was signed now, or None.

    What comes in meanwhile is left to the next call, or this one would not end while there is always more.
    Raises as `run` and `checkpoints.sign` do.
    """
    signed = None
    while True:
        full = all(run(now=now) == BATCH for _ in range(STRIDE))
        signed = checkpoints.sign(now=now) or signed
        if not full:
            return signed


def catch_up(*, now: datetime) -> Checkpoint | None:
    """Number all that is pending, sign it, publish it, and make it findable; returns as `advance` does."""
    signed = advance(now=now)
    publications.publish(now=now)
    while projections.fill():
        pass
    return signed


def _head() -> Head:
    """Return the head; a log without any entries may still be without one."""
    empty = {"tip": merkle.GENESIS, "root": merkle.root([])}
    head, made = Head.objects.get_or_create(id=SINGLE, defaults=empty)
    if made and Entry.objects.exists():
        raise LogBroken(0, "there are entries, but no head")
    return head


def _advance(head: Head, leaves: list[bytes], tip: bytes) -> bool:
    """Move the head over the leaves; False when it has moved since it was read: the fence."""
    frontier = merkle.Frontier.from_bytes(head.size, bytes(head.frontier)).extend(leaves)
    moved = Head.objects.filter(id=SINGLE, size=head.size, epoch=head.epoch).update(
        size=frontier.size, tip=tip, frontier=bytes(frontier), root=frontier.root(), epoch=head.epoch + 1
    )
    return bool(moved)


def _write(head: Head, batch: Iterable[tuple[int, bytes, bytes, bytes]], now: datetime) -> None:
    at = (now - EPOCH) // timedelta(microseconds=1)
    rows = [
        ROW.pack(6, 8, number, 8, intent, 32, leaf, 32, prev, 32, link, 8, at)
        for number, (intent, leaf, prev, link) in enumerate(batch, start=head.size)
    ]
    with connection.cursor() as cursor:
        with cursor.copy(ENTRIES) as copy:
            copy.write(b"".join([HEADER, *rows, TRAILER]))
        cursor.execute(NUMBERED, [head.size])
