"""What the log can be filtered by: indexes over the bytes themselves, so that there is no copy that could differ.

`ledger_said` gives the beginning of a member of what the bytes say, and nothing where they are no JSON: bytes
that somebody forged must still be taken in by a restored table, for whoever reads the whole log to find.
"""

import django.contrib.postgres.indexes
from django.db import migrations, models

import ledger.models

SAID = """
CREATE FUNCTION ledger_said(canonical bytea, member text) RETURNS text AS $$
BEGIN
    RETURN left(convert_from(canonical, 'UTF8')::jsonb ->> member, 200);
EXCEPTION WHEN data_exception OR statement_too_complex THEN
    RETURN NULL;
END
$$ LANGUAGE plpgsql IMMUTABLE STRICT PARALLEL SAFE SET search_path = pg_catalog, pg_temp;
"""


class Migration(migrations.Migration):
    dependencies = [("ledger", "0004_openings")]

    operations = [
        migrations.RunSQL(SAID, "DROP FUNCTION ledger_said(bytea, text)"),
        migrations.AddIndex(
            model_name="entry",
            index=django.contrib.postgres.indexes.BrinIndex(
                fields=["sequenced_at"], name="entry_sequenced_at"
            ),
        ),
        migrations.AddIndex(
            model_name="intent",
            index=models.Index(ledger.models.Said(models.F("canonical"), "kind"), name="intent_kind"),
        ),
        migrations.AddIndex(
            model_name="intent",
            index=models.Index(
                django.contrib.postgres.indexes.OpClass(
                    ledger.models.Said(models.F("canonical"), "subject"), name="text_pattern_ops"
                ),
                name="intent_subject",
            ),
        ),
    ]
