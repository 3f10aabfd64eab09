"""Two real connections at once: whichever comes first, the public keeps what is public and a grant comes once."""

import threading
from contextlib import contextmanager

import pytest
from django.db import DatabaseError, connection, transaction

from licensing import queries
from licensing.actions import assets, grants, offers
from licensing.errors import OfferEnded, PublicMustBeFree
from licensing.models import Asset, Grant, OfferEnd
from tests import factories as make
from tests.licensing.by_hand import grant_on

pytestmark = pytest.mark.django_db(transaction=True)

SECONDS = 20


class Other(threading.Thread):
    """Somebody else's request, on a connection of its own."""

    def __init__(self, work):
        super().__init__(daemon=True)
        self.work, self.result, self.error = work, None, None
        self.start()

    def run(self):
        try:
            self.result = self.work()
        except Exception as error:
            self.error = error
        finally:
            connection.close()

    def is_held_up(self):
        """Wait until this thread waits for a lock, or has ended without one."""
        for _ in range(SECONDS * 20):
            with connection.cursor() as cursor:
                cursor.execute("SELECT count(*) FROM pg_locks WHERE NOT granted")
                if cursor.fetchone()[0]:
                    return True
            self.join(0.05)
            if not self.is_alive():
                return False
        return False

    def outcome(self):
        self.join(SECONDS)
        assert not self.is_alive()
        return self.error or self.result


@contextmanager
def uncommitted(work):
    """Do something, and commit it only when the block ends."""
    with transaction.atomic():
        yield work()


def by_hand(sql, *values):
    def work():
        with transaction.atomic(), connection.cursor() as cursor:
            cursor.execute(sql, values or None)

    return work


def flag_by_hand(asset):
    return by_hand("UPDATE licensing_asset SET public_interest = true WHERE id = %s", asset.pk)


def flag_by_action(asset):
    return lambda: assets.set_public_interest(asset_id=asset.pk, now=make.NOW)


def copy_by_hand(offer):
    """Insert a second priced offer like this one in plain SQL."""
    return by_hand(
        "WITH i AS (INSERT INTO ledger_intent (idempotency_key, canonical, leaf_hash, created_at) VALUES"
        " ('by hand', '{}', sha256('\\x00'::bytea || '{}'::bytea), now()) RETURNING id)"
        " INSERT INTO licensing_offer SELECT (jsonb_populate_record(o, jsonb_build_object("
        "'id', gen_random_uuid(), 'intent_id', i.id))).* FROM licensing_offer o, i WHERE o.id = %s",
        offer.pk,
    )


def no_priced_offer_is_open(asset):
    return all(each.is_free for each in queries.open_offers(asset.pk))


@pytest.mark.parametrize("flag", [flag_by_hand, flag_by_action])
def test_a_price_published_while_the_flag_is_being_set_is_refused(flag):
    asset = make.asset()
    with uncommitted(flag(asset)):
        other = Other(lambda: make.offer(Asset.objects.get(pk=asset.pk)))
        assert other.is_held_up()
    assert isinstance(other.outcome(), PublicMustBeFree | DatabaseError)
    assert no_priced_offer_is_open(asset)


@pytest.mark.parametrize("flag", [flag_by_hand, flag_by_action])
def test_the_flag_set_while_a_price_is_being_published_ends_that_price_too(flag):
    asset = make.asset()
    with uncommitted(lambda: make.offer(asset)) as offer:
        other = Other(flag(asset))
        assert other.is_held_up()
    assert not isinstance(other.outcome(), Exception)
    assert OfferEnd.objects.get(offer=offer).reason == "public_interest"
    assert no_priced_offer_is_open(asset)


