"""Giving out identifiers."""

import secrets
from datetime import datetime
from uuid import UUID

from django.conf import settings
from django.db import transaction

from licensing.domain import identifiers
from licensing.models import Identifier, IdentifierCounter

KEY_SIZE = 32


@transaction.atomic
def mint(*, kind: str, target: UUID, now: datetime) -> Identifier:
    """Give a thing its identifier, in the caller's transaction. Raises IdentifierRefused when none are left."""
    shoulder = settings.ARK_SHOULDER
    IdentifierCounter.objects.bulk_create(
        [IdentifierCounter(shoulder=shoulder, key=secrets.token_bytes(KEY_SIZE))], ignore_conflicts=True
    )
    counter = IdentifierCounter.objects.select_for_update(no_key=True).get(shoulder=shoulder)
    ark = identifiers.mint(
        counter.next, key=bytes(counter.key), naan=settings.ARK_NAAN, shoulder=counter.shoulder
    )
    counter.next += 1
    counter.save(update_fields=["next"])
    return Identifier.objects.create(ark=ark, kind=kind, target=target, minted_at=now)
