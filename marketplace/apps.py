"""The topmost app. Being last, it gives the application's login its rights after each migration."""

import logging

from django.apps import AppConfig
from django.db import connection
from django.db.models.signals import post_migrate

ONE_LOGIN = (
    "With one database login, as DATABASE_OWNER_URL is not set, the house cannot promise that public stays free, "
    "that books balance and that grants, postings and ledger entries are never changed: its own login could "
    "switch the triggers off that hold these rules."
)


class MarketplaceConfig(AppConfig):
    """What is on show; also the settings and the root of all addresses."""

    name = "marketplace"
    default_auto_field = "django.db.models.BigAutoField"

    def ready(self) -> None:
        """Load the Celery app, where shared_task finds it, and listen for migrations."""
        from marketplace import celery, receivers  # noqa: F401
        from marketplace.database.rights import grant_rights

        post_migrate.connect(grant_rights, sender=self)
        if not connection.owner:
            logging.getLogger(__name__).warning(ONE_LOGIN)
