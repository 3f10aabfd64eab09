"""The topmost app. Being last, it gives the application's login its rights after each migration."""

from django.apps import AppConfig
from django.db.models.signals import post_migrate


class MarketplaceConfig(AppConfig):
    """What is on show; also the settings and the root of all addresses."""

    name = "marketplace"
    default_auto_field = "django.db.models.BigAutoField"

    def ready(self) -> None:
        """Load the Celery app, where shared_task finds it, and listen for migrations."""
        from marketplace import celery  # noqa: F401
        from marketplace.database.rights import grant_rights

        post_migrate.connect(grant_rights, sender=self)
