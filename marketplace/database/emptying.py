"""Puts a test database back to what migrations left in it, after a test that committed.

The application may not remove rows that are append-only, so the owner does it on a connection of its own: only
in tables that are filled, with those tables' triggers off by name. DELETE does this in a quarter of the time
of TRUNCATE. What migrations wrote is copied aside once, into the schema `kept`, and comes back from there.
"""

import psycopg
from psycopg import sql

# Tests do not change these, and they are slow to write again.
UNTOUCHED = ("django_migrations", "django_content_type", "auth_permission")

TABLES = "SELECT tablename FROM pg_tables WHERE schemaname = 'public' AND NOT tablename = ANY(%s) ORDER BY 1"
KEPT = "SELECT tablename FROM pg_tables WHERE schemaname = 'kept' ORDER BY 1"
TRIGGERS = "SELECT tgrelid::regclass::name, tgname, tgenabled FROM pg_trigger WHERE NOT tgisinternal"
ON_AGAIN = {"A": "ENABLE ALWAYS", "O": "ENABLE", "R": "ENABLE REPLICA"}


class Emptying:
    """Remembers the first state of one test database, and restores it."""

    def __init__(self, **login) -> None:
        self.owner = psycopg.connect(autocommit=True, **login)
        self.owner.execute("SET lock_timeout = '15s'")
        self.tables = self.names(TABLES, [list(UNTOUCHED)])
        if not self.names("SELECT 1 FROM pg_namespace WHERE nspname = 'kept'"):
            self.owner.execute("CREATE SCHEMA kept")
            for table in self.filled():
                self.run("CREATE TABLE kept.{0} AS TABLE public.{0}", table)
        self.kept = set(self.names(KEPT))
        self.triggers = [row for row in self.owner.execute(TRIGGERS).fetchall() if row[2] != "D"]

    def names(self, query: str, values=None) -> list[str]:
        """Return the first column of a query."""
        return [row[0] for row in self.owner.execute(query, values).fetchall()]

    def run(self, statement: str, *names: str) -> None:
        """Run a statement with names of tables or triggers set into it."""
        self.owner.execute(sql.SQL(statement).format(*map(sql.Identifier, names)))

    def filled(self) -> list[str]:
        """Return the tables that hold a row, in one question."""
        parts = [
            sql.SQL("SELECT {} WHERE EXISTS (SELECT FROM public.{})").format(table, sql.Identifier(table))
            for table in self.tables
        ]
        return self.names(sql.SQL(" UNION ALL ").join(parts)) if parts else []

    def restore(self) -> None:
        """Remove what tests wrote and put back what migrations had written."""
        tables = sorted({*self.filled(), *self.kept})
        if not tables:
            return
        triggers = [row for row in self.triggers if row[0] in tables]
        with self.owner.transaction():
            for table, trigger, _ in triggers:
                self.run("ALTER TABLE public.{} DISABLE TRIGGER {}", table, trigger)
            self.delete_all(tables)
            for table in self.kept:
                self.run("INSERT INTO public.{0} OVERRIDING SYSTEM VALUE SELECT * FROM kept.{0}", table)
            self.owner.execute("SET CONSTRAINTS ALL IMMEDIATE")
            for table, trigger, mode in triggers:
                self.run("ALTER TABLE public.{} " + ON_AGAIN[mode] + " TRIGGER {}", table, trigger)

    def delete_all(self, tables: list[str]) -> None:
        """Empty the tables in one statement, at whose end foreign keys are looked at: no order is needed."""
        parts = [
            sql.SQL("{} AS (DELETE FROM public.{})").format(sql.Identifier(f"d{i}"), sql.Identifier(table))
            for i, table in enumerate(tables)
        ]
        self.owner.execute(sql.SQL("WITH {} SELECT").format(sql.SQL(", ").join(parts)))

    def close(self) -> None:
        """Leave, so that the database can be dropped."""
        self.owner.close()
