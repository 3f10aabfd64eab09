"""Test databases: made, migrated and dropped as the owner; the tests themselves run as the application."""

import os
from pathlib import Path

from django.db.backends.postgresql import creation


class DatabaseCreation(creation.DatabaseCreation):
    """Makes and drops test databases, one per process, so that runs beside each other do not meet."""

    def create_test_db(self, *args, **kwargs):
        """Make and migrate the test database."""
        with self.connection.as_owner():
            return super().create_test_db(*args, **kwargs)

    def destroy_test_db(self, *args, **kwargs):
        """Drop the test database."""
        with self.connection.as_owner():
            super().destroy_test_db(*args, **kwargs)

    def _create_test_db(self, verbosity, autoclobber, keepdb=False):
        self._drop_abandoned()
        return super()._create_test_db(verbosity, autoclobber, keepdb)

    def _drop_abandoned(self) -> None:
        """Drop what runs that were killed have left; a database is named for the process that made it."""
        with self._nodb_cursor() as cursor:
            cursor.execute(r"SELECT datname FROM pg_database WHERE datname ~ '^test_.*_p[0-9]+'")
            for (name,) in cursor.fetchall():
                process = name.rpartition("_p")[2].partition("_")[0]
                if int(process) != os.getpid() and not Path(f"/proc/{process}").exists():
                    cursor.execute(
                        f"DROP DATABASE IF EXISTS {self.connection.ops.quote_name(name)} WITH (FORCE)"
                    )
