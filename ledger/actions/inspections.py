"""Reading the log again, all of it or what came since: entries, chain, tree, files, signatures; nothing is believed.

Every hash is recomputed from the stored bytes. Each layer's first fault is named by the number of an entry, an
intent or a size. What is derived from the entries can be repaired, and only to what a signed checkpoint says.
"""

import logging
import time
from collections import defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from itertools import groupby
from uuid import uuid4

from django.conf import settings
from django.core.mail import mail_admins

from ledger import queries
from ledger.actions import anchors, log, projections, tiles
from ledger.domain import anchoring, canonical, checkpoint, entry, merkle, notes
from ledger.domain.anchoring import AnchorState
from ledger.domain.policy import Policy
from ledger.domain.tiles import ENTRIES, WIDTH, Place, Subtree, bundle
from ledger.errors import FileMissing, MemoryUnreadable, NotCanonical, NoteInvalid, RepairRefused
from ledger.gateways import storage
from ledger.gateways import tiles as reading
from ledger.gateways.memory import Memory
from ledger.inspection_queries import Tables
from ledger.models import SINGLE, Anchor, Checkpoint, Head, Inspection, Publication

logger = logging.getLogger(__name__)

DERIVED = ("tile", "bundle", "published", "head", "projection")  # the layers that can be repaired
TRIES, PAUSE_SECONDS = (
    100,
    0.1,
)  # for what a publisher has written down and is about to show, or a killed one left


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
    start = _good_size() if fast else 0
    verdict = check(Tables(), start)
    if start == 0:
        _check_openings(verdict)
    _check_anchors(verdict, start)
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
    if "projection" in layers:
        projections.refill()
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


def check(tables: Tables, start: int = 0) -> Verdict:
    """Read the log from an entry on, all but its anchors, and return what was found."""
    verdict = Verdict(start=start)
    filed = [int(name) for name in storage.names("checkpoints") if _is_size(name)]
    published, cosigned = tables.publications(start), tables.cosignatures(start)
    signed = tables.checkpoints(start)
    newest = max((size for size, _, _ in signed), default=0)
    remembered = _remembered(verdict, newest)
    projected = tables.projected()
    entries, heads = tables.extent()
    verdict.size, verdict.checkpoints = entries, len(signed)
    sizes = {size for size, *_ in [*published, *cosigned, *signed, *([remembered] if remembered else [])]}
    walk = _Walk(verdict, start, sizes=sorted(sizes), filed=newest, projected=projected)
    walk.tip = tables.link_before(start)
    end = max(entries, newest)
    for group in _groups(tables.entries(start, end)):
        walk.take(group)
    walk.end(end)
    verdict.root = walk.frontier.root().hex()
    house = _House(verdict, queries.house_policy(), walk.roots, {size: note for size, _, note in signed})
    for row in signed:
        house.check_checkpoint(*row)
    for row in cosigned:
        house.check_cosignature(*row)
    for row in published:
        house.check_publication(*row)
    house.check_files(filed, dict(published))
    _check_newest(verdict, tables)
    _check_memory(verdict, remembered, newest, walk.roots)
    _check_head(verdict, heads, entries, walk)
    _check_intents(verdict, tables)
    if (stray := tables.stray_projection(start)) is not None:
        verdict.fault("projection", stray, "is of no entry")
    return verdict


