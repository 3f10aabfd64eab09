"""The admin shows every table of the market, and writes nothing that is published."""

import pytest
from django.contrib.admin import site
from django.test import Client
from django.urls import reverse

from ledger.clock import now
from marketplace.actions import imports
from marketplace.models import Delivery, Listing, Shop, User
from tests.marketplace.catalogues import WHOLE, write

pytestmark = pytest.mark.django_db


@pytest.fixture
def staff(tmp_path):
    imports.run(catalogue=write(tmp_path, WHOLE), now=now())
    client = Client(HTTP_HOST="127.0.0.1")
    client.force_login(
        User.objects.create_superuser("staff@example.org", "a long enough password"),
        backend="django.contrib.auth.backends.ModelBackend",
    )
    return client


def test_every_table_of_the_market_opens(staff):
    ours = [model for model in site._registry if model._meta.app_label == "marketplace"]
    assert {User, Shop, Listing, Delivery} <= set(ours)
    for model in ours:
        name = f"admin:marketplace_{model._meta.model_name}"
        assert (
            staff.get(
                reverse(f"{name}_changelist"), {"q": "x"} if site._registry[model].search_fields else {}
            ).status_code
            == 200
        )
        for row in model.objects.all()[:1]:
            assert staff.get(reverse(f"{name}_change", args=[row.pk])).status_code == 200


def test_a_listing_can_be_delisted_there_and_nothing_else_about_it_changed(staff):
    listing = Listing.objects.get()
    address = reverse("admin:marketplace_listing_change", args=[listing.pk])
    staff.post(address, {"state": "delisted", "title": '{"en": "x"}', "slug": "x"})
    changed = Listing.objects.get()
    assert (changed.state, changed.slug, changed.title) == ("delisted", listing.slug, listing.title)
    assert staff.get(reverse("admin:marketplace_listing_delete", args=[listing.pk])).status_code == 403
