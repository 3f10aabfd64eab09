"""Who pays whom: orders, payments, refunds, the journal."""

from django.apps import AppConfig


class SettlementConfig(AppConfig):
    """Who pays whom: orders, payments, refunds, the journal."""

    name = "settlement"
    default_auto_field = "django.db.models.BigAutoField"
