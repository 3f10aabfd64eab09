"""`manage.py restore FILE` brings a house back from a backup, into one that is still empty."""

from pathlib import Path

from django.core.management import call_command
from django.core.management.base import BaseCommand

from ledger.actions import inspections
from marketplace.local import archive


class Command(BaseCommand):
    """Restores as the owner of the schema, migrates, which gives the application's login its rights, then writes
    the files of the log anew."""

    help = "Restore a backup into an empty house."
    requires_system_checks = ()

    def add_arguments(self, parser):
        parser.add_argument("source", type=Path)

    def handle(self, *, source, **_):
        about = archive.read(source)
        call_command("migrate", verbosity=0)
        inspections.rebuild_files()
        return f"{source}: restored as of {about['written_at']}, {len(about['files'])} files"
