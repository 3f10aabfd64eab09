"""Writes that may be sent twice: the first request with a key is done, any other gets its answer."""

import hmac
from dataclasses import dataclass
from datetime import datetime, timedelta

from django.conf import settings

from marketplace.errors import KeyInUse, KeyMissing, KeyReused
from marketplace.models import IdempotencyRecord

# A request that has not ended after this long has died with its process; the next one does its work again,
# and finds what is done already by the keys that the actions below were given.
GIVEN_UP = timedelta(minutes=2)


@dataclass(frozen=True, slots=True)
class Stored:
    """The answer that was given to the first request."""

    status: int
    body: str | None  # none where the answer was a secret


def begin(*, scope: str, key: str, request: bytes, now: datetime) -> Stored | None:
    """Take a key, and return None, or the stored answer where the same request was answered already.

    Raises KeyMissing, KeyInUse, KeyReused.
    """
    if not 1 <= len(key) <= 255 or not key.isprintable():
        raise KeyMissing
    fingerprint = hmac.digest(settings.SECRET_KEY.encode(), request, "sha256").hex()
    record, is_first = IdempotencyRecord.objects.get_or_create(
        scope=scope, key=key, defaults={"fingerprint": fingerprint, "started_at": now}
    )
    if is_first:
        return None
    if not hmac.compare_digest(record.fingerprint, fingerprint):
        raise KeyReused(key)
    if record.status is not None:
        return Stored(record.status, record.body)
    taken_over = IdempotencyRecord.objects.filter(
        pk=record.pk, status=None, started_at=record.started_at, started_at__lt=now - GIVEN_UP
    ).update(started_at=now)
    if not taken_over:
        raise KeyInUse(key)
    return None


def end(*, scope: str, key: str, status: int, body: str | None) -> None:
    """Keep the answer of a request."""
    IdempotencyRecord.objects.filter(scope=scope, key=key).update(status=status, body=body)


def give_back(*, scope: str, key: str) -> None:
    """Free a key whose request came to nothing, so that it can be sent again."""
    IdempotencyRecord.objects.filter(scope=scope, key=key, status=None).delete()
