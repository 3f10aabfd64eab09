"""Taking a new signing key: it signs beside the old one for a while, then alone. The change is an entry of the log."""

import secrets
from collections.abc import Callable
from dataclasses import replace
from datetime import datetime
from pathlib import Path
from uuid import uuid4

from django.conf import settings
from django.db import transaction

from ledger import queries
from ledger.actions import log
from ledger.domain import entry, notes
from ledger.domain.keys import Keys
from ledger.domain.policy import Group, Log, Policy, Range, Witness
from ledger.models import Checkpoint

OWN = "own"


def rotate(*, overlap: int, keep: Callable[[str], None], now: datetime) -> Policy:
    """Make a new key, have the caller keep both, write the policy that says which signs what, and log it.

    The old key signs up to `overlap` entries more, the new one from the next entry on. Raises KeyUnusable.
    """
    before, policy = queries.keys(), queries.house_policy()
    new = notes.new_key(settings.LEDGER_ORIGIN, secrets.token_bytes(32))
    keys = Keys.read(f"{settings.LEDGER_SIGNING_KEY},{new}", origin=settings.LEDGER_ORIGIN)
    size = Checkpoint.objects.order_by("-size").values_list("size", flat=True).first() or 0
    policy = changed(policy, before=before, keys=keys, size=size, overlap=overlap)
    with transaction.atomic():
        log.append(
            document=entry.document(
                kind="log.key_added",
                id=uuid4(),
                at=now,
                actor="ledger_rotate",
                subject=settings.LEDGER_ORIGIN,
                refs={"from": size + 1, "old_until": size + overlap},
                body={"key": keys.log_vkeys[-1], "old_key": before.log_vkeys[-1]},
            ),
            idempotency_key=f"log.key_added:{keys.log_vkeys[-1]}",
            now=now,
        )
        keep(f"{settings.LEDGER_SIGNING_KEY},{new}")
        path = Path(settings.LEDGER_POLICY)
        path.parent.mkdir(parents=True, exist_ok=True)
        draft = path.with_suffix(".draft")
        draft.write_bytes(policy.render(heading=keys.heading))
        draft.replace(path)
    return policy


def changed(policy: Policy, *, before: Keys, keys: Keys, size: int, overlap: int) -> Policy:
    """Return the policy under which the newest key takes over from the one before it."""
    own = [each.name for each in policy.witnesses if each.vkey in before.ml_dsa_vkeys]
    newest = Witness(f"own-ml-dsa-{len(keys.logs)}", keys.ml_dsa_vkeys[-1])
    group = Group(OWN, 1, (*own, newest.name))
    others = tuple(
        Group(each.name, each.count, tuple(OWN if member in own else member for member in each.members))
        for each in policy.groups
        if each.name != OWN
    )
    old, new = _key(before.log_vkeys[-1]), _key(keys.log_vkeys[-1])
    kept = tuple(each for each in policy.ranges if each.key != old)
    first = next((each.first for each in policy.ranges if each.key == old), 0)
    return replace(
        policy,
        logs=(*policy.logs, Log(keys.log_vkeys[-1])),
        witnesses=(*policy.witnesses, newest),
        groups=(group, *others),
        quorum=OWN if policy.quorum in own else policy.quorum,
        reports=(*policy.reports, keys.report_vkeys[-1]),
        ranges=(*kept, Range(old, first, size + overlap), Range(new, size + 1)),
    )


def _key(vkey: str) -> str:
    key = notes.read_vkey(vkey)
    return f"{key.name}+{key.key_id}"
