"""The log in the admin: to read, never to write."""

from django.contrib import admin

from ledger.models import Anchor, Checkpoint, Entry, Intent, Pending


class ReadOnly(admin.ModelAdmin):
    """Shows rows that nobody changes here."""

    show_full_result_count = False

    def has_add_permission(self, request) -> bool:
        return False

    def has_change_permission(self, request, obj=None) -> bool:
        return False

    def has_delete_permission(self, request, obj=None) -> bool:
        return False


@admin.register(Entry)
class EntryAdmin(ReadOnly):
    """What was numbered, newest first."""

    list_display = ("number", "kind", "subject", "leaf", "sequenced_at")
    list_select_related = ("intent",)
    fields = ("number", "intent", "text", "leaf", "link", "previous_link", "sequenced_at")
    readonly_fields = fields
    ordering = ("-number",)

    @admin.display
    def kind(self, entry: Entry) -> str:
        return entry.document["kind"]

    @admin.display
    def subject(self, entry: Entry) -> str:
        return entry.document["subject"]

    @admin.display
    def text(self, entry: Entry) -> str:
        return entry.canonical.decode()

    @admin.display(description="leaf hash")
    def leaf(self, entry: Entry) -> str:
        return bytes(entry.leaf_hash).hex()

    @admin.display(description="chain hash")
    def link(self, entry: Entry) -> str:
        return bytes(entry.chain_hash).hex()

    @admin.display
    def previous_link(self, entry: Entry) -> str:
        return bytes(entry.prev).hex()


@admin.register(Intent)
class IntentAdmin(ReadOnly):
    """What was handed in."""

    list_display = ("id", "idempotency_key", "created_at")
    fields = ("id", "idempotency_key", "text", "created_at")
    readonly_fields = fields
    ordering = ("-id",)

    @admin.display
    def text(self, intent: Intent) -> str:
        return bytes(intent.canonical).decode()


@admin.register(Pending)
class PendingAdmin(ReadOnly):
    """What waits for its number."""

    list_display = ("intent",)


@admin.register(Checkpoint)
class CheckpointAdmin(ReadOnly):
    """What was signed."""

    list_display = ("size", "root_digits", "signed_at")
    fields = ("size", "root_digits", "note", "signed_at")
    readonly_fields = fields
    ordering = ("-size",)

    @admin.display(description="root")
    def root_digits(self, checkpoint: Checkpoint) -> str:
        return bytes(checkpoint.root).hex()


@admin.register(Anchor)
class AnchorAdmin(ReadOnly):
    """What went onto a chain, or waits to, and why it waits."""

    list_display = ("size", "state", "contract", "planned_at", "confirmed_at", "last_trouble")
    list_select_related = ("contract",)
    fields = (*list_display, "root_digits", "sender", "nonce", "transaction", "block_number", "block_digits")
    readonly_fields = fields

    @admin.display(description="root")
    def root_digits(self, anchor: Anchor) -> str:
        return bytes(anchor.root).hex()

    @admin.display
    def transaction(self, anchor: Anchor) -> str:
        return bytes(anchor.tx_hash or b"").hex()

    @admin.display(description="block hash")
    def block_digits(self, anchor: Anchor) -> str:
        return bytes(anchor.block_hash or b"").hex()
