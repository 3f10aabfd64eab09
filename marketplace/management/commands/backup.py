"""`manage.py backup FILE` writes the whole house into one file; see marketplace/local/archive.py for what is in it."""

from pathlib import Path

from django.core.management.base import BaseCommand

from ledger import clock
from marketplace.local import archive


class Command(BaseCommand):
    """Writes a backup while the house runs: the database as of one moment, then the files that it names."""

    help = (
        "Write database, stored files and the log's own key into one file, or into a dated one in a folder."
    )
    requires_system_checks = ()

    def add_arguments(self, parser):
        parser.add_argument("target", type=Path)

    def handle(self, *, target, **_):
        now = clock.now()
        if target.is_dir():
            target = target / f"wenshi-{now:%Y%m%dT%H%M%SZ}.tar"
        about = archive.write(target, now=now)
        return f"{target}: the database and {len(about['files'])} files, {target.stat().st_size:,} bytes"
