"""The commands of the log: what they print and how they exit."""

import json
from io import StringIO

import pytest
from django.core.management import CommandError, call_command

from ledger import queries, tasks
from ledger.models import Pending
from tests.ledger.conftest import append, attacker, fill


def run(*arguments):
    out = StringIO()
    call_command(*arguments, stdout=out)
    return out.getvalue()


@pytest.mark.django_db
def test_verifying_a_sound_log_says_how_much_was_read():
    fill(5, signed_every=2)
    said = run("ledger_verify", "--json").splitlines()
    assert said[0].startswith("ok     5 entries, 3 checkpoints, root ")
    assert json.loads(said[-1]) == {
        "verified": True,
        "size": 5,
        "root": bytes(queries.latest_checkpoint().root).hex(),
        "checkpoints": 3,
        "faults": [],
    }


@pytest.mark.django_db
def test_an_empty_log_verifies():
    assert run("ledger_verify").startswith("ok     0 entries, 0 checkpoints")


@pytest.mark.django_db(transaction=True)
def test_verifying_a_changed_log_names_the_first_bad_entry_and_fails():
    fill(5)
    with attacker() as cursor:
        cursor.execute(
            "UPDATE ledger_intent SET canonical = canonical || ' ' WHERE idempotency_key >= 'test:2'"
        )
        out = StringIO()
        with pytest.raises(CommandError) as failed:
            call_command("ledger_verify", stdout=out)
    assert failed.value.returncode == 1
    assert "WRONG  entry 2: leaf_hash: expected" in out.getvalue()


@pytest.mark.django_db
def test_the_policy_names_both_keys_and_no_secret(tmp_path, settings):
    run("ledger_policy", "--out", str(tmp_path / "policy"))
    written = (tmp_path / "policy").read_text()
    assert written == queries.policy() == run("ledger_policy", "--out", "-")
    lines = written.splitlines()
    assert f"log {queries.keys().log_vkey}" in lines
    assert f"#report {queries.keys().report_vkey}" in lines
    assert "quorum none" in lines
    assert settings.LEDGER_SIGNING_KEY not in written + repr(queries.keys())
    assert "PRIVATE" not in written + repr(queries.keys())


@pytest.mark.django_db
def test_a_policy_that_cannot_be_written_is_one_sentence(tmp_path):
    with pytest.raises(CommandError, match="No such file or directory"):
        run("ledger_policy", "--out", str(tmp_path / "nowhere" / "policy"))


@pytest.mark.django_db
def test_the_task_numbers_and_signs_what_is_pending():
    append(1)
    tasks.sequence()
    assert not Pending.objects.exists()
    assert queries.latest_checkpoint().size == 1
