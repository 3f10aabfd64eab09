"""The two logins, and how test databases are made and put back."""

import pytest
from django.contrib.auth import get_user_model
from django.db import IntegrityError, connection, connections, transaction
from django.db.utils import ProgrammingError


def ask(statement, *values):
    with connection.cursor() as cursor:
        cursor.execute(statement, values)
        return cursor.fetchone()[0]


@pytest.mark.django_db
def test_tests_run_as_the_application_which_owns_nothing():
    assert ask("SELECT current_user") == connection.application_login
    assert ask("SELECT count(*) FROM pg_class WHERE pg_get_userbyid(relowner) = current_user") == 0
    assert ask("SELECT count(*) FROM pg_auth_members WHERE member = current_user::regrole") == 0


@pytest.mark.django_db
@pytest.mark.parametrize(
    "statement",
    [
        "DROP TABLE marketplace_user",
        "ALTER TABLE marketplace_user DISABLE TRIGGER ALL",
        "TRUNCATE marketplace_user",
        "CREATE TABLE mine (n int)",
        "CREATE TEMPORARY TABLE mine (n int)",
        "CREATE SCHEMA mine",
        "SET ROLE wenshi_owner",
        "SET SESSION AUTHORIZATION wenshi_owner",
        "SET session_replication_role = replica",
        "UPDATE django_migrations SET name = 'x'",
    ],
)
def test_the_application_may_not(statement):
    with pytest.raises(ProgrammingError), transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(statement)


@pytest.mark.django_db(transaction=True)
def test_a_committed_row_is_there_within_its_test():
    get_user_model().objects.create_user("one@example.org")
    assert get_user_model().objects.count() == 1


@pytest.mark.django_db(transaction=True)
def test_a_committed_row_of_another_test_is_gone():
    assert get_user_model().objects.count() == 0
    assert ask("SELECT count(*) FROM django_content_type") > 0


@pytest.mark.django_db
def test_every_trigger_stays_on_in_every_kind_of_session():
    assert ask("SELECT count(*) FROM pg_trigger WHERE tgname LIKE 'pgtrigger%%' AND tgenabled <> 'A'") == 0


def test_no_database_is_emptied_that_this_process_did_not_make():
    fresh = connections["default"].copy()
    with pytest.raises(AssertionError):
        fresh.creation.restore_test_db()


@pytest.mark.django_db
def test_the_same_address_is_not_taken_twice():
    get_user_model().objects.create_user("one@example.org")
    with pytest.raises(IntegrityError):
        get_user_model().objects.create_user("ONE@example.org")
