"""`manage.py dbshell`: psql as the application's login, from the wheel where the machine has none."""

import os

from django.db.backends.postgresql import client

from marketplace.local import postgres


class DatabaseClient(client.DatabaseClient):
    """Runs psql."""

    def runshell(self, parameters):
        """Open psql on the database of the house, with our own PostgreSQL running while it is open."""
        if self.connection.settings_dict.get("EMBEDDED"):
            self.connection.ensure_connection()
        os.environ["PATH"] = f"{postgres.programs()}{os.pathsep}{os.environ.get('PATH', '')}"
        super().runshell(parameters)
