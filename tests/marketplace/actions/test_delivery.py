"""Every delivery is decided, recorded once with its receipt, and counted; nobody gets what a grant does not open."""

import threading
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from uuid import uuid4

import pytest
from django.db import IntegrityError, connection, transaction

from ledger import queries as ledger
from ledger.models import Intent
from licensing import queries as licensing
from licensing.actions import grants
from licensing.errors import NotFound as LicensingNotFound
from marketplace.actions import delivery, imports
from marketplace.errors import DeliveryRefused, LinkBroken, LinkExpired, NotFound
from marketplace.models import Delivery, DeliveryCount, Listing, PreviewCount
from tests import factories
from tests.marketplace.catalogues import WHOLE, write

NOW = datetime(2026, 11, 23, 12, tzinfo=UTC)
pytestmark = pytest.mark.django_db


def granted():
    """Return a grant to somebody and the file that it opens."""
    offer = factories.offer(now=NOW)
    grant = grants.issue(
        offer_id=offer.pk,
        licensee_id=factories.party(kind="person").pk,
        basis="paid",
        purpose="study_teach",
        reference=f"test:{uuid4()}",
        now=NOW,
    )
    return grant, licensing.files(grant.version_id)[0]


def test_a_link_is_one_delivery_however_often_it_is_used_until_it_expires():
    grant, file = granted()
    token, expires_at = delivery.link(grant_id=grant.pk, file_id=file.pk, now=NOW)
    assert Delivery.objects.count() == 0
    first = delivery.open(token=token, bytes_sent=3, now=NOW)
    again = delivery.open(token=token, bytes_sent=4, now=expires_at - timedelta(seconds=1))
    assert first == again
    count = DeliveryCount.objects.get(delivery=first)
    assert (count.requests, count.bytes_sent) == (2, 7)
    with pytest.raises(LinkExpired):
        delivery.open(token=token, now=expires_at)


def test_two_links_are_two_deliveries():
    grant, file = granted()
    for _ in range(2):
        token, _expires = delivery.link(grant_id=grant.pk, file_id=file.pk, now=NOW)
        delivery.open(token=token, now=NOW)
    assert Delivery.objects.filter(grant=grant).count() == 2


def test_a_delivery_has_the_decision_that_permitted_it_and_a_receipt_without_the_licensee():
    grant, file = granted()
    token, _expires = delivery.link(grant_id=grant.pk, file_id=file.pk, now=NOW)
    made = delivery.open(token=token, now=NOW)
    assert made.decision["permit"] and made.decision["policy"] == grant.policy_id
    receipt = bytes(ledger.intent(made.intent_id).canonical).decode()
    assert '"file.delivered"' in receipt and file.sha256 in receipt
    assert str(grant.licensee_id) not in receipt


def test_a_revoked_grant_opens_nothing_not_even_by_an_old_link():
    grant, file = granted()
    token, _expires = delivery.link(grant_id=grant.pk, file_id=file.pk, now=NOW)
    grants.revoke(grant_id=grant.pk, reason="a test", now=NOW + timedelta(minutes=1))
    later = NOW + timedelta(minutes=2)
    with pytest.raises(DeliveryRefused) as refused:
        delivery.open(token=token, now=later)
    assert refused.value.reasons[0].code == "REVOKED"
    with pytest.raises(DeliveryRefused):
        delivery.link(grant_id=grant.pk, file_id=file.pk, now=later)
    assert Delivery.objects.count() == 0


def test_a_grant_opens_the_files_of_its_own_version_only():
    grant, _file = granted()
    _other, foreign = granted()
    with pytest.raises(NotFound):
        delivery.link(grant_id=grant.pk, file_id=foreign.pk, now=NOW)
    with pytest.raises(LicensingNotFound):
        delivery.link(grant_id=grant.pk, file_id=uuid4(), now=NOW)
    with pytest.raises(LinkBroken):
        delivery.open(token="nonsense", now=NOW)


def test_the_database_refuses_a_delivery_that_was_not_permitted_or_of_a_foreign_file():
    grant, file = granted()
    _other, foreign = granted()
    token, _expires = delivery.link(grant_id=grant.pk, file_id=file.pk, now=NOW)
    made = delivery.open(token=token, now=NOW)
    spare = grant.intent_id
    for changed in ({"decision": {"permit": False}}, {"file_id": foreign.pk}, {"decision": {}}):
        row = {"link": uuid4(), "grant_id": grant.pk, "file_id": file.pk, "decision": {"permit": True}}
        with pytest.raises(IntegrityError), transaction.atomic():
            Delivery.objects.create(**{**row, "intent_id": spare, "opened_at": NOW, **changed})
    for statement in (
        "UPDATE marketplace_delivery SET opened_at = now()",
        "DELETE FROM marketplace_delivery",
    ):
        with pytest.raises(Exception, match=r"append-only|permission denied"), transaction.atomic():
            connection.cursor().execute(statement)
    assert Delivery.objects.get() == made


@pytest.mark.django_db(transaction=True)
def test_twenty_first_requests_at_once_are_one_delivery_with_one_receipt():
    grant, file = granted()
    token, _expires = delivery.link(grant_id=grant.pk, file_id=file.pk, now=NOW)
    before = Intent.objects.count()
    start = threading.Barrier(20)

    def fetch(_number: int):
        start.wait()
        try:
            return delivery.open(token=token, now=NOW).pk
        finally:
            connection.close()

    with ThreadPoolExecutor(20) as pool:
        opened = set(pool.map(fetch, range(20)))
    assert len(opened) == 1
    assert Intent.objects.count() == before + 1
    assert DeliveryCount.objects.get().requests == 20


def test_previews_are_counted_by_day(tmp_path):
    imports.run(catalogue=write(tmp_path, WHOLE), now=NOW)
    listing = Listing.objects.get().pk
    for moment in (NOW, NOW, NOW + timedelta(days=1)):
        delivery.count_preview(listing_id=listing, now=moment)
    assert sorted(PreviewCount.objects.values_list("requests", flat=True)) == [1, 2]
