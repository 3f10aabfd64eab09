"""What commitments hide: values and salts beside the log, which an entry can erase."""

import django.db.models.deletion
import django.db.models.lookups
import ledger.models
import ledger.triggers
import pgtrigger.migrations
from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ('ledger', '0003_anchors'),
    ]

    operations = [
        migrations.CreateModel(
            name='Opening',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('field', models.TextField()),
                ('salt', models.BinaryField()),
                ('value', models.JSONField()),
                ('created_at', models.DateTimeField()),
                ('intent', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='openings', to='ledger.intent')),
            ],
            options={
                'ordering': ['pk'],
                'constraints': [models.UniqueConstraint(fields=('intent', 'field'), name='opening_once_for_each_field'), models.CheckConstraint(condition=models.Q(django.db.models.lookups.Exact(ledger.models.OctetLength('salt'), 32)), name='opening_salt_length')],
            },
        ),
        pgtrigger.migrations.AddTrigger(
            model_name='opening',
            trigger=ledger.triggers.CompiledTrigger(name='says_what_was_said', sql=ledger.triggers.TriggerSql(func="RAISE EXCEPTION 'opening: it is erased or kept, never rewritten' USING ERRCODE = 'restrict_violation';", hash='24970ab6180ef7b6c238eaaa15b61f190758010f', operation='UPDATE', pgid='pgtrigger_says_what_was_said_34b96', table='ledger_opening', when='BEFORE')),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name='opening',
            trigger=ledger.triggers.CompiledTrigger(name='opens_a_commitment', sql=ledger.triggers.TriggerSql(func="\n                    IF NOT EXISTS (SELECT FROM ledger_intent WHERE id = NEW.intent_id\n                                   AND convert_from(canonical, 'UTF8')::json -> 'commit' ->> NEW.field IS NOT NULL)\n                    THEN\n                        RAISE EXCEPTION 'opening: intent % commits to no %', NEW.intent_id, NEW.field USING ERRCODE = 'restrict_violation';\n                    ELSIF EXISTS (SELECT FROM ledger_intent WHERE idempotency_key\n                                  = 'opening.erased:' || NEW.intent_id || ':' || NEW.field) THEN\n                        RAISE EXCEPTION 'opening: what was erased does not come back' USING ERRCODE = 'restrict_violation';\n                    END IF;\n                    RETURN NEW;\n                ", hash='94db6d8b945d1c07005196376053621e8629e927', operation='INSERT', pgid='pgtrigger_opens_a_commitment_5733c', table='ledger_opening', when='BEFORE')),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name='opening',
            trigger=ledger.triggers.CompiledTrigger(name='erased_by_an_entry', sql=ledger.triggers.TriggerSql(declare='DECLARE says json;', func="\n                    SELECT convert_from(canonical, 'UTF8')::json INTO says FROM ledger_intent\n                        WHERE idempotency_key = 'opening.erased:' || OLD.intent_id || ':' || OLD.field;\n                    IF (says ->> 'kind', says -> 'refs' ->> 'field', says ->> 'subject') IS DISTINCT FROM (\n                        'opening.erased', OLD.field, (SELECT convert_from(canonical, 'UTF8')::json ->> 'id'\n                                                FROM ledger_intent WHERE id = OLD.intent_id)) THEN\n                        RAISE EXCEPTION 'opening: no entry says that % of intent % is erased', OLD.field, OLD.intent_id USING ERRCODE = 'restrict_violation';\n                    END IF;\n                    RETURN OLD;\n                ", hash='280e2d8fbd0d503d0a567cc9bd826710624dd271', operation='DELETE', pgid='pgtrigger_erased_by_an_entry_ed2a4', table='ledger_opening', when='BEFORE')),
        ),
    ]
