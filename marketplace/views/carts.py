"""The cart: what somebody means to license, grouped by shop, and what it costs."""

from collections import defaultdict
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlencode
from uuid import UUID

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import ngettext
from django.views.decorators.http import require_POST

from ledger.clock import now
from licensing import queries as licensing
from licensing.domain.money import CURRENCIES, Money
from licensing.domain.terms import PURPOSES, Sentence, Terms, clauses, sentences
from licensing.errors import AudienceNotDeclared
from licensing.errors import Refused as LicensingRefused
from marketplace.actions import cart as carts
from marketplace.actions.checkout import Wanted
from marketplace.errors import Refused
from marketplace.models import User
from marketplace.queries import carts as queries
from marketplace.queries import catalogue
from marketplace.queries.carts import Cart, Line
from marketplace.templatetags.shown import money, plain
from marketplace.views.cards import Card, address, card
from marketplace.views.parts import Link
from marketplace.views.picker import language, price, refusal, scope
from marketplace.views.sentences import purpose_name


@dataclass(frozen=True)
class LineShown:
    """A line of the cart."""

    id: UUID
    card: Card
    version: int
    purpose: str
    scope: str
    change_url: str
    sentences: list[Sentence]
    all_sentences: list[Sentence]
    price: str
    reason: str
    held: str = ""


@dataclass(frozen=True)
class Group:
    """The lines of one shop, and who shares what they cost."""

    shop: dict[str, str]
    shares: str
    subtotal: str
    lines: list[LineShown]


def owner(request: HttpRequest) -> dict[str, Any]:
    """Return whose cart a request is about."""
    return {"user": request.user, "session_key": request.session.get(carts.SESSION_FIELD, "")}


def cart(request: HttpRequest) -> HttpResponse:
    """Show the cart."""
    found = queries.cart(**owner(request))
    shown = groups(found)
    problems = [below_minimum(total) for total in found.below_minimum]
    lines = [line for group in shown for line in group.lines]
    held = sum(1 for line in lines if line.held)
    summary = ngettext("%(total)s line from %(shops)s", "%(total)s lines from %(shops)s", len(lines))
    shops = ngettext("%(total)s shop", "%(total)s shops", len(shown)) % {"total": len(shown)}
    payable = bool(lines) and not held and not problems
    page = {
        "groups": shown,
        "summary": summary % {"total": len(lines), "shops": shops} if lines else "",
        "totals": [price(total) for total in found.totals],
        "problems": problems
        + ([_("A line cannot be granted as it is. Take it out or change it.")] if held else []),
        "licensee": licensee(request),
        "terms": agreements(found),
        "payable": payable,
        "pay_word": pay_word(found.totals),
    }
    return render(request, "marketplace/cart.html", {"page": page})


def pay_word(totals: list[Money]) -> str:
    """Return what the one button says."""
    if all(not total for total in totals):
        return _("Take the free licences")
    if len(totals) == 1:
        return _("Order and pay %(total)s") % {"total": money(totals[0])}
    return _("Place the orders")


def below_minimum(total: Money) -> str:
    """Say that a total is too small to be charged, and what would change that."""
    least = Money(CURRENCIES[total.currency].provider_minimum, total.currency)
    return _(
        "%(total)s is less than the payment provider charges. Add something: from %(least)s on it can be paid."
    ) % {
        "total": money(total),
        "least": money(least),
    }


def licensee(request: HttpRequest) -> str:
    """Return to whom the grants will be made out."""
    if not isinstance(request.user, User) or not request.user.party_id:
        return str(request.user)
    return f"{plain(licensing.party(request.user.party_id).name)} ({request.user})"


def agreements(found: Cart) -> list[Link]:
    """Return the terms to agree to: each text once."""
    wanted: dict[str, list[str]] = defaultdict(list)
    for line in found.lines:
        if line.choice.offer:
            wanted[line.choice.offer.terms.sha256].append(plain(line.row.listing.title))
    words = _("the terms of %(titles)s")
    joined = "、" if language() == "zh-Hans" else ", "
    return [
        Link(words % {"titles": joined.join(titles)}, "", value=sha256) for sha256, titles in wanted.items()
    ]


