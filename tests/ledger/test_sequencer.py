"""Numbering: gapless, in one order, unforked, whoever is started beside it."""

import threading

import pytest
from django.db import DatabaseError, connection, connections, transaction

from ledger import queries
from ledger.actions import inspections, locks, sequencer
from ledger.errors import LogBroken
from ledger.models import Entry, Head, Intent, Pending
from tests.ledger.conftest import NOW, append, fill


class Beside:
    """A function that runs beside the test on a connection of its own; `join` raises what it raised."""

    def __init__(self, work):
        self.work, self.raised = work, None
        self.thread = threading.Thread(target=self.run)
        self.thread.start()

    def run(self):
        try:
            self.work()
        except BaseException as error:
            self.raised = error
        finally:
            connections.close_all()

    def join(self):
        self.thread.join(60)
        if self.raised:
            raise self.raised


@pytest.mark.django_db
def test_numbers_start_at_0_and_follow_the_order_of_handing_in(now):
    intents = [append(number) for number in range(5)]
    assert sequencer.run(now=now) == 5
    assert queries.numbers_of(intents) == {intent: number for number, intent in enumerate(intents)}
    assert not Pending.objects.exists()
    assert sequencer.run(now=now) == 0


@pytest.mark.django_db
def test_a_batch_is_bounded_and_the_next_goes_on(now, monkeypatch):
    monkeypatch.setattr(sequencer, "BATCH", 4)
    for number in range(10):
        append(number)
    assert [sequencer.run(now=now) for _ in range(4)] == [4, 4, 2, 0]
    sequencer.catch_up(now=now)
    assert inspections.inspect(now=NOW).holds


@pytest.mark.django_db
def test_a_head_that_was_lost_is_not_made_anew_over_entries(now):
    fill(3)
    head = Head.objects.get()
    append(3)
    with pytest.MonkeyPatch.context() as patch:  # as if the row were gone, which the database refuses
        patch.setattr(Head.objects, "get_or_create", lambda **_: (head, True))
        with pytest.raises(LogBroken):
            sequencer.run(now=now)


@pytest.mark.django_db(transaction=True)
def test_sixty_four_writers_and_two_sequencers_neither_fork_nor_gap_nor_lose(now, request):
    each = 40 if request.config.getoption("--nightly") else 6
    done = threading.Event()

    def write(writer):
        for number in range(each):
            with transaction.atomic():
                append(writer * 1000 + number)

    def number():
        while not done.is_set() or Pending.objects.exists():
            sequencer.run(now=now)

    sequencers = [Beside(number) for _ in range(2)]
    writers = [Beside(lambda writer=writer: write(writer)) for writer in range(64)]
    for writer in writers:
        writer.join()
    done.set()
    for each_sequencer in sequencers:
        each_sequencer.join()
    sequencer.catch_up(now=now)
    verdict = inspections.inspect(now=NOW)
    assert verdict.holds, verdict.faults
    assert verdict.size == Intent.objects.count() == 64 * each


@pytest.mark.django_db(transaction=True)
def test_a_second_sequencer_leaves_the_batch_to_the_first(now):
    append(1)
    found = []
    with transaction.atomic():
        assert sequencer.run(now=now) == 1
        Beside(lambda: found.append(sequencer.run(now=now))).join()
    assert found == [0]
    assert queries.size() == 1


@pytest.mark.django_db(transaction=True)
def test_a_sequencer_without_the_lock_is_stopped_by_the_fence(now, monkeypatch):
    """As if the lock had failed: the head has moved since it was read, so nothing of the batch is written."""
    fill(2)
    append(2)
    stale = Head.objects.get()
    sequencer.run(now=now)
    append(3)
    monkeypatch.setattr(sequencer, "_head", lambda: stale)
    assert sequencer.run(now=now) == 0
    assert queries.size() == 3
    monkeypatch.undo()
    sequencer.catch_up(now=now)
    assert inspections.inspect(now=NOW).holds


@pytest.mark.django_db(transaction=True)
def test_a_sequencer_that_dies_in_the_middle_of_a_batch_loses_nothing(now, monkeypatch):
    intents = [append(number) for number in range(3)]
    write = sequencer._write

    def die_after_writing(*arguments):
        write(*arguments)
        connection.connection.close()  # as kill -9 does to the server's side

    monkeypatch.setattr(sequencer, "_write", die_after_writing)
    with pytest.raises(DatabaseError):
        sequencer.run(now=now)
    connection.close()
    assert Pending.objects.count() == 3
    assert not Entry.objects.exists()
    monkeypatch.undo()
    sequencer.catch_up(now=now)
    assert sorted(queries.numbers_of(intents).values()) == [0, 1, 2]


@pytest.mark.django_db(transaction=True)
def test_a_sequencer_that_stops_mid_batch_is_cut_off_and_another_goes_on(now, monkeypatch):
    append(1)
    monkeypatch.setattr(locks, "PAUSE_SECONDS", 1)
    stopped, woken = threading.Event(), threading.Event()

    def pause():
        with pytest.raises(DatabaseError), transaction.atomic():
            assert sequencer.run(now=now) == 1
            stopped.set()
            woken.wait(20)
            Head.objects.exists()

    paused = Beside(pause)
    assert stopped.wait(20)
    attempts = [sequencer.run(now=now)]
    while not attempts[-1] and len(attempts) < 100:
        woken.wait(0.1)
        attempts.append(sequencer.run(now=now))
    woken.set()
    paused.join()
    assert attempts[0] == 0
    assert attempts[-1] == 1
    assert inspections.inspect(now=NOW).size == 1


@pytest.mark.django_db(transaction=True)
def test_an_old_transaction_that_commits_late_is_numbered_late(now):
    first, committed = threading.Event(), threading.Event()
    late = []

    def slow():
        with transaction.atomic():
            late.append(append(1))
            first.set()
            committed.wait(20)

    writer = Beside(slow)
    assert first.wait(20)
    early = append(2)
    sequencer.run(now=now)
    committed.set()
    writer.join()
    sequencer.catch_up(now=now)
    assert late[0] < early
    assert queries.numbers_of([late[0], early]) == {early: 0, late[0]: 1}
    assert inspections.inspect(now=NOW).holds
