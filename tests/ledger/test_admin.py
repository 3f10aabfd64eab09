"""The log in the admin: every page opens, and none of them writes."""

import pytest
from django.contrib.auth import get_user_model
from django.test import Client
from django.urls import reverse

from ledger.actions import anchors
from ledger.models import Anchor, Checkpoint, Entry, Intent
from tests.ledger.conftest import NOW, append, fill

pytestmark = pytest.mark.django_db


@pytest.fixture
def desk():
    fill(3)
    append(3)
    anchors.plan(now=NOW)
    user = get_user_model().objects.create_superuser(email="desk@example.org", password="long enough, really")
    client = Client()
    client.force_login(user, backend="django.contrib.auth.backends.ModelBackend")
    return client


@pytest.mark.parametrize("table", ["entry", "intent", "pending", "checkpoint", "anchor"])
def test_the_tables_open_and_offer_no_way_to_write(desk, table):
    assert desk.get(reverse(f"admin:ledger_{table}_changelist")).status_code == 200
    assert desk.get(reverse(f"admin:ledger_{table}_add")).status_code == 403


@pytest.mark.parametrize(
    ("table", "model", "shown"),
    [
        ("entry", Entry, "grant.issued"),
        ("intent", Intent, "idempotency"),
        ("checkpoint", Checkpoint, "wenshi.example/log"),
        ("anchor", Anchor, "planned"),
    ],
)
def test_a_row_is_shown_and_neither_changed_nor_removed(desk, table, model, shown):
    row = model.objects.first()
    change = reverse(f"admin:ledger_{table}_change", args=[row.pk])
    assert shown in desk.get(change).content.decode().lower()
    assert desk.post(change, {"leaf": "00"}).status_code == 403
    assert desk.post(reverse(f"admin:ledger_{table}_delete", args=[row.pk])).status_code == 403
    assert model.objects.filter(pk=row.pk).exists()
