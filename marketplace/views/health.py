"""For machines that watch the house: /healthz says that this process answers, /readyz that it can serve."""

from django.http import HttpRequest, JsonResponse
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_safe

from marketplace.queries import readiness


@never_cache
@require_safe
def healthz(request: HttpRequest) -> JsonResponse:
    """Answer, and ask nothing of others: a database that is away is no reason to restart this process."""
    return JsonResponse({"status": "ok"})


@never_cache
@require_safe
def readyz(request: HttpRequest) -> JsonResponse:
    """Say whether requests may be sent here, and if not, why."""
    found = readiness.obstacles()
    return JsonResponse({"status": "ok" if not found else "not ready", **found}, status=503 if found else 200)
