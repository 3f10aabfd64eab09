"""/healthz and /readyz, with what they need there and away."""

import pytest
from django.test import Client

from marketplace.queries import readiness


def test_the_process_answers_without_asking_anybody():
    assert Client().get("/healthz").json() == {"status": "ok"}


@pytest.mark.django_db
def test_the_house_is_ready_when_all_answers():
    answer = Client().get("/readyz")
    assert answer.json() == {"status": "ok"}
    assert answer.status_code == 200
    assert "no-store" in answer["Cache-Control"]


@pytest.mark.django_db
@pytest.mark.parametrize("part", readiness.QUESTIONS)
def test_the_house_is_not_ready_and_says_why_when_something_is_away(part, monkeypatch):
    def away():
        raise ConnectionError("nobody there")

    monkeypatch.setitem(readiness.QUESTIONS, part, away)
    answer = Client().get("/readyz")
    assert answer.status_code == 503
    assert answer.json() == {"status": "not ready", part: "ConnectionError: nobody there"}


@pytest.mark.django_db
def test_a_migration_that_is_not_applied_is_seen():
    from django.db import connection
    from django.db.migrations.recorder import MigrationRecorder

    with pytest.MonkeyPatch.context() as patch:
        applied = MigrationRecorder(connection).applied_migrations()
        patch.setattr(MigrationRecorder, "applied_migrations", lambda self: dict(list(applied.items())[:-1]))
        assert "1 migrations" in readiness.obstacles()["migrations"]


def test_a_folder_that_cannot_be_written_to_is_seen(settings, tmp_path):
    (tmp_path / "file").write_text("in the way")
    options = {"location": str(tmp_path / "file" / "files")}
    settings.STORAGES = {**settings.STORAGES, "default": {**settings.STORAGES["default"], "OPTIONS": options}}
    assert "NotADirectoryError" in readiness.obstacles()["storage"]
