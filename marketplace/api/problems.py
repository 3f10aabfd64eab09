"""Errors as RFC 9457 problem details: one table from the apps' refusals to status and type.

Every answer carries a reference number that also stands in the log. A page explains each type at its address.
"""

import logging
import secrets
from typing import Any

from django.core.exceptions import PermissionDenied, RequestDataTooBig, SuspiciousOperation
from django.http import Http404, HttpRequest, JsonResponse
from django.utils.translation import gettext as _
from django.utils.translation import gettext_noop
from rest_framework import exceptions
from rest_framework.response import Response

from ledger import errors as ledger
from licensing import errors as licensing
from marketplace import errors as marketplace
from settlement import errors as settlement

log = logging.getLogger("marketplace.problems")
MEDIA_TYPE = "application/problem+json"

# Type to title; each type has its page at /problems/<type>/.
TITLES = {
    "bad-request": gettext_noop("The request cannot be understood"),
    "not-valid": gettext_noop("Some fields are not valid"),
    "not-signed-in": gettext_noop("Sign in first"),
    "sign-in-failed": gettext_noop("Signing in failed"),
    "not-allowed": gettext_noop("This is not yours to do"),
    "not-found": gettext_noop("There is nothing here"),
    "method-not-allowed": gettext_noop("This address does not answer that method"),
    "not-acceptable": gettext_noop("Only JSON is spoken here"),
    "unsupported-media-type": gettext_noop("Send JSON"),
    "too-large": gettext_noop("The request is too large"),
    "too-many-requests": gettext_noop("Too many requests"),
    "idempotency-key-missing": gettext_noop("A write needs an Idempotency-Key"),
    "idempotency-key-in-use": gettext_noop("The first request is still running"),
    "idempotency-key-reused": gettext_noop("The Idempotency-Key came with another request"),
    "purpose-not-offered": gettext_noop("No offer fits this purpose"),
    "offer-not-here": gettext_noop("This listing does not show that offer"),
    "offer-ended": gettext_noop("The offer has ended"),
    "exclusive-not-sold": gettext_noop("Exclusive offers are not sold yet"),
    "institution-not-named": gettext_noop("Name the institution"),
    "use-not-permitted": gettext_noop("The terms do not allow this"),
    "public-stays-free": gettext_noop("What belongs to the public stays free"),
    "order-refused": gettext_noop("The order cannot be placed"),
    "mixed-currencies": gettext_noop("One order has one currency"),
    "below-minimum": gettext_noop("The total is below the provider's minimum"),
    "order-closed": gettext_noop("This order takes no payment any more"),
    "nothing-to-pay": gettext_noop("There is nothing to pay"),
    "conflict": gettext_noop("This contradicts what stands already"),
    "delivery-refused": gettext_noop("The grant does not open this file"),
    "link-expired": gettext_noop("The link has expired"),
    "link-broken": gettext_noop("This is not a download link"),
    "range-not-satisfiable": gettext_noop("The file has no such bytes"),
    "no-report-at-that-time": gettext_noop("No report looks at that time"),
    "report-not-made": gettext_noop("The report is not made"),
    "provider-unavailable": gettext_noop("The payment provider does not answer"),
    "ledger-unavailable": gettext_noop("The files of the ledger cannot be read now"),
    "internal-error": gettext_noop("Something went wrong here"),
}

# The first class that fits counts, so the special ones stand before the general ones.
TABLE: list[tuple[type[Exception], int, str]] = [
    (marketplace.NotFound, 404, "not-found"),
    (marketplace.KeyMissing, 400, "idempotency-key-missing"),
    (marketplace.KeyInUse, 409, "idempotency-key-in-use"),
    (marketplace.KeyReused, 422, "idempotency-key-reused"),
    (marketplace.SignInFailed, 401, "sign-in-failed"),
    (marketplace.TooManyTries, 429, "too-many-requests"),
    (marketplace.TimeRefused, 422, "no-report-at-that-time"),
    (marketplace.TooManyReports, 429, "too-many-requests"),
    (marketplace.ReportNotMade, 409, "report-not-made"),
    (marketplace.PurposeNotOffered, 422, "purpose-not-offered"),
    (marketplace.OfferNotOfListing, 422, "offer-not-here"),
    (marketplace.DeliveryRefused, 403, "delivery-refused"),
    (marketplace.LinkExpired, 410, "link-expired"),
    (marketplace.LinkBroken, 404, "link-broken"),
    (marketplace.Refused, 422, "order-refused"),
    (settlement.OrderNotFound, 404, "not-found"),
    (settlement.MixedCurrencies, 422, "mixed-currencies"),
    (settlement.BelowMinimum, 422, "below-minimum"),
    (settlement.KeyReused, 422, "idempotency-key-reused"),
    (settlement.OrderRefused, 422, "order-refused"),
    (settlement.OrderClosed, 409, "order-closed"),
    (settlement.NothingToPay, 409, "nothing-to-pay"),
    (settlement.BadSignature, 400, "bad-request"),
    (settlement.ProviderError, 503, "provider-unavailable"),
    (settlement.SettlementError, 409, "conflict"),
    (licensing.NotFound, 404, "not-found"),
    (licensing.OfferEnded, 409, "offer-ended"),
    (licensing.ExclusiveNotSold, 409, "exclusive-not-sold"),
    (licensing.AudienceNotDeclared, 422, "institution-not-named"),
    (licensing.UseNotPermitted, 422, "use-not-permitted"),
    (licensing.PublicMustBeFree, 409, "public-stays-free"),
    (licensing.PublicNoExclusive, 409, "public-stays-free"),
    (licensing.Refused, 422, "order-refused"),
    (ledger.EntryNotFound, 404, "not-found"),
    (ledger.EntryNotSigned, 404, "not-found"),
    (ledger.IntentNotFound, 404, "not-found"),
    (ledger.CheckpointNotFound, 404, "not-found"),
    (ledger.FileMissing, 503, "ledger-unavailable"),
    (exceptions.ValidationError, 400, "not-valid"),
    (exceptions.ParseError, 400, "bad-request"),
    (exceptions.NotAuthenticated, 401, "not-signed-in"),
    (exceptions.AuthenticationFailed, 401, "not-signed-in"),
    (exceptions.PermissionDenied, 403, "not-allowed"),
    (exceptions.NotFound, 404, "not-found"),
    (exceptions.MethodNotAllowed, 405, "method-not-allowed"),
    (exceptions.NotAcceptable, 406, "not-acceptable"),
    (exceptions.UnsupportedMediaType, 415, "unsupported-media-type"),
    (exceptions.Throttled, 429, "too-many-requests"),
    (Http404, 404, "not-found"),
    (PermissionDenied, 403, "not-allowed"),
    (RequestDataTooBig, 413, "too-large"),
    (SuspiciousOperation, 400, "bad-request"),
]


