"""Handing files out: a link for whoever holds a live grant, and a receipt on the ledger when it is first used.

Every request is decided anew, so a revocation ends downloads at once. Making a link stores nothing.
"""

import uuid
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from django.conf import settings
from django.db import connection, transaction
from django.db.models import F

from ledger.actions import log
from ledger.domain import entry
from licensing import queries as licensing
from licensing.domain.decision import Decision
from marketplace.domain import links, purposes
from marketplace.domain.links import Link, NotSigned
from marketplace.errors import DeliveryRefused, LinkBroken, LinkExpired, NotFound
from marketplace.models import Delivery, DeliveryCount, PreviewCount

LINK_LASTS = timedelta(hours=4)


@dataclass(frozen=True, slots=True)
class Opening:
    """A permitted way to a file: what the link says, the grant and file it names, and the decision."""

    link: Link
    grant: Any  # licensing's own rows
    file: Any
    decision: Decision


def link(
    *, grant_id: UUID, file_id: UUID, now: datetime, lasts: timedelta = LINK_LASTS
) -> tuple[str, datetime]:
    """Return the signed part of a download address and when it expires. Raises NotFound, DeliveryRefused."""
    made = Link(uuid.uuid4(), grant_id, file_id, (now + lasts).replace(microsecond=0))
    _decide(made, now)
    return links.write(made, key=settings.SECRET_KEY.encode()), made.expires_at


def links_of(*, grant_id: UUID, now: datetime) -> list[tuple[Any, str, datetime]]:
    """Return every file of a grant with what `link` returns. Raises NotFound, DeliveryRefused."""
    grant = licensing.grant(grant_id)
    _permitted(grant, now)
    expires_at = (now + LINK_LASTS).replace(microsecond=0)
    key = settings.SECRET_KEY.encode()
    return [
        (file, links.write(Link(uuid.uuid4(), grant_id, file.pk, expires_at), key=key), expires_at)
        for file in licensing.files(grant.version_id)
    ]


def look(*, token: str, now: datetime) -> Opening:
    """Decide whether a link opens its file now, and write nothing.

    Raises LinkBroken, LinkExpired, NotFound, DeliveryRefused.
    """
    try:
        made = links.read(token, key=settings.SECRET_KEY.encode())
    except NotSigned as error:
        raise LinkBroken from error
    if now >= made.expires_at:
        raise LinkExpired(made.expires_at)
    return _decide(made, now)


def open(*, token: str, bytes_sent: int = 0, now: datetime) -> Delivery:
    """Record that a link is used: a delivery with its receipt the first time, one more request every time.

    Raises what `look` raises.
    """
    opening = look(token=token, now=now)
    delivery = Delivery.objects.filter(link=opening.link.link).first() or _record(opening, now)
    DeliveryCount.objects.filter(delivery=delivery).update(
        requests=F("requests") + 1, bytes_sent=F("bytes_sent") + bytes_sent, last_at=now
    )
    return delivery


def count_preview(*, listing_id: UUID, now: datetime) -> None:
    """Count that a listing's rendition was shown today."""
    row, _is_new = PreviewCount.objects.get_or_create(listing_id=listing_id, day=now.date())
    PreviewCount.objects.filter(pk=row.pk).update(requests=F("requests") + 1)


def _decide(made: Link, now: datetime) -> Opening:
    grant, file = licensing.grant(made.grant), licensing.file(made.file)
    if file.version_id != grant.version_id:
        raise NotFound("file", made.file)
    return Opening(made, grant, file, _permitted(grant, now))


def _permitted(grant: Any, now: datetime) -> Decision:
    terms = licensing.terms_of(grant)
    decision = purposes.delivery(terms, revoked_at=licensing.revoked_at(grant), now=now)
    if not decision.permit:
        raise DeliveryRefused(grant.pk, decision.reasons, terms)
    return decision


@transaction.atomic
def _record(opening: Opening, now: datetime) -> Delivery:
    """Write a delivery and hand its receipt to the ledger, once however many requests come at the same moment."""
    link_id, grant, file = opening.link.link, opening.grant, opening.file
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_advisory_xact_lock(%s)", [int.from_bytes(link_id.bytes[:8], signed=True)])
    if there := Delivery.objects.filter(link=link_id).first():
        return there
    delivery_id = uuid.uuid4()
    intent = log.append(
        document=entry.document(
            kind="file.delivered",
            id=delivery_id,
            at=now,
            actor="marketplace",
            subject=str(grant.pk),
            refs={"grant": grant.number, "policy": grant.policy_id},
            body={"file": file.name, "sha256": file.sha256, "bytes": file.byte_size},
        ),
        idempotency_key=f"delivery:{link_id}",
        now=now,
    )
    delivery = Delivery.objects.create(
        id=delivery_id,
        link=link_id,
        grant_id=grant.pk,
        file_id=file.pk,
        decision=_stored(opening),
        intent_id=intent,
        opened_at=now,
    )
    DeliveryCount.objects.create(delivery=delivery, last_at=now)
    return delivery


def _stored(opening: Opening) -> dict[str, Any]:
    return {
        "permit": opening.decision.permit,
        "actions": ["download"],
        "policy": opening.grant.policy_id,
        "obligations": [{"code": o.code, "clause": o.clause} for o in opening.decision.obligations],
    }
