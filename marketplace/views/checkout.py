"""From the cart to the pay page and back: orders are placed here, everything after is settlement's."""

import logging
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

from django.conf import settings
from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_POST

from ledger import queries as ledger
from ledger.clock import now
from licensing.errors import Refused as LicensingRefused
from marketplace.actions import checkout
from marketplace.errors import Refused
from marketplace.queries import carts
from marketplace.views.carts import agreements, owner
from marketplace.views.orders import find, lines_shown
from marketplace.views.parts import Check
from marketplace.views.picker import price
from settlement import queries as settlement
from settlement.actions import payments
from settlement.domain.states import PAYABLE_ORDERS, LineState, OrderState
from settlement.errors import ProviderError, SettlementError

log = logging.getLogger(__name__)
REFUSALS = (Refused, LicensingRefused, SettlementError)
ENDED = {OrderState.EXPIRED, OrderState.CANCELLED}
DONE = {OrderState.COMPLETE, OrderState.GRANTED_FREE, OrderState.PART_REFUNDED, OrderState.REFUNDED}


@login_required
@require_POST
def start(request: HttpRequest) -> HttpResponse:
    """Place what lies in the cart, once its terms are agreed to: one order for each currency."""
    wanted = {each.value for each in agreements(carts.cart(**owner(request)))}
    if wanted - set(request.POST.getlist("agree")):
        messages.error(request, _("Agree to the terms of each line first."))
        return redirect("cart")
    try:
        placed = checkout.place_all(user=request.user, now=now())
    except REFUSALS as error:
        messages.error(request, str(error))
        return redirect("cart")
    unpaid = [order for order in placed if order.state in PAYABLE_ORDERS]
    if len(unpaid) == 1:
        return redirect("checkout", number=unpaid[0].number)
    if unpaid:
        messages.info(
            request, _("The cart became %(count)s orders; pay each on its own.") % {"count": len(placed)}
        )
        return redirect("orders")
    return redirect("checkout-return", number=placed[0].number)


@login_required
@never_cache
def pay(request: HttpRequest, number: str) -> HttpResponse:
    """Show what is to be paid; sent as a form, open the provider's pay page and go there."""
    order = find(request, number)
    problem = ""
    if request.method == "POST":
        try:
            return to_provider(request, order)
        except REFUSALS as error:
            problem = str(error)
    payable = order.state in PAYABLE_ORDERS
    page = {
        "number": order.number,
        "lines": lines_shown(order),
        "total": price(order.total),
        "payable": payable,
        "expires_at": order.expires_at if payable else None,
        "problem": problem,
    }
    response = render(request, "marketplace/checkout.html", {"page": page}, status=503 if problem else 200)
    response._csp_update = {"form-action": pay_hosts()}  # the form is answered by a redirect to the provider
    return response


def pay_hosts() -> list[str]:
    """Return where the provider's pay page is."""
    if not settings.STRIPE_API_BASE:
        return ["https://checkout.stripe.com"]
    parts = urlsplit(settings.STRIPE_API_BASE)
    return [f"{parts.scheme}://{parts.netloc}"]


def to_provider(request: HttpRequest, order: Any) -> HttpResponse:
    """Open the pay page, or the one that is open already, and go there."""
    back = request.build_absolute_uri(reverse("checkout-return", args=[order.number]))
    cancel = request.build_absolute_uri(reverse("checkout", args=[order.number]))
    payment = payments.start(order_id=order.pk, return_url=back, cancel_url=cancel, now=now())
    response = HttpResponseRedirect(payment.session_url or back)
    response.status_code = 303
    return response


@dataclass(frozen=True)
class Waiting:
    """How far an order has come, for the page one returns to."""

    number: str
    heading: str
    sentence: str
    steps: list[Check]
    waiting: bool
    library_url: str


@login_required
@never_cache
def returned(request: HttpRequest, number: str) -> HttpResponse:
    """Look what became of the payment; the page asks again by itself until there is an answer."""
    order = find(request, number)
    if order.state in (OrderState.AWAITING_PAYMENT, OrderState.PAID):
        try:
            order = payments.refresh(order_id=order.pk, now=now())
        except ProviderError as error:  # the webhook or the poll will bring it; the page says what is known
            log.warning("order %s: the provider could not be asked: %s", number, error)
        order = settlement.order(order.pk)
    return render(request, "marketplace/checkout_return.html", {"page": waiting(order)})


def waiting(order: Any) -> Waiting:
    """Say how far an order has come."""
    lines = list(settlement.lines(order.pk))
    granted = [line for line in lines if line.state == LineState.GRANTED]
    waits = order.state in (OrderState.AWAITING_PAYMENT, OrderState.PAID, OrderState.PLACED)
    heading, sentence = words(order, lines)
    only = granted[0].grant_id if len(granted) == 1 else None
    files = reverse("library-grant", args=[only]) if only else reverse("library") if granted else ""
    return Waiting(order.number, heading, sentence, steps(order, lines, granted), waits, files)


def words(order: Any, lines: list[Any]) -> tuple[str, str]:
    """Return the heading and the sentence for the state of an order."""
    refunds = [line for line in lines if line.state in (LineState.REFUND_DUE, LineState.REFUNDED)]
    if order.state in ENDED:
        return _("Not paid"), _(
            "The time to pay has run out. Money that still comes goes back in full. Put it in the cart again."
        )
    if order.state in DONE and refunds and len(refunds) == len(lines):
        return _("Refunded"), _("Nothing could be granted, so the whole amount goes back to you.")
    if order.state in DONE and refunds:
        return _("Granted in part"), _(
            "What could not be granted is refunded. The reason stands at each line."
        )
    if order.state == OrderState.GRANTED_FREE:
        return _("Granted"), _("The licences are yours, free of charge.")
    if order.state in DONE:
        return _("Paid and granted"), _("The licences are yours, and the files are ready.")
    if order.state == OrderState.AUTO_REFUNDING:
        return _("On its way back"), _("Nothing could be granted. The whole amount is being refunded.")
    if order.state == OrderState.PAID:
        return _("Paid, being granted"), _("The payment has arrived. The licences are being written.")
    return _("Waiting for the payment"), _("The provider has not yet said that you paid.")


def steps(order: Any, lines: list[Any], granted: list[Any]) -> list[Check]:
    """Return the steps of a sale with their states."""
    free = order.state == OrderState.GRANTED_FREE
    paid = order.state not in (*PAYABLE_ORDERS, *ENDED)
    state = "pass" if paid else "fail" if order.state in ENDED else "wait"
    said = _("Nothing to pay.") if free else price(order.total)
    numbers = ledger.numbers_of([line.grant.intent_id for line in granted])
    done = len(granted) == len(lines)
    return [
        Check(state, _("Payment"), said),
        Check(
            "pass" if done else "fail" if order.state in ENDED else "wait",
            _("Grant"),
            _("%(done)s of %(all)s lines are granted.") % {"done": len(granted), "all": len(lines)},
        ),
        Check(
            "pass" if granted and len(numbers) == len(granted) else "wait",
            _("Ledger"),
            _("Entry %(numbers)s") % {"numbers": ", ".join(f"#{each}" for each in sorted(numbers.values()))}
            if numbers
            else _("The entry gets its number within a second or two of the grant."),
        ),
    ]
