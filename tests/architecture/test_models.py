"""The shape of the tables: foreign keys and migrations point down, nothing is missing, triggers stay on."""

import io

import pytest
from django.apps import apps
from django.core.management import call_command
from django.db import connection
from django.db.migrations.loader import MigrationLoader

STACK = ("ledger", "licensing", "settlement", "marketplace")
MODELS = [model for app in STACK for model in apps.get_app_config(app).get_models(include_auto_created=True)]


@pytest.mark.parametrize("model", MODELS, ids=lambda model: model._meta.label)
def test_foreign_keys_point_down(model):
    height = STACK.index(model._meta.app_label)
    for field in model._meta.get_fields():
        if field.concrete and field.related_model:
            other = field.related_model._meta.app_label
            above = STACK[height + 1 :]
            assert other not in above, f"{field} points up to {other}"
            if field.related_model is apps.get_model("marketplace.User"):
                assert model._meta.app_label == "marketplace", f"{field}: below, one knows parties"


def test_migrations_point_down():
    loader = MigrationLoader(None, ignore_no_migrations=True)
    for (app, name), migration in loader.disk_migrations.items():
        if app in STACK:
            above = STACK[STACK.index(app) + 1 :]
            assert not [needed for needed, _ in migration.dependencies if needed in above], (app, name)


@pytest.mark.django_db
def test_no_migration_is_missing():
    call_command("makemigrations", *STACK, "--check", "--dry-run", stdout=io.StringIO())


@pytest.mark.django_db
def test_every_trigger_of_a_model_is_installed_and_always_on():
    with connection.cursor() as cursor:
        cursor.execute("SELECT tgname, tgenabled FROM pg_trigger WHERE NOT tgisinternal")
        installed = dict(cursor.fetchall())
    for model in MODELS:
        for trigger in getattr(model._meta, "triggers", ()):
            assert installed.get(trigger.get_pgid(model)) == "A", f"{model._meta.label}: {trigger}"
    assert set(installed.values()) <= {"A"}


@pytest.mark.django_db
def test_every_function_of_a_trigger_has_a_fixed_search_path():
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT p.proname FROM pg_proc p JOIN pg_trigger t ON t.tgfoid = p.oid "
            "WHERE NOT t.tgisinternal AND NOT coalesce(p.proconfig::text LIKE '%search_path=%', false)"
        )
        assert cursor.fetchall() == []


@pytest.mark.django_db
def test_the_application_may_only_add_to_what_is_append_only():
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT c.relname, array_agg(DISTINCT r) FROM pg_class c "
            "JOIN pg_trigger t ON t.tgrelid = c.oid AND t.tgname ~ '^pgtrigger_.*append_only_[0-9a-f]{5}$', "
            "unnest(ARRAY['SELECT','INSERT','UPDATE','DELETE','TRUNCATE','TRIGGER','REFERENCES']) r "
            "WHERE has_table_privilege(current_user, c.oid, r) GROUP BY 1"
        )
        for table, rights in cursor.fetchall():
            assert sorted(rights) == ["INSERT", "SELECT"], table
