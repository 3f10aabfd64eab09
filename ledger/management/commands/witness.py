"""`manage.py witness --state DIR --log VKEY`: cosign the checkpoints of other logs."""

from django.core.management.base import BaseCommand, CommandError

from ledger.errors import LedgerError
from ledger.witness import command

OPTIONS = ("state", "port", "host", "name", "log", "policy")


class Command(BaseCommand):
    """Serves C2SP tlog-witness until it is stopped; needs no database."""

    help = "Run a witness: a small server that cosigns checkpoints of the logs it watches."
    requires_system_checks = []

    def add_arguments(self, parser):
        command.add_arguments(parser)

    def handle(self, *args, **options):
        try:
            command.run(**{name: options[name] for name in OPTIONS})
        except LedgerError as error:
            raise CommandError(str(error)) from error
