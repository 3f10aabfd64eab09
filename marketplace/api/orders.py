"""Orders: place one for listings and purposes, read it, and start its payment."""

from typing import Any
from uuid import UUID

from django.urls import reverse
from django.utils.translation import gettext as _
from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.permissions import IsAuthenticated
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from ledger import clock
from licensing.domain.money import Money
from licensing.domain.terms import PURPOSES
from marketplace.actions import checkout
from marketplace.actions.checkout import Wanted
from marketplace.api.access import IDEMPOTENCY_KEY, idempotent
from marketplace.api.listings import MoneySerializer, as_money
from marketplace.domain.purposes import INSTITUTION_KINDS
from marketplace.queries import orders
from settlement.actions import payments

MOST_LINES = 1000


class WantedSerializer(serializers.Serializer):
    """One line: a listing and what it is for."""

    listing = serializers.CharField(max_length=100, help_text="The listing's id, or its asset's ARK.")
    purpose = serializers.ChoiceField(choices=sorted(PURPOSES))
    offer = serializers.UUIDField(required=False, help_text="Else the cheapest that fits.")
    institution = serializers.CharField(required=False, max_length=200, help_text="Declared by name.")
    institution_kind = serializers.ChoiceField(choices=INSTITUTION_KINDS, required=False)
    territory = serializers.RegexField(r"^[A-Z]{2}$", required=False, help_text="Where it will be used.")
    statement = serializers.CharField(required=False, max_length=1000)

    def validate(self, said: dict[str, Any]) -> dict[str, Any]:
        """Refuse a kind of institution without its name; without a kind, a school is meant."""
        if said.get("institution_kind") and not said.get("institution"):
            raise serializers.ValidationError({"institution": _("Name the institution.")})
        if said.get("institution"):
            said.setdefault("institution_kind", "education")
        return said


class OrderRequestSerializer(serializers.Serializer):
    """What an order is placed for."""

    lines = WantedSerializer(many=True, allow_empty=False, max_length=MOST_LINES)

    def wanted(self) -> list[Wanted]:
        """Return the lines as the checkout takes them."""
        return [
            Wanted(offer_id=line.pop("offer", None), **line)
            for line in map(dict, self.validated_data["lines"])
        ]


class LineSerializer(serializers.Serializer):
    """A line of an order; in the end it holds a grant, or says why its money goes back."""

    id = serializers.UUIDField()
    listing = serializers.CharField()
    title = serializers.DictField(child=serializers.CharField())
    offer = serializers.UUIDField()
    purpose = serializers.CharField()
    price = MoneySerializer()
    state = serializers.CharField()
    grant = serializers.UUIDField(allow_null=True)
    refusal = serializers.CharField(allow_blank=True)


class OrderSerializer(serializers.Serializer):
    """An order."""

    id = serializers.UUIDField()
    number = serializers.CharField()
    state = serializers.CharField()
    total = MoneySerializer()
    placed_at = serializers.DateTimeField()
    expires_at = serializers.DateTimeField()
    payment = serializers.CharField(
        allow_null=True, help_text="The payment's id; null where nothing is paid."
    )
    payment_state = serializers.CharField(allow_null=True)
    lines = LineSerializer(many=True)


class OrderListSerializer(serializers.Serializer):
    """One page of orders."""

    count = serializers.IntegerField()
    page = serializers.IntegerField()
    pages = serializers.IntegerField()
    results = OrderSerializer(many=True)


class PageQuery(serializers.Serializer):
    """Which page of a list."""

    page = serializers.IntegerField(min_value=1, max_value=100_000, default=1)
    size = serializers.IntegerField(min_value=1, max_value=100, default=20)


class PaySerializer(serializers.Serializer):
    """Where to pay."""

    url = serializers.URLField()


class OrderList(APIView):
    """The orders of the parties that you act for."""

    permission_classes = (IsAuthenticated,)

    @extend_schema(parameters=[PageQuery], responses=OrderListSerializer, operation_id="orders_list")
    def get(self, request: Request) -> Response:
        """List orders, the newest first."""
        asked = PageQuery(data=request.query_params)
        asked.is_valid(raise_exception=True)
        size, found = asked.validated_data["size"], orders.orders(request.user)
        pages = max(1, -(-len(found) // size))
        page = min(asked.validated_data["page"], pages)
        results = [as_order(order) for order in found[(page - 1) * size : page * size]]
        return Response({"count": len(found), "page": page, "pages": pages, "results": results})

    @extend_schema(
        operation_id="orders_create",
        request=OrderRequestSerializer,
        responses={201: OrderSerializer},
        parameters=[IDEMPOTENCY_KEY],
    )
    @idempotent
    def post(self, request: Request) -> Response:
        """Place an order. What is free is granted at once."""
        asked = OrderRequestSerializer(data=request.data)
        asked.is_valid(raise_exception=True)
        placed = checkout.place(
            user=request.user,
            wanted=asked.wanted(),
            idempotency_key=request.idempotency_key,
            now=clock.now(),
        )
        return Response(as_order(orders.order(request.user, placed.number)), status=201)


class OrderDetail(APIView):
    """One order."""

    permission_classes = (IsAuthenticated,)

    @extend_schema(responses=OrderSerializer, operation_id="orders_read")
    def get(self, request: Request, number: str) -> Response:
        """Read an order."""
        return Response(as_order(orders.order(request.user, number)))


class OrderPay(APIView):
    """The payment of an order."""

    permission_classes = (IsAuthenticated,)

    @extend_schema(
        operation_id="orders_pay", request=None, responses=PaySerializer, parameters=[IDEMPOTENCY_KEY]
    )
    @idempotent
    def post(self, request: Request, number: str) -> Response:
        """Start the payment, and get the address of the pay page; the same one while it is open."""
        order = orders.order(request.user, number)
        payment = payments.start(
            order_id=order.pk,
            return_url=request.build_absolute_uri(reverse("checkout-return", args=[order.number])),
            cancel_url=request.build_absolute_uri(reverse("checkout", args=[order.number])),
            now=clock.now(),
        )
        return Response({"url": payment.session_url})


def as_order(order: Any) -> dict[str, Any]:
    """Return an order with its lines."""
    lines = orders.lines_of(order)
    listings, payment = orders.listings_of(lines), orders.payment_of(order)
    return {
        "id": str(order.pk),
        "number": order.number,
        "state": order.state,
        "total": as_money(Money(order.total_minor_units, order.currency)),
        "placed_at": order.placed_at,
        "expires_at": order.expires_at,
        "payment": payment and str(payment.pk),
        "payment_state": payment and payment.state,
        "lines": [as_line(line, listings.get(line.reference)) for line in lines],
    }


def as_line(line: Any, listing: Any) -> dict[str, Any]:
    """Return a line with the title that its listing has now."""
    grant: UUID | None = line.grant_id
    return {
        "id": str(line.pk),
        "listing": line.reference,
        "title": listing.title if listing else {},
        "offer": str(line.offer_id),
        "purpose": line.purpose,
        "price": as_money(Money(line.price_minor_units, line.currency)),
        "state": line.state,
        "grant": grant and str(grant),
        "refusal": line.refusal,
    }
