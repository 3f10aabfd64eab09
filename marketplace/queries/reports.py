"""Reads of audit reports: by number for everybody, by account for who asked."""

import json
import zipfile
from typing import Any

from marketplace.errors import NotFound, ReportNotMade
from marketplace.gateways import storage
from marketplace.models import Report

MOST_LISTED = 20


def report(number: str) -> Report:
    """Return a report in whatever state it is. Raises NotFound."""
    found = Report.objects.filter(number=number.strip().upper()).first() if number.isprintable() else None
    if found is None:
        raise NotFound("report", number)
    return found


def made(number: str) -> Report:
    """Return a report that was made. Raises NotFound, ReportNotMade."""
    found = report(number)
    if found.state != Report.State.MADE:
        raise ReportNotMade(found.number, found.state)
    return found


def asked_by(user: Any) -> list[Report]:
    """Return the newest reports that a user asked for."""
    return list(Report.objects.filter(asked_by=user).order_by("-asked_at")[:MOST_LISTED])


def member(made: Report, name: str) -> bytes:
    """Return one file of a report's bundle."""
    with storage.open_file(made.storage_key) as stored, zipfile.ZipFile(stored) as bundle:
        return bundle.read(name)


def bundle(made: Report) -> bytes:
    """Return the whole bundle."""
    with storage.open_file(made.storage_key) as stored:
        return stored.read()


def facts(made: Report) -> dict[str, Any]:
    """Return the facts of a report."""
    return json.loads(member(made, "report.json"))
