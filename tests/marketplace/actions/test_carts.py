"""Carts: a visitor's follows them in, one order comes of each currency, and what is old is tidied away."""

import os
import threading
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta

import pytest
from django.contrib.auth.signals import user_logged_in
from django.contrib.sessions.backends.db import SessionStore
from django.db import connection

from licensing.errors import AudienceNotDeclared, ExclusiveNotSold
from marketplace.actions import accounts, cart, checkout, idempotency, imports, tidying
from marketplace.actions.checkout import Wanted
from marketplace.errors import EmptyCart, KeyInUse, PurposeNotOffered
from marketplace.models import CartLine, IdempotencyRecord, Listing, User
from marketplace.queries import carts, library
from tests.marketplace.catalogues import EDITION, PROTECTED, WHOLE, changed, write

NOW = datetime(2026, 11, 23, 12, tzinfo=UTC)
pytestmark = pytest.mark.django_db


@pytest.fixture
def user(tmp_path):
    datasets = [
        WHOLE,
        EDITION,
        PROTECTED,
        changed(PROTECTED, id="dollars", price__currency="USD"),
        changed(PROTECTED, id="scripts", terms__exclusive=True),
        changed(PROTECTED, id="lessons", price={"free": True}, terms__audience=["education"]),
    ]
    assert imports.run(catalogue=write(tmp_path, *datasets), now=NOW).refused == []
    return User.objects.create_user("me@example.org", "a long enough password")


def wanted(slug: str, purpose: str = "study_teach", **more) -> Wanted:
    return Wanted(listing=str(Listing.objects.get(slug=slug).pk), purpose=purpose, **more)


def put(owner, *slugs: str, key: str = "") -> None:
    for slug in slugs:
        cart.add(user=owner, session_key=key, wanted=wanted(slug), now=NOW)


def test_a_listing_stands_in_a_cart_once_with_its_latest_purpose(user):
    put(user, "notes")
    cart.add(user=user, session_key="", wanted=wanted("notes", "other"), now=NOW)
    (line,) = carts.cart(user=user, session_key="").lines
    assert line.row.purpose == "other" and line.price.amount_minor_units == 2500


def test_a_cart_in_two_currencies_becomes_two_orders_and_is_empty_then(user):
    put(user, "notes", "objects-1650", "dollars")
    totals = carts.cart(user=user, session_key="").totals
    assert {(total.amount_minor_units, total.currency) for total in totals} == {(12400, "CNY"), (2500, "USD")}
    orders = checkout.place_all(user=user, now=NOW)
    assert {(order.total_minor_units, order.currency) for order in orders} == {(12400, "CNY"), (2500, "USD")}
    assert carts.count(user=user, session_key="") == 0
    with pytest.raises(EmptyCart):
        checkout.place_all(user=user, now=NOW)


def test_what_is_not_offered_for_a_purpose_does_not_come_into_a_cart(user):
    for slug, purpose, refusal in (
        ("notes", "train_model", PurposeNotOffered),
        ("scripts", "study_teach", ExclusiveNotSold),
        ("lessons", "study_teach", AudienceNotDeclared),
    ):
        with pytest.raises(refusal):
            cart.add(user=user, session_key="", wanted=wanted(slug, purpose), now=NOW)
    named = wanted("lessons", institution="First School", institution_kind="education")
    cart.add(user=user, session_key="", wanted=named, now=NOW)
    assert carts.count(user=user, session_key="") == 1


def test_a_visitors_cart_follows_them_in(user):
    session = SessionStore()
    put(None, "notes", "objects-1650", key=cart.session_key(session))
    put(user, "notes")
    assert carts.count(user=None, session_key=cart.session_key(session)) == 2
    request = type("Request", (), {"session": session})()
    user_logged_in.send(User, request=request, user=user)
    assert carts.count(user=user, session_key="") == 2
    assert carts.count(user=None, session_key=cart.session_key(session)) == 0


def test_nobody_takes_a_line_out_of_another_cart(user):
    put(user, "notes")
    line = CartLine.objects.get()
    cart.remove(user=None, session_key="somebody", line_id=line.pk)
    assert CartLine.objects.count() == 1
    cart.remove(user=user, session_key="", line_id=line.pk)
    assert CartLine.objects.count() == 0


def test_a_user_becomes_a_person_once_and_may_act_for_them(user):
    party = accounts.party_for(user=user, now=NOW)
    assert accounts.party_for(user=User.objects.get(pk=user.pk), now=NOW) == party
    assert library.parties_of(user) == {party}
    assert User.objects.get(pk=user.pk).has_perm("licensing.act_for_party", user.party)


def test_old_answers_and_carts_and_half_files_go_and_the_others_stay(user, file_store):
    put(user, "notes")
    put(None, "notes", key="visitor")
    IdempotencyRecord.objects.create(scope="user:1", key="k", fingerprint="f", started_at=NOW)
    assert tidying.tidy(now=NOW + timedelta(days=1)) == 0
    half = file_store / "incoming" / "half"
    half.write_bytes(b"half")
    os.utime(half, (NOW.timestamp(),) * 2)
    assert tidying.tidy(now=NOW + timedelta(days=31)) == 3
    assert not half.exists()
    assert carts.count(user=user, session_key="") == 1


@pytest.mark.django_db(transaction=True)
def test_the_same_write_eight_times_at_once_begins_once(file_store):
    start = threading.Barrier(8)

    def begin(_number) -> str:
        start.wait()
        try:
            return str(idempotency.begin(scope="user:1", key="k", request=b"order", now=NOW))
        except KeyInUse:
            return "in use"
        finally:
            connection.close()

    with ThreadPoolExecutor(8) as pool:
        answers = sorted(pool.map(begin, range(8)))
    assert answers == ["None", *["in use"] * 7]
