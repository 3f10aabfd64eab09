"""Orders and their lines: price, terms and shares as they were when the order was placed."""

import uuid

import pgtrigger
from django.db import models
from django.db.models import Q
from django.utils.translation import get_language
from django.utils.translation import gettext_lazy as _

from ledger.triggers import AppendOnly, Rule, refuse
from licensing.domain.money import Money
from licensing.domain.terms import PURPOSES
from settlement.domain.states import (
    GRANTING_ORDERS,
    LINE_MOVES,
    ORDER_MOVES,
    UNDECIDED_ORDERS,
    LineState,
    OrderState,
)
from settlement.models.rules import after_insert, frozen, known_currency, moves, one_of, sql_words


class Order(models.Model):
    """A licensee's commitment to take some offers, in one currency, with one payment or none."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    number = models.TextField(unique=True)
    licensee = models.ForeignKey("licensing.Party", models.PROTECT, related_name="orders")
    currency = models.CharField(max_length=3)
    total_minor_units = models.BigIntegerField()
    state = models.TextField(default=OrderState.PLACED)
    idempotency_key = models.TextField()
    fingerprint = models.TextField()
    placed_at = models.DateTimeField()
    expires_at = models.DateTimeField()

    class Meta:
        verbose_name = _("order")
        verbose_name_plural = _("orders")
        constraints = [
            one_of("order_state", OrderState),
            known_currency("order_currency"),
            models.CheckConstraint(name="order_total", condition=Q(total_minor_units__gte=0)),
            models.CheckConstraint(
                name="order_free_or_paid",
                condition=Q(total_minor_units=0, state__in=[OrderState.PLACED, OrderState.GRANTED_FREE])
                | Q(total_minor_units__gt=0) & ~Q(state=OrderState.GRANTED_FREE),
            ),
            models.UniqueConstraint(name="order_key", fields=["licensee", "idempotency_key"]),
        ]
        indexes = [
            models.Index(
                name="order_expiring",
                fields=["expires_at"],
                condition=Q(state__in=[OrderState.PLACED, OrderState.AWAITING_PAYMENT]),
            )
        ]
        triggers = [
            frozen(
                "id", "number", "licensee_id", "currency", "total_minor_units", "idempotency_key", "placed_at"
            ),
            moves(ORDER_MOVES),
            Rule(
                name="paid_by_a_payment",
                operation=pgtrigger.Insert | pgtrigger.UpdateOf("state"),
                func=f"""
                    IF TG_OP = 'INSERT' THEN
                        IF NEW.state <> 'placed' THEN
                            {refuse("order: it begins as placed")}
                        END IF;
                    ELSIF NEW.state <> OLD.state AND NEW.state IN ('paid', 'auto_refunding') AND NOT EXISTS (
                        SELECT FROM settlement_payment WHERE order_id = NEW.id AND state = 'succeeded'
                            AND (amount_minor_units, currency) = (NEW.total_minor_units, NEW.currency)
                    ) THEN
                        {refuse("order: it is paid when a payment of its total has succeeded")}
                    END IF;
                    RETURN NEW;
                """,
            ),
            # PRODUCT, rule 4: paid means granted or refunded, line by line.
            Rule(
                name="ends_decided",
                operation=pgtrigger.UpdateOf("state"),
                func=f"""
                    IF NEW.state NOT IN ({sql_words(UNDECIDED_ORDERS)}) AND EXISTS (
                        SELECT FROM settlement_orderline WHERE order_id = NEW.id AND state = 'open') THEN
                        {refuse("order: it ends when each of its lines is decided")}
                    END IF;
                    IF NEW.state IN ('complete', 'granted_free') AND EXISTS (
                        SELECT FROM settlement_orderline WHERE order_id = NEW.id AND state <> 'granted') THEN
                        {refuse("order: it is complete when each of its lines is granted")}
                    END IF;
                    RETURN NEW;
                """,
            ),
            Rule(
                name="adds_up",
                operation=pgtrigger.Insert,
                deferred=True,
                func=f"""
                    IF NEW.total_minor_units IS DISTINCT FROM (
                        SELECT sum(price_minor_units) FROM settlement_orderline WHERE order_id = NEW.id
                    ) THEN
                        {refuse("order: its lines add up to its total")}
                    END IF;
                    RETURN NULL;
                """,
            ),
        ]

    def __str__(self) -> str:
        return self.number

    @property
    def total(self) -> Money:
        """Return what is to be paid in all."""
        return Money(self.total_minor_units, self.currency)

    @property
    def is_free(self) -> bool:
        """Tell whether there is nothing to pay."""
        return self.total_minor_units == 0


class OrderEvent(models.Model):
    """One move of an order: from where, to where, when and why."""

    order = models.ForeignKey(Order, models.PROTECT, related_name="events")
    before = models.TextField(blank=True)
    after = models.TextField()
    at = models.DateTimeField()
    reason = models.TextField(blank=True, default="")

    class Meta:
        verbose_name = _("order event")
        verbose_name_plural = _("order events")
        triggers = [AppendOnly()]

    def __str__(self) -> str:
        return f"{self.before} → {self.after}"


class OrderLine(models.Model):
    """One offer of an order, with its frozen price and shares; in the end it holds a grant, or its refund."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    order = models.ForeignKey(Order, models.PROTECT, related_name="lines")
    position = models.PositiveIntegerField()
    offer = models.ForeignKey("licensing.Offer", models.PROTECT, related_name="order_lines")
    price_minor_units = models.BigIntegerField()
    currency = models.CharField(max_length=3)
    policy_sha256 = models.TextField()
    share_plan = models.ForeignKey("licensing.SharePlan", models.PROTECT, related_name="order_lines")
    purpose = models.TextField()
    detail = models.JSONField(default=dict, blank=True)  # personal; can be emptied
    reference = models.TextField(blank=True, default="")  # the caller's; opaque here
    state = models.TextField(default=LineState.OPEN)
    grant = models.OneToOneField(
        "licensing.Grant", models.PROTECT, null=True, blank=True, related_name="order_line"
    )
    refusals = models.JSONField(default=dict, blank=True)  # why it was not granted, in words of each language

    class Meta:
        verbose_name = _("order line")
        verbose_name_plural = _("order lines")
        ordering = ["order", "position"]
        constraints = [
            one_of("line_state", LineState),
            one_of("line_purpose", PURPOSES, "purpose"),
            models.UniqueConstraint(name="line_position", fields=["order", "position"]),
            models.CheckConstraint(name="line_price", condition=Q(price_minor_units__gte=0)),
            models.CheckConstraint(
                name="line_granted_holds_a_grant",
                condition=~Q(state=LineState.GRANTED) | Q(grant__isnull=False),
            ),
            models.CheckConstraint(
                name="line_open_holds_none",
                condition=~Q(state__in=[LineState.OPEN, LineState.LAPSED]) | Q(grant__isnull=True),
            ),
        ]
        triggers = [
            frozen(
                *("id", "order_id", "position", "offer_id", "price_minor_units", "currency"),
                *("policy_sha256", "share_plan_id", "purpose", "reference"),
            ),
            moves(LINE_MOVES),
            Rule(
                name="as_offered",
                operation=pgtrigger.Insert,
                func=f"""
                    IF NEW.state <> 'open' OR NEW.grant_id IS NOT NULL THEN
                        {refuse("order line: it begins open")}
                    END IF;
                    IF NOT EXISTS (SELECT FROM settlement_order WHERE id = NEW.order_id
                                   AND state = 'placed' AND currency = NEW.currency) THEN
                        {refuse("order line: it comes with its order, in the order's currency")}
                    END IF;
                    IF NOT EXISTS (SELECT FROM licensing_offer WHERE id = NEW.offer_id
                                   AND policy_id = NEW.policy_sha256 AND share_plan_id = NEW.share_plan_id) THEN
                        {refuse("order line: terms and shares are those of its offer")}
                    END IF;
                    RETURN NEW;
                """,
            ),
            # PRODUCT, rule 4: never a grant without payment or a free rule.
            Rule(
                name="granted_when_paid_or_free",
                operation=pgtrigger.UpdateOf("grant_id"),
                declare=[("placed", "settlement_order%ROWTYPE")],
                func=f"""
                    IF NEW.grant_id IS NOT DISTINCT FROM OLD.grant_id THEN
                        RETURN NEW;
                    END IF;
                    IF OLD.grant_id IS NOT NULL THEN
                        {refuse("order line: it keeps its grant")}
                    END IF;
                    SELECT * INTO STRICT placed FROM settlement_order WHERE id = NEW.order_id;
                    IF NEW.price_minor_units > 0 AND placed.state NOT IN ({sql_words(GRANTING_ORDERS)}) THEN
                        {refuse("order line: a grant only where its order is paid or free")}
                    END IF;
                    IF NOT EXISTS (SELECT FROM licensing_grant WHERE id = NEW.grant_id
                                   AND offer_id = NEW.offer_id AND licensee_id = placed.licensee_id) THEN
                        {refuse("order line: its grant is of its offer, to its licensee")}
                    END IF;
                    RETURN NEW;
                """,
            ),
            Rule(
                name="refunded_by_a_refund",
                operation=pgtrigger.UpdateOf("state"),
                func=f"""
                    IF NEW.state = 'lapsed' AND OLD.state = 'open' AND NEW.price_minor_units > 0 AND EXISTS (
                        SELECT FROM settlement_order WHERE id = NEW.order_id AND state = 'paid') THEN
                        {refuse("order line: what was paid is granted or refunded")}
                    END IF;
                    IF NEW.state IN ('refund_due', 'refunded') AND NEW.price_minor_units IS DISTINCT FROM (
                        SELECT sum(amount_minor_units) FROM settlement_refund WHERE line_id = NEW.id
                            AND (NEW.state = 'refund_due' OR state = 'succeeded')
                    ) THEN
                        {refuse("order line: its refund is of its whole price")}
                    END IF;
                    RETURN NEW;
                """,
            ),
            after_insert(
                "adds_up",
                f"""
                    IF EXISTS (
                        SELECT FROM settlement_order o WHERE o.id IN (SELECT order_id FROM added)
                            AND o.total_minor_units <> (
                                SELECT sum(price_minor_units) FROM settlement_orderline WHERE order_id = o.id)
                    ) THEN
                        {refuse("order: its lines add up to its total")}
                    END IF;
                    RETURN NULL;
                """,
            ),
            Rule(
                name="is_shared_out",
                operation=pgtrigger.Insert,
                deferred=True,
                func=f"""
                    IF NEW.price_minor_units <> (SELECT coalesce(sum(amount_minor_units), 0)
                                                 FROM settlement_lineshare WHERE line_id = NEW.id) THEN
                        {refuse("order line: its shares add up to its price")}
                    END IF;
                    RETURN NULL;
                """,
            ),
        ]

    def __str__(self) -> str:
        return f"{self.order_id} {self.position}"

    @property
    def price(self) -> Money:
        """Return the price as it was when the order was placed."""
        return Money(self.price_minor_units, self.currency)

    @property
    def refusal(self) -> str:
        """Return why the line was not granted, in the reader's language; nothing where it was."""
        chinese = (get_language() or "en").startswith("zh")
        return self.refusals.get("zh-Hans" if chinese else "en", "")

    @property
    def is_open(self) -> bool:
        """Tell whether neither a grant nor a refund has been decided."""
        return self.state == LineState.OPEN


