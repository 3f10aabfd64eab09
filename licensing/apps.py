"""Who may do what: parties, assets, offers, terms, grants."""

from django.apps import AppConfig


class LicensingConfig(AppConfig):
    """Who may do what: parties, assets, offers, terms, grants."""

    name = "licensing"
    default_auto_field = "django.db.models.BigAutoField"
