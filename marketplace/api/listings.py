"""Listings: search what is on show, and read one with its offers, terms and files. Open to everybody."""

from typing import Any

from django.utils.translation import get_language
from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.permissions import AllowAny
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from licensing.domain import money
from licensing.domain.money import Money
from licensing.domain.terms import PURPOSES, sentences
from marketplace.domain.catalogue import FORMS
from marketplace.domain.purposes import Offered
from marketplace.queries import catalogue
from marketplace.queries.catalogue import Card, Filters


class SearchQuery(serializers.Serializer):
    """What to search for; every filter may be left out."""

    q = serializers.CharField(required=False, allow_blank=True, max_length=200)
    kind = serializers.ChoiceField(choices=sorted(FORMS), required=False)
    purpose = serializers.ChoiceField(choices=sorted(PURPOSES), required=False)
    price = serializers.ChoiceField(choices=catalogue.PRICES, required=False)
    shop = serializers.SlugField(required=False)
    rights = serializers.CharField(required=False, max_length=500)
    period = serializers.CharField(required=False, max_length=20)
    region = serializers.CharField(required=False, max_length=80)
    format = serializers.CharField(required=False, max_length=20)
    sort = serializers.ChoiceField(choices=catalogue.SORTS, required=False)
    page = serializers.IntegerField(min_value=1, max_value=100_000, default=1)
    size = serializers.IntegerField(
        min_value=1, max_value=catalogue.MOST_PER_PAGE, default=catalogue.PAGE_SIZE
    )

    def filters(self) -> Filters:
        said = dict(self.validated_data)
        return Filters(text=said.pop("q", ""), use=said.pop("purpose", ""), **said)


class MoneySerializer(serializers.Serializer):
    """An amount: whole minor units, and as people write it."""

    amount_minor_units = serializers.IntegerField()
    currency = serializers.CharField()
    text = serializers.CharField()


class ClauseSerializer(serializers.Serializer):
    """One rule of the terms in plain words."""

    clause = serializers.CharField()
    kind = serializers.ChoiceField(choices=["may", "must", "may_not"])
    text = serializers.CharField()


class OfferSerializer(serializers.Serializer):
    """An open offer: its price, what it is for and what its terms say."""

    id = serializers.UUIDField()
    template = serializers.CharField()
    price = MoneySerializer()
    audience = serializers.ListField(child=serializers.CharField())
    territory = serializers.ListField(child=serializers.CharField())
    exclusive = serializers.BooleanField()
    sold = serializers.BooleanField(help_text="An exclusive offer is shown and not sold yet.")
    purposes = serializers.ListField(child=serializers.CharField())
    terms = ClauseSerializer(many=True)
    terms_sha256 = serializers.CharField()


class ListingSerializer(serializers.Serializer):
    """A listing as lists show it."""

    id = serializers.UUIDField()
    asset = serializers.CharField(help_text="The asset's identifier, an ARK.")
    title = serializers.DictField(child=serializers.CharField())
    shop = serializers.CharField()
    slug = serializers.CharField()
    kind = serializers.CharField()
    formats = serializers.ListField(child=serializers.CharField())
    record_count = serializers.IntegerField()
    byte_size = serializers.IntegerField()
    rights = serializers.CharField()
    public_interest = serializers.BooleanField()
    free = serializers.BooleanField(help_text="Free to everybody, without an account.")
    edition = serializers.BooleanField()
    prices = serializers.DictField(child=MoneySerializer(), help_text="By purpose, without an institution.")
    updated_at = serializers.DateTimeField()


class FileSerializer(serializers.Serializer):
    """One file of the current version."""

    id = serializers.UUIDField()
    name = serializers.CharField()
    media_type = serializers.CharField()
    byte_size = serializers.IntegerField()
    sha256 = serializers.CharField()


