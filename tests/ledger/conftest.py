"""A log to test with, and an attacker who owns its tables."""

from contextlib import contextmanager
from datetime import UTC, datetime
from uuid import UUID

import pytest
from django.db import connection, transaction

from ledger import queries, verifier
from ledger.actions import log, reports, sequencer
from ledger.actions.reports import Opening
from ledger.domain import entry
from ledger.models import Entry

NOW = datetime(2026, 11, 23, 8, 0, tzinfo=UTC)
RULES = """
    SELECT string_agg(rule, ';') FROM (
        SELECT format('ALTER TABLE %s DROP CONSTRAINT %I', conrelid::regclass, conname) AS rule FROM pg_constraint
        WHERE conrelid::regclass::text LIKE 'ledger\\_%' AND contype IN ('c', 'f', 'u') ORDER BY contype = 'u'
    ) AS constraints
"""
TRIGGERS = """
    SELECT string_agg(format('ALTER TABLE %s DISABLE TRIGGER USER', oid::regclass), ';') FROM pg_class
    WHERE relname LIKE 'ledger\\_%' AND relkind = 'r'
"""


@pytest.fixture
def now():
    return NOW


def document(number, **body):
    """Return a document that differs from all others by its number."""
    return entry.document(
        kind="grant.issued",
        id=UUID(int=number),
        at=NOW,
        actor="party:1",
        subject=f"asset:{number}",
        body={"n": number, **body},
    )


def append(number, **body):
    """Hand the document of a number in, and return the intent's id."""
    return log.append(document=document(number, **body), idempotency_key=f"test:{number}", now=NOW)


def fill(count, *, signed_every=None):
    """Make a log of so many entries, signed at the end and wherever else it is asked for."""
    step = signed_every or count
    for start in range(0, count, step):
        for number in range(start, min(start + step, count)):
            append(number)
        sequencer.catch_up(now=NOW)


def leaf_hashes(size):
    """Return the leaf hashes of the first entries, as the database holds them."""
    rows = Entry.objects.filter(number__lt=size).order_by("number").values_list("leaf_hash", flat=True)
    return [bytes(leaf) for leaf in rows]


@contextmanager
def attacker():
    """Be the owner of the tables, with their rules off, until the block ends; then all is as it was."""
    with connection.as_owner(), transaction.atomic():
        with connection.cursor() as cursor:
            for rules in (RULES, TRIGGERS):
                cursor.execute(rules)
                cursor.execute(cursor.fetchone()[0])
            yield cursor
        transaction.set_rollback(True)


SALT = bytes(range(32))
NAME = {"name": "张三", "born": 1970}


# Reports ------------------------------------------------------------------------------------------------


@pytest.fixture
def report(db, tmp_path):
    """Return a report of entries 0, 1, 2, 6 and 8 of twelve; entry 8 commits to a name, disclosed."""
    fill(8)
    personal = {**document(8), "commit": {"licensee": entry.commitment(SALT, NAME)}}
    log.append(document=personal, idempotency_key="personal", now=NOW)
    sequencer.catch_up(now=NOW)
    fill(11, signed_every=11)
    (tmp_path / "policy").write_text(queries.policy())
    return reports.write(
        out=tmp_path / "report",
        entry_numbers=[0, 1, 2, 6, 8],
        attachments={"report.json": b'{"fact":1}', "pages/report.html": "<p>事实</p>".encode()},
        openings=[Opening(entry=8, field="licensee", salt=SALT, value=NAME)],
        now=NOW,
    )


@pytest.fixture
def check(report, capsys):
    """Return a function that runs the verifier in this process: status and last line."""

    def run(*arguments):
        status = verifier.main([str(report), *arguments])
        printed = capsys.readouterr()
        assert printed.err == ""
        return status, printed.out.splitlines()[-1]

    return run


@pytest.fixture
def trusted(report):
    return ("--policy", str(report.parent / "policy"))
