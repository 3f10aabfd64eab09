"""Traffic with the payment provider: events that came in, calls that are to go out. The rows are the queue."""

import uuid

from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from settlement.domain.states import CallState, EventState
from settlement.models.payments import Payment, Refund
from settlement.models.rules import one_of


class Operation(models.TextChoices):
    """What the outbox asks of the provider."""

    OPEN_CHECKOUT = "open_checkout", _("open a pay page")
    REFUND = "refund", _("send money back")


class InboxEvent(models.Model):
    """A webhook that the provider signed. Its payload is a hint; the object itself is read again."""

    provider = models.TextField()
    event_id = models.TextField()
    kind = models.TextField()
    payload = models.JSONField()
    state = models.TextField(default=EventState.NEW)
    tries = models.PositiveIntegerField(default=0)
    next_try_at = models.DateTimeField()
    received_at = models.DateTimeField()
    trouble = models.TextField(blank=True, default="")

    class Meta:
        verbose_name = _("inbox event")
        verbose_name_plural = _("inbox events")
        constraints = [
            one_of("inbox_state", EventState),
            models.UniqueConstraint(name="inbox_once", fields=["provider", "event_id"]),
        ]
        indexes = [models.Index(name="inbox_due", fields=["next_try_at"], condition=Q(state=EventState.NEW))]

    def __str__(self) -> str:
        return f"{self.kind} {self.event_id}"


class OutboxCall(models.Model):
    """A call to the provider. Its id is the idempotency key, so that sending it again does nothing twice.

    `generation` counts the keys: a new one is taken only after looking whether the old one did its work.
    """

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    operation = models.TextField(choices=Operation)
    payment = models.ForeignKey(Payment, models.PROTECT, null=True, blank=True, related_name="calls")
    refund = models.ForeignKey(Refund, models.PROTECT, null=True, blank=True, related_name="calls")
    params = models.JSONField()
    state = models.TextField(default=CallState.WAITING)
    generation = models.PositiveIntegerField(default=0)
    look_first = models.BooleanField(default=False)
    tries = models.PositiveIntegerField(default=0)
    created_at = models.DateTimeField()
    first_sent_at = models.DateTimeField(null=True, blank=True)
    next_try_at = models.DateTimeField()
    trouble = models.TextField(blank=True, default="")

    class Meta:
        verbose_name = _("outbox call")
        verbose_name_plural = _("outbox calls")
        constraints = [
            one_of("outbox_state", CallState),
            models.UniqueConstraint(name="outbox_one_checkout", fields=["payment"]),
            models.UniqueConstraint(name="outbox_one_refund", fields=["refund"]),
            models.CheckConstraint(
                name="outbox_about",
                condition=Q(operation=Operation.OPEN_CHECKOUT, payment__isnull=False, refund__isnull=True)
                | Q(operation=Operation.REFUND, payment__isnull=True, refund__isnull=False),
            ),
        ]
        indexes = [
            models.Index(name="outbox_due", fields=["next_try_at"], condition=Q(state=CallState.WAITING))
        ]

    def __str__(self) -> str:
        return f"{self.operation} {self.id}"

    @property
    def idempotency_key(self) -> str:
        """Return the key that this call is sent with."""
        return f"{self.id}:{self.generation}" if self.generation else str(self.id)
