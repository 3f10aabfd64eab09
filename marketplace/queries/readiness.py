"""Whether this process can serve: what it needs from outside, each asked a real question."""

import os
from collections.abc import Callable

from django.core.files.storage import FileSystemStorage, storages
from django.db import connection
from django.db.migrations.executor import MigrationExecutor

from marketplace.celery import app

BROKER_SECONDS = 3


class Obstacle(Exception):
    """An answer came, and it is not the one that serving needs."""


def obstacles() -> dict[str, str]:
    """Return what stands in the way of serving, by name; nothing when all is well."""
    found = {}
    for name, ask in QUESTIONS.items():
        try:
            ask()
        except Obstacle as error:
            found[name] = str(error)
        except Exception as error:  # whatever it is, it is what the answer has to say
            found[name] = f"{type(error).__name__}: {error}".strip().splitlines()[0]
    return found


def database() -> None:
    """Ask the database for a row."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT 1")


def migrations() -> None:
    """Look for migrations that are not applied."""
    executor = MigrationExecutor(connection)
    missing = executor.migration_plan(executor.loader.graph.leaf_nodes())
    if missing:
        raise Obstacle(f"{len(missing)} migrations are not applied")


def broker() -> None:
    """Connect to the broker."""
    with app.connection_for_write() as link:
        link.ensure_connection(max_retries=1, timeout=BROKER_SECONDS)


def storage() -> None:
    """See that files can be stored."""
    store = storages["default"]
    if isinstance(store, FileSystemStorage):
        os.makedirs(store.location, mode=0o700, exist_ok=True)
        if not os.access(store.location, os.W_OK):
            raise Obstacle("the folder of files cannot be written to")
    else:
        store.exists("readiness")


QUESTIONS: dict[str, Callable[[], None]] = {
    "database": database,
    "migrations": migrations,
    "broker": broker,
    "storage": storage,
}
