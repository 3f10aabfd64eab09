"""Publishing the log: a signed checkpoint is shown to strangers once it is cosigned as our policy asks.

Who cosigns is seen from the policy: a key of our own that withstands quantum computers, and outside witnesses.
Without their quorum nothing new is published, and what was published stays; there is no way around it.
"""

import fcntl
import logging
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import datetime
from pathlib import Path

from django.conf import settings
from django.db import transaction

from ledger import queries
from ledger.actions import checkpoints, witnessing
from ledger.domain import notes
from ledger.domain.policy import Policy
from ledger.errors import NoteInvalid
from ledger.gateways import storage
from ledger.gateways.tiles import Tree
from ledger.models import Checkpoint, Cosignature, Publication

logger = logging.getLogger(__name__)

PATIENCE_SECONDS = 15  # for a witness that failed, before it is asked again
_failed: dict[str, float] = {}


def publish(*, now: datetime) -> Publication | None:
    """Publish the newest signed checkpoint, unless that is done; returns None when nothing new was published.

    Asks witnesses, and outside any transaction. Raises as `checkpoints.see_files` does, and PolicyInvalid.
    """
    with _alone() as alone:
        if not alone:
            return None
        last = Publication.objects.select_related("checkpoint").last()
        if last:
            show(last)
        signed = Checkpoint.objects.order_by("size").last()
        if signed is None or (last and signed.size == last.size):
            return None
        checkpoints.see_files(signed)
        policy = queries.house_policy()
        cosign(signed, policy, now=now)
        note = _note(signed, policy)
        if note is None:
            return None
        published = Publication.objects.create(checkpoint=signed, note=note, published_at=now)
        show(published)
        return published


def cosign(signed: Checkpoint, policy: Policy, *, now: datetime) -> None:
    """Collect the cosignatures that the policy asks for and that are not there yet."""
    ours = {notes.verifier_key(key): key for key in queries.keys().ml_dsas}
    text = notes.text_of(signed.note)
    there = {(each.name, each.key_id) for each in signed.cosignatures.all()}
    lines = [
        notes.cosign(text, ours[each.vkey], timestamp=int(now.timestamp()))
        for each in policy.witnesses
        if each.vkey in ours and _signer(each.vkey) not in there
    ]
    _keep(signed, policy, lines, now)
    asked = [
        each
        for each in policy.outside
        if _signer(each.vkey) not in there and _failed.get(each.name, 0) < time.monotonic()
    ]
    if not asked:
        return
    lines, failures = witnessing.gather(
        note=signed.note,
        policy=replace(policy, witnesses=tuple(asked)),
        last_cosigned={each.name: _last_cosigned(each.vkey) for each in asked},
        consistency=Tree(signed.size).consistency,
    )
    for failure in failures:
        for name in failure.name.split(", "):
            _failed[name] = time.monotonic() + PATIENCE_SECONDS
        logger.warning("%s", failure)
    _keep(signed, policy, lines, now)


def show(published: Publication) -> None:
    """See that the files say what the row says: a crash may have come between them."""
    note = published.note.encode()
    if storage.read("checkpoint") != note:
        storage.put(f"checkpoints/{published.size}", note)
        storage.replace("checkpoint", note)


def _note(signed: Checkpoint, policy: Policy) -> str | None:
    """Return the note with its cosignatures, if they make the quorum; the one on file if it was written before."""
    name = f"checkpoints/{signed.size}"
    written = storage.read(name)
    note = written.decode() if written else notes.add_lines(signed.note, _lines(signed))
    try:
        policy.verify_checkpoint(note)
    except NoteInvalid as error:
        logger.warning("Checkpoint %d is not published: %s", signed.size, error)
        return None
    storage.put(name, note.encode())
    return note


def _lines(signed: Checkpoint) -> list[str]:
    return [each.line for each in Cosignature.objects.filter(checkpoint=signed)]


def _keep(signed: Checkpoint, policy: Policy, lines: list[str], now: datetime) -> None:
    if not lines:
        return
    vkeys = [each.vkey for each in policy.witnesses]
    found = notes.verify(f"{notes.text_of(signed.note)}\n{''.join(lines)}", vkeys).signatures
    with transaction.atomic():
        Cosignature.objects.bulk_create(
            [
                Cosignature(
                    checkpoint=signed, name=each.name, key_id=each.key_id, line=each.line, made_at=now
                )
                for each in found
            ],
            ignore_conflicts=True,
        )


def _last_cosigned(vkey: str) -> int:
    name, key_id = _signer(vkey)
    last = Cosignature.objects.filter(name=name, key_id=key_id).order_by("checkpoint_id").last()
    return last.checkpoint_id if last else 0


def _signer(vkey: str) -> tuple[str, str]:
    """Return the name and the key ID that a line by this key bears."""
    key = notes.read_vkey(vkey)
    return key.name, key.key_id


@contextmanager
def _alone() -> Iterator[bool]:
    """Tell whether nobody on this machine is publishing: to wait for witnesses is enough for one."""
    folder = Path(settings.LEDGER_MEMORY)
    folder.mkdir(parents=True, exist_ok=True)
    with open(folder / "publishing.lock", "a") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            yield False
            return
        yield True
