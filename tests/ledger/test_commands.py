"""The commands of the log: what they print and how they exit."""

import json
from io import StringIO

import pytest
from django.core.management import CommandError, call_command
from django.db import connection

from ledger import queries, tasks
from ledger.actions import inspections, sequencer
from ledger.gateways import storage
from ledger.models import Checkpoint, Inspection, Pending
from tests.ledger.conftest import NOW, append, attacker, fill


@pytest.fixture(autouse=True)
def no_publisher_at_work(monkeypatch):
    """Wait for nobody who is about to show what was published."""
    monkeypatch.setattr(inspections, "PAUSE_SECONDS", 0)


def run(*arguments):
    out = StringIO()
    call_command(*arguments, stdout=out)
    return out.getvalue()


@pytest.mark.django_db
def test_verifying_a_sound_log_says_how_much_was_read():
    fill(5, signed_every=2)
    said = run("ledger_fsck", "--json").splitlines()
    assert said[0].startswith("ok     5 entries, 3 checkpoints, root ")
    assert json.loads(said[-1]) == {
        "verified": True,
        "size": 5,
        "root": bytes(queries.latest_checkpoint().root).hex(),
        "checkpoints": 3,
        "faults": [],
        "not_checked": {},
    }


@pytest.mark.django_db
def test_an_empty_log_verifies():
    assert run("ledger_fsck").startswith("ok     0 entries, 0 checkpoints")


@pytest.mark.django_db(transaction=True)
def test_verifying_a_changed_log_names_the_first_bad_entry_and_fails():
    fill(5)
    with attacker() as cursor:
        cursor.execute(
            "UPDATE ledger_intent SET canonical = canonical || ' ' WHERE idempotency_key >= 'test:2'"
        )
        out = StringIO()
        with pytest.raises(CommandError) as failed:
            call_command("ledger_fsck", stdout=out)
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
    assert f"witness own-ml-dsa {queries.keys().ml_dsa_vkeys[0]}" in lines
    assert "quorum own-ml-dsa" in lines
    assert settings.LEDGER_SIGNING_KEY not in written + repr(queries.keys())
    assert "PRIVATE" not in written + repr(queries.keys())


@pytest.mark.django_db
def test_a_policy_that_cannot_be_written_is_one_sentence(tmp_path):
    with pytest.raises(CommandError, match="No such file or directory"):
        run("ledger_policy", "--out", str(tmp_path / "nowhere" / "policy"))


@pytest.mark.django_db
def test_the_tasks_number_sign_publish_and_look_at_what_is_pending():
    append(1)
    tasks.sequence()
    assert not Pending.objects.exists()
    assert Checkpoint.objects.get().size == 1
    assert queries.latest_checkpoint() is None
    tasks.publish()
    assert queries.latest_checkpoint().size == 1
    tasks.look()
    tasks.inspect()
    assert [(each.thorough, each.faults) for each in Inspection.objects.all()] == [(False, []), (True, [])]


@pytest.mark.django_db
def test_a_quick_look_begins_where_the_last_good_one_ended():
    fill(600, signed_every=300)
    assert run("ledger_fsck", "--fast").startswith("ok     600 entries, 2 checkpoints, root ")
    fill(700, signed_every=700)
    said = run("ledger_fsck", "--fast")
    assert said.startswith("ok     700 entries, 2 checkpoints, root ")
    assert said.rstrip().endswith("read from entry 512 on")
    assert "read from" not in run("ledger_fsck")


@pytest.mark.django_db(transaction=True)
def test_what_a_quick_look_finds_is_told_to_those_in_charge(settings, mailoutbox):
    settings.ADMINS = [("", "house@example.org")]
    fill(5)
    tasks.look()
    assert mailoutbox == []
    storage.replace("tile/0/000.p/5", bytes(160))
    tasks.look()
    assert "tile 0" in mailoutbox[0].body
    assert Inspection.objects.last().faults[0]["layer"] == "tile"


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("name", "layer", "number"),
    [
        ("tile/0/000", "tile", 0),
        ("tile/0/001.p/44", "tile", 256),
        ("tile/1/000.p/1", "tile", 0),
        ("tile/entries/000", "bundle", 0),
        ("checkpoints/300", "published", 300),
        ("checkpoint", "published", 300),
    ],
)
@pytest.mark.parametrize("harm", ["lost", "changed"])
def test_a_file_that_is_wrong_is_named_and_mended_to_what_was_signed(name, layer, number, harm):
    fill(300)
    right = storage.read(name)
    storage.files().delete(name)
    if harm == "changed":
        storage.put(name, right[:9] + bytes([right[9] ^ 1]) + right[10:])
    out = StringIO()
    with pytest.raises(CommandError):
        call_command("ledger_fsck", stdout=out)
    assert f"WRONG  {layer} {number}: " in out.getvalue()
    said = run("ledger_fsck", "--repair")
    assert f"mended {layer}" in said
    assert said.splitlines()[-1].startswith("ok")
    assert storage.read(name) == right
    sequencer.catch_up(now=NOW)
    assert queries.entry(300).document["kind"] == "log.repaired"


@pytest.mark.django_db(transaction=True)
def test_entries_are_never_repaired():
    fill(5)
    with attacker() as cursor:
        cursor.execute(
            "UPDATE ledger_intent SET canonical = canonical || ' ' WHERE idempotency_key = 'test:2'"
        )
        with pytest.raises(CommandError, match="Only what is derived"):
            call_command("ledger_fsck", "--repair", stdout=StringIO())


@pytest.mark.django_db(transaction=True)
def test_a_head_is_mended_to_what_was_signed():
    fill(5)
    with connection.cursor() as cursor:  # which the application's own login may do
        cursor.execute("UPDATE ledger_head SET root = sha256('x'), tip = sha256('y'), epoch = epoch + 1")
    assert run("ledger_fsck", "--repair").splitlines()[-1].startswith("ok")
