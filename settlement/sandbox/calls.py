"""The calls of Stripe's API that the sandbox answers: parameters in; an object out, or a refusal, in its shape."""

import re
from collections.abc import Callable
from typing import Any

from . import objects
from .form import Tree
from .store import Row, Store

HALF_HOUR, DAY = 1800, 86_400
SESSION_PARAMETERS = {
    *("mode", "line_items", "success_url", "cancel_url", "client_reference_id", "metadata", "expires_at"),
    *("locale", "expand", "payment_intent_data", "payment_method_types", "customer_email", "submit_type"),
}
TABLES = {
    "payment_intent": "payment_intents",
    "latest_charge": "charges",
    "charge": "charges",
    "balance_transaction": "balance_transactions",
}


class Refused(Exception):
    """A refusal as Stripe words it: status, and the body's `error`."""

    def __init__(
        self, status: int, message: str, *, kind: str = "invalid_request_error", **fields: str
    ) -> None:
        super().__init__(message)
        self.status = status
        self.body = {"error": {"type": kind, "message": message, **fields}}


class Provider:
    """The sandbox's memory with what may be done to it; `now` gives the seconds since 1970."""

    def __init__(self, store: Store, *, base: str, now: Callable[[], int]) -> None:
        self.store, self.base, self.now = store, base, now
        self.on_event: Callable[[], None] = lambda: None

    # Checkout sessions

    def create_session(self, params: Tree, request: Row) -> Row:
        for name in params.keys() - SESSION_PARAMETERS:
            raise Refused(400, f"Received unknown parameter: {name}", code="parameter_unknown", param=name)
        if params.get("mode") != "payment":
            raise Refused(400, "The sandbox knows the mode payment only.", param="mode")
        for name in ("line_items", "success_url"):
            if not params.get(name):
                raise Refused(400, f"Missing required param: {name}.", code="parameter_missing", param=name)
        lines = [_line(number, item) for number, item in enumerate(params["line_items"])]
        session = objects.session(params, lines=lines, base=self.base, now=self.now())
        currency, total = session["currency"], session["amount_total"]
        if {line["currency"] for line in lines} != {currency}:
            raise Refused(400, "All line items must have the same currency.", param="line_items")
        if total < objects.MINIMUM[currency]:
            minimum = objects.decimal(objects.MINIMUM[currency], currency)
            message = f"The Checkout Session's total amount must be at least {minimum}."
            raise Refused(400, message, code="amount_too_small", param="line_items")
        if not HALF_HOUR <= session["expires_at"] - self.now() <= DAY:
            message = "The `expires_at` timestamp must be between 30 minutes and 24 hours from creation."
            raise Refused(400, message, param="expires_at")
        intent_data = params.get("payment_intent_data", {})
        self.store.put("intent_metadata", session["id"], intent_data.get("metadata", {}))
        self.store.put("sessions", session["id"], session)
        self.store.put("open", session["id"], {"session": session["id"], "until": session["expires_at"]})
        return self.shown(session, params)

    def read_session(self, params: Tree, request: Row, identity: str) -> Row:
        return self.shown(self._found("sessions", identity, "checkout.session"), params)

    def list_sessions(self, params: Tree, request: Row) -> Row:
        rows = [self.shown(row, params) for row in self.store.all("sessions")]
        return _page(rows, params, "/v1/checkout/sessions", equal=("payment_intent", "status"))

    def expire_session(self, params: Tree, request: Row, identity: str) -> Row:
        session = self._found("sessions", identity, "checkout.session")
        if session["status"] != "open":
            state = session["status"]
            message = f'Only Checkout Sessions with a status in ["open"] can be expired, not {state}.'
            raise Refused(400, message)
        return self.shown(self.close_session(session, request), params)

    def close_session(self, session: Row, request: Row | None = None) -> Row:
        """End a session that nobody has paid."""
        session.update(status="expired", url=None)
        self.store.put("sessions", session["id"], session)
        self.store.put("open", session["id"], None)
        self.emit("checkout.session.expired", session, request)
        return session

    # What the payer does on the hosted page

    def pay(self, session: Row, *, outcome: str, after_seconds: int) -> Row:
        """Let the payer pay, be declined, or pay by a method whose money arrives later."""
        intent = self.store.get("payment_intents", session["payment_intent"] or "")
        if intent is None:
            metadata = self.store.get("intent_metadata", session["id"]) or {}
            intent = objects.payment_intent(session, metadata=metadata, now=self.now())
        if outcome == "decline":
            session["payment_intent"] = intent["id"]
            self.store.put("sessions", session["id"], session)
            intent["last_payment_error"] = {
                "code": "card_declined",
                "type": "card_error",
                "message": "Declined.",
            }
            self.store.put("payment_intents", intent["id"], intent)
            self.emit("payment_intent.payment_failed", intent)
            return session
        session.update(payment_intent=intent["id"], status="complete", url=None)
        self.store.put("open", session["id"], None)
        if outcome == "pay":
            self._succeed(session, intent)
            self.emit("checkout.session.completed", session)
            return session
        intent.update(status="processing", last_payment_error=None)
        self.store.put("payment_intents", intent["id"], intent)
        self.store.put("sessions", session["id"], session)
        due = {"session": session["id"], "at": self.now() + after_seconds, "fails": outcome == "later-fail"}
        self.store.put("timers", session["id"], due)
        self.emit("payment_intent.processing", intent)
        self.emit("checkout.session.completed", session)
        return session

    def arrive(self, timer: Row) -> None:
        """Let the money of a slow method arrive, or fail to."""
        self.store.put("timers", timer["session"], None)
        session = self._found("sessions", timer["session"], "checkout.session")
        intent = self._found("payment_intents", session["payment_intent"], "payment_intent")
        if timer["fails"]:
            intent.update(
                status="requires_payment_method",
                last_payment_error={
                    "code": "payment_failed",
                    "type": "card_error",
                    "message": "No money came.",
                },
            )
            self.store.put("payment_intents", intent["id"], intent)
            self.emit("payment_intent.payment_failed", intent)
            self.emit("checkout.session.async_payment_failed", session)
        else:
            self._succeed(session, intent)
            self.emit("checkout.session.async_payment_succeeded", session)

    def _succeed(self, session: Row, intent: Row) -> None:
        charge = objects.charge(intent, now=self.now())
        self._balance(charge)
        intent.update(
            status="succeeded",
            amount_received=intent["amount"],
            latest_charge=charge["id"],
            last_payment_error=None,
        )
        session.update(payment_status="paid", payment_intent=intent["id"])
        self.store.put("charges", charge["id"], charge)
        self.store.put("payment_intents", intent["id"], intent)
        self.store.put("sessions", session["id"], session)
        self.emit("charge.succeeded", charge)
        self.emit("payment_intent.succeeded", intent)

    # Payments and refunds

    def read_intent(self, params: Tree, request: Row, identity: str) -> Row:
        return self.shown(self._found("payment_intents", identity, "payment_intent"), params)

    def create_refund(self, params: Tree, request: Row) -> Row:
        intent = self._found("payment_intents", params.get("payment_intent", ""), "payment_intent")
        charge = self.store.get("charges", intent["latest_charge"] or "")
        if charge is None:
            raise Refused(400, "This PaymentIntent does not have a successful charge to refund.")
        rest = charge["amount"] - charge["amount_refunded"]
        amount = _whole(params.get("amount", str(rest)), "amount")
        if rest == 0:
            raise Refused(400, "Charge has already been refunded.", code="charge_already_refunded")
        if not 0 < amount <= rest:
            message = f"Refund amount ({amount}) is greater than unrefunded amount on charge ({rest})"
            raise Refused(400, message, param="amount")
        refund = objects.refund(
            charge,
            amount=amount,
            reason=params.get("reason"),
            metadata=params.get("metadata", {}),
            now=self.now(),
        )
        self._balance(refund)
        charge["amount_refunded"] += amount
        charge["refunded"] = charge["amount_refunded"] == charge["amount"]
        self.store.put("charges", charge["id"], charge)
        self.store.put("refunds", refund["id"], refund)
        self.emit("refund.created", refund, request)
        self.emit("charge.refunded", charge, request)
        return self.shown(refund, params)

    def read_refund(self, params: Tree, request: Row, identity: str) -> Row:
        return self.shown(self._found("refunds", identity, "refund"), params)

    def list_refunds(self, params: Tree, request: Row) -> Row:
        return _page(self.store.all("refunds"), params, "/v1/refunds", equal=("payment_intent", "charge"))

    def list_balance(self, params: Tree, request: Row) -> Row:
        rows = self.store.all("balance_transactions")
        return _page(rows, params, "/v1/balance_transactions", equal=("source", "type", "currency"))

    def _balance(self, source: Row) -> None:
        moved = objects.balance_transaction(source, now=self.now())
        source["balance_transaction"] = moved["id"]
        self.store.put("balance_transactions", moved["id"], moved)

    # Events

    def read_event(self, params: Tree, request: Row, identity: str) -> Row:
        return self._found("events", identity, "event")

    def list_events(self, params: Tree, request: Row) -> Row:
        rows = self.store.all("events")
        if "types" in params:
            rows = [row for row in rows if row["type"] in params["types"]]
        if "delivery_success" in params:
            delivered = params["delivery_success"] == "true"
            rows = [row for row in rows if (row["pending_webhooks"] == 0) is delivered]
        return _page(rows, params, "/v1/events", equal=("type",))

    def emit(self, kind: str, subject: Row, request: Row | None = None) -> None:
        """Write down an event and that it is to be delivered, in the change that is going on."""
        request = request or {}
        event = objects.event(
            kind, self.shown(subject, {}), request=request.get("id"), key=request.get("key"), now=self.now()
        )
        self.store.put("events", event["id"], event)
        self.store.put("deliveries", event["id"], {"event": event["id"], "tries": 0, "at": 0})
        self.on_event()

    # Shared

    def _found(self, table: str, identity: str, kind: str) -> Row:
        row = self.store.get(table, identity)
        if row is None:
            raise Refused(404, f"No such {kind}: '{identity}'", code="resource_missing", param="id")
        return row

    def shown(self, row: Row, params: Tree) -> Row:
        """Return the object with what `expand` asks for; line items are shown only then."""
        paths = [path.removeprefix("data.") for path in params.get("expand", [])]
        shown = {name: value for name, value in row.items() if name != "line_items" or name in paths}
        for path in paths:
            node = shown
            for step in path.split("."):
                table = TABLES.get(step)
                if table and isinstance(node.get(step), str):
                    node[step] = self.store.get(table, node[step])
                node = node.get(step) or {}
        return shown


