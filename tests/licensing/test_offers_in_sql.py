"""Offers and grants in plain SQL: each fits what it was made from."""

import hashlib

import pytest

from licensing.domain.parties import PUBLIC_PARTY_ID
from licensing.domain.terms import Template, Terms
from tests import factories as make
from tests.licensing.by_hand import copy_of, grant_on, refused, run

pytestmark = pytest.mark.django_db

# Offers fit their asset, grants fit their offer.


def test_an_offer_takes_version_shares_licensor_and_predecessor_from_its_asset():
    offer, other = make.offer(), make.offer()
    for part, column in (("version", "version_id"), ("plan", "share_plan_id"), ("licensor", "licensor_id")):
        theirs = f"(SELECT {column} FROM licensing_offer WHERE id = '{other.pk}')"
        refused(copy_of(offer, **{part: theirs}), "are those of its asset")
    refused(copy_of(offer, supersedes=f"'{other.pk}'"), "are those of its asset")


def test_an_offer_says_what_its_terms_say():
    offer = make.offer()
    refused(copy_of(offer, exclusive="true"), "those of its terms")
    refused(copy_of(offer, audience="'{education}'"), "those of its terms")


@pytest.mark.parametrize(
    "changed, words",
    [
        ({"price": "-1"}, "offer_price_not_negative"),
        ({"currency": "'XXX'"}, "offer_currency"),
        ({"currency": "'RMB'"}, "offer_currency"),
    ],
)
def test_an_offer_has_a_price_in_a_currency_that_is_sold(changed, words):
    refused(copy_of(make.offer(), **changed), words)


def test_a_policy_stands_under_the_hash_of_its_own_bytes():
    insert = "INSERT INTO licensing_policy (sha256, canonical, template) VALUES (%s, %s, %s)"
    data = make.COMMERCIAL.canonical()
    right = make.COMMERCIAL.sha256
    refused(insert, "hash of its own bytes", ["0" * 64, data, "commercial_development"])
    refused(insert, "hash of its own bytes", [right, data + b" ", "commercial_development"])
    refused(insert, "terms of its template", [right, data, "public_access"])
    party = data.replace(b"commercial_development", b"party")
    refused(insert, '"policy_template"', [hashlib.sha256(party).hexdigest(), party, "party"])
    for spoilt in (b'{"template":"public_access"}', data.replace(b'"territory":[]', b'"territory":"CN"')):
        template = "public_access" if b"public" in spoilt else "commercial_development"
        refused(insert, "terms of its template", [hashlib.sha256(spoilt).hexdigest(), spoilt, template])


def test_superseding_is_told_apart_from_withdrawing():
    offer = make.offer()
    insert = "INSERT INTO licensing_offerend (offer_id, reason, ended_at) VALUES (%s, %s, now())"
    refused(insert, "superseded by an offer, or else withdrawn", [offer.pk, "superseded"])
    refused(insert, "offer_end_reason", [offer.pk, "forgotten"])


def test_a_grant_takes_version_terms_and_licensor_from_its_offer():
    offer, other = make.offer(), make.offer(terms=make.OPEN)
    for part, column in (("version", "version_id"), ("policy", "policy_id"), ("licensor", "licensor_id")):
        theirs = f"(SELECT {column} FROM licensing_offer WHERE id = '{other.pk}')"
        refused(grant_on(offer, **{part: theirs}), "those of its offer")


def test_a_grant_is_paid_where_there_is_a_price_and_free_where_there_is_none():
    refused(grant_on(make.offer(), basis="free"), "what has a price is paid")
    refused(grant_on(make.free_offer(), basis="paid"), "what has a price is paid")


def test_only_the_public_holds_a_standing_grant_and_only_of_what_is_for_everybody():
    free, schools = make.free_offer(), make.offer(terms=make.FOR_EDUCATION, price=make.ZERO)
    refused(grant_on(free, basis="standing"), "grant_standing_is_for_everybody")
    refused(grant_on(free, licensee=PUBLIC_PARTY_ID), "grant_standing_is_for_everybody")
    refused(grant_on(schools, basis="standing", licensee=PUBLIC_PARTY_ID), "an offer to some")
    refused(grant_on(free, basis="standing", licensee=PUBLIC_PARTY_ID), "grant_one_standing")


def test_an_exclusive_offer_is_granted_to_nobody():
    exclusive = Terms.of(Template.COMMERCIAL_DEVELOPMENT, exclusive=True)
    refused(grant_on(make.offer(terms=exclusive)), "shown, not sold")


def test_an_offer_that_was_withdrawn_grants_nothing_more():
    offer = make.offer()
    run(
        f"INSERT INTO licensing_offerend (offer_id, reason, ended_at) VALUES ('{offer.pk}', 'withdrawn', now())"
    )
    refused(grant_on(offer), "its offer has ended")


def test_a_grant_has_a_purpose_and_a_reference_that_are_known():
    offer = make.offer()
    refused(grant_on(offer, purpose="fly"), "grant_purpose")
    refused(grant_on(offer, reference=""), "grant_reference_given")


def test_one_entry_of_the_ledger_stands_for_one_grant():
    offer = make.offer()
    sql = grant_on(offer)
    run(sql)
    refused(sql.replace("G-COPY", "G-OTHER").replace("by hand", "again by hand"), "intent_id")
