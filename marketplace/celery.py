"""The worker and the timetable: `celery -A marketplace worker`, `celery -A marketplace beat`.

Rows are the queue; a task carries ids and says "look now", and the timetable says it again for what was lost.
"""

import os

from celery import Celery

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "marketplace.settings")

app = Celery("wenshi")
app.config_from_object("django.conf:settings", namespace="CELERY")
app.autodiscover_tasks()