def _line(number: int, item: Tree) -> Row:
    where = f"line_items[{number}]"
    price = item.get("price_data") or {}
    currency = price.get("currency", "").lower()
    if currency not in objects.MINIMUM:
        raise Refused(400, f"Invalid currency: {currency}.", param=f"{where}[price_data][currency]")
    amount = _whole(price.get("unit_amount", ""), f"{where}[price_data][unit_amount]")
    if currency in objects.THREE_DECIMAL and amount % 10:
        raise Refused(400, f"Invalid amount: {amount}. The last digit must be 0.", param=where)
    name = (price.get("product_data") or {}).get("name", "")
    if not name:
        raise Refused(400, "Missing required param: name.", code="parameter_missing", param=where)
    quantity = _whole(item.get("quantity", "1"), f"{where}[quantity]")
    return objects.line_item(name, unit_amount=amount, quantity=quantity, currency=currency)


def _whole(text: str, param: str) -> int:
    if not re.fullmatch(r"\d{1,12}", text):
        raise Refused(400, f"Invalid integer: {text}", code="parameter_invalid_integer", param=param)
    return int(text)


def _page(rows: list[Row], params: Tree, url: str, *, equal: tuple[str, ...]) -> Row:
    """Return one page of a list, newest first, narrowed by the filters that Stripe knows."""
    rows = rows[::-1]
    for name in equal:
        if name in params:
            rows = [row for row in rows if row[name] == params[name]]
    created: Any = params.get("created", {})
    since, until = int(created.get("gte", 0)), int(created.get("lte", 10**11))
    rows = [row for row in rows if since <= row["created"] <= until]
    ids = [row["id"] for row in rows]
    if params.get("starting_after") in ids:
        rows = rows[ids.index(params["starting_after"]) + 1 :]
    if params.get("ending_before") in ids:
        rows = rows[: ids.index(params["ending_before"])]
    limit = min(int(params.get("limit", 10)), 100)
    return objects.list_of(rows[:limit], url, has_more=len(rows) > limit)


