"""The connection: the application's login by default, the owner's for a while, the embedded server at need."""

from collections.abc import Iterator
from contextlib import contextmanager

import psycopg
from django.db.backends.postgresql import base

from marketplace.database.client import DatabaseClient
from marketplace.database.creation import DatabaseCreation
from marketplace.local import house, servers


class DatabaseWrapper(base.DatabaseWrapper):
    """Django's connection to PostgreSQL, with `as_owner` and the embedded server."""

    client_class = DatabaseClient
    creation_class = DatabaseCreation

    @property
    def owner(self) -> dict:
        """Return the settings that differ for the owner's login; empty where only one login was given."""
        return self.settings_dict.get("OWNER") or {}

    @property
    def application_login(self) -> str:
        """Return the name that the application logs in by, whoever is logged in now."""
        return self.settings_dict.get("APPLICATION") or self.settings_dict["USER"]

    @contextmanager
    def as_owner(self) -> Iterator[None]:
        """Log in as the owner of the schema until the block ends. Not inside a transaction, nor from two threads."""
        before = {name: self.settings_dict[name] for name in self.owner}
        if before == self.owner:
            yield
            return
        assert not self.in_atomic_block, "the login changes between transactions only"
        self.leave()
        self.settings_dict.update(self.owner)
        try:
            yield
        finally:
            self.leave()
            self.settings_dict.update(before)

    def leave(self) -> None:
        """Close the connection, and the pool that would hand out the old login."""
        self.close()
        self.close_pool()

    def get_new_connection(self, conn_params):
        """Connect, starting the embedded server if that is ours and does not answer."""
        if not self.settings_dict.get("EMBEDDED"):
            return super().get_new_connection(conn_params)
        servers.use("postgres", house=house.default())
        try:
            return super().get_new_connection(conn_params)
        except psycopg.OperationalError:  # not started yet, or killed since
            servers.hold("postgres", house=house.default())
            return super().get_new_connection(conn_params)
