"""Handing something in to the log."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from django.conf import settings
from django.db import connection

from ledger.domain import canonical, entry, merkle
from ledger.errors import KeyReused

# A key that stands already returns nothing; one that another transaction is writing is waited for.
INSERT = """
    INSERT INTO ledger_intent (idempotency_key, canonical, leaf_hash, created_at) VALUES (%s, %s, %s, %s)
    ON CONFLICT (idempotency_key) DO NOTHING RETURNING id
"""


def append(*, document: Mapping[str, Any], idempotency_key: str, now: datetime) -> int:
    """Hand a document in, inside the caller's transaction, and return the intent's id.

    The same key with the same document is the same intent. Raises NotADocument, NotCanonical, KeyReused.
    """
    document = {**document, "ledger": settings.LEDGER_ORIGIN}
    entry.check(document)
    data = canonical.log_bytes(document)
    with connection.cursor() as cursor:
        cursor.execute(INSERT, [idempotency_key, data, merkle.leaf_hash(data), now])
        row = cursor.fetchone()
        if row is None:
            cursor.execute(
                "SELECT id, canonical FROM ledger_intent WHERE idempotency_key = %s", [idempotency_key]
            )
            row = cursor.fetchone()
            if bytes(row[1]) != data:
                raise KeyReused(idempotency_key)
    return row[0]
