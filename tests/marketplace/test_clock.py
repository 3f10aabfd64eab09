"""The clock of test mode: moved for every process at once, and only in test mode."""

from datetime import UTC, datetime, timedelta

import pytest
from django.core.management import CommandError, call_command

from ledger import clock


@pytest.fixture
def moved(settings, tmp_path):
    settings.CLOCK_FILE = str(tmp_path / "state" / "clock")


def ahead():
    return round((clock.now() - datetime.now(UTC)) / timedelta(seconds=1))


def test_moves_add_up_and_are_seen_at_once(moved):
    assert ahead() == 0
    call_command("clock", "+14d")
    assert ahead() == 14 * 86400
    call_command("clock", "+90m")
    assert ahead() == 14 * 86400 + 5400
    call_command("clock", "reset")
    assert ahead() == 0


@pytest.mark.parametrize("move", ["14d", "+1y", "+1.5h", "+99999999d", "tomorrow"])
def test_what_is_no_move_is_refused_and_moves_nothing(moved, move):
    with pytest.raises(CommandError, match="is no move of the clock"):
        call_command("clock", move)
    assert ahead() == 0


def test_outside_test_mode_the_clock_stays(settings):
    settings.CLOCK_FILE = ""
    with pytest.raises(CommandError, match="in test mode"):
        call_command("clock", "+1d")
    assert ahead() == 0
