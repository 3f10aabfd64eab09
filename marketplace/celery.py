"""The worker and the timetable: `celery -A marketplace worker`, `celery -A marketplace beat`.

Rows are the queue; a task carries ids and says "look now", and the timetable says it again for what was lost.
"""

import os

from celery import Celery
from django.conf import settings

from marketplace.local import house, servers

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "marketplace.settings")


class House(Celery):
    """Celery, which starts the embedded broker before it first talks to it."""

    def _connection(self, url, **options):
        if settings.BROKER_EMBEDDED:
            servers.hold("broker", house=house.default())
        return super()._connection(url, **options)


app = House("wenshi")
app.config_from_object("django.conf:settings", namespace="CELERY")
app.autodiscover_tasks()
