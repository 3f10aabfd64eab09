"""The rules on an asset's open offers that only a whole transaction can be held to."""

from pathlib import Path

from django.db import migrations

SQL = Path(__file__).parent / "sql" / "check_prices.sql"


class Migration(migrations.Migration):
    dependencies = [("licensing", "0001_first_rights")]

    operations = [
        migrations.RunSQL(
            SQL.read_text(),
            """
            DROP FUNCTION licensing_check_prices(uuid);
            DROP FUNCTION licensing_is_open_to_all(uuid);
            DROP FUNCTION licensing_open_offers(uuid);
            """,
        )
    ]
