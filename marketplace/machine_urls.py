"""Addresses for machines, which carry no language: API, files, renditions, identifiers."""

from django.urls import include, path
from drf_spectacular.views import SpectacularAPIView, SpectacularSwaggerView

from marketplace.api import files, resolver

urlpatterns = [
    path("api/v1/", include("marketplace.api.urls")),
    path("api/schema/", SpectacularAPIView.as_view(), name="api-schema"),
    path("api/docs/", SpectacularSwaggerView.as_view(url_name="api-schema"), name="api-docs"),
    path("files/<str:token>/<str:name>", files.download, name="file-download"),
    path("previews/<uuid:listing>/<int:position>-<int:width>.jpg", files.preview, name="preview"),
    path("id/<path:name>", resolver.resolve, name="resolve"),
]
