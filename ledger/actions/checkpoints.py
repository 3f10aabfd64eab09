"""Signing the log: each checkpoint extends the one before it, or none is signed."""

from collections.abc import Iterator
from datetime import datetime

from django.conf import settings
from django.db import connection, transaction

from ledger import queries
from ledger.domain import checkpoint, merkle, notes
from ledger.errors import LogBroken, Rollback, SecondRoot
from ledger.models import Checkpoint, Entry, Head

LOCK = 0x57_45_4E_02  # the signer's advisory lock
CHUNK = 2000


def sign(*, now: datetime) -> Checkpoint | None:
    """Sign the head, unless that is done, and return the checkpoint; None when there is nothing new.

    The root is computed from the last signed frontier and the bytes of the entries since, not taken from
    the head. Raises Rollback, SecondRoot or LogBroken when what is stored does not extend what was signed.
    """
    with transaction.atomic():
        if not _try_lock():
            return None
        last = Checkpoint.objects.order_by("size").last()
        head = Head.objects.first()
        size = head.size if head else 0
        frontier = _signed_frontier(last)
        if size < frontier.size:
            raise Rollback(frontier.size, size)
        if size > frontier.size:
            frontier = frontier.extend(_leaf_hashes(frontier.size, size))
        if frontier.size != size or (head and frontier.root() != bytes(head.root)):
            raise SecondRoot(size, frontier.root(), bytes(head.root))
        if size == (last.size if last else 0):
            return None
        return Checkpoint.objects.create(
            size=size,
            root=frontier.root(),
            frontier=bytes(frontier),
            note=note(size, frontier.root()),
            signed_at=now,
        )


def note(size: int, root: bytes) -> str:
    """Return the signed note of a size and root."""
    text = checkpoint.text(origin=settings.LEDGER_ORIGIN, size=size, root=root)
    return notes.sign(text, [queries.keys().log])


def _signed_frontier(last: Checkpoint | None) -> merkle.Frontier:
    if last is None:
        return merkle.Frontier()
    frontier = merkle.Frontier.from_bytes(last.size, bytes(last.frontier))
    if frontier.root() != bytes(last.root):
        raise SecondRoot(last.size, bytes(last.root), frontier.root())
    return frontier


def _leaf_hashes(start: int, end: int) -> Iterator[bytes]:
    """Hash the bytes of the entries from `start` on; no number may be missing and no hash wrong."""
    rows = Entry.objects.filter(number__gte=start, number__lt=end).order_by("number")
    expected = start
    for number, data, stored in rows.values_list("number", "intent__canonical", "leaf_hash").iterator(CHUNK):
        leaf = merkle.leaf_hash(bytes(data))
        if number != expected:
            raise LogBroken(expected, "the entry is missing")
        if leaf != bytes(stored):
            raise LogBroken(number, "the bytes do not have the leaf hash that was stored")
        yield leaf
        expected += 1
    if expected != end:
        raise LogBroken(expected, "the entry is missing")


def _try_lock() -> bool:
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_try_advisory_xact_lock(%s)", [LOCK])
        return cursor.fetchone()[0]
