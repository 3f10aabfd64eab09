"""The sandbox's clockwork: webhooks sent and sent again; sessions that run out; money that arrives later.

What is still to be delivered is a row, so `kill -9` loses none; an event may then come twice, as it may from
Stripe.
"""

import hashlib
import hmac
import json
import threading
import urllib.error
import urllib.request
from concurrent.futures import ThreadPoolExecutor

from .calls import Provider
from .faults import DELAY_SECONDS, ON_WEBHOOKS, Faults
from .store import Row

GIVE_UP_AFTER_TRIES = 40
LONGEST_WAIT_SECONDS = 60
TIMEOUT_SECONDS = 10


def signature(payload: bytes, *, secret: str, at: int) -> str:
    """Return the `Stripe-Signature` header: `t=SECONDS,v1=HMAC-SHA-256(secret, "SECONDS.payload")` in hex."""
    mac = hmac.new(secret.encode(), b"%d." % at + payload, hashlib.sha256)
    return f"t={at},v1={mac.hexdigest()}"


class Clockwork:
    """Does what is due, in a thread of its own, until stopped. Without an address nothing is delivered."""

    def __init__(self, provider: Provider, faults: Faults, *, url: str | None, secret: str) -> None:
        self.provider, self.faults, self.url, self.secret = provider, faults, url, secret
        self._wake, self._stopped = threading.Event(), threading.Event()
        self._flying: set[str] = set()
        self._second = 0
        self._senders = ThreadPoolExecutor(8, thread_name_prefix="webhook")
        self._thread = threading.Thread(target=self._run, name="clockwork", daemon=True)

    def start(self) -> None:
        self.provider.on_event = self._wake.set
        self._thread.start()

    def stop(self) -> None:
        self._stopped.set()
        self._wake.set()
        self._thread.join()
        self._senders.shutdown(cancel_futures=True)

    def _run(self) -> None:
        while not self._stopped.is_set():
            self._wake.wait(timeout=0.5)
            self._wake.clear()
            if self._second != self.provider.now():
                self._expire_and_arrive()
            self._deliver()

    def _expire_and_arrive(self) -> None:
        store, now = self.provider.store, self.provider.now()
        self._second = now
        for row in store.all("open"):
            if row["until"] <= now:
                with store.change():
                    session = store.get("sessions", row["session"])
                    if session and session["status"] == "open":
                        self.provider.close_session(session)
        for timer in store.all("timers"):
            if timer["at"] <= now:
                with store.change():
                    self.provider.arrive(timer)

    def _deliver(self) -> None:
        for row in self.provider.store.all("deliveries"):
            if row["at"] <= self.provider.now() and row["event"] not in self._flying:
                self._flying.add(row["event"])
                self._senders.submit(self._send, row)

    def _send(self, row: Row) -> None:
        try:
            fault = self.faults.next(ON_WEBHOOKS) if row["tries"] == 0 else None
            if fault == "delay_webhook":
                self._stopped.wait(DELAY_SECONDS)
            event = self.provider.store.get("events", row["event"])
            lost = fault == "lose_webhook" or event is None or not self.url
            delivered = not lost and all(
                self._post(json.dumps(event).encode()) for _ in range(2 if fault == "double_webhook" else 1)
            )
            self._note(row, delivered=delivered, over=lost or row["tries"] + 1 >= GIVE_UP_AFTER_TRIES)
        finally:
            self._flying.discard(row["event"])

    def _post(self, payload: bytes) -> bool:
        """Send the webhook; tell whether the answer was a 2xx."""
        headers = {
            "Content-Type": "application/json; charset=utf-8",
            "Stripe-Signature": signature(payload, secret=self.secret, at=self.provider.now()),
            "User-Agent": "Wenshi-Stripe-Sandbox/1",
        }
        request = urllib.request.Request(self.url or "", payload, headers, method="POST")
        try:
            with urllib.request.urlopen(request, timeout=TIMEOUT_SECONDS) as answer:
                return 200 <= answer.status < 300
        except (urllib.error.URLError, OSError):
            return False

    def _note(self, row: Row, *, delivered: bool, over: bool) -> None:
        store = self.provider.store
        with store.change():
            if delivered or over:
                store.put("deliveries", row["event"], None)
            else:
                wait = min(2 ** row["tries"], LONGEST_WAIT_SECONDS)
                again = {**row, "tries": row["tries"] + 1, "at": self.provider.now() + wait}
                store.put("deliveries", row["event"], again)
            if delivered and (event := store.get("events", row["event"])):
                store.put("events", event["id"], {**event, "pending_webhooks": 0})
