"""Reading the log again, all of it or what came since: entries, chain, tree, files, signatures; nothing is believed.

Every hash is recomputed from the stored bytes. Each layer's first fault is named by the number of an entry, an
intent or a size. What is derived from the entries can be repaired, and only to what a signed checkpoint says.
"""

import logging
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from uuid import uuid4

from django.conf import settings
from django.core.mail import mail_admins
from django.db import connection

from ledger import anchor_queries, queries
from ledger.actions import anchors, log, tiles
from ledger.domain import anchoring, canonical, checkpoint, entry, merkle, notes
from ledger.domain.tiles import ENTRIES, WIDTH, Place, Subtree, bundle
from ledger.errors import FileMissing, NotCanonical, NoteInvalid, RepairRefused, TileInvalid
from ledger.gateways import storage
from ledger.gateways import tiles as reading
from ledger.gateways.memory import Memory
from ledger.models import Checkpoint, Entry, Head, Inspection, Intent, Pending, Publication

logger = logging.getLogger(__name__)

LOOKS, LOOK_SECONDS = 20, 0.05  # at a file that a publisher may be replacing just now
GROUP = WIDTH  # entries that are looked at together: those of one tile
DERIVED = ("tile", "bundle", "published", "head")  # the layers that can be repaired

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

    start: int = 0  # the first entry that was read
    size: int = 0
    root: str = ""
    tip: str = ""  # the last link of the chain, where only files were read
    checkpoints: int = 0
    faults: dict[str, Fault] = field(default_factory=dict)
    notes: dict[str, str] = field(default_factory=dict)  # what could not be checked, and why

    @property
    def holds(self) -> bool:
        """Whether nothing was wrong."""
        return not self.faults

    def fault(self, layer: str, number: int, reason: str) -> None:
        """Keep the first fault of a layer."""
        known = self.faults.get(layer)
        if known is None or number < known.number:
            self.faults[layer] = Fault(layer, number, reason)


def inspect(*, now: datetime, fast: bool = False) -> Verdict:
    """Read the whole log, or with `fast` what came since the last good inspection; keep and return what was found."""
    began = time.monotonic()
    verdict = _read(_good_size() if fast else 0)
    Inspection.objects.create(
        thorough=not fast,
        size=verdict.size,
        faults=[vars(fault) for fault in verdict.faults.values()],
        started_at=now,
        ended_at=now + timedelta(seconds=time.monotonic() - began),
    )
    return verdict


def watch(*, now: datetime, fast: bool) -> Verdict:
    """Inspect, and tell the people in ADMINS what is wrong: at once, by mail, and in the log of the process."""
    verdict = inspect(now=now, fast=fast)
    if not verdict.holds:
        told = "\n".join(map(str, verdict.faults.values()))
        logger.critical("The ledger does not hold.\n%s", told)
        mail_admins("The ledger does not hold", f"{told}\n\nmanage.py ledger_fsck reads it again.")
    return verdict


def repair(verdict: Verdict, *, now: datetime) -> list[str]:
    """Write anew what is derived from the entries and was found wrong, log that, and return the layers.

    Raises RepairRefused where more than derived data is at fault, or nothing is signed to repair to.
    """
    wrong = [layer for layer in verdict.faults if layer not in DERIVED]
    signed = Checkpoint.objects.order_by("size").last()
    if wrong or signed is None:
        raise RepairRefused(wrong)
    layers = list(verdict.faults)
    if "tile" in layers or "bundle" in layers:
        tiles.rewrite(signed.size, bytes(signed.root))
    if "published" in layers:
        _rewrite_published()
    if "head" in layers:
        _repair_head(signed)
    reading.forget()
    log.append(
        document=entry.document(
            kind="log.repaired",
            id=uuid4(),
            at=now,
            actor="ledger_fsck",
            subject=settings.LEDGER_ORIGIN,
            refs={"checkpoint": signed.size},
            body={"faults": [str(fault)[:300] for fault in verdict.faults.values()]},
        ),
        idempotency_key=f"log.repaired:{now.isoformat()}",
        now=now,
    )
    return layers


# What is read, in one pass over the entries ---------------------------------------------------------------


