"""A buyer by machine: one keep-alive connection that speaks the public API and the pages, and nothing else.

`manage.py demo`, `manage.py bench sale` and the journeys buy through it, so they see what a stranger would see.
"""

import hashlib
import http.client
import json
import time
import uuid
from collections.abc import Callable
from typing import Any
from urllib.parse import urlencode, urlsplit

WAIT_SECONDS = 60
LOOK_SECONDS = 0.1


class Answer:
    """One answer over HTTP: status, headers by lower-case name, body."""

    def __init__(self, status: int, headers: http.client.HTTPMessage, body: bytes) -> None:
        self.status, self.body = status, body
        self.headers = {name.lower(): value for name, value in headers.items()}
        self.cookies = headers.get_all("Set-Cookie") or []

    def json(self) -> Any:
        return json.loads(self.body)


class Refused(Exception):
    """The house said no; `problem` is its RFC 9457 document where it sent one."""

    def __init__(self, method: str, url: str, answer: Answer) -> None:
        try:
            self.problem = answer.json()
        except ValueError:
            self.problem = {"detail": answer.body[:300].decode("utf-8", "replace")}
        self.status = answer.status
        told = self.problem if isinstance(self.problem, dict) else {}
        super().__init__(f"{method} {url} -> {answer.status}: {told.get('detail') or told.get('title')}")


class Unanswered(Exception):
    """What was waited for did not come."""


class Buyer:
    """Somebody with a connection to the house, and a token once signed in."""

    def __init__(self, base: str, *, language: str = "en", timeout_seconds: float = 30) -> None:
        self.base, self.language, self.timeout_seconds = base, language, timeout_seconds
        self.token = ""
        self._connections: dict[str, http.client.HTTPConnection] = {}

    # One request

    def ask(
        self, method: str, url: str, body: bytes | None = None, headers: dict[str, str] | None = None
    ) -> Answer:
        """Send one request, over the open connection if it still stands, and return whatever comes back."""
        parts = urlsplit(url if "://" in url else self.base + url)
        path = parts.path + ("?" + parts.query if parts.query else "")
        for fresh in (False, True):
            connection = self._connection(parts.netloc, fresh)
            reused = connection.sock is not None
            try:
                connection.request(method, path, body, headers or {})
                answer = connection.getresponse()
                return Answer(answer.status, answer.headers, answer.read())
            except (ConnectionError, http.client.BadStatusLine, http.client.CannotSendRequest):
                connection.close()
                if fresh or not reused:  # one that stood idle may have been closed; a new one says more
                    raise
        raise AssertionError("unreachable")

    def _connection(self, address: str, fresh: bool) -> http.client.HTTPConnection:
        if fresh or address not in self._connections:
            self._connections[address] = http.client.HTTPConnection(address, timeout=self.timeout_seconds)
        return self._connections[address]

    def call(self, method: str, url: str, value: Any = None, *, key: str = "") -> Any:
        """Call the API and return its JSON. Raises Refused."""
        headers = {"Accept": "application/json", "Accept-Language": self.language}
        if self.token:
            headers["Authorization"] = f"Bearer {self.token}"
        if method != "GET":
            headers |= {"Content-Type": "application/json", "Idempotency-Key": key or str(uuid.uuid4())}
        answer = self.ask(method, url, None if value is None else json.dumps(value).encode(), headers)
        if answer.status >= 400:
            raise Refused(method, url, answer)
        return answer.json() if answer.body else None

    def wait(self, what: str, look: Callable[[], Any], *, seconds: float = WAIT_SECONDS) -> Any:
        """Look until something true is seen, and return it. Raises Unanswered."""
        deadline = time.monotonic() + seconds
        while not (seen := look()):
            if time.monotonic() > deadline:
                raise Unanswered(f"Waited {seconds:.0f} s for {what}.")
            time.sleep(LOOK_SECONDS)
        return seen

    # A sale

    def sign_in(self, *, email: str, password: str) -> None:
        """Get a token for the API."""
        self.token = self.call("POST", "/api/v1/tokens/", {"email": email, "password": password})["token"]

    def find(self, *, text: str, title: str) -> dict:
        """Search for a text and return the listing with this title in either language. Raises Unanswered."""
        found = self.call("GET", "/api/v1/listings/?" + urlencode({"q": text}))
        for listing in found["results"]:
            if title in listing["title"].values():
                return listing
        raise Unanswered(f"A search for {text} does not find {title}.")

    def listing(self, identity: str) -> dict:
        """Read one listing."""
        return self.call("GET", f"/api/v1/listings/{identity}/")

    def order(self, *lines: dict, key: str = "") -> dict:
        """Place an order for lines of listing and purpose."""
        return self.call("POST", "/api/v1/orders/", {"lines": list(lines)}, key=key)

    def pay(self, number: str, *, outcome: str = "pay") -> Answer:
        """Go to the pay page of an order and press a button there."""
        url = self.call("POST", f"/api/v1/orders/{number}/pay/", {})["url"]
        return self.press(url, outcome=outcome)

    def press(self, url: str, *, outcome: str = "pay") -> Answer:
        """Open a pay page of the sandbox and press one of its buttons."""
        page = self.ask("GET", url)
        assert page.status == 200, f"the pay page answers {page.status}"
        form = {"Content-Type": "application/x-www-form-urlencoded"}
        return self.ask("POST", url, urlencode({"outcome": outcome}).encode(), form)

    def order_now(self, number: str) -> dict:
        """Read an order as it stands."""
        return self.call("GET", f"/api/v1/orders/{number}/")

    def granted(self, number: str, *, seconds: float = WAIT_SECONDS) -> dict:
        """Wait until every line of an order holds its grant, and return the order. Raises Unanswered."""

        def look() -> dict | None:
            order = self.order_now(number)
            return order if all(line["grant"] for line in order["lines"]) else None

        return self.wait(f"the grants of order {number}", look, seconds=seconds)

    def entry_of(self, grant: str, *, seconds: float = WAIT_SECONDS) -> int:
        """Wait until a grant has its number on the ledger, and return that. Raises Unanswered."""

        def look() -> tuple[int] | None:
            entry = self.call("GET", f"/api/v1/grants/{grant}/")["entry"]
            return None if entry is None else (entry,)

        return self.wait(f"the ledger entry of grant {grant}", look, seconds=seconds)[0]

    def files(self, grant: str) -> list[dict]:
        """Ask for fresh links to the files of a grant."""
        return self.call("GET", f"/api/v1/grants/{grant}/files/")["files"]

    def digest(self, url: str) -> str:
        """Download a file and return its SHA-256 in hex. Raises Refused."""
        answer = self.ask("GET", url)
        if answer.status != 200:
            raise Refused("GET", url, answer)
        return hashlib.sha256(answer.body).hexdigest()

    def close(self) -> None:
        """Hang up."""
        for connection in self._connections.values():
            connection.close()
