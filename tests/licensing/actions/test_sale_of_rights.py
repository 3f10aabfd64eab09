"""From registration to grant, as one sale walks it."""

import pytest

from ledger.actions import sequencer
from licensing import queries
from licensing.actions import grants
from licensing.domain.parties import PUBLIC_PARTY_ID
from tests import factories as make

pytestmark = pytest.mark.django_db


def test_a_priced_offer_is_granted_and_every_step_has_its_ledger_entry():
    offer = make.offer()
    licensee = make.party("Studio", kind="person")
    grant = grants.issue(
        offer_id=offer.pk,
        licensee_id=licensee.pk,
        basis="paid",
        purpose="product",
        reference="line-1",
        detail={"licensee_name": "Li Hua"},
        now=make.NOW,
    )
    sequencer.catch_up(now=make.NOW)
    history = queries.asset_history(offer.asset_id)
    assert [fact.kind for fact in history] == [
        "asset.registered",
        "version.published",
        "offer.published",
        "grant.issued",
    ]
    assert all(fact.entry_number is not None for fact in history)
    assert grant.number.startswith("G-2026-")


def test_what_is_free_to_everybody_stands_granted_to_the_public():
    offer = make.free_offer()
    standing = queries.standing_grant(offer.version_id)
    assert standing.licensee_id == PUBLIC_PARTY_ID and standing.offer_id == offer.pk
    assert grants.stand(offer_id=offer.pk, now=make.NOW) == standing
