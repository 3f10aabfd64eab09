"""The witness over HTTP: `POST /add-checkpoint` with the statuses of C2SP tlog-witness, and a page at `/`.

Bodies, times and connections are bounded. Every answer leaves in one write.
"""

import socket
import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from ledger.errors import (
    LedgerError,
    LogNotSigned,
    LogUnknown,
    NotConsistent,
    RequestMalformed,
    SecondRoot,
    StaleSize,
)
from ledger.witness.cosigner import Cosigner, Request

LARGEST_BODY = 64 * 1024
MOST_CONNECTIONS = 100
IDLE_SECONDS = 10
TEXT = "text/plain; charset=utf-8"
SIZE = "text/x.tlog.size"
STATUS: dict[type[LedgerError], int] = {
    RequestMalformed: 400,
    LogNotSigned: 403,
    LogUnknown: 404,
    SecondRoot: 409,
    NotConsistent: 422,
}


class Server(ThreadingHTTPServer):
    """Listens on the loopback address unless another is given."""

    daemon_threads = True
    request_queue_size = 128

    def __init__(self, cosigner: Cosigner, *, port: int, host: str = "127.0.0.1") -> None:
        self.cosigner, self.free = cosigner, threading.BoundedSemaphore(MOST_CONNECTIONS)
        super().__init__((host, port), Handler)

    @property
    def url(self) -> str:
        return f"http://{self.server_address[0]}:{self.server_address[1]}"

    def process_request(self, request: Any, client_address: Any) -> None:
        if not self.free.acquire(blocking=False):
            return self.shutdown_request(request)
        super().process_request(request, client_address)

    def process_request_thread(self, request: Any, client_address: Any) -> None:
        try:
            super().process_request_thread(request, client_address)
        finally:
            self.free.release()

    def handle_error(self, request: Any, client_address: Any) -> None:
        """Keep quiet about clients that hang up."""


class Handler(BaseHTTPRequestHandler):
    """One connection: reads requests, answers them."""

    protocol_version = "HTTP/1.1"
    timeout = IDLE_SECONDS
    server: Server

    def setup(self) -> None:
        self.request.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        super().setup()

    def do_GET(self) -> None:
        if self.path != "/":
            return self._send(404, "not found\n")
        try:
            self._send(200, self.server.cosigner.page())
        except LedgerError as error:
            self._send(500, f"{error}\n")

    def do_POST(self) -> None:
        body = self._body()
        if body is None:
            return
        if self.path != "/add-checkpoint":
            return self._send(404, "not found\n")
        try:
            self._send(200, self.server.cosigner.add_checkpoint(Request.read(body)))
        except StaleSize as error:
            self._send(409, f"{error.remembered}\n", SIZE)
        except LedgerError as error:
            self._send(STATUS.get(type(error), 500), f"{error}\n")
        except OSError as error:  # a full disk, say: nothing was remembered, so nothing is cosigned
            self._send(500, f"cannot remember: {error.strerror}\n")

    def log_message(self, format: str, *args: Any) -> None:
        """Keep quiet: what matters is in the memory and the evidence."""

    def _body(self) -> bytes | None:
        """Return the body; None where it was refused or its sender is too slow."""
        length = self.headers.get("Content-Length", "")
        if not (length.isascii() and length.isdigit()) or int(length[:10]) > LARGEST_BODY:
            self.close_connection = True
            status = 413 if length else 411
            self._send(status, f"a body has a length of at most {LARGEST_BODY} bytes\n")
            return None
        body, until = b"", time.monotonic() + IDLE_SECONDS
        while len(body) < int(length):
            part = self.rfile.read1(int(length) - len(body))
            if not part or time.monotonic() > until:
                self.close_connection = True
                return None
            body += part
        return body

    def _send(self, status: int, text: str, kind: str = TEXT) -> None:
        body = text.encode()
        self.send_response(status)
        self.send_header("Content-Type", kind)
        self.send_header("Content-Length", str(len(body)))
        if self.close_connection:
            self.send_header("Connection", "close")
        self._headers_buffer.append(b"\r\n" + body)
        self.flush_headers()
