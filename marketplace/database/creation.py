"""Test databases: made, migrated and dropped as the owner; the tests themselves run as the application."""

import os
from pathlib import Path

from django.db.backends.postgresql import creation

from marketplace.database.emptying import Emptying


class DatabaseCreation(creation.DatabaseCreation):
    """Makes and drops test databases, one per process, so that runs beside each other do not meet."""

    emptying: Emptying | None = None

    def create_test_db(self, *args, **kwargs):
        """Make and migrate the test database, and remember what migrations wrote into it."""
        with self.connection.as_owner():
            name = super().create_test_db(*args, **kwargs)
            login = self.connection.settings_dict
            with self.connection.cursor() as cursor:  # a test does not survive a power cut, and need not
                quoted = self.connection.ops.quote_name(name)
                cursor.execute(f"ALTER DATABASE {quoted} SET synchronous_commit = off")
            self.emptying = Emptying(
                host=login["HOST"],
                port=login["PORT"] or None,
                user=login["USER"],
                password=login["PASSWORD"],
                dbname=name,
            )
        return name

    def destroy_test_db(self, *args, **kwargs):
        """Drop the test database."""
        if self.emptying:
            self.emptying.close()
        with self.connection.as_owner():
            super().destroy_test_db(*args, **kwargs)

    def restore_test_db(self) -> None:
        """Put the test database back to what migrations left. Only for one that this process has made."""
        assert self.emptying, "this process made no test database here"
        self.emptying.restore()

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
                    quoted = self.connection.ops.quote_name(name)
                    cursor.execute(f"DROP DATABASE IF EXISTS {quoted} WITH (FORCE)")
