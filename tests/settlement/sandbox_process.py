"""The Stripe sandbox as a process that tests start, talk to, kill and start again."""

import http.server
import json
import subprocess
import sys
import threading
import urllib.error
import urllib.parse
import urllib.request
from pathlib import Path

SECRET = "whsec_test"


class Sandbox:
    """A running sandbox; `url` is what the Stripe client takes as its base address."""

    def __init__(self, state: Path, *options: str) -> None:
        self.state, self.options, self.port = state, options, 0
        self.process: subprocess.Popen | None = None
        self.start()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def start(self) -> None:
        command = [sys.executable, "-m", "settlement.sandbox", "--port", str(self.port)]
        command += ["--state", str(self.state), "--secret", SECRET, *self.options]
        self.process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
        self.port = int(self.process.stdout.readline().rsplit(":", 1)[1])

    def kill(self) -> None:
        """End it as a power cut would."""
        self.process.kill()
        self.process.wait()
        self.process.stdout.close()

    def calls(self) -> list[dict]:
        """Return the log of the API calls that were answered."""
        return json.loads(self._ask("/sandbox/calls"))

    def order_fault(self, name: str, times: int = 1) -> None:
        self._ask("/sandbox/faults", {"fault": name, "times": str(times)})

    def choose(self, page_url: str, outcome: str) -> str:
        """Press a button of the pay page; return where it leads, or the page itself."""
        form = urllib.parse.urlencode({"outcome": outcome}).encode()
        opener = urllib.request.build_opener(_NoRedirect)
        try:
            with opener.open(urllib.request.Request(page_url, form, method="POST"), timeout=10) as answer:
                return answer.read().decode()
        except urllib.error.HTTPError as answer:
            return answer.headers["Location"]

    def _ask(self, path: str, form: dict | None = None) -> bytes:
        data = urllib.parse.urlencode(form).encode() if form else None
        with urllib.request.urlopen(self.url + path, data, timeout=10) as answer:
            return answer.read()


class _NoRedirect(urllib.request.HTTPRedirectHandler):
    def redirect_request(self, *args, **kwargs):
        return None


class Listener:
    """A web server that takes webhooks and keeps them; it answers with `status`."""

    def __init__(self) -> None:
        self.status, self.taken = 200, []
        listener = self

        class Handler(http.server.BaseHTTPRequestHandler):
            def do_POST(self):
                body = self.rfile.read(int(self.headers["Content-Length"]))
                listener.taken.append((listener.status, self.headers["Stripe-Signature"], body))
                self.send_response(listener.status)
                self.end_headers()

            def log_message(self, *args):
                pass

        self.server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        threading.Thread(target=self.server.serve_forever, kwargs={"poll_interval": 0.05}).start()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server.server_port}/hooks"

    def accepted(self) -> list[dict]:
        """Return the events that were answered with 200, in order of arrival."""
        return [json.loads(body) for status, _, body in self.taken if status == 200]

    def close(self) -> None:
        self.server.shutdown()
        self.server.server_close()
