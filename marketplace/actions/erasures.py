"""Erasing what is personal, wherever this house keeps it: beside the ledger, on order lines, in carts.

The ledger's entry and its commitment stay; an entry of its own says what was erased, and on which ground.
"""

from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

from django.db import transaction

from ledger import queries as ledger
from ledger.actions import openings
from licensing import queries as licensing
from licensing.actions import grants, parties
from licensing.queries import DETAIL_FIELDS, OF_ALL
from marketplace.models import CartLine, User
from settlement.actions import orders


@transaction.atomic
def erase_grant(
    *, grant_id: UUID, fields: Sequence[str] | None = None, ground: str, now: datetime
) -> list[str]:
    """Erase what a licensee said for a grant; return the fields of its entry that went now.

    Calling it again changes nothing. Raises licensing's NotFound, and the ledger's OpeningNotFound, GroundUnknown.
    """
    hidden = licensing.personal_fields(licensing.grant(grant_id), fields)
    erased = grants.erase(grant_id=grant_id, fields=fields, ground=ground, now=now)
    orders.forget(grant_id=grant_id, fields=DETAIL_FIELDS if OF_ALL in hidden else hidden)
    return erased


@transaction.atomic
def erase_intent(
    *, intent_id: int, fields: Sequence[str] | None = None, ground: str, now: datetime
) -> list[str]:
    """Erase fields of what was handed in, or all of them; return those that went now.

    Raises IntentNotFound, OpeningNotFound, GroundUnknown.
    """
    known = [each.field for each in ledger.openings(intent_id)] if fields is None else fields
    grant = licensing.grant_of_intent(intent_id)
    if grant:
        return erase_grant(grant_id=grant.pk, fields=known, ground=ground, now=now)
    return openings.erase(intent_id=intent_id, fields=known, ground=ground, now=now)


@transaction.atomic
def erase_person(*, party_id: UUID, ground: str, now: datetime) -> int:
    """Erase what a licensee said for every grant, order and cart, and the party's name; return how many grants.

    A party that offers rights keeps its name, and an order that is still to be granted keeps its words.
    """
    changed = 0
    for grant in licensing.grants_of([party_id]):
        changed += bool(erase_grant(grant_id=grant.pk, ground=ground, now=now))
    orders.forget(licensee_id=party_id, fields=DETAIL_FIELDS)
    owners = User.objects.filter(party_id=party_id)
    CartLine.objects.filter(user__in=owners).update(institution="", institution_kind="")
    parties.forget_name(party_id)
    return changed


def replay(*, documents: Iterable[dict[str, Any]] = (), now: datetime) -> int:
    """Erase again what a backup brought back; return how many fields. More erasures can be told by their documents.

    The ledger's own files are read too: they may be ahead of the database that was restored.
    """
    known = [*ledger.erasures(), *ledger.erasures_in_files(), *documents]
    again = ledger.erased_but_there(known)
    for intent_id, field, ground in again:
        erase_intent(intent_id=intent_id, fields=[field], ground=ground, now=now)
    return len(again)
