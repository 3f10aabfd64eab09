"""The API's addresses, below `/api/v1/`."""

from django.http import Http404, HttpRequest
from django.urls import include, path, re_path

from marketplace.api import grants, listings, orders, problems, reports, tokens

app_name = "api"


def nothing_here(request: HttpRequest):
    """Answer an address that the API does not have, in the API's own words."""
    return problems.answer_plain(request, Http404())


urlpatterns = [
    path("tokens/", tokens.Tokens.as_view(), name="token-list"),
    path("listings/", listings.ListingList.as_view(), name="listing-list"),
    path("listings/<path:key>/", listings.ListingDetail.as_view(), name="listing-detail"),
    path("orders/", orders.OrderList.as_view(), name="order-list"),
    path("orders/<str:number>/", orders.OrderDetail.as_view(), name="order-detail"),
    path("orders/<str:number>/pay/", orders.OrderPay.as_view(), name="order-pay"),
    path("grants/<uuid:grant_id>/", grants.GrantDetail.as_view(), name="grant-detail"),
    path("grants/<uuid:grant_id>/files/", grants.GrantFiles.as_view(), name="grant-files"),
    path("reports/", reports.ReportList.as_view(), name="report-list"),
    path("reports/<str:number>/", reports.ReportDetail.as_view(), name="report-detail"),
    path("ledger/", include("ledger.api.urls")),
    re_path("", nothing_here),
]
