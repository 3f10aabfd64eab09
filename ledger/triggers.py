"""Triggers that hold a table's rules against everybody, the application's own code included.

They stand in a model's `Meta.triggers` and come into migrations by django-pgtrigger. Its own SQL is not used:
it lets any login past by `SET pgtrigger.ignore`, leaves triggers off in sessions of replication, and trusts
the caller's search_path. A refusal is a `restrict_violation`, in Django an IntegrityError, and names its rule.
"""

import pgtrigger
from pgtrigger import compiler

REFUSED = "restrict_violation"


WORDS = {
    "BEFORE": pgtrigger.Before,
    "AFTER": pgtrigger.After,
    "INSERT": pgtrigger.Insert,
    "UPDATE": pgtrigger.Update,
    "DELETE": pgtrigger.Delete,
    "TRUNCATE": pgtrigger.Truncate,
    "ROW": pgtrigger.Row,
    "STATEMENT": pgtrigger.Statement,
}


def operations(text: str):
    """Return what "INSERT OR UPDATE" means; "UPDATE OF column, column" is an operation too."""
    found = None
    for part in text.split(" OR ") if text else ():
        word, _, columns = part.partition(" OF ")
        operation = (
            pgtrigger.UpdateOf(*(name.strip() for name in columns.split(",")))
            if columns
            else WORDS[word.strip()]
        )
        found = found | operation if found else operation
    return found


class TriggerSql(compiler.UpsertTriggerSql):
    """The SQL that installs a trigger: no way to ignore it, always on, with a fixed search_path."""

    def get_template(self) -> str:
        """Return the text that the trigger's parts are set into. Migrations refer to it: only add versions."""
        return """
            CREATE OR REPLACE FUNCTION {pgid}() RETURNS TRIGGER AS $$
                {declare}
                BEGIN
                    {func}
                END;
            $$ LANGUAGE plpgsql SET search_path = public, pg_temp;

            DROP TRIGGER IF EXISTS {pgid} ON {table};
            CREATE {constraint} TRIGGER {pgid}
                {when} {operation} ON {table}
                {timing}
                {referencing}
                FOR EACH {level} {condition}
                EXECUTE FUNCTION {execute};
            ALTER TABLE {table} ENABLE ALWAYS TRIGGER {pgid};
            COMMENT ON TRIGGER {pgid} ON {table} IS '{hash}';
        """


class AppendOnlySql(TriggerSql):
    """The same, with a second trigger for TRUNCATE, which knows no rows."""

    def get_template(self) -> str:
        """Return the text that the trigger's parts are set into. Migrations refer to it: only add versions."""
        return (
            super().get_template()
            + """
            DROP TRIGGER IF EXISTS {pgid}_t ON {table};
            CREATE TRIGGER {pgid}_t BEFORE TRUNCATE ON {table} FOR EACH STATEMENT EXECUTE FUNCTION {execute};
            ALTER TABLE {table} ENABLE ALWAYS TRIGGER {pgid}_t;
        """
        )


class CompiledTrigger(compiler.Trigger):
    """A trigger as migrations keep it. Taking it away takes its function away, and with that all it fires on."""

    @property
    def uninstall_sql(self) -> str:
        """Return the SQL that removes the trigger."""
        return f"DROP FUNCTION IF EXISTS {self.sql.pgid}() CASCADE;"


class Rule(pgtrigger.Trigger):
    """A rule in PL/pgSQL: `func` is the body, and refuses by `RAISE EXCEPTION`, for which see `refuse`.

    `when`, `operation` and `level` are SQL's own words, such as "BEFORE", "INSERT OR UPDATE", "STATEMENT". By
    default it looks at each row before it is written; a deferred rule looks when the transaction commits.
    """

    when = pgtrigger.Before
    sql_class = TriggerSql

    def __init__(self, *, when="", operation="", level="", deferred: bool = False, **parts) -> None:
        timing = {"when": pgtrigger.After, "timing": pgtrigger.Deferred} if deferred else {}
        super().__init__(
            **{
                "when": WORDS.get(when, when or None),
                "operation": operations(operation) if isinstance(operation, str) else operation,
                "level": WORDS.get(level, level or None),
                **timing,
                **parts,
            }
        )

    def compile(self, model) -> CompiledTrigger:
        """Return the trigger for a table, as migrations keep it."""
        sql = self.sql_class(
            pgid=self.get_pgid(model),
            declare=self.render_declare(model),
            func=self.render_func(model),
            table=model._meta.db_table,
            constraint="CONSTRAINT" if self.timing else "",
            when=self.when,
            operation=self.operation,
            timing=f"DEFERRABLE INITIALLY {self.timing}" if self.timing else "",
            referencing=self.referencing or "",
            level=self.level,
            condition=self.render_condition(model),
            execute=self.render_execute(model),
        )
        return CompiledTrigger(name=self.name, sql=sql)


class AppendOnly(Rule):
    """Rows may be added and read: UPDATE and DELETE of a row are refused, and TRUNCATE of the table.

    The application's login is also not given those rights; it knows the tables by this trigger's name,
    which ends in `append_only`.
    """

    name = "append_only"
    operation = pgtrigger.Update | pgtrigger.Delete
    sql_class = AppendOnlySql

    def validate_name(self) -> None:
        """Hold the name to what the rights of the application are read from. Raises ValueError."""
        super().validate_name()
        if not self.name.endswith("append_only"):
            raise ValueError(f'The name "{self.name}" must end in append_only.')

    def get_func(self, model) -> str:
        """Return the body: a refusal, whatever the row."""
        return refuse("append-only: rows of % are never changed or removed", "TG_TABLE_NAME")


def refuse(message: str, *values: str) -> str:
    """Return the PL/pgSQL statement that refuses with a message; each % in it stands for an SQL expression."""
    quoted = message.replace("'", "''")
    return f"RAISE EXCEPTION '{', '.join([quoted + chr(39), *values])} USING ERRCODE = '{REFUSED}';"
