"""Reading the whole log again: bytes, leaf hashes, chain, tree, signatures, and that nothing was lost.

Every hash is recomputed from the stored bytes; nothing stored beside them is believed.
"""

from collections.abc import Iterator
from dataclasses import dataclass, field

from django.conf import settings
from django.db import connection

from ledger import queries
from ledger.domain import canonical, checkpoint, merkle, notes
from ledger.errors import NotCanonical, NoteInvalid
from ledger.models import Checkpoint, Entry, Head, Intent, Pending

CHUNK = 2000

# One statement, so that a sequencer at work is seen either before its batch or after it.
EXTENT = """
    SELECT coalesce((SELECT max(number) + 1 FROM ledger_entry), 0), coalesce((SELECT max(size) FROM ledger_head), 0)
"""


@dataclass(frozen=True)
class Fault:
    """The first thing found wrong in one layer; `number` is an entry, an intent or a size, as the layer says."""

    layer: str
    number: int
    reason: str

    def __str__(self) -> str:
        return f"{self.layer} {self.number}: {self.reason}"


@dataclass
class Verdict:
    """What was read and what was wrong with it."""

    size: int = 0
    root: str = ""
    checkpoints: int = 0
    faults: dict[str, Fault] = field(default_factory=dict)

    @property
    def holds(self) -> bool:
        """Whether nothing was wrong."""
        return not self.faults

    def fault(self, layer: str, number: int, reason: str) -> None:
        """Keep the first fault of a layer."""
        self.faults.setdefault(layer, Fault(layer, number, reason))


def verify() -> Verdict:
    """Read the whole log and return what holds and what does not."""
    verdict = Verdict()
    entries, head_size = _extent()
    if entries != head_size:
        verdict.fault("head", head_size, f"the head says {head_size} entries, there are {entries}")
    signed = list(Checkpoint.objects.order_by("size"))
    verdict.size, verdict.checkpoints = entries, len(signed)
    sizes = {each.size for each in signed}
    frontier, tip, roots = _walk(verdict, max(entries, *sizes, 0), sizes)
    verdict.root = frontier.root().hex()
    _check_checkpoints(verdict, signed, roots)
    _check_head(verdict, frontier, tip)
    _check_intents(verdict)
    return verdict


def _walk(
    verdict: Verdict, size: int, sizes: set[int]
) -> tuple[merkle.Frontier, bytes, dict[int, merkle.Frontier]]:
    """Recompute every leaf and link; return where that leads, and the frontier at each signed size."""
    frontier, tip, roots, expected = merkle.Frontier(), merkle.GENESIS, {}, 0
    for number, leaf, prev, link, data, handed_in in _rows(size):
        if number != expected:
            verdict.fault("entry", expected, "is missing")
            expected = number
        found = merkle.leaf_hash(data)
        if found != leaf or found != handed_in:
            wrong = leaf if found != leaf else handed_in
            verdict.fault("entry", number, f"leaf_hash: expected {found.hex()}, found {wrong.hex()}")
        try:
            canonical.decode(data)
        except NotCanonical as error:
            verdict.fault("canonical", number, str(error))
        if prev != tip:
            verdict.fault("chain", number, f"prev: expected {tip.hex()}, found {prev.hex()}")
        tip = merkle.chain_hash(prev, found)
        if link != tip:
            verdict.fault("chain", number, f"chain_hash: expected {tip.hex()}, found {link.hex()}")
        frontier = frontier.extend([found])
        expected += 1
        if expected in sizes:
            roots[expected] = frontier
    if expected != size:
        verdict.fault("entry", expected, "is missing")
    return frontier, tip, roots


def _rows(size: int) -> Iterator[tuple]:
    columns = ("number", "leaf_hash", "prev", "chain_hash", "intent__canonical", "intent__leaf_hash")
    rows = Entry.objects.filter(number__lt=size).order_by("number").values_list(*columns)
    for number, *values in rows.iterator(CHUNK):
        yield number, *map(bytes, values)


def _check_checkpoints(verdict: Verdict, signed: list[Checkpoint], roots: dict[int, merkle.Frontier]) -> None:
    keys = [queries.keys().log_vkey]
    for each in signed:
        frontier = roots.get(each.size)
        if frontier is None:
            verdict.fault(
                "checkpoint", each.size, f"signed over {each.size} entries, there are {verdict.size}"
            )
            continue
        try:
            stated = checkpoint.parse(notes.verify(each.note, keys).text, origin=settings.LEDGER_ORIGIN)
        except NoteInvalid as error:
            verdict.fault("checkpoint", each.size, str(error))
            continue
        if stated != (each.size, frontier.root()):
            found = f"{frontier.size} with root {frontier.root().hex()}"
            verdict.fault(
                "checkpoint", each.size, f"signed {stated[0]} with root {stated[1].hex()}, found {found}"
            )
        elif bytes(each.root) != frontier.root():
            verdict.fault("checkpoint", each.size, "the root is not that of the entries")


def _check_head(verdict: Verdict, frontier: merkle.Frontier, tip: bytes) -> None:
    head = Head.objects.first()
    if head is None or head.size != frontier.size:
        return  # without a head the log is empty or already at fault; a longer one has moved on meanwhile
    stored = bytes(head.root), bytes(head.frontier), bytes(head.tip)
    if stored != (frontier.root(), bytes(frontier), tip):
        verdict.fault("head", head.size, "root, frontier or tip are not those of the entries")


def _check_intents(verdict: Verdict) -> None:
    lost = Intent.objects.filter(entry=None, pending=None).order_by("pk").values_list("pk", flat=True).first()
    if lost is not None:
        verdict.fault("intent", lost, "is neither pending nor sequenced")
    twice = Pending.objects.exclude(intent__entry=None).values_list("pk", flat=True).order_by("pk").first()
    if twice is not None:
        verdict.fault("intent", twice, "is sequenced and pending as well")


def _extent() -> tuple[int, int]:
    with connection.cursor() as cursor:
        cursor.execute(EXTENT)
        return cursor.fetchone()
