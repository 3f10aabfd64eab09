"""Audit reports: ask for one, follow it by its number, and the files that machines take."""

from typing import Any

from django.http import HttpRequest, HttpResponse
from django.urls import reverse
from django.utils.translation import get_language
from django.utils.translation import gettext as _
from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.permissions import AllowAny, IsAuthenticated
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from ledger import clock
from marketplace.actions import audit
from marketplace.api import problems
from marketplace.api.access import IDEMPOTENCY_KEY, idempotent
from marketplace.errors import Refused
from marketplace.models import Report
from marketplace.queries import reports

FOR_EVER = "public, max-age=31536000, immutable"


class ReportRequestSerializer(serializers.Serializer):
    """What a report is asked for: an asset or a shop, and an instant."""

    asset = serializers.CharField(
        required=False, max_length=200, help_text="ARK, UUID or the licensor's own id."
    )
    shop = serializers.SlugField(required=False, max_length=80)
    at = serializers.CharField(
        required=False,
        max_length=40,
        help_text="ISO 8601 with zone, or a date: the end of that day in Asia/Shanghai, today being now. "
        "Left out: now.",
    )

    def validate(self, said: dict[str, Any]) -> dict[str, Any]:
        """Refuse neither and both."""
        if ("asset" in said) == ("shop" in said):
            raise serializers.ValidationError({"asset": _("Name an asset or a shop, and not both.")})
        return said


class ReportSerializer(serializers.Serializer):
    """A report: what it is about, how far it is, and where to fetch it once it is made."""

    number = serializers.CharField()
    state = serializers.CharField(help_text="queued, made or failed.")
    failure = serializers.CharField(allow_blank=True)
    subject_kind = serializers.ChoiceField(choices=["asset", "shop"])
    subject = serializers.CharField()
    as_of = serializers.DateTimeField()
    asked_at = serializers.DateTimeField()
    made_at = serializers.DateTimeField(allow_null=True)
    digest = serializers.CharField(allow_blank=True, help_text="SHA-256 of report.json.")
    checkpoint_size = serializers.IntegerField(allow_null=True)
    json = serializers.CharField()
    pdf = serializers.CharField()
    zip = serializers.CharField()


class ReportList(APIView):
    """Reports."""

    permission_classes = (IsAuthenticated,)

    @extend_schema(
        operation_id="reports_create",
        request=ReportRequestSerializer,
        responses={202: ReportSerializer},
        parameters=[IDEMPOTENCY_KEY],
    )
    @idempotent
    def post(self, request: Request) -> Response:
        """Ask for a report. It is made within seconds; follow it by its number."""
        asked = ReportRequestSerializer(data=request.data)
        asked.is_valid(raise_exception=True)
        made = audit.ask(user=request.user, now=clock.now(), **asked.validated_data)
        return Response(as_report(made), status=202)


class ReportDetail(APIView):
    """One report, open to everybody."""

    permission_classes = (AllowAny,)

    @extend_schema(responses=ReportSerializer, operation_id="reports_read")
    def get(self, request: Request, number: str) -> Response:
        """Read how far a report is."""
        return Response(as_report(reports.report(number)))


def as_report(row: Report) -> dict[str, Any]:
    """Return a report for programs."""
    names = ("number", "state", "failure", "subject_kind", "as_of", "asked_at", "made_at", "digest")
    addresses = {kind: reverse(f"report-{kind}", args=[row.number]) for kind in ("json", "pdf", "zip")}
    found = {name: getattr(row, name) for name in (*names, "checkpoint_size")}
    return {**found, "subject": row.subject_name, **addresses}


def document(request: HttpRequest, number: str) -> HttpResponse:
    """Return the facts: the very bytes that the digest is of."""
    return _file(request, number, "json", "application/json", lambda row: reports.member(row, "report.json"))


def bundle(request: HttpRequest, number: str) -> HttpResponse:
    """Return the whole bundle, which `ledger/verifier.py` checks offline."""
    return _file(request, number, "zip", "application/zip", reports.bundle)


def printed(request: HttpRequest, number: str) -> HttpResponse:
    """Return the report on paper, in the language asked for by `?language=`, else in the reader's."""
    asked = request.GET.get("language") or get_language() or "en"
    language = "zh-Hans" if asked.lower().startswith("zh") else "en"
    response = _file(
        request,
        number,
        f"{language}.pdf",
        "application/pdf",
        lambda row: reports.member(row, f"report.{language}.pdf"),
    )
    response["Vary"] = "Accept-Language, Cookie"
    return response


def _file(request: HttpRequest, number: str, ending: str, media_type: str, read: Any) -> HttpResponse:
    try:
        row = reports.made(number)
    except Refused as error:
        return problems.answer_plain(request, error)
    headers = {
        "Content-Disposition": f'inline; filename="{row.number}.{ending}"',
        "Cache-Control": FOR_EVER,
    }
    return HttpResponse(read(row), content_type=media_type, headers=headers)
