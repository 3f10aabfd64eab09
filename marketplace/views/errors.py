"""Pages for what goes wrong: what happened, what to do, and the number under which we can look it up."""

import logging
from dataclasses import dataclass
from uuid import uuid4

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.template.loader import render_to_string
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

log = logging.getLogger("wenshi.pages")
T = gettext_lazy

ERRORS = {
    400: (
        T("This request cannot be understood"),
        T("Something in the address or the form is not what this page expects."),
        T("Go back, check what was typed, and send it again."),
    ),
    403: (
        T("This is not open to you"),
        T("The page belongs to somebody else, or the form was kept open for too long."),
        T("Sign in as whom it belongs to, or load the page anew and send the form again."),
    ),
    404: (
        T("There is nothing at this address"),
        T("No page, dataset, order or entry has this address, or it belongs to somebody else."),
        T("Check the address for a slip, or search for what you are looking for."),
    ),
    405: (
        T("This address is used in another way"),
        T("The page can be read or sent to, but not in the way that was tried."),
        T("Go back to the page with the form."),
    ),
    410: (
        T("This was withdrawn"),
        T("It stood here once. The ledger keeps what happened to it."),
        T("Grants given before stay valid. Look in the ledger for when and why."),
    ),
    413: (
        T("The file is too large"),
        T("A file sent to be hashed may have up to 100 MB."),
        T("Hash it on your own machine and paste the hash instead."),
    ),
    422: (
        T("This cannot be done"),
        T("The request is clear, but a rule speaks against it."),
        T("The reason is named below, with what would change the answer."),
    ),
    429: (
        T("Too many tries"),
        T("The same thing was tried too often in a short time."),
        T("Wait a few minutes and try again."),
    ),
    500: (
        T("Something broke on our side"),
        T("The fault is ours and has been recorded. Nothing was half done: what had begun was undone."),
        T("Try again. If it happens again, tell us the reference number."),
    ),
    503: (
        T("The house is closed for a moment"),
        T("A part that this page needs does not answer."),
        T("Try again in a minute. Orders already paid are completed by themselves."),
    ),
}


@dataclass(frozen=True)
class ErrorPage:
    """What the page of an error says."""

    status: int
    title: str
    what: str
    do: str
    detail: str
    reference: str


def page(request: HttpRequest, status: int, *, detail: str = "") -> HttpResponse:
    """Answer with the page of an error and log it under its reference number."""
    title, what, do = ERRORS.get(status, ERRORS[500])
    reference = uuid4().hex[:12]
    log.info("%s %s %s reference=%s %s", status, request.method, request.path, reference, detail)
    shown = ErrorPage(status, str(title), str(what), str(do), detail, reference)
    if status >= 500:  # without the request, so that nothing asks the database, which may be what failed
        return HttpResponse(render_to_string("error.html", {"page": shown}), status=status)
    return render(request, "error.html", {"page": shown}, status=status)


def bad_request(request: HttpRequest, exception: Exception | None = None) -> HttpResponse:
    """Answer 400, or 413 where a form or file was too large."""
    from django.core.exceptions import RequestDataTooBig

    return page(request, 413 if isinstance(exception, RequestDataTooBig) else 400)


def forbidden(request: HttpRequest, exception: Exception | None = None) -> HttpResponse:
    """Answer 403."""
    return page(request, 403)


def not_found(request: HttpRequest, exception: Exception | None = None) -> HttpResponse:
    """Answer 404."""
    return page(request, 404)


def failed(request: HttpRequest) -> HttpResponse:
    """Answer 500, without the database: it may be what failed."""
    return page(request, 500)


def csrf_failed(request: HttpRequest, reason: str = "") -> HttpResponse:
    """Answer a form whose token is missing or old."""
    return page(request, 403, detail=_("The form's own token is missing or too old: load the page anew."))
