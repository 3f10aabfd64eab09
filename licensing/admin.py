"""The desk's view of rights: everything can be read; what the past is made of can be changed by nobody."""

from django.contrib import admin

from licensing import models


class ReadOnly(admin.ModelAdmin):
    """Rows that are looked at. They change through actions, which log what they do."""

    list_per_page = 50
    show_full_result_count = False

    def has_add_permission(self, request):
        return False

    def has_change_permission(self, request, obj=None):
        return False

    def has_delete_permission(self, request, obj=None):
        return False


class Rows(admin.TabularInline):
    """Rows that belong to the one that is shown."""

    extra = 0
    can_delete = False
    show_change_link = True

    def has_add_permission(self, request, obj=None):
        return False

    def has_change_permission(self, request, obj=None):
        return False


class Files(Rows):
    model = models.AssetFile
    fields = ["position", "name", "media_type", "byte_size", "sha256"]


class Shares(Rows):
    model = models.Share
    fields = ["position", "party", "weight"]


class Sources(Rows):
    model = models.EditionSource
    fields = ["position", "source"]


@admin.register(models.Party)
class PartyAdmin(ReadOnly):
    list_display = ["__str__", "kind", "organisation_kind", "region", "created_at"]
    list_filter = ["kind", "organisation_kind"]
    search_fields = ["name__zh-Hans", "name__en"]


@admin.register(models.Identifier)
class IdentifierAdmin(ReadOnly):
    list_display = ["ark", "kind", "target", "minted_at"]
    search_fields = ["ark"]


@admin.register(models.Asset)
class AssetAdmin(ReadOnly):
    list_display = ["ark", "licensor", "form", "external_id", "public_interest", "created_at"]
    list_filter = ["public_interest", "form"]
    list_select_related = ["licensor"]
    search_fields = ["ark__ark", "external_id"]


@admin.register(models.AssetVersion)
class AssetVersionAdmin(ReadOnly):
    list_display = ["asset", "number", "record_count", "file_count", "published_at"]
    list_select_related = ["asset"]
    search_fields = ["asset__ark__ark", "files_sha256"]
    inlines = [Files]


@admin.register(models.Edition)
class EditionAdmin(ReadOnly):
    list_display = ["asset", "number", "free_for", "declared_at"]
    list_select_related = ["asset"]
    inlines = [Sources]


@admin.register(models.SharePlan)
class SharePlanAdmin(ReadOnly):
    list_display = ["asset", "number", "agreed_at"]
    list_select_related = ["asset"]
    inlines = [Shares]


@admin.register(models.Policy)
class PolicyAdmin(ReadOnly):
    list_display = ["sha256", "template"]
    list_filter = ["template"]
    search_fields = ["sha256"]


@admin.register(models.Offer)
class OfferAdmin(ReadOnly):
    list_display = [
        "asset",
        "price_minor_units",
        "currency",
        "audience",
        "exclusive",
        "published_at",
        "ended",
    ]
    list_filter = ["currency", "exclusive", "end__reason"]
    list_select_related = ["asset", "end"]
    search_fields = ["id", "asset__ark__ark"]

    @admin.display(ordering="end__ended_at")
    def ended(self, offer):
        """Show why and when it ended, or nothing while it is open."""
        return f"{offer.end.reason} {offer.end.ended_at:%Y-%m-%d}" if hasattr(offer, "end") else ""


@admin.register(models.Grant)
class GrantAdmin(ReadOnly):
    list_display = ["number", "basis", "purpose", "licensor", "licensee", "issued_at", "revoked"]
    list_filter = ["basis", "purpose"]
    list_select_related = ["licensor", "licensee", "revocation"]
    search_fields = ["number", "id"]

    @admin.display(ordering="revocation__revoked_at")
    def revoked(self, grant):
        """Show when it was revoked, or nothing while it is live."""
        return f"{grant.revocation.revoked_at:%Y-%m-%d}" if hasattr(grant, "revocation") else ""
