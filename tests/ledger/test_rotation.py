"""A new signing key: both sign for a while, then the new one alone; old checkpoints and reports hold as before."""

import pytest
from django.core.management import CommandError, call_command

from ledger import queries, verifier
from ledger.actions import inspections, reports, rotation
from ledger.domain import notes
from ledger.domain.policy import Policy
from ledger.errors import KeyUnusable
from ledger.models import Checkpoint
from tests.ledger.conftest import NOW, fill


@pytest.fixture
def rotate(settings, tmp_path):
    """Return a function that takes a new key as a house does that is restarted afterwards."""
    settings.LEDGER_POLICY = str(tmp_path / "policy")

    def run(overlap=5):
        kept = []
        rotation.rotate(overlap=overlap, keep=kept.append, now=NOW)
        settings.LEDGER_SIGNING_KEY = kept[0]

    return run


def signers(size):
    note = Checkpoint.objects.get(size=size).note
    return [each.key_id for each in notes.verify(note, queries.keys().log_vkeys).signatures]


@pytest.mark.django_db
def test_both_keys_sign_over_an_overlap_and_then_the_new_one_alone(rotate):
    fill(4)
    rotate(overlap=5)
    fill(8)  # with the entry of the rotation itself
    fill(12, signed_every=12)
    old, new = (notes.read_vkey(vkey).key_id for vkey in queries.keys().log_vkeys)
    assert signers(4) == [old]
    assert signers(9) == [old, new]
    assert signers(13) == [new]
    assert queries.entry(4).document["kind"] == "log.key_added"
    assert inspections.inspect(now=NOW).holds
    assert [each.size for each in queries.checkpoints()] == [13, 9, 4]


@pytest.mark.django_db
def test_reports_from_before_and_after_verify_under_the_new_policy(rotate, tmp_path, capsys):
    fill(4)

    def write(name):
        reports.write(out=tmp_path / name, entry_numbers=[1, 2], attachments={}, now=NOW)

    def check(name):
        (tmp_path / "trusted").write_text(queries.policy())
        return verifier.main([str(tmp_path / name), "--policy", str(tmp_path / "trusted")])

    write("before")
    rotate(overlap=2)
    fill(6)
    write("overlap")
    fill(12)
    write("after")
    assert [check(name) for name in ("before", "overlap", "after")] == [0, 0, 0]


@pytest.mark.django_db
def test_a_key_is_rotated_again_and_an_outside_quorum_is_kept(rotate, settings, tmp_path):
    fill(2)
    witness = notes.verifier_key(notes.new_key("witness.example/w", bytes(32), kind=b"\x04"))
    own = queries.keys()
    text = (
        own.policy()
        .render()
        .decode()
        .replace(
            "quorum own-ml-dsa",
            f"witness w {witness} http://127.0.0.1:9/\ngroup all 2 own-ml-dsa w\nquorum all",
        )
    )
    (tmp_path / "policy").write_text(text)
    rotate()
    rotate()
    policy = Policy.parse((tmp_path / "policy").read_bytes())
    assert len(policy.logs) == 3
    assert policy.quorum == "all"
    assert policy.holds(["own-ml-dsa-3", "w"])
    assert not policy.holds(["own-ml-dsa", "own-ml-dsa-2"])


@pytest.mark.django_db
def test_a_key_that_the_policy_lets_sign_nothing_more_does_not_sign(rotate, settings):
    fill(2)
    old = settings.LEDGER_SIGNING_KEY
    rotate(overlap=0)
    settings.LEDGER_SIGNING_KEY = old
    with pytest.raises(KeyUnusable):
        fill(5)


@pytest.mark.django_db
def test_a_key_given_from_outside_is_kept_in_a_file_of_its_owner(monkeypatch, settings, tmp_path):
    settings.LEDGER_POLICY = str(tmp_path / "policy")
    monkeypatch.setenv("LEDGER_SIGNING_KEY", settings.LEDGER_SIGNING_KEY)
    with pytest.raises(CommandError, match="name a --key-file"):
        call_command("ledger_rotate")
    assert not (tmp_path / "policy").exists()
    call_command("ledger_rotate", key_file=tmp_path / "key")
    assert (tmp_path / "key").stat().st_mode & 0o077 == 0
    assert (tmp_path / "key").read_text().startswith(settings.LEDGER_SIGNING_KEY + ",PRIVATE+KEY+")
    with pytest.raises(CommandError, match="is there already"):
        call_command("ledger_rotate", key_file=tmp_path / "key")
