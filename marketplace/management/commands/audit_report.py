"""`manage.py audit_report --asset ID --out DIR`: what is known about an asset, with its proofs."""

from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from ledger import clock
from ledger.errors import LedgerError
from licensing.errors import Refused
from marketplace.actions import reports


class Command(BaseCommand):
    """Writes a report that `python ledger/verifier.py DIR --policy FILE` checks with the network off."""

    help = "Write the audit report of an asset, which ledger/verifier.py checks offline."

    def add_arguments(self, parser) -> None:
        parser.add_argument("--asset", required=True, metavar="ID", help="ARK, UUID or its seller's own id")
        parser.add_argument("--out", required=True, type=Path, metavar="DIR")

    def handle(self, *, asset: str, out: Path, verbosity: int = 1, **_: Any) -> None:
        """Write the report. Raises CommandError with the reason where there is none to write."""
        try:
            facts = reports.audit(name=asset, out=Path(out), now=clock.now())
        except (Refused, LedgerError) as error:
            raise CommandError(str(error)) from error
        if verbosity:
            broken = [finding["rule"] for finding in facts["rules"] if not finding["holds"]]
            self.stdout.write(f"{facts['asset']['ark']}: {len(facts['history'])} facts, report in {out}")
            self.stdout.write("Rules that do not hold: " + ", ".join(broken) if broken else "All rules hold.")
