"""The resolver of identifiers, `/id/ark:99999/w5…`: to the page, or the record with `?noredirect` or `?format=json`."""

from django.http import HttpRequest, HttpResponseBase, HttpResponseRedirect, JsonResponse
from django.urls import reverse

from licensing.errors import Refused as LicensingRefused
from marketplace.api import problems
from marketplace.api.listings import as_listing
from marketplace.errors import Refused
from marketplace.queries import catalogue


def resolve(request: HttpRequest, name: str) -> HttpResponseBase:
    """Answer 303 to the page of what a name stands for, or its record."""
    try:
        listing = catalogue.find(name)
    except (Refused, LicensingRefused) as error:
        return problems.answer_plain(request, error)
    wants_record = "noredirect" in request.GET or request.GET.get("format") == "json"
    if wants_record or request.get_preferred_type(["text/html", "application/json"]) == "application/json":
        return JsonResponse(as_listing(catalogue.detail(listing)), json_dumps_params={"ensure_ascii": False})
    page = HttpResponseRedirect(reverse("listing", args=[listing.shop.slug, listing.slug]))
    page.status_code = 303
    page["Vary"] = "Accept, Accept-Language, Cookie"
    return page
