"""`manage.py ledger_fsck`: read the log again and say whether it holds."""

import json

from django.core.management.base import BaseCommand, CommandError

from ledger import clock
from ledger.actions import file_inspections, inspections
from ledger.errors import LedgerError


class Command(BaseCommand):
    """Exits 0 when every byte, link, root, file and signature holds, else 1 with the first fault of each layer."""

    help = "Check entries, chain, tree, files, checkpoints, anchors and signatures of the ledger."

    def add_arguments(self, parser):
        parser.add_argument(
            "--fast", action="store_true", help="only what came since the last good inspection"
        )
        parser.add_argument(
            "--repair",
            action="store_true",
            help="write anew what is derived from the entries, to what a signed checkpoint says",
        )
        parser.add_argument(
            "--files",
            action="store_true",
            help="only the files, held against the published checkpoint; the database is not needed",
        )
        parser.add_argument(
            "--processes", type=int, default=1, help="with --files: how many processes hash beside each other"
        )
        parser.add_argument("--json", action="store_true", help="print one JSON object as the last line")

    def handle(self, *args, fast=False, repair=False, files=False, processes=1, **options):
        if files and (fast or repair):
            raise CommandError("--files reads all of the files and changes nothing: give it alone.")
        if files:
            verdict = file_inspections.inspect(processes=max(1, processes))
        else:
            verdict = inspections.inspect(now=clock.now(), fast=fast)
        for fault in verdict.faults.values():
            self.stdout.write(f"WRONG  {fault}")
        for what, reason in verdict.notes.items():
            self.stdout.write(f"not checked  {what}: {reason}")
        if repair and not verdict.holds:
            verdict = self.repaired(verdict)
        counted = f"{verdict.size} entries, {verdict.checkpoints} checkpoints, root {verdict.root}"
        if verdict.tip:
            counted += f", chain tip {verdict.tip}"
        since = f", read from entry {verdict.start} on" if verdict.start else ""
        self.stdout.write(f"{'ok     ' if verdict.holds else 'read   '}{counted}{since}")
        if options["json"]:
            self.stdout.write(
                json.dumps(
                    {
                        "verified": verdict.holds,
                        "size": verdict.size,
                        "root": verdict.root,
                        **({"tip": verdict.tip} if files else {}),
                        "checkpoints": verdict.checkpoints,
                        "faults": [vars(fault) for fault in verdict.faults.values()],
                        "not_checked": verdict.notes,
                    }
                )
            )
        if not verdict.holds:
            raise CommandError("The ledger does not hold.")

    def repaired(self, verdict: inspections.Verdict) -> inspections.Verdict:
        """Repair what may be, and read again. Raises CommandError where it may not."""
        try:
            layers = inspections.repair(verdict, now=clock.now())
        except LedgerError as error:
            raise CommandError(str(error)) from error
        self.stdout.write(f"mended {', '.join(layers)}")
        return inspections.inspect(now=clock.now())
