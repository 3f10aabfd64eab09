"""From registration to grant, as one sale walks it: what each step logs, and what nobody can read there."""

import json

import pytest

from ledger import queries as ledger
from ledger.actions import sequencer
from ledger.domain import entry
from licensing import queries
from licensing.actions import grants
from licensing.domain import identifiers
from licensing.domain.parties import PUBLIC_PARTY_ID
from licensing.errors import RevocationRefused
from tests import factories as make

pytestmark = pytest.mark.django_db

DETAIL = {"licensee_name": "李华", "institution": "未名工作室", "statement": "用于游戏配乐"}


def bought(**changed):
    request = {
        "offer_id": None,
        "licensee_id": None,
        "basis": "paid",
        "purpose": "product",
        "reference": "line-1",
        "detail": DETAIL,
        "now": make.NOW,
        **changed,
    }
    request["offer_id"] = request["offer_id"] or make.offer().pk
    request["licensee_id"] = request["licensee_id"] or make.party("Studio", kind="person").pk
    return grants.issue(**request)


def test_every_step_of_a_sale_has_its_ledger_entry():
    grant = bought()
    sequencer.catch_up(now=make.NOW)
    history = queries.asset_history(grant.offer.asset_id)
    assert [fact.kind for fact in history] == [
        "asset.registered",
        "version.published",
        "offer.published",
        "grant.issued",
    ]
    assert [fact.entry_number for fact in history] == [0, 1, 2, 3]
    document = json.loads(bytes(ledger.intent(grant.intent_id).canonical))
    assert document["subject"] == grant.number and grant.number.startswith("G-2026-")
    assert document["refs"]["asset"] == grant.offer.asset.ark_id
    assert identifiers.is_valid(grant.offer.asset.ark_id)


def test_nothing_personal_stands_in_the_ledger_but_a_commitment_that_can_be_opened():
    grant = bought()
    data = bytes(ledger.intent(grant.intent_id).canonical).decode()
    for secret in (*DETAIL.values(), str(grant.licensee_id)):
        assert secret not in data
    value = {"party": str(grant.licensee_id), "institution_kind": "", **DETAIL}
    opened = {each.field: each for each in ledger.openings(grant.intent_id)}
    assert {name: each.value for name, each in opened.items()} == value
    assert json.loads(data)["commit"] == {
        name: entry.commitment(each.salt, each.value) for name, each in opened.items()
    }


def test_what_is_free_to_everybody_stands_granted_to_the_public_once():
    offer = make.free_offer()
    standing = queries.standing_grant(offer.version_id)
    assert (standing.licensee_id, standing.basis) == (PUBLIC_PARTY_ID, "standing")
    assert grants.stand(offer_id=offer.pk, now=make.NOW) == standing
    renewed = make.offer(offer.asset, terms=make.OPEN, price=make.ZERO, supersedes=offer)
    assert grants.stand(offer_id=renewed.pk, now=make.NOW) == standing


def test_a_named_grant_stands_beside_the_standing_one_for_whoever_asks():
    offer = make.free_offer()
    grant = bought(offer_id=offer.pk, basis="free", purpose="train_model")
    assert queries.grants_of([grant.licensee_id]).get() == grant
    assert queries.grants_on(offer.asset_id).count() == 2


def test_the_same_reference_is_the_same_grant():
    first = bought()
    again = bought(offer_id=first.offer_id, licensee_id=first.licensee_id)
    assert again == first
    assert queries.grants_on(first.offer.asset_id).count() == 1


def test_terms_come_back_from_offer_grant_and_policy_alike():
    grant = bought()
    assert queries.terms_of(grant) == queries.terms_of(grant.offer) == queries.terms_of(grant.policy)
    assert queries.terms_of(grant) == make.COMMERCIAL
    assert queries.policies_for("product") == [grant.policy_id] and queries.policies_for("fly") == []


def test_an_asset_answers_to_its_id_its_ark_in_any_spelling_and_its_own_name():
    asset = make.asset()
    spelled = asset.ark_id.replace("ark:", "ark:/").upper()
    for name in (str(asset.pk), asset.ark_id, spelled, asset.external_id):
        assert queries.asset_named(name) == asset
    assert queries.asset_of(asset.licensor_id, asset.external_id) == asset


def test_files_are_found_by_their_hash_and_shares_in_their_order():
    file = make.file("one row\n")
    asset = make.asset(files=[file])
    assert [each.name for each in queries.files_with(file.sha256)] == ["rows.csv"]
    assert [weight for _party, weight in queries.shares(queries.latest_share_plan(asset.pk).pk)] == [9, 1]


def test_a_revoked_grant_is_not_live_and_says_when_it_ended():
    grant = bought()
    assert queries.live_grant(grant.pk) == grant
    with pytest.raises(RevocationRefused):
        grants.revoke(grant_id=grant.pk, reason=" ", now=make.NOW)
    revocation = grants.revoke(grant_id=grant.pk, reason="refunded", now=make.NOW)
    assert grants.revoke(grant_id=grant.pk, reason="again", now=make.NOW) == revocation
    assert queries.live_grant(grant.pk) is None
    assert queries.revoked_at(queries.grant(grant.pk)) == make.NOW
    assert queries.grant_numbered(f" {grant.number.lower()} ") == grant
