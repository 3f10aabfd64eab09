"""The table that held the words until the ledger took them."""

import pgtrigger.migrations
from django.db import migrations


class Migration(migrations.Migration):
    dependencies = [("licensing", "0005_words_under_openings")]

    operations = [
        pgtrigger.migrations.RemoveTrigger(model_name="grantdetail", name="says_what_was_said"),
        migrations.DeleteModel(name="GrantDetail"),
    ]
