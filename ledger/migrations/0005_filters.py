"""What entries can be looked for by, in a table that is derived from their bytes."""

import django.contrib.postgres.indexes
import django.db.models.deletion
from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ('ledger', '0004_openings'),
    ]

    operations = [
        migrations.CreateModel(
            name='Projection',
            fields=[
                ('entry', models.OneToOneField(db_constraint=False, on_delete=django.db.models.deletion.PROTECT, primary_key=True, related_name='projection', serialize=False, to='ledger.entry')),
                ('kind', models.TextField()),
                ('subject', models.TextField()),
            ],
        ),
        migrations.AddIndex(
            model_name='entry',
            index=django.contrib.postgres.indexes.BrinIndex(fields=['sequenced_at'], name='entry_sequenced_at'),
        ),
        migrations.AddIndex(
            model_name='projection',
            index=models.Index(fields=['kind', 'entry'], name='projection_kind'),
        ),
        migrations.AddIndex(
            model_name='projection',
            index=models.Index(fields=['subject'], name='projection_subject', opclasses=['text_pattern_ops']),
        ),
    ]
