"""Audit reports, and the sequence of their numbers: one may be skipped, none comes twice."""

import django.db.models.deletion
import ledger.triggers
import pgtrigger.migrations
from django.conf import settings
from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ('marketplace', '0005_previews_counted_by_day'),
    ]

    operations = [
        migrations.RunSQL('CREATE SEQUENCE marketplace_report_number', 'DROP SEQUENCE marketplace_report_number'),
        migrations.CreateModel(
            name='Report',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('number', models.TextField(unique=True)),
                ('subject_kind', models.TextField(choices=[('asset', 'Asset'), ('shop', 'Shop')])),
                ('subject_id', models.UUIDField()),
                ('subject_name', models.TextField()),
                ('as_of', models.DateTimeField()),
                ('asked_at', models.DateTimeField()),
                ('state', models.TextField(choices=[('queued', 'Queued'), ('made', 'Made'), ('failed', 'Failed')], default='queued')),
                ('failure', models.TextField(blank=True, choices=[('no-checkpoint', 'No Checkpoint'), ('too-large', 'Too Large'), ('fault', 'Fault')], default='')),
                ('made_at', models.DateTimeField(null=True)),
                ('digest', models.TextField(blank=True, default='')),
                ('checkpoint_size', models.BigIntegerField(null=True)),
                ('storage_key', models.TextField(blank=True, default='')),
                ('asked_by', models.ForeignKey(null=True, on_delete=django.db.models.deletion.SET_NULL, related_name='+', to=settings.AUTH_USER_MODEL)),
            ],
            options={
                'indexes': [models.Index(condition=models.Q(('state', 'queued')), fields=['asked_at'], name='report_waiting'), models.Index(fields=['asked_by', '-asked_at'], name='report_asked_by')],
                'constraints': [models.CheckConstraint(condition=models.Q(('subject_kind__in', ['asset', 'shop'])), name='report_subject_known'), models.CheckConstraint(condition=models.Q(('as_of__lte', models.F('asked_at'))), name='report_looks_back'), models.CheckConstraint(condition=models.Q(models.Q(('digest', ''), ('failure', ''), ('made_at', None), ('state', 'queued'), ('storage_key', '')), models.Q(('digest', ''), ('made_at__isnull', False), ('state', 'failed'), models.Q(('failure', ''), _negated=True)), models.Q(('checkpoint_size__gt', 0), ('digest__regex', '^[0-9a-f]{64}$'), ('failure', ''), ('made_at__isnull', False), ('state', 'made'), models.Q(('storage_key', ''), _negated=True)), _connector='OR'), name='report_is_whole')],
            },
        ),
        pgtrigger.migrations.AddTrigger(
            model_name='report',
            trigger=ledger.triggers.CompiledTrigger(name='stays_as_made', sql=ledger.triggers.TriggerSql(func="\n                    IF TG_OP = 'DELETE' THEN\n                        RAISE EXCEPTION 'report: what was asked for stays' USING ERRCODE = 'restrict_violation';\n                    END IF;\n                    IF (NEW.number, NEW.subject_kind, NEW.subject_id, NEW.subject_name, NEW.as_of, NEW.asked_at)\n                        IS DISTINCT FROM (OLD.number, OLD.subject_kind, OLD.subject_id, OLD.subject_name,\n                                          OLD.as_of, OLD.asked_at)\n                        OR NEW.asked_by_id IS DISTINCT FROM OLD.asked_by_id AND NEW.asked_by_id IS NOT NULL THEN\n                        RAISE EXCEPTION 'report: what was asked for stays' USING ERRCODE = 'restrict_violation';\n                    END IF;\n                    IF OLD.state <> 'queued' AND (NEW.state, NEW.failure, NEW.made_at, NEW.digest,\n                                                  NEW.checkpoint_size, NEW.storage_key)\n                        IS DISTINCT FROM (OLD.state, OLD.failure, OLD.made_at, OLD.digest,\n                                          OLD.checkpoint_size, OLD.storage_key) THEN\n                        RAISE EXCEPTION 'report: it stays as it was made' USING ERRCODE = 'restrict_violation';\n                    END IF;\n                    RETURN NEW;\n                ", hash='83886d8fdcf0c226d81b3d8ae1875cea6bf07663', operation='UPDATE OR DELETE', pgid='pgtrigger_stays_as_made_3c423', table='marketplace_report', when='BEFORE')),
        ),
    ]
