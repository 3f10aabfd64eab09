"""Locks of the log's workers. A transaction holds them, so no pool can keep one; PostgreSQL has a set per database."""

from django.db import connection

PAUSE_SECONDS = 60  # whoever stops for longer in the middle is cut off by the server, and nothing is lost

TRY_LOCK = """
    SELECT set_config('idle_in_transaction_session_timeout', %s, true), pg_try_advisory_xact_lock(%s)
"""


def try_lock(key: int) -> bool:
    """Take an advisory lock until the transaction ends; False when another has it."""
    with connection.cursor() as cursor:
        cursor.execute(TRY_LOCK, [f"{PAUSE_SECONDS}s", key])
        return cursor.fetchone()[1]