def answer(error: Exception, context: dict[str, Any]) -> Response:
    """Answer any error of an API view; this is the framework's exception handler."""
    from rest_framework.views import set_rollback  # which reads our authentication from the settings

    set_rollback()
    status, kind = place_of(error)
    response = Response(details(error, status, kind), status=status, content_type=MEDIA_TYPE)
    for name, value in _headers(error, status).items():
        response[name] = value
    return response


def answer_plain(request: HttpRequest, error: Exception) -> JsonResponse:
    """Answer an error of a view outside the framework."""
    status, kind = place_of(error)
    return JsonResponse(
        details(error, status, kind),
        status=status,
        content_type=MEDIA_TYPE,
        headers=_headers(error, status),
        json_dumps_params={"ensure_ascii": False},
    )


def place_of(error: Exception) -> tuple[int, str]:
    """Return the status and the type of an error; what is not in the table is a fault of ours."""
    for known, status, kind in TABLE:
        if isinstance(error, known):
            return status, kind
    return 500, "internal-error"


def details(error: Exception, status: int, kind: str) -> dict[str, Any]:
    """Return the members of the problem: type, title, status, detail, instance, and what the error carries."""
    reference = secrets.token_hex(5)
    if status >= 500:
        log.error("%s %s", reference, kind, exc_info=error)
    else:
        log.info("%s %s %s", reference, kind, error)
    problem = {
        "type": f"/problems/{kind}/",
        "title": _(TITLES[kind]),
        "status": status,
        "detail": _detail(error, status),
        "instance": f"urn:wenshi:problem:{reference}",
        "reference": reference,
    }
    if isinstance(error, exceptions.ValidationError):
        problem["errors"] = list(_fields(error.detail))
    if reasons := getattr(error, "reasons", None):
        problem["reasons"] = [
            {"code": reason.code, "clause": reason.clause, "detail": str(reason.detail)} for reason in reasons
        ]
    return problem


def _detail(error: Exception, status: int) -> str:
    if isinstance(error, exceptions.ValidationError):
        return _("Look at “errors”: it names each field and what is wrong with it.")
    if isinstance(error, exceptions.APIException):
        return str(error.detail)
    if status == 404 and isinstance(error, Http404):
        return _("Nothing has this address, or it is not yours to see.")
    if status == 500:
        return _("We have noted it under the reference number. Try again; if it stays, tell us the number.")
    return str(error)


def _fields(detail: Any, path: str = "") -> Any:
    """Yield each message with the JSON pointer of its field."""
    if isinstance(detail, dict):
        for name, inner in detail.items():
            yield from _fields(inner, path if name == "non_field_errors" else f"{path}/{name}")
    elif isinstance(detail, list):
        for place, inner in enumerate(detail):
            is_message = isinstance(inner, exceptions.ErrorDetail)
            yield from _fields(inner, path if is_message else f"{path}/{place}")
    else:
        yield {"pointer": "#" + path, "detail": str(detail), "code": getattr(detail, "code", "")}


def _headers(error: Exception, status: int) -> dict[str, str]:
    headers = {"Cache-Control": "no-store", "Vary": "Accept-Language"}
    if status == 401:
        headers["WWW-Authenticate"] = "Bearer"
    if status == 429:
        headers["Retry-After"] = str(
            int(getattr(error, "seconds", None) or getattr(error, "wait", None) or 60)
        )
    if status == 503:
        headers["Retry-After"] = "10"
    return headers