class LineShare(models.Model):
    """A rights holder's share of a line, turned into money when the order was placed."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    line = models.ForeignKey(OrderLine, models.PROTECT, related_name="shares")
    position = models.PositiveIntegerField()
    party = models.ForeignKey("licensing.Party", models.PROTECT, related_name="line_shares")
    amount_minor_units = models.BigIntegerField()

    class Meta:
        verbose_name = _("share of a line")
        verbose_name_plural = _("shares of lines")
        ordering = ["line", "position"]
        constraints = [
            models.UniqueConstraint(name="line_share_position", fields=["line", "position"]),
            models.CheckConstraint(name="line_share_amount", condition=Q(amount_minor_units__gte=0)),
        ]
        triggers = [
            AppendOnly(),
            after_insert(
                "adds_up",
                f"""
                    IF EXISTS (
                        SELECT FROM settlement_orderline l WHERE l.id IN (SELECT line_id FROM added)
                            AND l.price_minor_units <> (
                                SELECT sum(amount_minor_units) FROM settlement_lineshare WHERE line_id = l.id)
                    ) THEN
                        {refuse("order line: its shares add up to its price")}
                    END IF;
                    RETURN NULL;
                """,
            ),
        ]

    def __str__(self) -> str:
        return f"{self.party_id} {self.amount_minor_units}"
