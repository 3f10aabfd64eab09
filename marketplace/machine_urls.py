"""Addresses for machines, which carry no language: API, files, renditions, identifiers."""

from csp.constants import SELF, UNSAFE_INLINE
from csp.decorators import csp_update
from django.urls import include, path
from drf_spectacular.views import SpectacularAPIView, SpectacularSwaggerSplitView

from ledger.api.urls import files_of_the_log
from marketplace.api import files, reports, resolver

# The documentation's own library writes styles into its page; its scripts are files like all others.
documentation = csp_update({"style-src": [SELF, UNSAFE_INLINE]})(
    SpectacularSwaggerSplitView.as_view(url_name="api-schema")
)

urlpatterns = [
    path("api/v1/", include("marketplace.api.urls")),
    path("api/schema/", SpectacularAPIView.as_view(), name="api-schema"),
    path("api/docs/", documentation, name="api-docs"),
    path("ledger/log/", include(files_of_the_log)),
    path("files/<str:token>/<str:name>", files.download, name="file-download"),
    path("previews/<uuid:listing>/<int:position>-<int:width>.jpg", files.preview, name="preview"),
    path("reports/<str:number>.json", reports.document, name="report-json"),
    path("reports/<str:number>.pdf", reports.printed, name="report-pdf"),
    path("reports/<str:number>.zip", reports.bundle, name="report-zip"),
    path("id/<path:name>", resolver.resolve, name="resolve"),
]
