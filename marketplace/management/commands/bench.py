"""`manage.py bench sale` and `bench ledger`: measure a house of its own, beside yardsticks of the same machine."""

import json
import time

from django.core.management.base import BaseCommand, CommandError

from marketplace.bench import ledger as ledger_bench
from marketplace.bench import rows
from marketplace.bench import sale as sale_bench
from marketplace.local.buyer import Refused, Unanswered
from marketplace.local.live import CommandFailed
from marketplace.local.supervisor import NotReady

BENCHES = {"sale": sale_bench.run, "ledger": ledger_bench.run}


class Command(BaseCommand):
    help = "Measure the house: " + ", ".join(BENCHES)
    requires_system_checks = []

    def add_arguments(self, parser):
        parser.add_argument("bench", choices=sorted(BENCHES))
        parser.add_argument(
            "--scale", choices=["small", "full"], default="small", help="small takes two minutes"
        )
        parser.add_argument("--json", action="store_true", help="print one JSON object as the last line")

    def handle(self, *, bench, scale, **options):
        began = time.monotonic()

        def say(what: str) -> None:
            self.stdout.write(f"{time.monotonic() - began:6.1f} s  {what}")
            self.stdout.flush()

        try:
            found = BENCHES[bench](scale, say)
        except (CommandFailed, NotReady, Refused, Unanswered) as error:
            raise CommandError(str(error)) from error
        say("done")
        heads = ("figure", "yardstick", "ratio", "floor", "moonshot", "load")
        width = max(len(row.name) for row in found) + 1
        self.stdout.write(" " * width + "".join(f"{head:>11}" for head in heads))
        for row in found:
            values = [getattr(row, head) for head in heads]
            shown = "".join(" " * 11 if value is None else f"{value:11g}" for value in values)
            self.stdout.write(f"{row.name:{width}}{shown}  {row.unit}")
        if options["json"]:
            self.stdout.write(json.dumps(rows.document(bench, found)))
        if low := [row.name for row in found if not row.holds]:
            raise CommandError("Below its floor: " + ", ".join(low))
