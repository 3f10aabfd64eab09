"""Beat's timetable: each entry is a task that a worker knows."""

from django.conf import settings

from marketplace.celery import app


def test_every_entry_of_the_timetable_is_a_task_and_every_task_is_in_it():
    app.loader.import_default_modules()
    ours = {
        name
        for name in app.tasks
        if name.split(".")[0] in ("ledger", "licensing", "settlement", "marketplace")
    }
    assert {entry["task"] for entry in settings.CELERY_BEAT_SCHEDULE.values()} == ours


def test_tasks_are_taken_again_when_a_worker_is_lost():
    assert app.conf.task_acks_late
    assert app.conf.task_reject_on_worker_lost
