"""The sequence of certificate numbers. Numbers may be skipped; none comes twice and no sale waits for another."""

from django.db import migrations


class Migration(migrations.Migration):
    dependencies = [("licensing", "0002_check_prices")]

    operations = [
        migrations.RunSQL("CREATE SEQUENCE licensing_grant_number", "DROP SEQUENCE licensing_grant_number")
    ]
