"""Payments, which bring money in, and refunds, which send it back; both as the provider last told us."""

import uuid

import pgtrigger
from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from ledger.triggers import AppendOnly, Rule, refuse
from licensing.domain.money import Money
from settlement.domain.states import (
    LIVE_PAYMENTS,
    PAYMENT_MOVES,
    REFUND_MOVES,
    PaymentState,
    RefundReason,
    RefundState,
)
from settlement.models.orders import LineShare, Order, OrderLine
from settlement.models.rules import after_insert, frozen, known_currency, moves, one_of


class Payment(models.Model):
    """One try to pay an order: one checkout at the provider. An order has at most one that is alive."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    order = models.ForeignKey(Order, models.PROTECT, related_name="payments")
    provider = models.TextField()
    provider_ref = models.TextField(unique=True, null=True, blank=True)
    session_ref = models.TextField(unique=True, null=True, blank=True)
    session_url = models.TextField(blank=True, default="")
    amount_minor_units = models.BigIntegerField()
    currency = models.CharField(max_length=3)
    state = models.TextField(default=PaymentState.CREATED)
    created_at = models.DateTimeField()
    polls = models.PositiveIntegerField(default=0)
    next_poll_at = models.DateTimeField()

    class Meta:
        verbose_name = _("payment")
        verbose_name_plural = _("payments")
        constraints = [
            one_of("payment_state", PaymentState),
            known_currency("payment_currency"),
            models.CheckConstraint(name="payment_amount", condition=Q(amount_minor_units__gt=0)),
            models.UniqueConstraint(
                name="payment_one_alive", fields=["order"], condition=Q(state__in=LIVE_PAYMENTS)
            ),
        ]
        indexes = [
            models.Index(
                name="payment_to_poll",
                fields=["next_poll_at"],
                condition=Q(state__in=[PaymentState.CREATED, PaymentState.PROCESSING]),
            )
        ]
        triggers = [
            frozen("id", "order_id", "provider", "amount_minor_units", "currency"),
            moves(PAYMENT_MOVES),
            # PRODUCT, rule 1: no payment ever exists for a free order.
            Rule(
                name="of_what_is_owed",
                operation=pgtrigger.Insert,
                declare=[("placed", "settlement_order%ROWTYPE")],
                func=f"""
                    SELECT * INTO STRICT placed FROM settlement_order WHERE id = NEW.order_id;
                    IF placed.total_minor_units = 0 THEN
                        {refuse("payment: a free order has none")}
                    END IF;
                    IF NEW.state NOT IN ('created', 'surplus', 'held') OR NEW.state = 'created'
                        AND (NEW.amount_minor_units, NEW.currency)
                            <> (placed.total_minor_units, placed.currency) THEN
                        {refuse("payment: it is for its order's total")}
                    END IF;
                    RETURN NEW;
                """,
            ),
            Rule(
                name="on_the_books",
                operation=pgtrigger.Insert | pgtrigger.Update,
                deferred=True,
                func=f"""
                    IF NEW.state IN ('succeeded', 'surplus', 'held') AND NOT EXISTS (
                        SELECT FROM settlement_journalentry WHERE fact_key = NEW.provider_ref || ':succeeded'
                    ) THEN
                        {refuse("payment: money that came is on the books")}
                    END IF;
                    RETURN NULL;
                """,
            ),
        ]

    def __str__(self) -> str:
        return f"{self.provider} {self.provider_ref or self.session_ref or self.id}"

    @property
    def amount(self) -> Money:
        """Return what is paid."""
        return Money(self.amount_minor_units, self.currency)


class Refund(models.Model):
    """Money owed back to a licensee: for a line that was not granted, or for money nobody asked for."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    payment = models.ForeignKey(Payment, models.PROTECT, related_name="refunds")
    line = models.ForeignKey(OrderLine, models.PROTECT, null=True, blank=True, related_name="refunds")
    amount_minor_units = models.BigIntegerField()
    currency = models.CharField(max_length=3)
    state = models.TextField(default=RefundState.REQUESTED)
    provider_ref = models.TextField(unique=True, null=True, blank=True)
    reason = models.TextField()
    requested_at = models.DateTimeField()
    settled_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        verbose_name = _("refund")
        verbose_name_plural = _("refunds")
        constraints = [
            one_of("refund_state", RefundState),
            one_of("refund_reason", RefundReason, "reason"),
            models.CheckConstraint(name="refund_amount", condition=Q(amount_minor_units__gt=0)),
        ]
        triggers = [
            frozen("id", "payment_id", "line_id", "amount_minor_units", "currency", "reason"),
            moves(REFUND_MOVES),
            # The lock makes refunds of one payment come one after the other.
            Rule(
                name="not_more_than_paid",
                operation=pgtrigger.Insert,
                declare=[("paid", "settlement_payment%ROWTYPE")],
                func=f"""
                    SELECT * INTO STRICT paid FROM settlement_payment WHERE id = NEW.payment_id FOR UPDATE;
                    IF paid.state NOT IN ('succeeded', 'surplus') OR NEW.state <> 'requested'
                        OR NEW.currency <> paid.currency THEN
                        {refuse("refund: it is of money that came")}
                    END IF;
                    IF NEW.amount_minor_units + (SELECT coalesce(sum(amount_minor_units), 0)
                        FROM settlement_refund WHERE payment_id = NEW.payment_id) > paid.amount_minor_units THEN
                        {refuse("refund: never more than was paid")}
                    END IF;
                    IF NEW.line_id IS NOT NULL AND NEW.amount_minor_units + (
                        SELECT coalesce(sum(amount_minor_units), 0)
                        FROM settlement_refund WHERE line_id = NEW.line_id
                    ) > (SELECT price_minor_units FROM settlement_orderline
                         WHERE id = NEW.line_id AND order_id = paid.order_id) THEN
                        {refuse("refund: never more than the line's price")}
                    END IF;
                    RETURN NEW;
                """,
            ),
        ]

    def __str__(self) -> str:
        return f"{self.amount_minor_units} {self.currency} {self.state}"

    @property
    def amount(self) -> Money:
        """Return what goes back."""
        return Money(self.amount_minor_units, self.currency)


