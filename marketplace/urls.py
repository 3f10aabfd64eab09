"""The root of all addresses: pages for people carry a language, addresses for machines do not."""

from django.conf.urls.i18n import i18n_patterns
from django.contrib import admin
from django.urls import include, path

from marketplace import page_urls
from marketplace.views import health
from settlement.api import webhooks

urlpatterns = [
    path("healthz", health.healthz, name="healthz"),
    path("readyz", health.readyz, name="readyz"),
    path("hooks/stripe/", webhooks.stripe_webhook, name="stripe-webhook"),
    path("admin/", admin.site.urls),
    path("", include("marketplace.machine_urls")),
    *page_urls.unprefixed,
    *i18n_patterns(*page_urls.urlpatterns),
]

handler400 = "marketplace.views.errors.bad_request"
handler403 = "marketplace.views.errors.forbidden"
handler404 = "marketplace.views.errors.not_found"
handler500 = "marketplace.views.errors.failed"