class ListingDetailSerializer(ListingSerializer):
    """A listing with all that is known about it."""

    summary = serializers.DictField(child=serializers.CharField())
    version = serializers.IntegerField()
    attribution = serializers.CharField()
    metadata = serializers.DictField()
    offers = OfferSerializer(many=True)
    files = FileSerializer(many=True)
    standing_grant = serializers.UUIDField(
        allow_null=True, help_text="The grant to everybody, under which files are fetched without an account."
    )


class ListingPageSerializer(serializers.Serializer):
    """One page of listings; `near` says that nothing had all the words."""

    count = serializers.IntegerField()
    page = serializers.IntegerField()
    pages = serializers.IntegerField()
    near = serializers.BooleanField()
    results = ListingSerializer(many=True)


class ListingList(APIView):
    """What is on show."""

    permission_classes = (AllowAny,)

    @extend_schema(parameters=[SearchQuery], responses=ListingPageSerializer, operation_id="listings_list")
    def get(self, request: Request) -> Response:
        """Search the listings."""
        asked = SearchQuery(data=request.query_params)
        asked.is_valid(raise_exception=True)
        page = catalogue.search(asked.filters(), with_facets=False)
        results = [as_card(card) for card in page.cards]
        head = {"count": page.total, "page": page.page, "pages": page.pages, "near": page.is_near}
        return Response({**head, "results": results})


class ListingDetail(APIView):
    """One listing."""

    permission_classes = (AllowAny,)

    @extend_schema(responses=ListingDetailSerializer, operation_id="listings_read")
    def get(self, request: Request, key: str) -> Response:
        """Read a listing by its id or its asset's ARK."""
        return Response(as_listing(catalogue.detail(catalogue.find(key))))


def as_money(amount: Money) -> dict[str, Any]:
    """Return an amount for programs and people."""
    return {
        "amount_minor_units": amount.amount_minor_units,
        "currency": amount.currency,
        "text": money.display(amount, get_language() or "en"),
    }


def as_card(card: Card) -> dict[str, Any]:
    """Return a listing as lists show it."""
    listing = card.listing
    return {
        "id": str(listing.pk),
        "asset": listing.asset.ark_id,
        "title": listing.title,
        "shop": listing.shop.slug,
        "slug": listing.slug,
        "kind": listing.form,
        "formats": listing.formats,
        "record_count": listing.record_count,
        "byte_size": listing.byte_size,
        "rights": listing.rights_uri,
        "public_interest": listing.asset.public_interest,
        "free": card.is_free,
        "edition": card.is_edition,
        "prices": {purpose: as_money(price) for purpose, price in card.prices.items()},
        "updated_at": listing.updated_at,
    }


def as_offer(offered: Offered) -> dict[str, Any]:
    """Return an offer with its terms in the reader's language."""
    terms = offered.terms
    return {
        "id": str(offered.offer_id),
        "template": str(terms.template),
        "price": as_money(offered.price),
        "audience": list(terms.audience),
        "territory": list(terms.territory),
        "exclusive": terms.exclusive,
        "sold": not terms.exclusive,
        "purposes": [purpose for purpose, actions in PURPOSES.items() if actions <= terms.uses],
        "terms": [
            {"clause": each.clause, "kind": each.kind, "text": each.text}
            for each in sentences(terms, get_language() or "en")
        ],
        "terms_sha256": terms.sha256,
    }


def as_listing(detail: catalogue.Detail) -> dict[str, Any]:
    """Return a listing with all that is known about it."""
    listing, version = detail.card.listing, detail.card.listing.version
    return {
        **as_card(detail.card),
        "summary": listing.summary,
        "version": version.number,
        "attribution": version.attribution,
        "metadata": version.metadata,
        "offers": [as_offer(offered) for offered in detail.card.offers],
        "files": [as_file(file) for file in detail.files],
        "standing_grant": detail.standing_grant and str(detail.standing_grant),
    }


def as_file(file: Any) -> dict[str, Any]:
    """Return a file's facts."""
    return {
        "id": str(file.pk),
        "name": file.name,
        "media_type": file.media_type,
        "byte_size": file.byte_size,
        "sha256": file.sha256,
    }
