"""The sandbox over HTTP: Stripe's API under /v1/, the pay page under /c/pay/, its own log under /sandbox/.

`/sandbox/calls` lists the API calls that were answered, for tests and for the curious; POST to
`/sandbox/faults` with `fault` and `times` orders faults (see `faults`). Every answer leaves in one write, with
TCP_NODELAY.
"""

import hashlib
import json
import re
import socket
import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, ClassVar
from urllib.parse import urlsplit

from . import objects, page
from .calls import Provider, Refused, route
from .faults import DELAY_SECONDS, ON_CALLS, Faults
from .form import decode
from .store import Row

LARGEST_BODY = 1 << 20


class Server(ThreadingHTTPServer):
    """Listens on the loopback address only."""

    daemon_threads = True
    request_queue_size = 128

    def __init__(self, port: int, *, later_seconds: int) -> None:
        super().__init__(("127.0.0.1", port), Handler)
        self.later_seconds = later_seconds
        self.provider: Provider
        self.faults: Faults

    @property
    def base(self) -> str:
        return f"http://127.0.0.1:{self.server_address[1]}"


class Cut(Exception):
    """The line is cut instead of an answer: a fault on purpose."""


class Handler(BaseHTTPRequestHandler):
    """One connection: reads a request, answers it."""

    protocol_version = "HTTP/1.1"
    server: Server
    counter: ClassVar[threading.Lock] = threading.Lock()

    def setup(self) -> None:
        self.request.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        super().setup()

    def do_GET(self) -> None:
        self._answer("GET")

    def do_POST(self) -> None:
        self._answer("POST")

    def log_message(self, format: str, *args: Any) -> None:
        """Keep quiet: the calls are in the log table."""

    def _answer(self, method: str) -> None:
        path, query = urlsplit(self.path)[2:4]
        size = int(self.headers.get("Content-Length") or 0)
        if size > LARGEST_BODY:
            self.close_connection = True
            return self._send(413, b"too large", "text/plain")
        body = self.rfile.read(size).decode("utf-8", "replace")
        try:
            if path.startswith("/v1/"):
                self._api(method, path, body if method == "POST" else query)
            elif match := re.fullmatch(r"/c/pay/(\w+)", path):
                self._pay_page(method, match[1], body)
            else:
                self._own(method, path, body)
        except Cut:
            self.close_connection = True
            self.connection.shutdown(socket.SHUT_RDWR)

    # Stripe's API

    def _api(self, method: str, path: str, form: str) -> None:
        request = {
            "id": objects.new_id("req"),
            "at": time.time(),
            "method": method,
            "path": path,
            "key": self.headers.get("Idempotency-Key") if method == "POST" else None,
            "version": self.headers.get("Stripe-Version"),
        }
        fault = self.headers.get("Sandbox-Fault") or self.server.faults.next(ON_CALLS)
        if fault == "delay":
            time.sleep(DELAY_SECONDS)
        provider = self.server.provider
        with provider.store.change():
            status, answer, replayed = self._once(method, path, form, request, fault)
            note = {**request, "status": status, "replayed": replayed, "fault": fault}
            provider.store.put("calls", request["id"], note)
        if fault == "drop":
            raise Cut
        headers = {"Request-Id": request["id"], "Stripe-Version": objects.API_VERSION}
        if request["key"]:
            headers["Idempotency-Key"] = request["key"]
        if replayed:
            headers["Idempotent-Replayed"] = "true"
        if fault in ("fail_before", "fail_after"):
            headers["Stripe-Should-Retry"] = "false"
        self._send(status, json.dumps(answer, indent=2).encode(), "application/json", headers)

    def _once(
        self, method: str, path: str, form: str, request: Row, fault: str | None
    ) -> tuple[int, Row, bool]:
        """Answer the call, or give again the answer that its idempotency key has got before."""
        store, key = self.server.provider.store, request["key"]
        fingerprint = hashlib.sha256(f"{method} {path} {form}".encode()).hexdigest()
        if key and (kept := store.get("keys", key)):
            if kept["fingerprint"] != fingerprint:
                message = "Keys for idempotent requests can only be used with the same parameters as first."
                return 400, Refused(400, message, kind="idempotency_error").body, False
            return kept["status"], kept["answer"], True
        status, answer = self._do(method, path, form, request, fault)
        if key and status in (200, 500) and fault != "fail_before":
            store.put("keys", key, {"fingerprint": fingerprint, "status": status, "answer": answer})
        return status, answer, False

    def _do(self, method: str, path: str, form: str, request: Row, fault: str | None) -> tuple[int, Row]:
        failed = 500, Refused(500, "An error on our side.", kind="api_error").body
        if fault == "fail_before":
            return failed
        try:
            self._authenticate()
            call, ids = route(method, path)
            answer = call(self.server.provider, decode(form), request, *ids)
        except Refused as refusal:
            return refusal.status, refusal.body
        return failed if fault == "fail_after" else (200, answer)

    def _authenticate(self) -> None:
        key = self.headers.get("Authorization", "").removeprefix("Bearer ")
        if not key:
            raise Refused(401, "You did not provide an API key.")
        if not re.fullmatch(r"(sk|rk)_test_\w+", key):
            raise Refused(401, "Invalid API Key provided: the sandbox takes test keys only.")

    # The hosted page

    def _pay_page(self, method: str, identity: str, body: str) -> None:
        provider = self.server.provider
        outcome = decode(body).get("outcome")
        with provider.store.change():
            session = provider.store.get("sessions", identity)
            if session is None:
                return self._send(404, b"no such checkout session", "text/plain")
            if method == "POST" and outcome in page.BUTTONS and session["status"] == "open":
                session = provider.pay(session, outcome=outcome, after_seconds=self.server.later_seconds)
        if method == "POST" and session["status"] == "complete":
            return self._send(303, b"", "text/plain", {"Location": page.success_url(session)})
        text = page.render(session, declined=outcome == "decline")
        self._send(200, text.encode(), "text/html; charset=utf-8")

    # The sandbox itself

    def _own(self, method: str, path: str, body: str) -> None:
        if (method, path) == ("GET", "/sandbox/calls"):
            calls = self.server.provider.store.all("calls")
            return self._send(200, json.dumps(calls).encode(), "application/json")
        if (method, path) == ("POST", "/sandbox/faults"):
            order = decode(body)
            self.server.faults.order(order["fault"], times=int(order.get("times", "1")))
            return self._send(200, b"{}", "application/json")
        if (method, path) == ("GET", "/sandbox/health"):
            return self._send(200, b"ok", "text/plain")
        self._send(404, b"not found", "text/plain")

    def _send(self, status: int, body: bytes, kind: str, headers: dict[str, str] | None = None) -> None:
        self.send_response(status)
        for name, value in {
            "Content-Type": kind,
            "Content-Length": str(len(body)),
            **(headers or {}),
        }.items():
            self.send_header(name, value)
        self.end_headers_with(body)

    def end_headers_with(self, body: bytes) -> None:
        """End the headers and send them together with the body."""
        self._headers_buffer.append(b"\r\n" + body)
        self.flush_headers()
