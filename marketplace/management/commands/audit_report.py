"""`manage.py audit_report --asset ID | --shop SLUG [--at TIME] --out DIR`: a rights-audit report with its proofs."""

from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from ledger import clock
from ledger.errors import LedgerError
from licensing.errors import Refused as LicensingRefused
from marketplace.actions import audit
from marketplace.domain.audit import instant
from marketplace.errors import Refused


class Command(BaseCommand):
    """Writes a report that `python ledger/verifier.py DIR --policy FILE` checks with the network off."""

    help = "Write the audit report of an asset or a shop, which ledger/verifier.py checks offline."

    def add_arguments(self, parser) -> None:
        subject = parser.add_mutually_exclusive_group(required=True)
        subject.add_argument("--asset", default="", metavar="ID", help="ARK, UUID or its seller's own id")
        subject.add_argument("--shop", default="", metavar="SLUG", help="the shop's name in its address")
        parser.add_argument(
            "--at",
            default="",
            metavar="TIME",
            help="2026-11-23T18:00:00+08:00, or a date: its end in Shanghai",
        )
        parser.add_argument("--out", required=True, type=Path, metavar="DIR")

    def handle(
        self, *, asset: str = "", shop: str = "", at: str = "", out: Path, verbosity: int = 1, **_: Any
    ) -> None:
        """Write the report. Raises CommandError with the reason where there is none to write."""
        now = clock.now()
        try:
            written = audit.write(
                subject=audit.subject_of(asset=asset, shop=shop),
                as_of=instant(at, now=now) if at else now,
                out=Path(out),
                now=now,
            )
        except (Refused, LicensingRefused, LedgerError) as error:
            raise CommandError(str(error)) from error
        if verbosity:
            facts = written.facts
            self.stdout.write(f"{facts['verdict']['sentence']['en']}.")
            for each in facts["findings"]:
                if each["severity"] != "pass":
                    self.stdout.write(f"{each['severity']} {each['rule']}: {each['remedy']['en']}")
            self.stdout.write(
                f"{facts['scope']['id']} as of {facts['as_of']}: {out}, digest {written.digest}"
            )