class _Walk:
    """The way through the entries, one tile's width at a time: what they must be, and what the files say of them."""

    def __init__(self, verdict: Verdict, start: int, *, sizes: list[int], filed: int, projected: int) -> None:
        self.verdict, self.expected, self.tip = verdict, start, merkle.GENESIS
        self.sizes, self.filed, self.projected = sizes, filed, projected
        self.frontier = reading.Tree(start, fresh=True).frontier() if start else merkle.Frontier()
        self.roots = {start: self.frontier.root()}
        self.rows: dict[int, bytearray] = {}  # what was not yet compared of each level, from a tile's start
        self.torn = False  # an entry is missing: what follows it has no place in the tree

    def take(self, rows: list[tuple]) -> None:
        """Look at the next entries: bytes, hashes, links; then at the files that hold them."""
        entries, leaves = [], []
        for number, leaf, prev, link, data, handed_in, projection in rows:
            if number < self.expected:
                self.verdict.fault("entry", number, "stands where no entry can")
                continue
            if number > self.expected:
                self.verdict.fault("entry", self.expected, "is missing")
                self._grow(entries, leaves)
                self.torn = True
            found = merkle.leaf_hash(data)
            if found != leaf or found != handed_in:
                wrong = leaf if found != leaf else handed_in
                self.verdict.fault("entry", number, f"leaf_hash: expected {found.hex()}, found {wrong.hex()}")
            if not canonical.is_canonical(data):
                self.verdict.fault("canonical", number, _why(data))
            if number < self.projected and projection != tuple(projections.said(data).values()):
                self.verdict.fault("projection", number, "kind and subject are not what the bytes say")
            if prev != self.tip:
                self.verdict.fault("chain", number, f"prev: expected {self.tip.hex()}, found {prev.hex()}")
            self.tip = merkle.chain_hash(self.tip, found)
            if link != self.tip:
                self.verdict.fault(
                    "chain", number, f"chain_hash: expected {self.tip.hex()}, found {link.hex()}"
                )
            entries.append(data)
            leaves.append(found)
            self.expected = number + 1
        self._grow(entries, leaves)

    def _grow(self, entries: list[bytes], leaves: list[bytes]) -> None:
        """Extend the tree by the leaves of one tile, noting the root at each size of interest on the way."""
        if self.torn:
            return
        start = self.frontier.size
        for size in [each for each in self.sizes if start < each <= start + len(leaves)]:
            self.roots[size] = self.frontier.extend(leaves[: size - start]).root()
        filed = min(len(leaves), self.filed - start)
        if filed > 0:
            fitting = [data[: canonical.MAX_BYTES] for data in entries[:filed]]
            self._compare(ENTRIES, start // WIDTH, filed, bundle(fitting))
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
        """Hold a file against what the entries say, and those that older and newer sizes have of the same tile."""
        place = Place(level, index, width)
        widths = sorted(
            {*reading.partial_widths(place), width, WIDTH}
        )  # the full one last: others are tidied away
        found = {each: storage.read(replace(place, width=each).path) for each in widths}
        due = width == WIDTH or self.expected >= self.filed
        if due and found[width] is None and found[WIDTH] is None:
            self._fault(place, 0, f"{place.path} is missing")
        for each, data in found.items():
            other = replace(place, width=each)
            if data is not None and each <= width:
                self._hold(other, data, reading.beginning(other, expected))
            elif data is not None:
                self._hold(other, reading.beginning(place, data), expected)

    def _hold(self, place: Place, found: bytes, expected: bytes) -> None:
        if found != expected:
            pairs = zip(found, expected, strict=False)
            same = next((at for at, pair in enumerate(pairs) if pair[0] != pair[1]), len(found))
            at = min(same, len(expected) - 1)
            self._fault(place, _entry_at(expected, at) if place.level == ENTRIES else at // merkle.HASH_SIZE)

    def _fault(self, place: Place, at: int, reason: str = "") -> None:
        """Name the first entry under the place in the file that is wrong."""
        layer, height = ("bundle", 0) if place.level == ENTRIES else ("tile", 8 * int(place.level))
        number = place.index * WIDTH + at << height
        self.verdict.fault(layer, number, reason or f"{place.path} does not hold what the entries say")

    def end(self, size: int) -> None:
        """Look at the tiles that are not complete, and see that no entry is missing at the end."""
        if self.expected != size:
            self.verdict.fault("entry", self.expected, "is missing")
            self.torn = True
        if self.verdict.start == 0 and not self.torn:
            for level, row in self.rows.items():
                if row:
                    index = (self.filed >> 8 * level) // WIDTH
                    self._compare(level, index, len(row) // merkle.HASH_SIZE, bytes(row))


def _groups(rows: Iterable[tuple]) -> Iterator[list[tuple]]:
    """Yield the entries in the groups that tiles have."""
    for _, group in groupby(rows, key=lambda row: row[0] // WIDTH):
        yield list(group)


class _House:
    """What the house has signed and shown, held against its policy and the roots that the entries have."""

    def __init__(
        self, verdict: Verdict, policy: Policy, roots: dict[int, bytes], signed: dict[int, str]
    ) -> None:
        self.verdict, self.policy, self.roots, self.signed = verdict, policy, roots, signed
        self.witnesses = {_signer(each.vkey): each.vkey for each in policy.witnesses}
        self.cosigned: dict[int, list[str]] = defaultdict(list)

    def check_checkpoint(self, size: int, root: bytes, note: str) -> None:
        """See that a checkpoint says what the entries say, and that each line under it is by a key of the log."""
        if (text := self._text("checkpoint", size)) is None:
            return
        keys = self.policy.log_keys(origin=settings.LEDGER_ORIGIN, size=size)
        try:
            found = notes.verify(note, keys)
        except NoteInvalid as error:
            self.verdict.fault("checkpoint", size, str(error))
            return
        if found.text != text:
            said, expected = " ".join(found.text.split("\n")[1:]), " ".join(text.split("\n")[1:])
            self.verdict.fault("checkpoint", size, f"signed {said}, the entries have {expected}")
        elif len(found.signatures) != len(_lines(note)):
            self.verdict.fault("checkpoint", size, "a line under the note is by no key of the log")
        elif root != self.roots[size]:
            self.verdict.fault("checkpoint", size, "the root is not that of the entries")

    def check_cosignature(self, size: int, name: str, key_id: str, line: str) -> None:
        """See that a cosignature is under a checkpoint of ours, and by the key it names."""
        self.cosigned[size].append(line)
        if (text := self._text("cosignature", size)) is None:
            return
        try:
            signer = notes.signer(line)
            if signer in self.witnesses:
                notes.verify(f"{text}\n{line}", [self.witnesses[signer]])
        except NoteInvalid as error:
            self.verdict.fault("cosignature", size, str(error))
            return
        if signer != (name, key_id) or size not in self.signed:
            self.verdict.fault("cosignature", size, f"{name}+{key_id} did not cosign a checkpoint of ours")
        elif signer not in self.witnesses:
            self.verdict.notes[f"cosignature {size}"] = f"the policy no longer names {name}+{key_id}"

    def check_publication(self, size: int, note: str) -> None:
        """See that what strangers read was signed, cosigned as the policy asks, and bears no line besides."""
        if (text := self._text("publication", size)) is None:
            return
        there = _lines(note)
        known = [line for line in [*_lines(self.signed.get(size, "")), *self.cosigned[size]] if line in there]
        try:
            self.policy.verify_checkpoint(note)
        except NoteInvalid as error:
            self.verdict.fault("publication", size, str(error))
        else:
            if note != f"{text}\n{''.join(known)}":
                self.verdict.fault("publication", size, "the note is not what was signed and cosigned")

    def check_files(self, filed: list[int], published: dict[int, str]) -> None:
        """See that the files say what was published; one written before a crash may stand beside them."""
        for size, note in published.items():
            if storage.read(f"checkpoints/{size}") != note.encode():
                reason = f"the file checkpoints/{size} is not what was published"
                self.verdict.fault("published", size, reason)
        for size in filed:
            if size >= self.verdict.start and size not in published and not self._is_ours(size):
                self.verdict.fault("published", size, f"the file checkpoints/{size} was never signed")

    def _is_ours(self, size: int) -> bool:
        data = storage.read(f"checkpoints/{size}")
        try:
            note = (data or b"").decode()
            found = self.policy.verify_checkpoint(note)
        except (NoteInvalid, UnicodeDecodeError):
            return False
        return size in self.signed and (found.size, found.root) == (size, self.roots.get(size))

    def _text(self, layer: str, size: int) -> str | None:
        """Return what a checkpoint of a size must say; without so many entries, None, and that is a fault."""
        if root := self.roots.get(size):
            return checkpoint.text(origin=settings.LEDGER_ORIGIN, size=size, root=root)
        reason = f"it is over {size} entries, and not all of these are there"
        self.verdict.fault(layer, size, reason)
        return None


def _check_newest(verdict: Verdict, tables: Tables) -> None:
    """See that the newest that strangers read was published last. A publisher at work is given a moment."""
    for _ in range(TRIES):
        newest = tables.newest_published()
        if storage.read("checkpoint") == (newest and newest[1].encode()):
            return
        time.sleep(PAUSE_SECONDS)
    verdict.fault(
        "published", newest[0] if newest else 0, "the file checkpoint is not what was published last"
    )


def _check_head(verdict: Verdict, heads: list[tuple], entries: int, walk: _Walk) -> None:
    if not heads and not entries:
        return
    ids, sizes = [head[0] for head in heads], [head[1] for head in heads]
    if ids != [SINGLE] or sizes != [entries]:
        size = max(sizes, default=0)
        verdict.fault("head", size, f"one head of {entries} entries is expected, found {sizes}")
    elif not walk.torn and heads[0][2:] != (walk.frontier.root(), bytes(walk.frontier), walk.tip):
        verdict.fault("head", entries, "root, frontier or tip are not those of the entries")


def _check_intents(verdict: Verdict, tables: Tables) -> None:
    """See that each intent is on its way or has arrived, and that what is on its way is fit for the log."""
    for pk, data, leaf in tables.waiting():
        if merkle.leaf_hash(data) != leaf:
            verdict.fault("intent", pk, "the bytes do not have the leaf hash that was handed in")
        elif not canonical.is_canonical(data):
            verdict.fault("intent", pk, _why(data))
    for pk, reason in tables.strays():
        verdict.fault("intent", pk, reason)


def _remembered(verdict: Verdict, newest: int) -> tuple[int, bytes] | None:
    """Return what the signer remembers. In a restored house that is nothing, until it signs."""
    try:
        return Memory(settings.LEDGER_MEMORY).last(settings.LEDGER_ORIGIN)
    except MemoryUnreadable as error:
        verdict.fault("memory", newest, str(error))
        return None


def _check_memory(
    verdict: Verdict, remembered: tuple[int, bytes] | None, newest: int, roots: dict[int, bytes]
) -> None:
    """See that the signer remembers no other log than this, and all that was signed."""
    size, root = remembered or (0, b"")
    if remembered is None and newest and "memory" not in verdict.faults:
        verdict.notes["memory"] = "the signer remembers nothing of this log here"
    elif size < newest:
        verdict.fault("memory", newest, f"the signer remembers {size} entries, {newest} were signed")
    elif remembered and size >= verdict.start and roots.get(size) != root:
        found = roots.get(size, b"").hex()
        verdict.fault("memory", size, f"{size} entries with root {root.hex()} were signed, they have {found}")


def _check_openings(verdict: Verdict) -> None:
    """See that what stands beside the log opens its commitments, and that what was erased stays away."""
    for intent_id, name in queries.false_openings():
        verdict.fault("opening", intent_id, f"{name} does not open its commitment")
    for intent_id, name, _ground in queries.erased_but_there(queries.erasures()):
        verdict.fault("opening", intent_id, f"{name} was erased, and is there")


def _check_anchors(verdict: Verdict, start: int) -> None:
    """See that anchors say what was published and what their chain has. A chain that is away, or gone, is no fault."""
    rows = Anchor.objects.select_related("contract").exclude(state=AnchorState.DROPPED)
    checks = [anchors.check(each) for each in rows.filter(size__gte=start)]
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
    head.root, head.frontier = tree.root(), bytes(tree.frontier())
    head.tip = Tables().link_before(signed.size)
    head.epoch += 1
    head.save()


# ----------------------------------------------------------------------------------------------------------


def _good_size() -> int:
    """Return where a quick inspection can begin: at a tile's end within what the last good one has read."""
    good = Inspection.objects.filter(faults=[]).last()
    if good is None:
        return 0
    start = max(0, good.size // WIDTH * WIDTH)
    try:
        tree = reading.Tree(start, fresh=True)
        signed = Checkpoint.objects.filter(size__gte=start, size__lte=good.size).first()
        held = signed is not None and reading.Tree(signed.size, fresh=True).root() == bytes(signed.root)
        return start if held and tree.root() else 0
    except FileMissing:
        return 0


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


def _lines(note: str) -> list[str]:
    """Return the lines under the text of a note."""
    return [f"{line}\n" for line in note.rpartition("\n\n")[2].split("\n")[:-1]]


def _signer(vkey: str) -> tuple[str, str]:
    key = notes.read_vkey(vkey)
    return key.name, key.key_id


def _is_size(name: str) -> bool:
    """Tell whether a file is named for a number in its one spelling."""
    return name.isascii() and name.isdecimal() and name == str(int(name))
