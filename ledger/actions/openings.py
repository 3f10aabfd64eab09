"""Erasing what commitments hide. Chain, tree, checkpoints and proofs stay as they are."""

from collections.abc import Iterable
from datetime import datetime
from uuid import uuid4

from django.db import transaction

from ledger import queries
from ledger.actions import log
from ledger.domain import openings
from ledger.domain.openings import Ground
from ledger.errors import GroundUnknown, OpeningNotFound
from ledger.models import Opening


@transaction.atomic
def erase(*, intent_id: int, fields: Iterable[str] | None = None, ground: str, now: datetime) -> list[str]:
    """Remove value and salt of an intent's fields, or of all, log each, and return those that went now.

    Calling it again changes nothing. Raises GroundUnknown, IntentNotFound, OpeningNotFound.
    """
    if ground not in list(Ground):
        raise GroundUnknown(ground)
    known = [each.field for each in queries.openings(intent_id)]
    wanted = known if fields is None else list(fields)
    for field in wanted:
        if field not in known:
            raise OpeningNotFound(intent_id, field)
    # Whoever comes second waits here, and finds nothing to erase any more.
    rows = Opening.objects.select_for_update().filter(intent_id=intent_id, field__in=wanted)
    erased = []
    for row in rows.order_by("field"):
        if not queries.is_erased(intent_id, row.field):
            _log(row, Ground(ground), now)
        row.delete()
        erased.append(row.field)
    return erased


def _log(row: Opening, ground: Ground, now: datetime) -> None:
    document = openings.erasure(
        id=uuid4(),
        at=now,
        document=queries.document(row.intent_id),
        number=queries.number_of(row.intent_id),
        field=row.field,
        ground=ground,
    )
    log.append(document=document, idempotency_key=openings.erasure_key(row.intent_id, row.field), now=now)
