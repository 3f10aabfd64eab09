"""The tamper-evident log: entries, checkpoints, proofs."""

from django.apps import AppConfig


class LedgerConfig(AppConfig):
    """The tamper-evident log: entries, checkpoints, proofs."""

    name = "ledger"
    default_auto_field = "django.db.models.BigAutoField"
