"""`manage.py migrate`, as the owner of the schema: the application's login owns nothing and could not."""

from django.core.management.commands import migrate
from django.db import connections


class Command(migrate.Command):
    """Django's command, with the owner's login."""

    def handle(self, *args, **options):
        with connections[options["database"]].as_owner():
            return super().handle(*args, **options)
