"""Shops: a party's storefront."""

from datetime import datetime
from uuid import UUID

from django.db import transaction

from licensing.actions import parties
from marketplace.domain.catalogue import Seller
from marketplace.models import Shop

PARTY_KINDS = {"individual": "person", "opera_troupe": "collective", "association": "collective"}


@transaction.atomic
def open_for_seller(*, seller: Seller, now: datetime) -> tuple[Shop, bool]:
    """Return the shop of a catalogue's seller and whether anything about it is new; its id is the shop's slug."""
    said = {
        "name": seller.name,
        "about": {language: text for language, text in seller.about.items() if text},
        "region": seller.region,
        "kind": seller.kind,
        "attribution": seller.attribution,
    }
    shop = Shop.objects.select_for_update().filter(slug=seller.id).first()
    if shop is None:
        party = parties.register(
            kind=PARTY_KINDS.get(seller.kind, "organisation"),
            organisation_kind="" if seller.kind == "individual" else seller.kind,
            name=seller.name,
            region=seller.region,
            now=now,
        )
        return Shop.objects.create(party_id=party.pk, slug=seller.id, opened_at=now, **said), True
    changed = any(getattr(shop, field) != value for field, value in said.items())
    if changed:
        Shop.objects.filter(pk=shop.pk).update(**said)
    return shop, changed


def party_of(slug: str) -> UUID | None:
    """Return the party behind a shop."""
    return Shop.objects.filter(slug=slug).values_list("party_id", flat=True).first()
