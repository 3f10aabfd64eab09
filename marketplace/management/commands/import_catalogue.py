"""`manage.py import_catalogue CATALOGUE.json --files DIR`: bring a catalogue of datasets in."""

import json
import sys
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError
from django.utils.translation import gettext

from ledger import clock
from marketplace.actions import imports
from marketplace.actions.imports import Refusal, Report
from marketplace.domain.catalogue import CatalogueUnreadable


class Command(BaseCommand):
    """Imports every dataset that may come in and says why each of the others may not."""

    help = "Import a catalogue. Exit status 1 if any dataset is refused; the good ones are in."

    def add_arguments(self, parser) -> None:
        parser.add_argument("catalogue", type=Path, metavar="CATALOGUE.json")
        parser.add_argument(
            "--files", type=Path, metavar="DIR", help="the data folder; else the catalogue's own"
        )
        parser.add_argument("--json", action="store_true", help="print the report as one JSON object")

    def handle(self, *, catalogue: Path, files: Path | None, **options: Any) -> None:
        """Import, then report. Raises CommandError for a catalogue that cannot be read."""
        folder = files or catalogue.parent
        if not folder.is_dir():
            raise CommandError(f"There is no data folder {folder}. Name it with --files DIR.")
        try:
            report = imports.run(catalogue=catalogue, files=folder, now=clock.now(), progress=self._progress)
        except OSError as error:
            raise CommandError(f"{catalogue} cannot be read: {error.strerror}.") from error
        except CatalogueUnreadable as error:
            raise CommandError(f"{catalogue}: {error}") from error
        self.stdout.write(
            json.dumps(as_json(report), ensure_ascii=False) if options["json"] else as_text(report)
        )
        if report.refused:
            sys.exit(1)

    def _progress(self, line: str) -> None:
        self.stderr.write(line)


def as_text(report: Report) -> str:
    """Return the report as lines for people: what came in, then each refusal with field and reason."""
    counts = f"{len(report.added)} added, {len(report.renewed)} renewed, {len(report.unchanged)} unchanged, "
    return "\n".join([counts + f"{len(report.refused)} refused", *map(refusal_text, report.refused)])


def refusal_text(refusal: Refusal) -> str:
    """Return one refusal: the dataset, then field, code and sentence of each fault."""
    said = [f"{f.field or 'dataset'} [{f.code}] {f.translated(gettext)}" for f in refusal.faults]
    return f"{refusal.id}: " + "; ".join(said)


def as_json(report: Report) -> dict[str, Any]:
    """Return the report for programs."""
    return {
        "added": report.added,
        "renewed": report.renewed,
        "unchanged": report.unchanged,
        "refused": [
            {
                "id": refusal.id,
                "reason": refusal.reason,
                "faults": [
                    {"code": f.code, "field": f.field, "sentence": f.translated(gettext)}
                    for f in refusal.faults
                ],
            }
            for refusal in report.refused
        ],
    }
