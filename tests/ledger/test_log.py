"""Handing in: with the business row or not at all, once for each key."""

import pytest
from django.db import transaction

from ledger import queries
from ledger.actions import log, sequencer
from ledger.errors import IntentNotFound, KeyReused, NotADocument, NotCanonical
from ledger.models import Intent, Pending
from ledger.queries import EntryState
from tests.ledger.conftest import append, document

pytestmark = pytest.mark.django_db


def test_what_is_handed_in_is_pending_then_sequenced_then_signed(now):
    intent = append(1)
    assert queries.entry_state(intent) == EntryState.PENDING
    assert queries.number_of(intent) is None
    sequencer.run(now=now)
    assert queries.entry_state(intent) == EntryState.SEQUENCED
    assert queries.number_of(intent) == 0
    sequencer.catch_up(now=now)
    assert queries.entry_state(intent) == EntryState.SIGNED


def test_the_bytes_name_the_ledger_and_carry_the_document(settings, now):
    intent = append(1)
    sequencer.run(now=now)
    assert queries.entry(0).document == {**document(1), "ledger": settings.LEDGER_ORIGIN}
    assert bytes(Intent.objects.get(pk=intent).canonical) == queries.entry(0).canonical


def test_the_same_key_with_the_same_document_is_the_same_intent():
    assert append(1) == append(1)
    assert Intent.objects.count() == Pending.objects.count() == 1


def test_the_same_key_with_another_document_is_refused(now):
    append(1)
    with pytest.raises(KeyReused) as refused:
        log.append(document=document(1, changed=True), idempotency_key="test:1", now=now)
    assert refused.value.idempotency_key == "test:1"
    assert Intent.objects.count() == 1


def test_what_the_callers_transaction_takes_back_is_not_logged():
    with pytest.raises(RuntimeError), transaction.atomic():
        append(1)
        raise RuntimeError
    assert not Intent.objects.exists()
    assert not Pending.objects.exists()


def test_a_document_of_another_shape_is_refused_whole(now):
    with pytest.raises(NotADocument):
        log.append(document={"kind": "x"}, idempotency_key="k", now=now)
    with pytest.raises(NotCanonical) as refused:
        log.append(document=document(1, price=1.5), idempotency_key="k", now=now)
    assert refused.value.path == "$.body.price"
    assert not Intent.objects.exists()


def test_an_intent_that_nobody_handed_in_is_refused():
    for number in (99, 2**70):
        with pytest.raises(IntentNotFound):
            queries.entry_state(number)
