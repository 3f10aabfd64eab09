"""Checkpoints are cosigned and published; batches are checked at once; the log's readings are kept."""

import django.db.models.deletion
import django.db.models.lookups
import ledger.models
import ledger.triggers
import pgtrigger.migrations
from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ('ledger', '0001_log'),
    ]

    operations = [
        migrations.CreateModel(
            name='Cosignature',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('name', models.TextField()),
                ('key_id', models.TextField()),
                ('line', models.TextField()),
                ('made_at', models.DateTimeField()),
            ],
            options={
                'ordering': ['pk'],
            },
        ),
        migrations.CreateModel(
            name='Inspection',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('thorough', models.BooleanField(help_text='whether the whole log was read, or what came since')),
                ('size', models.BigIntegerField()),
                ('faults', models.JSONField(default=list, help_text='layer, number and reason of each first fault')),
                ('started_at', models.DateTimeField()),
                ('ended_at', models.DateTimeField()),
            ],
            options={
                'ordering': ['pk'],
            },
        ),
        migrations.CreateModel(
            name='Publication',
            fields=[
                ('checkpoint', models.OneToOneField(on_delete=django.db.models.deletion.PROTECT, primary_key=True, related_name='publication', serialize=False, to='ledger.checkpoint')),
                ('note', models.TextField()),
                ('published_at', models.DateTimeField()),
            ],
            options={
                'ordering': ['checkpoint_id'],
            },
        ),
        pgtrigger.migrations.RemoveTrigger(
            model_name='entry',
            name='linked',
        ),
        pgtrigger.migrations.RemoveTrigger(
            model_name='intent',
            name='leaf_hash',
        ),
        pgtrigger.migrations.RemoveTrigger(
            model_name='pending',
            name='leaves_by_number',
        ),
        migrations.RemoveConstraint(
            model_name='entry',
            name='entry_chain_hash_length',
        ),
        migrations.RemoveConstraint(
            model_name='intent',
            name='intent_leaf_hash_length',
        ),
        migrations.AlterField(  # so that the way back can fill the column
            model_name='checkpoint',
            name='frontier',
            field=models.BinaryField(default=b''),
        ),
        migrations.RemoveField(
            model_name='checkpoint',
            name='frontier',
        ),
        migrations.AlterField(
            model_name='entry',
            name='chain_hash',
            field=models.BinaryField(),
        ),
        migrations.AlterField(
            model_name='entry',
            name='intent',
            field=models.OneToOneField(db_constraint=False, on_delete=django.db.models.deletion.PROTECT, related_name='entry', to='ledger.intent'),
        ),
        migrations.AlterField(
            model_name='intent',
            name='idempotency_key',
            field=models.TextField(),
        ),
        migrations.AlterField(
            model_name='pending',
            name='intent',
            field=models.OneToOneField(db_constraint=False, on_delete=django.db.models.deletion.PROTECT, primary_key=True, related_name='pending', serialize=False, to='ledger.intent'),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name='entry',
            trigger=ledger.triggers.CompiledTrigger(name='linked', sql=ledger.triggers.TriggerSql(declare='DECLARE wrong record;', func="\n                    SELECT * INTO wrong FROM (\n                        SELECT number, leaf_hash, prev,\n                            (SELECT sha256('\\x00'::bytea || i.canonical) FROM ledger_intent i\n                                WHERE i.id = fresh.intent_id) AS leaf,\n                            CASE fresh.number WHEN 0 THEN decode(repeat('00', 32), 'hex') ELSE\n                                (SELECT e.chain_hash FROM ledger_entry e WHERE e.number = fresh.number - 1)\n                            END AS link\n                        FROM fresh\n                    ) AS looked\n                    WHERE leaf_hash IS DISTINCT FROM leaf OR prev IS DISTINCT FROM link\n                    ORDER BY number LIMIT 1;\n                    IF wrong IS NULL THEN\n                        RETURN NULL;\n                    ELSIF wrong.leaf_hash IS DISTINCT FROM wrong.leaf THEN\n                        RAISE EXCEPTION 'leaf hash: entry % does not carry the hash of its intent', wrong.number USING ERRCODE = 'restrict_violation';\n                    END IF;\n                    RAISE EXCEPTION 'chain: entry % does not follow the entry before it', wrong.number USING ERRCODE = 'restrict_violation';\n                ", hash='7d22fa909f3d7952a7df23c5234943b2db93e86f', level='STATEMENT', operation='INSERT', pgid='pgtrigger_linked_f173f', referencing='REFERENCING NEW TABLE AS fresh ', table='ledger_entry', when='AFTER')),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name='pending',
            trigger=ledger.triggers.CompiledTrigger(name='waits_as_it_is', sql=ledger.triggers.TriggerSql(func="RAISE EXCEPTION 'pending: an intent waits as it is' USING ERRCODE = 'restrict_violation';", hash='7f3181824aa09e9db6160e717ae33b6409fb343f', operation='UPDATE', pgid='pgtrigger_waits_as_it_is_9a4bd', table='ledger_pending', when='BEFORE')),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name='pending',
            trigger=ledger.triggers.CompiledTrigger(name='waits_once', sql=ledger.triggers.TriggerSql(condition='WHEN (pg_trigger_depth() = 0)', func="\n                    IF EXISTS (SELECT FROM ledger_entry WHERE intent_id = NEW.intent_id) THEN\n                        RAISE EXCEPTION 'pending: intent % has its number already', NEW.intent_id USING ERRCODE = 'restrict_violation';\n                    END IF;\n                    RETURN NEW;\n                ", hash='5eede9c277ca0b009a22676955e13bea56b05e33', operation='INSERT', pgid='pgtrigger_waits_once_1d4cb', table='ledger_pending', when='BEFORE')),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name='pending',
            trigger=ledger.triggers.CompiledTrigger(name='leaves_by_number', sql=ledger.triggers.TriggerSql(declare='DECLARE lost bigint;', func="\n                    SELECT min(intent_id) INTO lost FROM gone WHERE\n                        (SELECT e.number FROM ledger_entry e WHERE e.intent_id = gone.intent_id) IS NULL;\n                    IF lost IS NOT NULL THEN\n                        RAISE EXCEPTION 'pending: intent % has no number yet', lost USING ERRCODE = 'restrict_violation';\n                    END IF;\n                    RETURN NULL;\n                ", hash='cf0e326d6b95623fae1a81134999eeedfc5a7714', level='STATEMENT', operation='DELETE', pgid='pgtrigger_leaves_by_number_fb4a2', referencing='REFERENCING OLD TABLE AS gone ', table='ledger_pending', when='AFTER')),
        ),
        migrations.AddConstraint(
            model_name='entry',
            constraint=models.CheckConstraint(condition=models.Q(django.db.models.lookups.Exact(models.F('chain_hash'), ledger.models.Sha256(b'\x02', 'prev', 'leaf_hash'))), name='entry_chain_hash'),
        ),
        migrations.AddConstraint(
            model_name='intent',
            constraint=models.UniqueConstraint(fields=('idempotency_key',), name='intent_once_for_each_key'),
        ),
        migrations.AddConstraint(
            model_name='intent',
            constraint=models.CheckConstraint(condition=models.Q(django.db.models.lookups.Exact(models.F('leaf_hash'), ledger.models.Sha256(b'\x00', 'canonical'))), name='intent_leaf_hash'),
        ),
        migrations.AddField(
            model_name='cosignature',
            name='checkpoint',
            field=models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='cosignatures', to='ledger.checkpoint'),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name='inspection',
            trigger=ledger.triggers.CompiledTrigger(name='append_only', sql=ledger.triggers.AppendOnlySql(func="RAISE EXCEPTION 'append-only: rows of % are never changed or removed', TG_TABLE_NAME USING ERRCODE = 'restrict_violation';", hash='c0f6cdc31d91cf359ae78c4f8054a74ecc52dc89', operation='UPDATE OR DELETE', pgid='pgtrigger_append_only_1836d', table='ledger_inspection', when='BEFORE')),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name='publication',
            trigger=ledger.triggers.CompiledTrigger(name='append_only', sql=ledger.triggers.AppendOnlySql(func="RAISE EXCEPTION 'append-only: rows of % are never changed or removed', TG_TABLE_NAME USING ERRCODE = 'restrict_violation';", hash='493926639a76dfe5c32394635f13878f0862972a', operation='UPDATE OR DELETE', pgid='pgtrigger_append_only_7f859', table='ledger_publication', when='BEFORE')),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name='publication',
            trigger=ledger.triggers.CompiledTrigger(name='grows', sql=ledger.triggers.TriggerSql(func="\n                    IF EXISTS (SELECT FROM ledger_publication WHERE checkpoint_id >= NEW.checkpoint_id) THEN\n                        RAISE EXCEPTION 'publication: size % was published or passed already', NEW.checkpoint_id USING ERRCODE = 'restrict_violation';\n                    END IF;\n                    RETURN NEW;\n                ", hash='069f29bbf52a0ae64c5b0e9909eb26384dfaad5b', operation='INSERT', pgid='pgtrigger_grows_f24ab', table='ledger_publication', when='BEFORE')),
        ),
        migrations.AddConstraint(
            model_name='cosignature',
            constraint=models.UniqueConstraint(fields=('checkpoint', 'name', 'key_id'), name='cosignature_once_for_each_key'),
        ),
        migrations.AddConstraint(
            model_name='cosignature',
            constraint=models.CheckConstraint(condition=models.Q(('line__endswith', '\n')), name='cosignature_is_a_line'),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name='cosignature',
            trigger=ledger.triggers.CompiledTrigger(name='append_only', sql=ledger.triggers.AppendOnlySql(func="RAISE EXCEPTION 'append-only: rows of % are never changed or removed', TG_TABLE_NAME USING ERRCODE = 'restrict_violation';", hash='f6c78c8a574917aca5e3cb7d63ce4b98191c9bd3', operation='UPDATE OR DELETE', pgid='pgtrigger_append_only_716b4', table='ledger_cosignature', when='BEFORE')),
        ),
    ]
