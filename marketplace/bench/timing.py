"""Tells in each answer where its time went: `Server-Timing: total, db, provider` in milliseconds (W3C Server Timing).

A middleware for benches, in test mode only. The database's part is what waits in statements and commits; the
provider's is what the gateway waits in calls; what remains is Python.
"""

import time
from collections.abc import Callable
from typing import Any

from django.conf import settings
from django.core.exceptions import MiddlewareNotUsed
from django.db import connection
from django.http import HttpRequest, HttpResponse

from settlement import queries as settlement


class Stopwatch:
    """Adds up the seconds spent in calls."""

    def __init__(self) -> None:
        self.seconds = 0.0

    def __call__(self, execute: Callable[..., Any], *arguments: Any) -> Any:
        began = time.perf_counter()
        try:
            return execute(*arguments)
        finally:
            self.seconds += time.perf_counter() - began


class ServerTiming:
    """The middleware. Stands first, so that the whole answer is measured."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        if not settings.SERVER_TIMING:
            raise MiddlewareNotUsed
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        database, commit = Stopwatch(), connection._commit
        connection._commit = lambda: database(commit)
        began, provider_before = time.perf_counter(), settlement.provider_seconds()
        try:
            with connection.execute_wrapper(database):
                response = self.get_response(request)
        finally:
            connection._commit = commit
        parts = {
            "total": time.perf_counter() - began,
            "db": database.seconds,
            "provider": settlement.provider_seconds() - provider_before,
        }
        response["Server-Timing"] = ", ".join(f"{name};dur={1000 * s:.3f}" for name, s in parts.items())
        return response


def read(header: str) -> dict[str, float]:
    """Return the milliseconds that an answer's Server-Timing names."""
    found = {}
    for part in filter(None, header.split(",")):
        name, _, duration = part.strip().partition(";dur=")
        found[name] = float(duration)
    return found
