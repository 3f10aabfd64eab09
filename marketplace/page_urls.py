"""The addresses of pages. `urlpatterns` carry a language prefix, `unprefixed` do not."""

from django.urls import include, path
from django.views.i18n import set_language

from marketplace.views import (
    account,
    carts,
    catalogue,
    certificates,
    checkout,
    ledger,
    library,
    listing,
    machines,
    orders,
    preferences,
    reports,
    verify,
    words,
)

urlpatterns = [
    path("", catalogue.home, name="home"),
    path("search/", catalogue.search, name="search"),
    path("search/feed.atom", catalogue.feed, name="search-feed"),
    path("d/<slug:shop>/<str:slug>/", listing.listing, name="listing"),
    path("d/<slug:shop>/<str:slug>/download/<int:position>/", listing.download, name="listing-download"),
    path("d/<slug:shop>/<str:slug>/<slug:tab>/", listing.listing, name="listing-tab"),
    path("s/", catalogue.shops, name="shops"),
    path("s/<slug:slug>/", catalogue.shop, name="shop"),
    path("licences/", words.licences, name="licences"),
    path("cart/", carts.cart, name="cart"),
    path("cart/add/", carts.add, name="cart-add"),
    path("cart/remove/", carts.remove, name="cart-remove"),
    path("checkout/", checkout.start, name="checkout-start"),
    path("checkout/<str:number>/", checkout.pay, name="checkout"),
    path("checkout/<str:number>/return/", checkout.returned, name="checkout-return"),
    path("orders/", orders.index, name="orders"),
    path("orders/<str:number>/", orders.order, name="order"),
    path("library/", library.index, name="library"),
    path("library/<uuid:grant_id>/", library.grant, name="library-grant"),
    path("certificates/<str:number>/", certificates.certificate, name="certificate"),
    path("reports/", reports.ask, name="report-ask"),
    path("reports/<slug:number>/", reports.report, name="report"),
    path("verify/", verify.verify, name="verify"),
    path("verify/<str:number>/", verify.number, name="verify-number"),
    path("ledger/", ledger.index, name="ledger"),
    path("ledger/entries/<int:number>/", ledger.entry, name="ledger-entry"),
    path("ledger/checkpoints/<int:size>/", ledger.checkpoint, name="ledger-checkpoint"),
    path("account/tokens/", account.tokens, name="account-tokens"),
    path("account/erase/", account.erase, name="account-erase"),
    path("mailbox/", account.mailbox, name="mailbox"),
    path("account/", include("allauth.urls")),
    path("help/<slug:topic>/", words.help_page, name="help"),
    path("about/<slug:topic>/", words.about, name="about"),
    path("problems/<slug:kind>/", words.problem, name="problems"),
]

unprefixed = [
    path("language/", set_language, name="set-language"),
    path("theme/", preferences.set_theme, name="set-theme"),
    path("certificates/<str:number>.json", certificates.document, name="certificate-json"),
    path("robots.txt", machines.robots, name="robots"),
]
