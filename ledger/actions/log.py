"""Handing something in to the log."""

import json
import secrets
from collections.abc import Mapping
from datetime import datetime
from typing import Any

from django.conf import settings
from django.db import connection, transaction

from ledger.domain import canonical, entry, merkle
from ledger.errors import KeyReused, NotADocument, NotCanonical
from ledger.models import Intent, Opening

# A key that stands already returns nothing; one that another transaction is writing is waited for.
INSERT = """
    INSERT INTO ledger_intent (idempotency_key, canonical, leaf_hash, created_at) VALUES (%s, %s, %s, %s)
    ON CONFLICT (idempotency_key) DO NOTHING RETURNING id
"""


def append(
    *,
    document: Mapping[str, Any],
    idempotency_key: str,
    now: datetime,
    personal: Mapping[str, Any] | None = None,
) -> int:
    """Hand a document in, inside the caller's transaction, and return the intent's id.

    What is personal goes under commitments, each field under a salt of its own, and stands beside the log, where
    it can be erased. The same key with the same document is the same intent, erased meanwhile or not.
    Raises NotADocument, NotCanonical, KeyReused.
    """
    document = {**document, "ledger": settings.LEDGER_ORIGIN}
    entry.check(document)
    if not personal:
        data = canonical.log_bytes(document)
        return _insert(data, idempotency_key, now) or _standing(data, idempotency_key).pk
    _check_personal(document, personal)
    salts = {field: secrets.token_bytes(entry.SALT_SIZE) for field in personal}
    commit = {field: entry.commitment(salts[field], value) for field, value in personal.items()}
    data = canonical.log_bytes(_committing(document, commit))
    with transaction.atomic(savepoint=False):  # never a commitment without what it hides
        intent_id = _insert(data, idempotency_key, now)
        if intent_id:
            Opening.objects.bulk_create(
                Opening(intent_id=intent_id, field=field, salt=salts[field], value=value, created_at=now)
                for field, value in personal.items()
            )
    return intent_id or _standing_with(document, personal, idempotency_key).pk


def _insert(data: bytes, key: str, now: datetime) -> int | None:
    with connection.cursor() as cursor:
        cursor.execute(INSERT, [key, data, merkle.leaf_hash(data), now])
        row = cursor.fetchone()
    return row and row[0]


def _standing(data: bytes, key: str) -> Intent:
    """Return what stands under a key if it is these bytes. Raises KeyReused."""
    intent = Intent.objects.get(idempotency_key=key)
    if bytes(intent.canonical) != data:
        raise KeyReused(key)
    return intent


def _standing_with(document: Mapping[str, Any], personal: Mapping[str, Any], key: str) -> Intent:
    """Return what stands under a key if it is this document, and opens to these values where it still opens."""
    found = json.loads(bytes(Intent.objects.get(idempotency_key=key).canonical))["commit"]
    commit = {field: found.get(field, "") for field in personal}
    intent = _standing(canonical.encode(_committing(document, commit)), key)
    for opening in intent.openings.all():
        if entry.commitment(bytes(opening.salt), personal[opening.field]) != commit[opening.field]:
            raise KeyReused(key)
    return intent


def _committing(document: Mapping[str, Any], commit: Mapping[str, str]) -> dict[str, Any]:
    return {**document, "commit": {**document["commit"], **commit}}


def _check_personal(document: Mapping[str, Any], personal: Mapping[str, Any]) -> None:
    canonical.check(dict(personal))
    if b"\\u0000" in canonical.encode([document, dict(personal)]):  # PostgreSQL reads and keeps no such JSON
        raise NotCanonical("$", "U+0000 beside a personal value")
    for field, value in personal.items():
        if field in document["commit"]:
            raise NotADocument(f"commit.{field}", "is committed to twice")
        if value is None:
            raise NotCanonical(f"$.{field}", "nothing is no personal value")