class RefundShare(models.Model):
    """What a refund takes from one holder's share of the line."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    refund = models.ForeignKey(Refund, models.PROTECT, related_name="shares")
    line_share = models.ForeignKey(LineShare, models.PROTECT, related_name="refunded")
    amount_minor_units = models.BigIntegerField()

    class Meta:
        verbose_name = _("share of a refund")
        verbose_name_plural = _("shares of refunds")
        constraints = [
            models.UniqueConstraint(name="refund_share_once", fields=["refund", "line_share"]),
            models.CheckConstraint(name="refund_share_amount", condition=Q(amount_minor_units__gte=0)),
        ]
        triggers = [
            AppendOnly(),
            after_insert(
                "adds_up",
                f"""
                    IF EXISTS (
                        SELECT FROM settlement_refund r WHERE r.id IN (SELECT refund_id FROM added)
                            AND r.amount_minor_units <> (
                                SELECT sum(amount_minor_units) FROM settlement_refundshare WHERE refund_id = r.id)
                    ) THEN
                        {refuse("refund: its shares add up to it")}
                    END IF;
                    IF EXISTS (
                        SELECT FROM settlement_lineshare s WHERE s.id IN (SELECT line_share_id FROM added)
                            AND s.amount_minor_units < (SELECT sum(amount_minor_units)
                                FROM settlement_refundshare WHERE line_share_id = s.id)
                    ) THEN
                        {refuse("refund: no holder gives back more than the share")}
                    END IF;
                    RETURN NULL;
                """,
            ),
        ]

    def __str__(self) -> str:
        return f"{self.amount_minor_units}"
