"""The migration of licensees' words to the ledger's openings, over rows, there and back."""

from uuid import uuid4

import pytest
from django.core.management import call_command
from django.db import connection

from ledger import queries as ledger
from ledger.actions import log
from ledger.domain import entry
from ledger.models import Opening
from licensing import queries
from licensing.actions import grants
from licensing.models import Grant
from tests import factories as make

BEFORE = "0004_first_parties"
WORDS = {
    "licensee_name": "李华",
    "institution": "溪口\"中学'",
    "institution_kind": "education",
    "statement": "",
}
SALT = bytes(range(32))


def migrate(*target):
    call_command("migrate", "licensing", *target, verbosity=0)


def details():
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT grant_id, licensee_name, institution, institution_kind, statement, salt"
            " FROM licensing_grantdetail ORDER BY 1"
        )
        return [(*row[:5], bytes(row[5])) for row in cursor.fetchall()]


def old_grant():
    """Write a grant as it was written before: all words under one commitment."""
    offer, licensee = make.offer(), make.party("Li Hua", kind="person")
    said = {"party": str(licensee.pk), **WORDS}
    document = entry.document(
        kind="grant.issued",
        id=uuid4(),
        at=make.NOW,
        actor=str(offer.licensor_id),
        subject="G-2025-000001",
        commitments={"licensee": entry.commitment(SALT, said)},
    )
    grant = Grant.objects.create(
        number="G-2025-000001",
        offer=offer,
        version_id=offer.version_id,
        policy_id=offer.policy_id,
        licensor_id=offer.licensor_id,
        licensee=licensee,
        basis="paid",
        purpose="product",
        reference="old",
        intent_id=log.append(document=document, idempotency_key="old", now=make.NOW),
        issued_at=make.NOW,
    )
    with connection.cursor() as cursor:
        cursor.execute(
            "INSERT INTO licensing_grantdetail VALUES (%s, %s, %s, %s, %s, %s)",
            [grant.pk, *WORDS.values(), SALT],
        )
    return grant


@pytest.fixture
def old(transactional_db):
    migrate(BEFORE)
    yield old_grant()
    migrate()


def test_what_was_committed_before_still_opens_and_the_way_back_loses_nothing(old):
    rows = details()
    assert rows == [(old.pk, *WORDS.values(), SALT)]
    migrate()
    (hidden,) = ledger.openings(old.intent_id)
    assert hidden.value == {"party": str(old.licensee_id), **WORDS}
    assert entry.commitment(hidden.salt, hidden.value) == hidden.commitment and hidden.salt == SALT
    assert queries.words_of(old) == queries.Words(**WORDS)
    assert ledger.false_openings() == []
    migrate(BEFORE)
    assert details() == rows
    migrate()
    assert ledger.openings(old.intent_id) == [hidden]


def test_old_words_are_erased_together_whichever_is_named(old):
    migrate()
    erased = grants.erase(grant_id=old.pk, fields=["institution"], ground="pipl-47", now=make.NOW)
    assert erased == ["licensee"]
    assert queries.words_of(old) == queries.Words(erased=frozenset(WORDS))
    migrate(BEFORE)
    assert details() == []


def test_a_new_grant_goes_there_and_back_with_all_its_openings(old):
    migrate()
    grant = make.grant()
    hidden = ledger.openings(grant.intent_id)
    assert len(hidden) == 5
    migrate(BEFORE)
    assert (grant.pk, "Li Hua", "", "", "") in [row[:5] for row in details()]
    migrate()
    assert ledger.openings(grant.intent_id) == hidden
    assert Opening.objects.count() == 6
