"""What an inspection reads from the tables, as plain rows.

A log that grows meanwhile is seen whole when it is asked in the order of the methods: a publication stands on a
checkpoint and its cosignatures, a checkpoint on entries, so what is read later holds what was read before.
"""

from collections.abc import Iterator

from django.db import connection
from django.db.models import Exists, OuterRef

from ledger.domain import merkle
from ledger.domain.tiles import WIDTH
from ledger.models import Checkpoint, Cosignature, Entry, Intent, Pending, Projection, Publication

CHUNK = 8 * WIDTH
COLUMNS = (
    *("number", "leaf_hash", "prev", "chain_hash", "intent__canonical", "intent__leaf_hash"),
    *("projection__kind", "projection__subject"),
)

# One statement, so that a sequencer at work is seen either before its batch or after it.
EXTENT = """
    SELECT last.number, h.id, h.size, h.root, h.frontier, h.tip
    FROM (SELECT max(number) AS number FROM ledger_entry) AS last LEFT JOIN ledger_head h ON true ORDER BY h.id
"""


class Tables:
    """The tables of the log. `start` is the first entry that is looked at."""

    def publications(self, start: int) -> list[tuple[int, str]]:
        """Return size and note of what was published."""
        return list(Publication.objects.filter(pk__gte=start).order_by("pk").values_list("pk", "note"))

    def cosignatures(self, start: int) -> list[tuple[int, str, str, str]]:
        """Return size, name, key ID and line of what was cosigned, in the order in which that came."""
        rows = Cosignature.objects.filter(checkpoint_id__gte=start).order_by("pk")
        return list(rows.values_list("checkpoint_id", "name", "key_id", "line"))

    def checkpoints(self, start: int) -> list[tuple[int, bytes, str]]:
        """Return size, root and note of what was signed."""
        rows = Checkpoint.objects.filter(size__gte=start).order_by("size").values_list("size", "root", "note")
        return [(size, bytes(root), note) for size, root, note in rows]

    def extent(self) -> tuple[int, list[tuple]]:
        """Return the number after the last entry's, and id, size, root, frontier and tip of each head."""
        with connection.cursor() as cursor:
            cursor.execute(EXTENT)
            rows = cursor.fetchall()
        end = 0 if rows[0][0] is None else rows[0][0] + 1
        return end, [(*head[:2], *map(bytes, head[2:])) for _, *head in rows if head[0] is not None]

    def projected(self) -> int:
        """Return the number after that of the last entry that can be looked for by its kind and subject."""
        last = Projection.objects.order_by("entry_id").values_list("entry_id", flat=True).last()
        return 0 if last is None else last + 1

    def entries(self, start: int, end: int) -> Iterator[tuple]:
        """Yield number, leaf hash, the two links, bytes, the leaf hash handed in, and the projection; by number."""
        rows = Entry.objects.filter(number__lt=end).order_by("number").values_list(*COLUMNS)
        for number, *values in (rows.filter(number__gte=start) if start else rows).iterator(CHUNK):
            yield (number, *map(bytes, values[:5]), tuple(values[5:]))

    def link_before(self, number: int) -> bytes:
        """Return the link that an entry follows."""
        if number == 0:
            return merkle.GENESIS
        before = Entry.objects.filter(number=number - 1).values_list("chain_hash", flat=True).first()
        return bytes(before or b"")

    def waiting(self) -> Iterator[tuple[int, bytes, bytes]]:
        """Yield id, bytes and leaf hash of the intents that wait for their number."""
        rows = Pending.objects.order_by("pk").values_list("pk", "intent__canonical", "intent__leaf_hash")
        for pk, data, leaf in rows.iterator(CHUNK):
            yield pk, bytes(data), bytes(leaf)

    def strays(self) -> Iterator[tuple[int, str]]:
        """Yield the first intent of each kind that should not be, and what is wrong with it."""
        handed_in = Intent.objects.filter(pk=OuterRef("pk"))
        for rows, reason in (
            (Intent.objects.filter(entry=None, pending=None), "is neither pending nor sequenced"),
            (Pending.objects.exclude(intent__entry=None), "is sequenced and pending as well"),
            (Pending.objects.filter(~Exists(handed_in)), "is pending, and was never handed in"),
        ):
            found = rows.order_by("pk").values_list("pk", flat=True).first()
            if found is not None:
                yield found, reason

    def stray_projection(self, start: int) -> int | None:
        """Return the first number that can be looked for and is none of an entry's."""
        entries = Entry.objects.filter(number=OuterRef("entry_id"))
        strays = Projection.objects.filter(~Exists(entries)).order_by("entry_id")
        return (strays.filter(pk__gte=start) if start else strays).values_list("pk", flat=True).first()

    def newest_published(self) -> tuple[int, str] | None:
        """Return size and note of what was published last."""
        return Publication.objects.order_by("pk").values_list("pk", "note").last()
