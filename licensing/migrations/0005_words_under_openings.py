"""What licensees said of themselves moves to the ledger's openings: value and salt are in one place.

The old rows keep the one salt and the one value that their entries commit to, as the field `licensee`. On the way
back each named grant gets its words again; its openings stay with the ledger, so that the way forward loses nothing.
"""

from django.db import migrations

FORWARD = """
    INSERT INTO ledger_opening (intent_id, field, salt, value, created_at)
    SELECT g.intent_id, 'licensee', d.salt, jsonb_build_object('party', g.licensee_id,
        'licensee_name', d.licensee_name, 'institution', d.institution,
        'institution_kind', d.institution_kind, 'statement', d.statement), g.issued_at
    FROM licensing_grantdetail d JOIN licensing_grant g ON g.id = d.grant_id
    WHERE NOT EXISTS (SELECT FROM ledger_opening o WHERE o.intent_id = g.intent_id)
    ORDER BY g.issued_at
"""

# A salt that each word has of its own does not fit into the old table; the row gets that of the name.
BACK = """
    INSERT INTO licensing_grantdetail (grant_id, licensee_name, institution, institution_kind, statement, salt)
    SELECT g.id, coalesce(said.words ->> 'licensee_name', ''), coalesce(said.words ->> 'institution', ''),
        coalesce(said.words ->> 'institution_kind', ''), coalesce(said.words ->> 'statement', ''), said.salt
    FROM licensing_grant g JOIN (
        SELECT intent_id,
            coalesce((jsonb_agg(value) FILTER (WHERE field = 'licensee')) -> 0, jsonb_object_agg(field, value)) AS words,
            (array_agg(salt ORDER BY field <> 'licensee', field <> 'licensee_name', field))[1] AS salt
        FROM ledger_opening GROUP BY intent_id
    ) AS said ON said.intent_id = g.intent_id
"""


class Migration(migrations.Migration):
    dependencies = [("ledger", "0004_openings"), ("licensing", "0004_first_parties")]

    operations = [migrations.RunSQL(FORWARD, BACK)]
