"""Addresses for machines, which carry no language: API, files, renditions, webhooks, identifiers."""

from django.urls import include, path
from drf_spectacular.views import SpectacularAPIView, SpectacularSwaggerView

from marketplace.api import files, resolver
from settlement.api.webhooks import stripe_webhook

urlpatterns = [
    path("api/v1/", include("marketplace.api.urls")),
    path("api/schema/", SpectacularAPIView.as_view(), name="api-schema"),
    path("api/docs/", SpectacularSwaggerView.as_view(url_name="api-schema"), name="api-docs"),
    path("files/<str:token>/<str:name>", files.download, name="file-download"),
    path("previews/<uuid:listing>/<int:position>-<int:width>.jpg", files.preview, name="preview"),
    path("hooks/stripe/", stripe_webhook, name="stripe-webhook"),
    path("id/<path:name>", resolver.resolve, name="resolve"),
]
