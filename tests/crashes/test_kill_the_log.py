"""`kill -9` at every step from an intent to a published checkpoint: nothing acknowledged is lost, nothing forks.

The killed process and PostgreSQL are real, in a house of their own. After each kill a fresh process goes on where
the other stopped; then the whole log is read, by `ledger_fsck`'s own function and once more by hand.
"""

import random
import time

import pytest

from tests.crashes.doomed import STEPS, WITH_A_FULL_TILE

SEED = 20261123
WIDTH = 256


class Log:
    """The log of a house under fire: what was killed there, and what strangers have seen of it."""

    def __init__(self, house):
        self.house, self.made, self.size, self.killed = house, 0, 0, 0
        self.seen = {}  # size to root of each checkpoint that a stranger could read at any time
        self.newest = 0

    def keys(self, count):
        self.made += count
        return [f"key-{number}" for number in range(self.made - count, self.made)]

    def strike(self, step, *, nth=1, victim="itself", appends=(1, 2), do="work"):
        """Work until the kill, and return whether it came."""
        before = self.house.kills()
        job = {"do": do, "appends": [self.keys(count) for count in appends], "acknowledged": []}
        self.house.do({**job, "kill_at": step, "nth": nth, "victim": victim})
        came = self.house.kills() - before
        self.killed += came
        return came == 1

    def recover(self):
        """Go on as a fresh process does, and check everything that must hold."""
        [told] = self.house.do({"do": "recover", "acknowledged": self.house.acknowledged()})
        assert "raised" not in told, told["told"]
        assert told["wrong"] == []
        assert told["size"] >= self.size
        assert told["drafts"] <= self.killed  # a kill leaves one at the most
        for published in (told["seen"], told["published"]):
            self.see(published)
        self.follow(told["size"])
        self.size = told["size"]

    def see(self, published):
        """Keep copies of what was published: it never goes back, and no size ever has a second root."""
        if published:
            assert published[0][0] >= self.newest
            self.newest = published[0][0]
        for size, root in published:
            assert self.seen.setdefault(size, root) == root

    def follow(self, size):
        """See that the published checkpoint extends each that was ever seen."""
        [told] = self.house.do({"do": "follows", "size": size, "earlier": sorted(self.seen.items())})
        assert told == {"broken": []}


@pytest.fixture(scope="module")
def log(quiet_house):
    log = Log(quiet_house)
    quiet_house.do({"do": "work", "appends": [log.keys(3)]})
    log.recover()
    return log


def appends_for(log, step):
    """Return what to hand in so that the step is reached: some files are tidied only once a tile is full."""
    return (1, WIDTH - (log.size + 1) % WIDTH + 2) if step in WITH_A_FULL_TILE else (1, 2)


@pytest.mark.parametrize("step", STEPS)
def test_nothing_is_lost_when_a_process_is_killed_as(log, step):
    assert log.strike(step, appends=appends_for(log, step))
    log.recover()


@pytest.mark.parametrize(
    "step", ["a batch is copied, not committed", "a checkpoint is remembered, its row is not stored"]
)
def test_nothing_is_lost_when_postgresql_is_killed_as(log, step):
    assert log.strike(step, victim="postgres")
    log.recover()


@pytest.mark.parametrize(
    ("first", "second"),
    [
        ("a batch is copied, not committed", "a file of the log is half written"),
        ("a file of the log is named, its folder not synced", "the signer's memory is named"),
        (
            "a checkpoint is remembered, its row is not stored",
            "a published note is on file, its row is missing",
        ),
    ],
)
def test_a_recovery_that_is_killed_twice_is_recovered_from(log, first, second):
    assert log.strike("an intent is acknowledged")
    assert log.strike(first, do="recover")
    assert log.strike(second, do="recover")
    log.recover()


def under_fire(log, seed, kills):
    """Kill that many times at steps that the seed chooses, recoveries and PostgreSQL among the victims."""
    chance, goal = random.Random(seed), log.killed + kills
    while log.killed < goal:
        step = chance.choice(sorted(STEPS))
        appends = [chance.randint(1, 5) for _ in range(chance.randint(1, 3))]
        if chance.random() < 0.1 or step in WITH_A_FULL_TILE:
            appends.append(WIDTH - (log.size + sum(appends)) % WIDTH + chance.randint(0, 3))
        try:
            log.strike(
                step,
                nth=chance.choice((1, 1, 2, 3, 5)),
                victim=chance.choice(("itself",) * 7 + ("postgres",)),
                appends=appends,
            )
            while chance.random() < 0.25:
                log.strike(
                    chance.choice(sorted(STEPS)), nth=chance.choice((1, 2, 4)), appends=(), do="recover"
                )
            log.recover()
        except AssertionError as error:
            raise AssertionError(f"seed {seed}, kill {log.killed}, at {step!r}: {error}") from error


def test_nothing_is_lost_in_twenty_kills_at_any_step(log):
    under_fire(log, SEED, 20)


@pytest.mark.nightly
@pytest.mark.parametrize("round_number", range(10))
def test_nothing_is_lost_in_a_thousand_kills_a_hundred_a_round(log, round_number, record_property):
    seed, began = random.SystemRandom().randrange(2**32), time.monotonic()
    print(f"seed {seed}")
    under_fire(log, seed, 100)
    seconds = time.monotonic() - began
    record_property("seconds", seconds)
    print(f"100 kills in {seconds:.0f} s, {log.size} entries")