def _read(start: int) -> Verdict:
    verdict = Verdict(start=start)
    entries, head_size = _extent()
    if entries != head_size:
        verdict.fault("head", head_size, f"the head says {head_size} entries, there are {entries}")
    signed = {each.size: each for each in Checkpoint.objects.filter(size__gte=start).order_by("size")}
    verdict.size, verdict.checkpoints = entries, len(signed)
    walk = _Walk(verdict, start, sizes=sorted(signed), filed=max(signed, default=0))
    for group in _groups(start, max(entries, *signed, 0)):
        walk.take(group)
    walk.end(max(entries, *signed, 0))
    verdict.root = walk.frontier.root().hex()
    for each in signed.values():
        _check_checkpoint(verdict, each, walk.roots.get(each.size))
    _check_published(verdict, start)
    _check_head(verdict, walk)
    _check_intents(verdict)
    if start == 0:
        _check_openings(verdict)
    _check_memory(verdict, walk.roots)
    _check_anchors(verdict, start)
    return verdict


class _Walk:
    """The way through the entries, one tile's width at a time: what they must be, and what the files say of them."""

    def __init__(self, verdict: Verdict, start: int, *, sizes: list[int], filed: int) -> None:
        self.verdict, self.expected, self.sizes, self.filed = verdict, start, sizes, filed
        self.frontier = reading.Tree(start, fresh=True).frontier() if start else merkle.Frontier()
        self.tip = _link_before(start)
        self.roots: dict[int, bytes] = {}
        self.rows: dict[int, bytearray] = {}  # what was not yet compared of each level, from a tile's start

    def take(self, rows: list[tuple]) -> None:
        """Look at the next entries: bytes, hashes, links; then at the files that hold them."""
        entries, leaves = [], []
        for number, leaf, prev, link, data, handed_in in rows:
            if number != self.expected:
                self.verdict.fault("entry", self.expected, "is missing")
                self.expected = number
            found = merkle.leaf_hash(data)
            if found != leaf or found != handed_in:
                wrong = leaf if found != leaf else handed_in
                self.verdict.fault("entry", number, f"leaf_hash: expected {found.hex()}, found {wrong.hex()}")
            if not canonical.is_canonical(data):
                self.verdict.fault("canonical", number, _why(data))
            if prev != self.tip:
                self.verdict.fault("chain", number, f"prev: expected {self.tip.hex()}, found {prev.hex()}")
            self.tip = merkle.chain_hash(prev, found)
            if link != self.tip:
                self.verdict.fault(
                    "chain", number, f"chain_hash: expected {self.tip.hex()}, found {link.hex()}"
                )
            entries.append(data)
            leaves.append(found)
            self.expected += 1
        self._grow(entries, leaves)

    def _grow(self, entries: list[bytes], leaves: list[bytes]) -> None:
        """Extend the tree by the leaves of one tile, noting the root at each signed size on the way."""
        start = self.frontier.size
        for size in [each for each in self.sizes if start < each <= start + len(leaves)]:
            self.roots[size] = self.frontier.extend(leaves[: size - start]).root()
        filed = min(len(leaves), self.filed - start)
        if filed > 0:
            self._compare(ENTRIES, start // WIDTH, filed, bundle(entries[:filed]))
            self._compare(0, start // WIDTH, filed, b"".join(leaves[:filed]))
        if len(leaves) == WIDTH:
            root = Subtree(b"".join(leaves)).root
            self.frontier = self.frontier.extend([root], level=8)
            if filed == WIDTH:
                self._above(1, start // WIDTH, root)
        else:
            self.frontier = self.frontier.extend(leaves)

    def _above(self, level: int, index: int, root: bytes) -> None:
        """Put the root of a full tile into the tile above it, and compare that when it is complete."""
        row = self.rows.setdefault(level, bytearray())
        row += root
        if len(row) == WIDTH * merkle.HASH_SIZE:
            self._compare(level, index // WIDTH, WIDTH, bytes(row))
            self.rows[level] = bytearray()
            self._above(level + 1, index // WIDTH, Subtree(bytes(row)).root)

    def _compare(self, level: int | str, index: int, width: int, expected: bytes) -> None:
        """Hold a file against what the entries say it must be."""
        place, layer = Place(level, index, width), "bundle" if level == ENTRIES else "tile"
        first = index * WIDTH << (0 if level == ENTRIES else 8 * int(level))
        try:
            found = reading.read(place)
        except (FileMissing, TileInvalid) as error:
            self.verdict.fault(layer, first, str(error))
            return
        if found != expected:
            at = next(
                (at for at, pair in enumerate(zip(found, expected, strict=False)) if pair[0] != pair[1]), 0
            )
            if level == ENTRIES:
                number = first + _entry_at(expected, at)
            else:
                number = first + (at // merkle.HASH_SIZE << 8 * int(level))
            self.verdict.fault(layer, number, f"{place.path} does not hold what the entries say")

    def end(self, size: int) -> None:
        """Look at the tiles that are not complete, and see that no entry is missing at the end."""
        if self.expected != size:
            self.verdict.fault("entry", self.expected, "is missing")
        if self.verdict.start == 0:
            for level, row in self.rows.items():
                if row:
                    count = self.filed >> 8 * level
                    self._compare(level, count // WIDTH, count % WIDTH, bytes(row))


def _groups(start: int, size: int) -> Iterator[list[tuple]]:
    """Yield the entries in the groups that tiles have."""
    columns = ("number", "leaf_hash", "prev", "chain_hash", "intent__canonical", "intent__leaf_hash")
    rows = Entry.objects.filter(number__gte=start, number__lt=size).order_by("number").values_list(*columns)
    group: list[tuple] = []
    for number, *values in rows.iterator(8 * GROUP):
        if group and number // GROUP != group[0][0] // GROUP:
            yield group
            group = []
        group.append((number, *map(bytes, values)))
    if group:
        yield group


def _check_checkpoint(verdict: Verdict, signed: Checkpoint, root: bytes | None) -> None:
    if root is None:
        verdict.fault(
            "checkpoint", signed.size, f"signed over {signed.size} entries, there are {verdict.size}"
        )
        return
    try:
        keys = queries.house_policy().log_keys(origin=settings.LEDGER_ORIGIN, size=signed.size)
        text = notes.verify(signed.note, keys).text
        size, stated = checkpoint.parse(text, origin=settings.LEDGER_ORIGIN)
    except NoteInvalid as error:
        verdict.fault("checkpoint", signed.size, str(error))
        return
    if (size, stated) != (signed.size, root):
        found = f"{signed.size} with root {root.hex()}"
        verdict.fault("checkpoint", signed.size, f"signed {size} with root {stated.hex()}, found {found}")
    elif bytes(signed.root) != root:
        verdict.fault("checkpoint", signed.size, "the root is not that of the entries")


def _check_published(verdict: Verdict, start: int) -> None:
    """See that what strangers read is what was signed and kept."""
    last = None
    for each in Publication.objects.select_related("checkpoint").filter(pk__gte=start):
        last = each
        if not queries.is_signed(each):
            verdict.fault("publication", each.size, "the note is not signed by us, or says something else")
        if storage.read(f"checkpoints/{each.size}") != each.note.encode():
            verdict.fault(
                "published", each.size, f"the file checkpoints/{each.size} is not what was published"
            )
    if last and not _is_shown():
        verdict.fault("published", last.size, "the file checkpoint is not what was published last")


def _is_shown() -> bool:
    """Tell whether `checkpoint` is what was published last. A publisher at work may be between row and file."""
    for _ in range(LOOKS):
        if storage.read("checkpoint") == Publication.objects.last().note.encode():
            return True
        time.sleep(LOOK_SECONDS)
    return False


def _check_head(verdict: Verdict, walk: _Walk) -> None:
    head = Head.objects.first()
    if head is None or head.size != walk.frontier.size:
        return  # without a head the log is empty or already at fault; a longer one has moved on meanwhile
    stored = bytes(head.root), bytes(head.frontier), bytes(head.tip)
    if stored != (walk.frontier.root(), bytes(walk.frontier), walk.tip):
        verdict.fault("head", head.size, "root, frontier or tip are not those of the entries")


def _check_intents(verdict: Verdict) -> None:
    lost = Intent.objects.filter(entry=None, pending=None).order_by("pk").values_list("pk", flat=True).first()
    if lost is not None:
        verdict.fault("intent", lost, "is neither pending nor sequenced")
    twice = Pending.objects.exclude(intent__entry=None).values_list("pk", flat=True).order_by("pk").first()
    if twice is not None:
        verdict.fault("intent", twice, "is sequenced and pending as well")


def _check_openings(verdict: Verdict) -> None:
    """See that what stands beside the log opens its commitments, and that what was erased stays away."""
    for intent_id, name in queries.false_openings():
        verdict.fault("opening", intent_id, f"{name} does not open its commitment")
    for intent_id, name, _ground in queries.erased_but_there(queries.erasures()):
        verdict.fault("opening", intent_id, f"{name} was erased, and is there")


def _check_memory(verdict: Verdict, roots: dict[int, bytes]) -> None:
    """See that the signer remembers no other log than this."""
    last = Memory(settings.LEDGER_MEMORY).last(settings.LEDGER_ORIGIN)
    if last is None:
        return
    entries, _ = _extent()  # a signer at work has come further than what was read
    if last[0] > entries:
        verdict.fault("memory", last[0], f"{last[0]} entries were signed, there are {entries}")
    elif roots.get(last[0], last[1]) != last[1]:
        verdict.fault("memory", last[0], "another root was signed than the entries have")


def _check_anchors(verdict: Verdict, start: int) -> None:
    """See that anchors say what was published and what their chain has. A chain that is away, or gone, is no fault."""
    checks = [anchors.check(each) for each in anchor_queries.live_anchors().filter(size__gte=start)]
    for each in checks + anchors.check_contracts():
        if each.verdict == anchoring.Verdict.CONTRADICTED:
            differs = f"{each.field}: expected {each.expected}, found {each.found}"
            verdict.fault("anchor", each.size, each.reason or differs)
        elif each.verdict not in (anchoring.Verdict.HOLDS, anchoring.Verdict.WAITING):
            verdict.notes[f"anchor {each.size}"] = each.reason or str(each.verdict)


# Repairing ------------------------------------------------------------------------------------------------


def rebuild_files() -> None:
    """Write every file of the log that is not there, as a restored house needs. Raises SecondRoot."""
    signed = Checkpoint.objects.order_by("size").last()
    if signed:
        tiles.rewrite(signed.size, bytes(signed.root))
        _rewrite_published()
        reading.forget()


def _rewrite_published() -> None:
    published = None
    for published in Publication.objects.iterator():
        _replace(f"checkpoints/{published.size}", published.note)
    if published:
        _replace("checkpoint", published.note)


def _replace(name: str, note: str) -> None:
    if storage.read(name) != note.encode():
        storage.replace(name, note.encode())


def _repair_head(signed: Checkpoint) -> None:
    """Put the head back where it stands at a signed size; one that is further on has nothing to be held against."""
    tree, head = reading.Tree(signed.size, fresh=True), Head.objects.get()
    if head.size != signed.size or tree.root() != bytes(signed.root):
        raise RepairRefused(["head"])
    head.root, head.frontier, head.tip = tree.root(), bytes(tree.frontier()), _link_before(signed.size)
    head.epoch += 1
    head.save()


# ----------------------------------------------------------------------------------------------------------


def _good_size() -> int:
    """Return where a quick inspection can begin: at a tile's end within what the last good one has read."""
    good = Inspection.objects.filter(faults=[]).last()
    if good is None:
        return 0
    start = good.size // WIDTH * WIDTH
    try:
        tree = reading.Tree(start, fresh=True)
        signed = Checkpoint.objects.filter(size__gte=start, size__lte=good.size).first()
        held = signed is not None and reading.Tree(signed.size, fresh=True).root() == bytes(signed.root)
        return start if held and tree.root() else 0
    except FileMissing:
        return 0


def _link_before(number: int) -> bytes:
    if number == 0:
        return merkle.GENESIS
    before = Entry.objects.filter(number=number - 1).values_list("chain_hash", flat=True).first()
    return bytes(before or b"")


def _entry_at(data: bytes, at: int) -> int:
    """Return which entry of a bundle a byte belongs to."""
    count, end = 0, 0
    while end <= at and end < len(data):
        end += 2 + int.from_bytes(data[end : end + 2], "big")
        count += 1
    return max(0, count - 1)


def _why(data: bytes) -> str:
    try:
        canonical.decode(data)
    except NotCanonical as error:
        return str(error)
    return "not in canonical form"


def _extent() -> tuple[int, int]:
    with connection.cursor() as cursor:
        cursor.execute(EXTENT)
        return cursor.fetchone()
