"""`manage.py ledger_policy --out FILE`: the keys that a stranger should trust."""

from pathlib import Path

from django.core.management.base import BaseCommand, CommandError

from ledger import queries


class Command(BaseCommand):
    """Writes the public keys of this ledger as a C2SP tlog-policy."""

    help = "Write the public keys of the ledger, for ledger/verifier.py --policy."

    def add_arguments(self, parser):
        parser.add_argument("--out", required=True, type=Path, help="the file to write; - prints it")

    def handle(self, *args, **options):
        policy, out = queries.policy(), options["out"]
        if str(out) == "-":
            self.stdout.write(policy, ending="")
            return
        try:
            out.write_text(policy)
        except OSError as error:
            raise CommandError(f"The policy cannot be written to {out}: {error.strerror}.") from error
        self.stdout.write(f"The keys of this ledger are in {out}.")