def groups(found: Cart) -> list[Group]:
    """Return the lines by shop."""
    by_shop: dict[UUID, list[Line]] = defaultdict(list)
    for line in found.lines:
        by_shop[line.row.listing.shop_id].append(line)
    rows = {row.listing.pk: row for row in catalogue.cards([line.row.listing for line in found.lines])}
    shown = []
    for lines in by_shop.values():
        listing = lines[0].row.listing
        totals: dict[str, Money] = {}
        for amount in [line.price for line in lines if line.price is not None]:
            totals[amount.currency] = totals.get(amount.currency, Money.zero(amount.currency)) + amount
        shown.append(
            Group(
                shop=listing.shop.name,
                shares=share_line(listing.asset_id),
                subtotal=" + ".join(price(total) for total in totals.values()),
                lines=[line_shown(line, rows[line.row.listing_id]) for line in lines],
            )
        )
    return shown


def share_line(asset_id: UUID) -> str:
    """Say who gets what part of the price."""
    plan = licensing.latest_share_plan(asset_id)
    weights = licensing.shares(plan.pk) if plan else []
    whole = sum(weight for _party, weight in weights) or 1
    parts = [f"{plain(licensing.party(party).name)} {100 * weight / whole:g} %" for party, weight in weights]
    return ("，" if language() == "zh-Hans" else ", ").join(parts)


def line_shown(line: Line, row: catalogue.Card) -> LineShown:
    """Return a line with its terms, or with why it cannot be had any more."""
    listing, offer = line.row.listing, line.choice.offer
    query = {"purpose": line.row.purpose, "as": line.row.institution_kind}
    why = refusal(line.choice) if offer is None else None
    return LineShown(
        id=line.row.pk,
        card=card(row, registered=True),
        version=licensing.version(listing.version_id).number,
        purpose=purpose_name(line.row.purpose),
        scope=scope(offer.terms) if offer else "",
        change_url=f"{address(listing)}?{urlencode({k: v for k, v in query.items() if v})}#licence",
        sentences=telling(offer.terms, line.row.purpose) if offer else [],
        all_sentences=sentences(offer.terms, language()) if offer else [],
        price=price(offer.price) if offer else "",
        reason=line.row.institution or "",
        held=" ".join([why.title + ":", *why.lines]) if why else "",
    )


def telling(terms: Terms, purpose: str) -> list[Sentence]:
    """Return what the purpose needs of the terms, and every duty and limit."""
    needed = {clause.number for clause in clauses(terms) if clause.actions & PURPOSES[purpose]}
    return [each for each in sentences(terms, language()) if each.kind != "may" or each.clause in needed]


@require_POST
def add(request: HttpRequest) -> HttpResponse:
    """Put a dataset into the cart for a purpose, or say why it cannot be."""
    carts.session_key(request.session)
    wanted = Wanted(
        listing=request.POST.get("listing", ""),
        purpose=request.POST.get("purpose", ""),
        institution=request.POST.get("institution", "")[:200],
        institution_kind=request.POST.get("institution_kind", ""),
    )
    try:
        line = carts.add(**owner(request), wanted=wanted, now=now())
    except (Refused, LicensingRefused) as error:
        messages.error(request, str(error))
        asks = isinstance(error, AudienceNotDeclared)
        return redirect(back_to(wanted, audience="education" if asks else wanted.institution_kind))
    messages.success(request, _("“%(title)s” lies in the cart.") % {"title": plain(line.listing.title)})
    return redirect("cart")


def back_to(wanted: Wanted, *, audience: str) -> str:
    """Return the page of what was wanted, with the same choices."""
    try:
        listing = catalogue.find(wanted.listing)
    except (Refused, LicensingRefused):
        return reverse("search")
    query = {"purpose": wanted.purpose, "as": audience}
    return f"{address(listing)}?{urlencode({k: v for k, v in query.items() if v})}#licence"


@require_POST
def remove(request: HttpRequest) -> HttpResponse:
    """Take a line out of the cart."""
    try:
        line = UUID(request.POST.get("line", ""))
    except ValueError:
        return redirect("cart")
    carts.remove(**owner(request), line_id=line)
    return redirect("cart")
