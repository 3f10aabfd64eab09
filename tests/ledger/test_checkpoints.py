"""Signing: every checkpoint extends the one before it, or none is signed."""

import shutil

import pytest
from django.db import connection

from ledger import queries
from ledger.actions import checkpoints, sequencer
from ledger.domain import checkpoint, merkle, notes
from ledger.errors import (
    CheckpointNotFound,
    EntryNotFound,
    EntryNotSigned,
    KeyUnusable,
    LogBroken,
    Rollback,
    SecondRoot,
)
from ledger.gateways import storage
from ledger.models import Checkpoint
from tests.ledger.conftest import append, attacker, fill, leaf_hashes


@pytest.mark.django_db
def test_an_empty_log_is_not_signed(now):
    assert sequencer.catch_up(now=now) is None
    with pytest.raises(CheckpointNotFound):
        queries.checkpoint_at()


@pytest.mark.django_db
def test_a_checkpoint_is_signed_once_for_each_size(now):
    fill(3)
    assert checkpoints.sign(now=now) is None
    append(3)
    signed = sequencer.catch_up(now=now)
    assert [each.size for each in queries.checkpoints()] == [4, 3]
    assert queries.is_signed(signed.publication)
    assert bytes(signed.root) == merkle.root(leaf_hashes(4))


@pytest.mark.django_db
def test_every_entry_is_proved_under_every_checkpoint_over_it(now):
    fill(23, signed_every=5)
    for size in [each.size for each in queries.checkpoints()]:
        for number in range(size):
            proof = queries.proof(number, size)
            assert merkle.verify_inclusion(
                leaf_hash=merkle.leaf_hash(queries.entry(number).canonical),
                index=number,
                size=size,
                proof=proof.path,
                root=proof.root,
            )


@pytest.mark.django_db
def test_every_checkpoint_is_consistent_with_every_earlier_one():
    fill(23, signed_every=5)
    signed = queries.checkpoints()
    for new in signed:
        for old in [each for each in signed if each.size <= new.size]:
            assert merkle.verify_consistency(
                old_size=old.size,
                new_size=new.size,
                old_root=bytes(old.root),
                new_root=bytes(new.root),
                proof=queries.consistency(old.size, new.size),
            )


@pytest.mark.django_db
def test_what_cannot_be_proved_is_refused_by_name(now):
    fill(2)
    append(2)
    sequencer.run(now=now)
    with pytest.raises(EntryNotSigned) as refused:
        queries.proof(2)
    assert (refused.value.number, refused.value.size) == (2, 2)
    with pytest.raises(EntryNotFound):
        queries.proof(3)
    with pytest.raises(CheckpointNotFound):
        queries.proof(0, 1)
    assert queries.proved_entry(2).state == "sequenced"
    assert queries.proved_entry(1).state == "signed"


@pytest.mark.django_db
def test_a_key_of_another_ledger_does_not_sign_this_one(settings, now):
    append(0)
    settings.LEDGER_SIGNING_KEY = (
        "PRIVATE+KEY+PeterNeumann+c74f20a3+AYEKFALVFGyNhPJEMzD1QIDr+Y7hfZx09iUvxdXHKDFz"
    )
    with pytest.raises(KeyUnusable):
        sequencer.catch_up(now=now)
    settings.LEDGER_SIGNING_KEY = "not a key"
    with pytest.raises(KeyUnusable):
        sequencer.catch_up(now=now)


@pytest.mark.django_db(transaction=True)
def test_a_log_that_is_shorter_than_what_was_signed_is_not_signed(now):
    fill(6, signed_every=3)
    frontier = merkle.Frontier().extend(leaf_hashes(4))
    with attacker() as cursor:
        cursor.execute("DELETE FROM ledger_entry WHERE number >= 4")
        cursor.execute(
            "UPDATE ledger_head SET size = 4, frontier = %s, root = %s", [bytes(frontier), frontier.root()]
        )
        with pytest.raises(Rollback):
            checkpoints.sign(now=now)


@pytest.mark.django_db(transaction=True)
def test_a_second_root_for_a_signed_size_is_not_signed(now):
    fill(4)
    with attacker() as cursor:
        cursor.execute("UPDATE ledger_head SET root = %s", [bytes(32)])
        with pytest.raises(SecondRoot):
            checkpoints.sign(now=now)


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize(
    "attack",
    [
        "UPDATE ledger_intent SET canonical = canonical || ' ' WHERE id = (SELECT max(id) FROM ledger_intent)",
        "UPDATE ledger_entry SET leaf_hash = sha256('x') WHERE number = 4",
        "DELETE FROM ledger_entry WHERE number = 4",
        "UPDATE ledger_checkpoint SET root = sha256('x')",
        "UPDATE ledger_head SET root = sha256('x')",
    ],
)
def test_entries_that_were_changed_before_they_were_signed_are_not_signed(attack, now):
    fill(4)
    append(4)
    sequencer.run(now=now)
    with attacker() as cursor:
        cursor.execute(attack)
        with pytest.raises(LogBroken):
            checkpoints.sign(now=now)
    assert checkpoints.sign(now=now).size == 5


@pytest.mark.django_db(transaction=True)
def test_signing_reads_only_the_entries_since_the_last_checkpoint(now):
    """The bytes of old entries are not needed: the tiles stand for them."""
    fill(8)
    append(8)
    sequencer.run(now=now)
    with attacker() as cursor:
        cursor.execute("DELETE FROM ledger_entry WHERE number < 7")
        assert checkpoints.sign(now=now).size == 9
    assert connection.settings_dict["USER"] == connection.application_login
    assert Checkpoint.objects.count() == 1


@pytest.mark.django_db
@pytest.mark.parametrize(("known_size", "refusal"), [(8, SecondRoot), (12, Rollback)])
@pytest.mark.parametrize("forgets", [True, False])
def test_a_signer_never_leaves_what_strangers_know(now, settings, known_size, refusal, forgets):
    """As after database and memory were both put back, while the published files lie elsewhere."""
    fill(8)
    published = storage.read("checkpoint")
    text = checkpoint.text(origin=settings.LEDGER_ORIGIN, size=known_size, root=bytes(32))
    storage.replace("checkpoint", notes.sign(text, [queries.keys().log]).encode())
    if forgets:
        shutil.rmtree(settings.LEDGER_MEMORY)
    append(8)
    sequencer.run(now=now)
    with pytest.raises(refusal):
        checkpoints.sign(now=now)
    storage.replace("checkpoint", published)
    assert checkpoints.sign(now=now).size == 9
