"""Orders and their receipts."""

from dataclasses import dataclass
from typing import Any

from django.contrib.auth.decorators import login_required
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import render
from django.urls import reverse
from django.utils.translation import gettext as _

from licensing.domain.money import Money
from marketplace.errors import NotFound
from marketplace.queries import orders as queries
from marketplace.templatetags.shown import moment_text, money, plain
from marketplace.views.cards import address
from marketplace.views.parts import Badge, Fact
from marketplace.views.picker import price
from marketplace.views.sentences import purpose_name
from settlement import queries as settlement
from settlement.domain.states import PAYABLE_ORDERS, LineState
from settlement.errors import OrderNotFound


@dataclass(frozen=True)
class LineShown:
    """A line of an order."""

    title: dict[str, str]
    url: str
    purpose: str
    price: str
    outcome: str
    grant_url: str = ""
    certificate_url: str = ""


def find(request: HttpRequest, number: str) -> Any:
    """Return an order of the reader's; another's is as absent as none."""
    try:
        return queries.order(request.user, number)
    except (NotFound, OrderNotFound) as error:
        raise Http404 from error


@login_required
def index(request: HttpRequest) -> HttpResponse:
    """List the reader's orders."""
    rows = [
        {
            "number": order.number,
            "placed_at": order.placed_at,
            "badges": [badge(order.state)],
            "total": price(order.total),
        }
        for order in queries.orders(request.user)
    ]
    return render(request, "marketplace/orders.html", {"page": {"orders": rows}})


@login_required
def order(request: HttpRequest, number: str) -> HttpResponse:
    """Show an order as a receipt."""
    found = find(request, number)
    payment = settlement.payment_of(found.pk)
    facts = [
        Fact(_("Order"), found.number),
        Fact(_("Placed"), moment_text(found.placed_at)),
        Fact(_("Licensee"), plain(found.licensee.name)),
        Fact(_("Total"), price(found.total)),
    ]
    if payment:
        facts.append(Fact(_("Payment"), payment.provider_ref or _("not yet confirmed by the provider")))
    for refund in settlement.refunds_of(found.pk):
        facts.append(Fact(_("Refund"), money(Money(refund.amount_minor_units, refund.currency))))
    if not payment and not found.total_minor_units:
        facts.append(Fact(_("Payment"), _("none: the order was free, and no provider was asked")))
    page = {
        "number": found.number,
        "sentence": sentence(found),
        "badges": [badge(found.state)],
        "total": price(found.total),
        "pay_url": reverse("checkout", args=[found.number]) if found.state in PAYABLE_ORDERS else "",
        "lines": lines_shown(found),
        "facts": facts,
        "events": [
            {"at": event.at, "text": state_name(event.after)} for event in found.events.order_by("at", "pk")
        ],
    }
    return render(request, "marketplace/order.html", {"page": page})


def lines_shown(order: Any) -> list[LineShown]:
    """Return the lines of an order with what became of each."""
    rows = list(settlement.lines(order.pk))
    listings = queries.listings_of(rows)
    shown = []
    for row in rows:
        listing = listings.get(row.reference)
        grant = row.grant
        shown.append(
            LineShown(
                title=row.offer.version.title,
                url=address(listing) if listing else "",
                purpose=purpose_name(row.purpose),
                price=price(Money(row.price_minor_units, row.currency)),
                outcome=outcome(row),
                grant_url=reverse("library-grant", args=[grant.pk]) if grant else "",
                certificate_url=reverse("certificate", args=[grant.number]) if grant else "",
            )
        )
    return shown


def outcome(line: Any) -> str:
    """Say what became of a line, and why."""
    words = {
        LineState.OPEN: _("waits for the payment"),
        LineState.GRANTED: _("granted"),
        LineState.REFUND_DUE: _("not granted; its amount is being refunded: %(reason)s"),
        LineState.REFUNDED: _("not granted; its amount was refunded: %(reason)s"),
        LineState.LAPSED: _("lapsed without payment"),
    }
    return words[LineState(line.state)] % {"reason": line.refusal}


def state_name(state: str) -> str:
    """Return the name of an order's state."""
    names = {
        "placed": _("Placed"),
        "awaiting_payment": _("Awaiting payment"),
        "paid": _("Paid"),
        "complete": _("Complete"),
        "granted_free": _("Granted, free"),
        "expired": _("Expired"),
        "cancelled": _("Cancelled"),
        "auto_refunding": _("Being refunded"),
        "part_refunded": _("Refunded in part"),
        "refunded": _("Refunded"),
    }
    return names.get(state, state)


def badge(state: str) -> Badge:
    """Return an order's state as a badge."""
    if state in ("complete", "granted_free"):
        return Badge("verified", "check", state_name(state))
    if state in ("placed", "awaiting_payment", "paid"):
        return Badge("paid", "clock", state_name(state))
    return Badge("withdrawn", "undo-2" if "refund" in state else "x", state_name(state))


def sentence(order: Any) -> str:
    """Say how an order stands, and who acts next."""
    said = {
        "placed": _("Nothing is paid yet. The order is kept for you until %(until)s."),
        "awaiting_payment": _("The provider's pay page is open until %(until)s. Nothing is charged yet."),
        "paid": _("The payment has arrived; each line is being granted."),
        "complete": _("Everything is paid and granted."),
        "granted_free": _("Everything is granted, free of charge."),
        "expired": _("The time to pay ran out. Money that still comes goes back in full."),
        "cancelled": _("The order was cancelled. Money that still comes goes back in full."),
        "auto_refunding": _("Nothing could be granted; the whole amount is on its way back."),
        "part_refunded": _("What could not be granted was refunded."),
        "refunded": _("The whole amount was refunded."),
    }
    return said.get(order.state, "%(until)s") % {"until": moment_text(order.expires_at)}
