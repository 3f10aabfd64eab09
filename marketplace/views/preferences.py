"""The choices that a cookie keeps: the theme. The language's own view is Django's."""

from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.utils.http import url_has_allowed_host_and_scheme
from django.views.decorators.http import require_POST

YEAR = 365 * 24 * 3600


def back(request: HttpRequest, fallback: str = "/") -> str:
    """Return where a form asked to go back to, if that is one of our pages."""
    wanted = request.POST.get("next", "")
    ours = url_has_allowed_host_and_scheme(wanted, {request.get_host()}, require_https=request.is_secure())
    return wanted if ours else fallback


@require_POST
def set_theme(request: HttpRequest) -> HttpResponse:
    """Keep the theme, or forget it again."""
    response = HttpResponseRedirect(back(request))
    theme = request.POST.get("theme", "")
    if theme in ("light", "dark"):
        response.set_cookie("theme", theme, max_age=YEAR, samesite="Lax", secure=request.is_secure())
    else:
        response.delete_cookie("theme", samesite="Lax")
    return response
