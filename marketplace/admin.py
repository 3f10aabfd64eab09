"""Users, shops and listings in the admin; deliveries only to read. Titles, terms and prices change by publishing."""

from django import forms
from django.apps import apps
from django.contrib import admin, messages
from django.contrib.admin.helpers import ActionForm
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from ledger import clock
from ledger.domain.openings import GROUND_NAMES
from licensing.admin import GrantAdmin
from marketplace.actions import erasures
from marketplace.models import ApiToken, Delivery, Listing, Report, Shop, User


@admin.register(User)
class UserAdmin(admin.ModelAdmin):
    """Who signs in; passwords are set by their owners."""

    list_display = ("email", "party", "is_staff", "is_active", "joined_at")
    list_filter = ("is_staff", "is_active")
    search_fields = ("email",)
    fields = ("email", "party", "is_active", "is_staff", "is_superuser", "groups", "joined_at", "last_login")
    readonly_fields = ("party", "joined_at", "last_login")

    def has_add_permission(self, request) -> bool:
        return False


@admin.register(Shop)
class ShopAdmin(admin.ModelAdmin):
    """Storefronts."""

    list_display = ("slug", "kind", "region", "opened_at")
    search_fields = ("slug", "name")
    readonly_fields = ("party", "slug", "opened_at")

    def has_add_permission(self, request) -> bool:
        return False

    def has_delete_permission(self, request, obj=None) -> bool:
        return False


class ReadOnly(admin.ModelAdmin):
    """Shows rows that nobody changes here."""

    show_full_result_count = False

    def has_add_permission(self, request) -> bool:
        return False

    def has_change_permission(self, request, obj=None) -> bool:
        return False

    def has_delete_permission(self, request, obj=None) -> bool:
        return False


@admin.register(Listing)
class ListingAdmin(admin.ModelAdmin):
    """What is on show. Only whether it is listed can be changed here; the rest comes with a version."""

    list_display = ("slug", "shop", "form", "record_count", "state", "updated_at")
    list_filter = ("state", "form", "shop")
    list_select_related = ("shop",)
    search_fields = ("slug", "title")
    fields = ("shop", "slug", "title", "summary", "asset", "version", "state", "listed_at", "updated_at")
    readonly_fields = ("shop", "slug", "title", "summary", "asset", "version", "listed_at", "updated_at")

    def has_add_permission(self, request) -> bool:
        return False

    def has_delete_permission(self, request, obj=None) -> bool:
        return False


@admin.register(Delivery)
class DeliveryAdmin(ReadOnly):
    """Files that were handed out."""

    list_display = ("id", "file", "grant", "opened_at")
    list_select_related = ("file", "grant")
    ordering = ("-opened_at",)


@admin.register(ApiToken)
class ApiTokenAdmin(ReadOnly):
    """Tokens of programs; their secrets are not kept."""

    list_display = ("label", "ending", "user", "created_at", "last_used_at", "revoked_at")
    list_select_related = ("user",)


@admin.register(Report)
class ReportAdmin(ReadOnly):
    """Audit reports that were asked for."""

    list_display = ("number", "subject_name", "as_of", "state", "failure", "asked_at", "made_at")
    list_filter = ("state", "subject_kind")
    ordering = ("-asked_at",)


class GroundForm(ActionForm):
    """Asks, beside the action, on which ground something is erased."""

    ground = forms.ChoiceField(
        label=_("Ground:"),
        required=False,
        choices=[
            ("", "---------"),
            *((str(each), english) for each, (_chinese, english) in GROUND_NAMES.items()),
        ],
    )


admin.site.unregister(apps.get_model("licensing.Grant"))


@admin.register(apps.get_model("licensing.Grant"))
class GrantDesk(GrantAdmin):
    """Grants as licensing shows them, with a way to erase what licensees said, on their orders too."""

    action_form = GroundForm
    actions = ("erase_words",)

    @admin.action(description=_("Erase what the licensees said, on a ground"), permissions=["erase"])
    def erase_words(self, request, rows) -> None:
        """Erase, unless no ground is given."""
        ground = request.POST.get("ground", "")
        if ground not in list(GROUND_NAMES):
            self.message_user(request, gettext("Nothing was erased: choose a ground."), messages.ERROR)
            return
        for row in rows:
            erasures.erase_grant(grant_id=row.pk, ground=ground, now=clock.now())
        self.message_user(request, gettext("What the licensees said is erased."))

    def has_erase_permission(self, request) -> bool:
        return request.user.has_perm("ledger.delete_opening")