def test_both_by_hand_in_either_order_leave_no_price():
    first, second = make.offer(), make.offer()
    with uncommitted(flag_by_hand(first.asset)):
        other = Other(copy_by_hand(first))
        assert other.is_held_up()
    assert "public interest: free, for everybody" in str(other.outcome())
    with uncommitted(copy_by_hand(second)):
        other = Other(flag_by_hand(second.asset))
        assert other.is_held_up()
    assert other.outcome() is None
    assert no_priced_offer_is_open(first.asset) and no_priced_offer_is_open(second.asset)


@pytest.mark.parametrize("level", ["REPEATABLE READ", "SERIALIZABLE"])
def test_a_transaction_that_may_not_see_others_cannot_set_the_flag_or_publish(level):
    asset = make.asset()
    for work in (flag_by_hand(asset), lambda: make.offer(asset)):
        with pytest.raises(DatabaseError, match="READ COMMITTED"), transaction.atomic():
            with connection.cursor() as cursor:
                cursor.execute(f"SET TRANSACTION ISOLATION LEVEL {level}")
            work()


def test_a_grant_being_issued_comes_wholly_before_the_end_of_its_offer():
    offer, licensee = make.offer(), make.party()
    with uncommitted(lambda: bought(offer, licensee)) as grant:
        other = Other(lambda: offers.withdraw(offer_id=offer.pk, now=make.NOW))
        assert other.is_held_up()
    assert not isinstance(other.outcome(), Exception)
    assert queries.live_grant(grant.pk) == grant


def test_a_grant_asked_for_while_the_offer_ends_is_refused():
    offer, licensee = make.offer(), make.party()
    with uncommitted(lambda: offers.withdraw(offer_id=offer.pk, now=make.NOW)):
        other = Other(lambda: bought(offer, licensee))
        assert other.is_held_up()
    assert isinstance(other.outcome(), OfferEnded)
    assert not Grant.objects.exists()


def test_a_grant_written_by_hand_waits_for_the_end_of_its_offer_too():
    offer = make.offer()
    written = grant_on(offer)
    with uncommitted(lambda: offers.withdraw(offer_id=offer.pk, now=make.NOW)):
        other = Other(by_hand(written))
        assert other.is_held_up()
    assert "its offer has ended" in str(other.outcome())


def test_eight_requests_with_one_reference_are_one_grant():
    offer, licensee = make.offer(), make.party()
    others = [Other(lambda: bought(offer, licensee)) for _ in range(8)]
    outcomes = {other.outcome() for other in others}
    assert len(outcomes) == 1 and Grant.objects.get() in outcomes


def test_eight_buyers_at_once_have_eight_numbers_and_do_not_wait_for_each_other():
    offer = make.offer()
    with uncommitted(lambda: bought(offer, make.party(), "first")):
        others = [Other(lambda n=n: bought(offer, make.party(), f"line {n}")) for n in range(7)]
        for other in others:
            assert not isinstance(other.outcome(), Exception)
    assert len(set(Grant.objects.values_list("number", flat=True))) == 8


def test_versions_published_at_once_follow_each_other():
    asset = make.asset()
    others = [Other(lambda: make.version(asset)) for _ in range(4)]
    assert sorted(other.outcome().number for other in others) == [2, 3, 4, 5]


def test_the_free_path_and_the_price_of_an_edition_do_not_pass_each_other():
    made = make.edition()
    free = make.offer(made, terms=make.FOR_EDUCATION, price=make.ZERO)
    end = by_hand(
        "INSERT INTO licensing_offerend (offer_id, reason, ended_at) VALUES (%s, 'withdrawn', now())", free.pk
    )
    with uncommitted(lambda: make.offer(made)):
        other = Other(end)
        assert other.is_held_up()
    assert "a price stands only beside a free offer" in str(other.outcome())
    assert len(queries.open_offers(made.pk)) == 2


def bought(offer, licensee, reference="line-1"):
    return grants.issue(
        offer_id=offer.pk,
        licensee_id=licensee.pk,
        basis="paid",
        purpose="product",
        reference=reference,
        now=make.NOW,
    )
