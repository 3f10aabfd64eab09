"""What the application's login may do, read off the catalogue after each migration.

Where an append-only trigger stands: SELECT and INSERT. Elsewhere all four, but of the migrations' own table
only SELECT. Tables that no model describes are covered too, which default privileges could not tell apart.
"""

from django.db import connections
from psycopg import sql

APPEND_ONLY = "^pgtrigger_.*append_only_[0-9a-f]{5}$"

TABLES = """
    SELECT c.relname, EXISTS (
        SELECT FROM pg_trigger t WHERE t.tgrelid = c.oid AND t.tgname ~ %s AND t.tgenabled = 'A'
    )
    FROM pg_class c WHERE c.relnamespace = 'public'::regnamespace AND c.relkind IN ('r', 'p') ORDER BY 1
"""


def grant_rights(*, using: str, **_) -> None:
    """Give the application's login its rights on every table; does nothing where it is the owner too."""
    connection = connections[using]
    application = connection.application_login
    if not connection.owner or connection.settings_dict["USER"] == application:
        return
    names = {
        "login": sql.Identifier(application),
        "database": sql.Identifier(connection.settings_dict["NAME"]),
    }
    with connection.cursor() as cursor:
        cursor.execute(TABLES, [APPEND_ONLY])
        tables = cursor.fetchall()
        for statement in (
            "REVOKE TEMPORARY, CREATE ON DATABASE {database} FROM PUBLIC",
            "REVOKE CREATE ON SCHEMA public FROM PUBLIC",
            "GRANT CONNECT ON DATABASE {database} TO {login}",
            "GRANT USAGE ON SCHEMA public TO {login}",
            "REVOKE ALL ON ALL TABLES IN SCHEMA public FROM {login}",
            "GRANT USAGE, SELECT ON ALL SEQUENCES IN SCHEMA public TO {login}",
        ):
            cursor.execute(sql.SQL(statement).format(**names))
        for table, append_only in tables:
            rights = sql.SQL(rights_on(table, append_only))
            cursor.execute(
                sql.SQL("GRANT {rights} ON {table} TO {login}").format(
                    rights=rights, table=sql.Identifier(table), **names
                )
            )


def rights_on(table: str, append_only: bool) -> str:
    """Return the rights of the application on one table."""
    if table == "django_migrations":
        return "SELECT"
    return "SELECT, INSERT" if append_only else "SELECT, INSERT, UPDATE, DELETE"
