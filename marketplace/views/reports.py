"""Audit reports: asked for by who is signed in, read by anybody under their number."""

from typing import Any

from django.contrib.auth.decorators import login_required
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_POST

from ledger.clock import now
from licensing.errors import Refused as LicensingRefused
from marketplace.actions import audit
from marketplace.domain import audit_layout
from marketplace.errors import NotFound, TimeRefused, TooManyReports
from marketplace.models import Report
from marketplace.queries import catalogue, reports
from marketplace.views import errors
from marketplace.views.picker import language


@login_required
@require_POST
def ask(request: HttpRequest) -> HttpResponse:
    """Queue a report of an asset or a shop and go to its page."""
    asset, shop = request.POST.get("asset", ""), request.POST.get("shop", "")
    try:
        asked = audit.ask(user=request.user, asset=asset, shop=shop, at=request.POST.get("at", ""), now=now())
    except (NotFound, LicensingRefused) as error:
        raise Http404 from error
    except TimeRefused as error:
        return errors.page(request, 422, detail=str(error))
    except TooManyReports as error:
        return errors.page(request, 429, detail=str(error))
    return redirect("report", number=asked.number)


@never_cache
def report(request: HttpRequest, number: str) -> HttpResponse:
    """Show a report, or how far it is."""
    try:
        row = reports.report(number)
    except NotFound as error:
        raise Http404 from error
    if row.state != Report.State.MADE:
        return render(request, "marketplace/report_waits.html", {"page": waiting(row)})
    page = {
        "json_url": reverse("report-json", args=[row.number]),
        "zip_url": reverse("report-zip", args=[row.number]),
        "pdf_url": f"{reverse('report-pdf', args=[row.number])}?language={language()}",
        "subject_url": subject_url(row),
    }
    shown = audit_layout.lay_out(reports.facts(row), digest=row.digest, language=language())
    return render(request, "marketplace/report.html", {"page": page, "report": shown})


def waiting(row: Report) -> dict[str, Any]:
    """Return what there is to say of a report that is not there."""
    reasons = {
        Report.Failure.NO_CHECKPOINT: _(
            "The ledger has signed no checkpoint yet, so nothing could be proved."
        ),
        Report.Failure.TOO_LARGE: _(
            "There are more facts than one report takes. Ask for a single dataset instead of the shop, "
            "or for an earlier day."
        ),
        Report.Failure.FAULT: _("The fault is ours and has been recorded. Ask again."),
    }
    return {
        "number": row.number,
        "subject": row.subject_name,
        "subject_url": subject_url(row),
        "as_of": row.as_of,
        "waits": row.state == Report.State.QUEUED,
        "reason": reasons[Report.Failure(row.failure)] if row.failure else "",
    }


def subject_url(row: Report) -> str:
    """Return the page of what a report is about; none where it is not on show."""
    if row.subject_kind == Report.Subject.SHOP:
        return reverse("shop", args=[row.subject_name])
    try:
        shown = catalogue.find(row.subject_name)
    except NotFound:
        return ""
    return reverse("listing-tab", args=[shown.shop.slug, shown.slug, "rights"])


def form(kind: str, name: str) -> dict[str, str]:
    """Return what the form that asks for a report is filled with."""
    return {"kind": kind, "name": name, "today": timezone.localtime(now()).date().isoformat()}