ROUTES: list[tuple[str, re.Pattern[str], Callable[..., Row]]] = [
    (method, re.compile(path.replace("ID", r"([\w]+)")), call)
    for method, path, call in (
        ("POST", "/v1/checkout/sessions", Provider.create_session),
        ("GET", "/v1/checkout/sessions", Provider.list_sessions),
        ("GET", "/v1/checkout/sessions/ID", Provider.read_session),
        ("POST", "/v1/checkout/sessions/ID/expire", Provider.expire_session),
        ("GET", "/v1/payment_intents/ID", Provider.read_intent),
        ("POST", "/v1/refunds", Provider.create_refund),
        ("GET", "/v1/refunds", Provider.list_refunds),
        ("GET", "/v1/refunds/ID", Provider.read_refund),
        ("GET", "/v1/balance_transactions", Provider.list_balance),
        ("GET", "/v1/events", Provider.list_events),
        ("GET", "/v1/events/ID", Provider.read_event),
    )
]


def route(method: str, path: str) -> tuple[Callable[..., Row], tuple[str, ...]]:
    """Return the call for a method and path, with the ids in the path."""
    for verb, pattern, call in ROUTES:
        if verb == method and (match := pattern.fullmatch(path)):
            return call, match.groups()
    raise Refused(404, f"Unrecognized request URL ({method}: {path}).")
