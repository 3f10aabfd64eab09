"""Who asks: the bearer token of a program, and writes that are safe to send twice."""

from collections.abc import Callable
from functools import wraps
from typing import Any

from django.http import HttpResponse
from django.utils.translation import gettext as _
from drf_spectacular.extensions import OpenApiAuthenticationExtension
from drf_spectacular.utils import OpenApiParameter
from rest_framework.authentication import BaseAuthentication, get_authorization_header
from rest_framework.exceptions import AuthenticationFailed, ParseError
from rest_framework.parsers import JSONParser
from rest_framework.renderers import JSONRenderer
from rest_framework.request import Request
from rest_framework.response import Response

from ledger import clock
from marketplace.actions import accounts, idempotency
from marketplace.api import problems

IDEMPOTENCY_KEY = OpenApiParameter(
    "Idempotency-Key",
    str,
    OpenApiParameter.HEADER,
    required=True,
    description="1 to 255 printable characters. The same request with the same key gets the same answer.",
)


class TokenAuthentication(BaseAuthentication):
    """`Authorization: Bearer wst_…`."""

    def authenticate(self, request: Request) -> tuple[Any, str] | None:
        """Return the user of the token; None without one. Raises AuthenticationFailed."""
        scheme, _space, secret = get_authorization_header(request).decode("latin-1").partition(" ")
        if not scheme:
            return None
        user = (
            accounts.user_of_token(secret=secret.strip(), now=clock.now())
            if scheme.lower() == "bearer"
            else None
        )
        if user is None:
            raise AuthenticationFailed(_("This token is not known here, or it was revoked."))
        return user, secret

    def authenticate_header(self, request: Request) -> str:
        return "Bearer"


class BoundedJSONParser(JSONParser):
    """JSON that is not nested too deep to read."""

    def parse(self, stream: Any, media_type: str | None = None, parser_context: Any = None) -> Any:
        """Return the value of a body. Raises ParseError."""
        try:
            return super().parse(stream, media_type, parser_context)
        except RecursionError as error:
            raise ParseError(_("The JSON is nested too deep to read.")) from error


class TokenScheme(OpenApiAuthenticationExtension):
    """How the schema describes the token."""

    target_class = "marketplace.api.access.TokenAuthentication"
    name = "token"

    def get_security_definition(self, auto_schema: Any) -> dict[str, str]:
        return {"type": "http", "scheme": "bearer"}


def idempotent(handler: Callable[..., Response]) -> Callable[..., HttpResponse]:
    """Make a write of a view safe to send twice: the key is taken, the answer kept, and given again.

    The handler finds the key, made unique among all who ask, as `request.idempotency_key`.
    """

    @wraps(handler)
    def once(view: Any, request: Request, *args: Any, **kwargs: Any) -> HttpResponse:
        scope, key = scope_of(request), request.headers.get("Idempotency-Key", "")
        said = b"\n".join([request.method.encode(), request.path.encode(), request._request.body])
        stored = idempotency.begin(scope=scope, key=key, request=said, now=clock.now())
        if stored and stored.body is not None:
            kind = problems.MEDIA_TYPE if stored.status >= 400 else "application/json"
            headers = {"Idempotent-Replayed": "true"}
            return HttpResponse(stored.body, status=stored.status, headers=headers, content_type=kind)
        request.idempotency_key = f"{scope}:{key}"
        try:
            response = handler(view, request, *args, **kwargs)
        except Exception as error:
            status, _kind = problems.place_of(error)
            if status in (401, 403, 429) or status >= 500:
                idempotency.give_back(scope=scope, key=key)
                raise
            response = problems.answer(error, {})
        keep = (
            None if getattr(response, "is_secret", False) else JSONRenderer().render(response.data).decode()
        )
        idempotency.end(scope=scope, key=key, status=response.status_code, body=keep)
        return response

    return once


def scope_of(request: Request) -> str:
    """Return who a key belongs to: the user, or the address of somebody who has not signed in."""
    if request.user.is_authenticated:
        return f"user:{request.user.pk}"
    return f"address:{request.META.get('REMOTE_ADDR', '')}"
