"""`manage.py ledger_verify`: read the whole log again and say whether it holds."""

import json

from django.core.management.base import BaseCommand, CommandError

from ledger import verification


class Command(BaseCommand):
    """Exits 0 when every byte, link, root and signature holds, else 1 with the first fault of each layer."""

    help = "Check the chain, the tree and the signatures of the whole ledger."

    def add_arguments(self, parser):
        parser.add_argument("--json", action="store_true", help="print one JSON object as the last line")

    def handle(self, *args, **options):
        verdict = verification.verify()
        for fault in verdict.faults.values():
            self.stdout.write(f"WRONG  {fault}")
        counted = f"{verdict.size} entries, {verdict.checkpoints} checkpoints, root {verdict.root}"
        self.stdout.write(f"{'ok     ' if verdict.holds else 'read   '}{counted}")
        if options["json"]:
            faults = [vars(fault) for fault in verdict.faults.values()]
            self.stdout.write(
                json.dumps(
                    {
                        "verified": verdict.holds,
                        "size": verdict.size,
                        "root": verdict.root,
                        "checkpoints": verdict.checkpoints,
                        "faults": faults,
                    }
                )
            )
        if not verdict.holds:
            raise CommandError("The ledger does not hold.")
