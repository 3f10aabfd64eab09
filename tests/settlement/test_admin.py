"""The admin shows orders, money and traffic, and lets nobody write there."""

import pytest
from django.contrib.auth import get_user_model
from django.urls import reverse

from settlement.domain.states import EventState
from settlement.models import InboxEvent, JournalEntry, Order
from tests.settlement import made
from tests.settlement.made import now

pytestmark = pytest.mark.django_db
SHOWN = ("order", "orderline", "journalentry", "account", "refund", "outboxcall", "inboxevent")


@pytest.fixture
def staff(client):
    client.force_login(get_user_model().objects.create_superuser(email="staff@example.org", password="x"))
    return client


@pytest.mark.parametrize("table", SHOWN)
def test_every_list_opens_and_nothing_is_added_there(staff, sandbox, table):
    made.sold(sandbox)
    assert staff.get(reverse(f"admin:settlement_{table}_changelist")).status_code == 200
    assert staff.get(reverse(f"admin:settlement_{table}_add")).status_code == 403


def test_an_order_and_an_entry_open_with_their_rows(staff, sandbox):
    order = made.sold(sandbox)
    page = staff.get(reverse("admin:settlement_order_change", args=[order.pk])).content.decode()
    assert order.number in page
    assert "pi_" in page
    assert 'name="_save"' not in page
    entry = JournalEntry.objects.get()
    page = staff.get(reverse("admin:settlement_journalentry_change", args=[entry.pk])).content.decode()
    assert "9900" in page
    assert staff.post(reverse("admin:settlement_order_delete", args=[order.pk])).status_code == 403
    assert Order.objects.exists()


def test_a_parked_event_is_tried_again_from_its_list(staff):
    parked = InboxEvent.objects.create(
        provider="stripe",
        event_id="evt_1",
        kind="charge.succeeded",
        payload={},
        state=EventState.PARKED,
        received_at=now(),
        next_try_at=now(),
    )
    chosen = {"action": "try_again", "_selected_action": [parked.pk]}
    staff.post(reverse("admin:settlement_inboxevent_changelist"), chosen)
    parked.refresh_from_db()
    assert parked.state == EventState.NEW
