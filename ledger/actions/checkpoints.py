"""Signing the log: each checkpoint extends the one before it, or none is signed.

The order is Sunlight's: entries are committed, their files are written and read back, then the checkpoint is
signed and stored. The signer remembers outside the database how far it has come, and is not led back.
"""

from datetime import datetime

from django.conf import settings
from django.db import transaction

from ledger import queries
from ledger.actions import tiles
from ledger.actions.locks import try_lock
from ledger.domain import checkpoint, merkle, notes
from ledger.errors import FileMissing, KeyUnusable, LogBroken, NoteInvalid, Rollback, SecondRoot
from ledger.gateways import storage
from ledger.gateways.memory import Memory
from ledger.gateways.tiles import Tree
from ledger.models import Checkpoint, Entry, Head

LOCK = 0x57_45_4E_02  # the signer's advisory lock
CHUNK = 10_000


def sign(*, now: datetime) -> Checkpoint | None:
    """Sign the head, unless that is done, and return the checkpoint; None when there is nothing new.

    The root is computed from the files of the last signed size and the bytes of the entries since, not taken
    from the head. Raises Rollback, SecondRoot or LogBroken when what is stored does not extend what was signed,
    and FileContradicts when a file holds something else.
    """
    with transaction.atomic():
        if not try_lock(LOCK):
            return None
        last = Checkpoint.objects.order_by("size").last()
        head = Head.objects.first()
        size, signed_size = head.size if head else 0, last.size if last else 0
        memory = Memory(settings.LEDGER_MEMORY)
        seen = memory.last(settings.LEDGER_ORIGIN)
        known, _ = seen or _published() or (0, b"")
        if size < max(signed_size, known):
            raise Rollback(max(signed_size, known), size)
        if head is None:
            return None
        old_root = bytes(last.root) if last else merkle.root([])
        if size == signed_size and bytes(head.root) != old_root:
            raise SecondRoot(size, old_root, bytes(head.root))
        if size == signed_size:
            return None
        published = _published()  # may be ahead of database and memory both, where these were put back
        if published and size < published[0]:
            raise Rollback(published[0], size)
        write_files(old_size=signed_size, old_root=old_root, size=size, root=bytes(head.root))
        tree = Tree(size)
        root, proof = tree.root(), tree.consistency(seen[0]) if seen else []
        if published and (found := tree.prefix_root(published[0])) != published[1]:
            raise SecondRoot(published[0], published[1], found)
        memory.advance(origin=settings.LEDGER_ORIGIN, size=size, root=root, proof=proof)
        return Checkpoint.objects.create(size=size, root=root, note=note(size, root), signed_at=now)


def see_files(signed: Checkpoint) -> None:
    """See that the files that a checkpoint stands on are there, and write them where they are gone.

    Raises SecondRoot, LogBroken or FileContradicts where they say something else.
    """
    try:
        root = Tree(signed.size, fresh=True).root()
    except FileMissing:
        write_files(old_size=0, old_root=merkle.root([]), size=signed.size, root=bytes(signed.root))
        root = Tree(signed.size, fresh=True).root()
    if root != bytes(signed.root):
        raise SecondRoot(signed.size, bytes(signed.root), root)


def write_files(*, old_size: int, old_root: bytes, size: int, root: bytes) -> None:
    """Write the files from one size up to another; all of them anew where one of the old ones is gone.

    Nothing is written before the entries are seen to have the root. Raises as `sign` does.
    """
    try:
        frontier = Tree(old_size, fresh=True).frontier()
    except FileMissing:
        old_size, frontier = 0, merkle.Frontier()
    if old_size and frontier.root() != old_root:
        raise SecondRoot(old_size, old_root, frontier.root())
    entries, leaves = _entries(old_size, size)
    found = frontier.extend(leaves).root()
    if found != root:
        raise SecondRoot(size, found, root)
    tiles.write(old_size=old_size, entries=entries, leaf_hashes=leaves)


def note(size: int, root: bytes) -> str:
    """Return the note of a size and root, signed by each key of ours that may sign it. Raises KeyUnusable."""
    valid = queries.house_policy().log_keys(origin=settings.LEDGER_ORIGIN, size=size)
    signing = [key for key in queries.keys().logs if notes.verifier_key(key) in valid]
    if not signing:
        raise KeyUnusable(settings.LEDGER_ORIGIN, f"the policy lets none of its keys sign size {size}")
    return notes.sign(checkpoint.text(origin=settings.LEDGER_ORIGIN, size=size, root=root), signing)


def _published() -> tuple[int, bytes] | None:
    """Return size and root of what strangers see published, if it is of this log."""
    published = storage.read("checkpoint")
    if published is None:
        return None
    try:
        text = notes.verify(published.decode(), queries.keys().log_vkeys).text
        return checkpoint.parse(text, origin=settings.LEDGER_ORIGIN)
    except (NoteInvalid, UnicodeDecodeError):
        return None  # of another log, or forged: ledger_fsck tells


def _entries(start: int, end: int) -> tuple[list[bytes], list[bytes]]:
    """Return bytes and hashes of the entries from `start` on; no number may be missing and no hash wrong."""
    rows = Entry.objects.filter(number__gte=start, number__lt=end).order_by("number")
    rows = rows.values_list("number", "intent__canonical", "leaf_hash")
    entries, leaves = [], []
    for number, data, stored in rows if end - start <= CHUNK else rows.iterator(CHUNK):
        data = bytes(data)
        leaf = merkle.leaf_hash(data)
        if number != start + len(entries):
            raise LogBroken(start + len(entries), "the entry is missing")
        if leaf != bytes(stored):
            raise LogBroken(number, "the bytes do not have the leaf hash that was stored")
        entries.append(data)
        leaves.append(leaf)
    if start + len(entries) != end:
        raise LogBroken(start + len(entries), "the entry is missing")
    return entries, leaves
