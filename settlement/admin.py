"""Orders, money and traffic in the admin: to read, never to write. Parked events can be tried again."""

from django.contrib import admin
from django.utils.translation import gettext_lazy as _

from ledger import clock
from settlement.actions import inbox
from settlement.models import (
    Account,
    InboxEvent,
    JournalEntry,
    LineShare,
    Order,
    OrderEvent,
    OrderLine,
    OutboxCall,
    Payment,
    Posting,
    Refund,
)


class ReadOnly:
    """Shows rows that nobody changes here."""

    def has_add_permission(self, request, obj=None) -> bool:
        return False

    def has_change_permission(self, request, obj=None) -> bool:
        return False

    def has_delete_permission(self, request, obj=None) -> bool:
        return False


class Rows(ReadOnly, admin.TabularInline):
    """Rows that belong to the one shown."""

    extra = 0


class LineRows(Rows):
    model = OrderLine
    fields = ("position", "offer", "price_minor_units", "currency", "purpose", "state", "grant", "refusals")


class EventRows(Rows):
    model = OrderEvent


class PaymentRows(Rows):
    model = Payment
    fields = ("state", "provider_ref", "session_ref", "amount_minor_units", "currency", "created_at")


class PostingRows(Rows):
    model = Posting


class ShareRows(Rows):
    model = LineShare


@admin.register(Order)
class OrderAdmin(ReadOnly, admin.ModelAdmin):
    """Orders with their lines, payments and moves."""

    list_display = ("number", "state", "total_minor_units", "currency", "placed_at")
    list_filter = ("state", "currency")
    search_fields = ("number", "payments__provider_ref", "lines__grant__number")
    ordering = ("-placed_at",)
    inlines = (LineRows, PaymentRows, EventRows)


@admin.register(OrderLine)
class OrderLineAdmin(ReadOnly, admin.ModelAdmin):
    """Lines with their shares; what a licensee said of themselves is not shown in lists."""

    list_display = ("order", "position", "state", "price_minor_units", "currency", "grant")
    list_select_related = ("order", "grant")
    exclude = ("detail",)
    inlines = (ShareRows,)


@admin.register(JournalEntry)
class JournalEntryAdmin(ReadOnly, admin.ModelAdmin):
    """The journal with its postings."""

    list_display = ("fact_key", "kind", "order", "effective_at")
    list_select_related = ("order",)
    list_filter = ("kind",)
    search_fields = ("fact_key", "order__number")
    ordering = ("-effective_at",)
    inlines = (PostingRows,)


@admin.register(Account)
class AccountAdmin(ReadOnly, admin.ModelAdmin):
    """Accounts."""

    list_display = ("kind", "owner", "currency")
    list_filter = ("kind", "currency")


@admin.register(Refund)
class RefundAdmin(ReadOnly, admin.ModelAdmin):
    """Money owed back."""

    list_display = ("payment", "amount_minor_units", "currency", "state", "reason", "requested_at")
    list_select_related = ("payment",)
    list_filter = ("state",)
    ordering = ("-requested_at",)


@admin.register(OutboxCall)
class OutboxCallAdmin(ReadOnly, admin.ModelAdmin):
    """Calls to the payment provider."""

    list_display = ("operation", "state", "tries", "next_try_at", "trouble")
    list_filter = ("state", "operation")
    exclude = ("params",)
    ordering = ("-created_at",)


@admin.register(InboxEvent)
class InboxEventAdmin(ReadOnly, admin.ModelAdmin):
    """Webhooks, the parked ones with a way to try them again."""

    list_display = ("event_id", "kind", "state", "tries", "received_at", "trouble")
    list_filter = ("state", "kind")
    search_fields = ("event_id",)
    exclude = ("payload",)
    ordering = ("-received_at",)
    actions = ("try_again",)

    @admin.action(description=_("Try the selected events again"), permissions=["retry"])
    def try_again(self, request, rows) -> None:
        """Queue events again."""
        inbox.unpark(event_ids=list(rows.values_list("pk", flat=True)), now=clock.now())

    def has_retry_permission(self, request) -> bool:
        return request.user.has_perm("settlement.change_inboxevent")
