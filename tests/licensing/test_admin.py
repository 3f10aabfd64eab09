"""The desk sees every row of licensing and changes none of them."""

import pytest
from django.contrib import admin
from django.contrib.auth import get_user_model
from django.urls import reverse

from ledger import queries as ledger
from licensing import models
from licensing.actions import grants, offers
from tests import factories as make

pytestmark = pytest.mark.django_db

SHOWN = [model for model in admin.site._registry if model._meta.app_label == "licensing"]


@pytest.fixture
def desk(client):
    client.force_login(get_user_model().objects.create_superuser(email="desk@example.org", password="x"))
    return client


@pytest.fixture(autouse=True)
def rows():
    made = make.edition()
    make.offer(made, terms=make.FOR_EDUCATION, price=make.ZERO)
    offers.withdraw(offer_id=make.offer().pk, now=make.NOW)
    grants.revoke(grant_id=make.grant().pk, reason="refunded", now=make.NOW)


@pytest.mark.parametrize("model", SHOWN, ids=lambda model: model.__name__)
def test_a_list_and_a_row_are_shown_and_offer_no_change(desk, model):
    page = f"admin:licensing_{model._meta.model_name}"
    assert desk.get(reverse(f"{page}_changelist"), {"q": "a"}).status_code == 200
    row = model.objects.first()
    shown = desk.get(reverse(f"{page}_change", args=[row.pk]))
    assert shown.status_code == 200 and b'name="_save"' not in shown.content
    assert desk.get(reverse(f"{page}_add")).status_code == 403
    assert desk.post(reverse(f"{page}_delete", args=[row.pk]), {"post": "yes"}).status_code == 403
    assert desk.post(reverse(f"{page}_change", args=[row.pk]), {}).status_code == 403


def test_what_a_licensee_said_is_not_shown_at_the_desk(desk):
    said = {each.value for grant in models.Grant.objects.all() for each in ledger.openings(grant.intent_id)}
    assert "Li Hua" in said
    page = desk.get(reverse("admin:licensing_grant_change", args=[models.Grant.objects.first().pk]))
    assert b"licensee_name" not in page.content and b"statement" not in page.content
