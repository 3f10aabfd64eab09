"""The root of all addresses: pages for people carry a language, addresses for machines do not."""

from django.contrib import admin
from django.urls import include, path

from marketplace.views import health

urlpatterns = [
    path("healthz", health.healthz, name="healthz"),
    path("readyz", health.readyz, name="readyz"),
    path("admin/", admin.site.urls),
    path("", include("marketplace.machine_urls")),
]
