"""What stands under each tab of a dataset's page."""

from collections.abc import Callable
from typing import Any

from django.core.paginator import Paginator
from django.http import HttpRequest
from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import ngettext, pgettext

from ledger import queries as ledger
from licensing import queries as licensing
from licensing.domain.money import Money
from licensing.domain.parties import PUBLIC_PARTY_ID
from licensing.domain.terms import sentences
from licensing.domain.vocabulary import TEMPLATE_NAMES, pick
from marketplace.models import Listing
from marketplace.queries import catalogue, records
from marketplace.templatetags.shown import number
from marketplace.views import citing, reports, works
from marketplace.views.cards import cards, period
from marketplace.views.parts import Fact, pager
from marketplace.views.picker import language, price, scope
from marketplace.views.sentences import kind_name as event_name

PER_PAGE = 50
SAMPLE = 10  # records of a dataset that is not free, shown before it is bought

NAMES: dict[str, Callable[[], str]] = {
    "overview": lambda: _("Overview"),
    "data": lambda: pgettext("tab", "Data"),
    "files": lambda: _("Files"),
    "fields": lambda: _("Fields"),
    "licences": lambda: _("Licences"),
    "rights": lambda: _("Rights and audit"),
    "versions": lambda: _("Versions"),
    "cite": lambda: _("Cite"),
}
Page = dict[str, Any]


def overview(request: HttpRequest, shown: Listing, page: Page) -> Page:
    """Return the description, the free whole of an edition, and what is inside."""
    edition = licensing.edition_of(shown.asset_id) if page["row"].is_edition else None
    return {
        "sources": cards(catalogue.sources_of(shown)) if edition else [],
        "adds": edition.adds if edition else None,
        "benefit_plan": edition.benefit_plan if edition else None,
        "inside": inside(shown, page["files"]),
        "about": about(shown),
    }


def inside(shown: Listing, files: list) -> dict[str, Any]:
    """Return what a dataset holds: its works, its fields, or its files."""
    if shown.form == "image" and len(pictures := works.works(shown)) > 1:
        rows = [[_cell(each.title), _cell(each.line)] for each in pictures[:12]]
        return {"columns": [_column(_("Work")), _column(_("Maker, date and pixels"))], "rows": rows}
    if shown.form in ("table", "nested_records", "text"):
        seen, fields = records.fields(shown.version_id)
        if fields:
            rows = [
                [_cell(field.name), _cell(field.example), _cell(number(field.filled), True)]
                for field in fields[:10]
            ]
            filled = _("Filled in the first %(count)s") % {"count": number(seen)}
            return {
                "columns": [_column(_("Field")), _column(_("Example")), _column(filled, True)],
                "rows": rows,
            }
    rows = [[_cell(file.name), _cell(file.media_type)] for file in files[:10]]
    return {"columns": [_column(_("File")), _column(_("Kind"))], "rows": rows}


def _column(word: str, numeric: bool = False) -> dict[str, Any]:
    return {"word": word, "number": numeric}


def _cell(text: str, numeric: bool = False) -> dict[str, Any]:
    return {"text": text, "number": numeric}


def about(shown: Listing) -> list[Fact]:
    """Return the facts of the description that the seller gave."""
    names = {
        "zh-Hans": _("Chinese (simplified)"),
        "zh-Hant": _("Chinese (traditional)"),
        "zh": _("Chinese"),
        "en": _("English"),
    }
    languages = "、".join if language() == "zh-Hans" else ", ".join
    facts = [
        Fact(_("Languages"), languages(names.get(each, each) for each in shown.languages)),
        Fact(_("Period"), period(shown)),
        Fact(_("Region"), shown.region),
        Fact(_("Listed"), shown.listed_at.date().isoformat()),
    ]
    return [fact for fact in facts if fact.text]


def data(request: HttpRequest, shown: Listing, page: Page) -> Page:
    """Return the rows: the first 1,000 of what is free, ten of what is not."""
    free = page["row"].is_free or page["row"].is_edition
    total = min(shown.record_count, records.MOST) if free else min(shown.record_count, SAMPLE)
    asked = request.GET.get("page", "1")
    pages = Paginator(range(total), PER_PAGE)
    current = pages.get_page(asked if asked.isdecimal() else "1").number
    start = (current - 1) * PER_PAGE
    rows = records.first(shown.version_id, start=start, count=min(PER_PAGE, total - start))
    columns = records.columns(rows)
    cells = [
        {"number": start + place, "cells": [records.cell(row.get(name)) for name in columns]}
        for place, row in enumerate(rows, start=1)
    ]
    if free and total < shown.record_count:
        summary = _("The first %(total)s of %(all)s records; the files hold all of them.")
    elif free:
        summary = _("All %(all)s records.")
    else:
        summary = _("A sample: the first %(total)s of %(all)s records. The rest comes with a licence.")
    named = {"total": number(total), "all": number(shown.record_count)}
    at = pager(current=current, total=total, per_page=PER_PAGE, address=lambda n: f"?page={n}")
    return {
        "data": {
            "columns": columns,
            "rows": cells,
            "summary": summary % named,
            "pager": at,
            "reason": _("The files hold no records that can be shown as rows."),
        }
    }


def files(request: HttpRequest, shown: Listing, page: Page) -> Page:
    """Return the files with their digests, and links to those that are free."""
    rows = [
        {
            "name": file.name,
            "media_type": file.media_type,
            "byte_size": file.byte_size,
            "sha256": file.sha256,
            "download_url": reverse("listing-download", args=[shown.shop.slug, shown.slug, place]),
        }
        for place, file in enumerate(page["files"])
    ]
    return {"files": rows}


def fields(request: HttpRequest, shown: Listing, page: Page) -> Page:
    """Return the fields, as counted in the first records."""
    seen, found = records.fields(shown.version_id)
    summary = ngettext(
        "Counted in the first %(total)s record.", "Counted in the first %(total)s records.", seen
    )
    return {"fields": {"summary": summary % {"total": number(seen)}, "fields": found}}


def licences(request: HttpRequest, shown: Listing, page: Page) -> Page:
    """Return every open offer with its terms in plain words."""
    rows = licensing.open_offers(shown.asset_id)
    entries = ledger.numbers_of([offer.intent_id for offer in rows])
    offers = []
    for offer in rows:
        terms = licensing.terms_of(offer)
        offers.append(
            {
                "name": pick(TEMPLATE_NAMES[terms.template], language()),
                "price": price(Money(offer.price_minor_units, offer.currency)),
                "scope": scope(terms),
                "sentences": sentences(terms, language()),
                "published_at": offer.published_at,
                "entry": entries.get(offer.intent_id),
                "policy_sha256": offer.policy_id,
            }
        )
    return {"offers": offers}


def rights(request: HttpRequest, shown: Listing, page: Page) -> Page:
    """Return what the ledger records of the asset, and who shares the income."""
    facts = [
        fact
        for fact in licensing.asset_history(shown.asset_id)
        if not fact.kind.startswith("grant.") or getattr(fact.what, "licensee_id", None) == PUBLIC_PARTY_ID
    ]
    entries = ledger.numbers_of([fact.intent_id for fact in facts if fact.intent_id])
    history = [{"entry": entries.get(fact.intent_id), "at": fact.at, "text": told(fact)} for fact in facts]
    plan = licensing.latest_share_plan(shown.asset_id)
    weights = licensing.shares(plan.pk) if plan else []
    whole = sum(weight for _party, weight in weights) or 1
    shares = [
        {
            "name": licensing.party(party_id).name,
            "percent": f"{100 * weight / whole:g} %",
            "bar": round(100 * weight / whole, 2),
        }
        for party_id, weight in weights
    ]
    return {"history": history, "shares": shares, "ask": reports.form("asset", shown.asset.ark_id)}


def told(fact: licensing.Fact) -> str:
    """Say what one fact of an asset's history is."""
    match fact.kind:
        case "version.published":
            return _("Version %(number)s was published.") % {"number": fact.what.number}
        case "offer.published":
            return _("An offer was published: %(price)s.") % {
                "price": price(Money(fact.what.price_minor_units, fact.what.currency))
            }
        case "asset.public_interest":
            return _("Declared to be of public interest: free for everybody, for good.")
        case "grant.issued":
            return _("The standing grant to everybody was issued, %(number)s.") % {"number": fact.what.number}
    return event_name(fact.kind)


def versions(request: HttpRequest, shown: Listing, page: Page) -> Page:
    """Return the published versions with what changed from one to the next."""
    rows = list(licensing.versions(shown.asset_id))
    entries = ledger.numbers_of([row.intent_id for row in rows])
    found = []
    for place, row in enumerate(rows):
        before = rows[place + 1] if place + 1 < len(rows) else None
        found.append(
            {
                "number": row.number,
                "current": row.pk == shown.version_id,
                "published_at": row.published_at,
                "record_count": row.record_count,
                "changes": changes(row, before),
                "entry": entries.get(row.intent_id),
            }
        )
    return {"versions": found}


def changes(row: Any, before: Any) -> str:
    """Say what a version changed."""
    if before is None:
        return _("The first version.")
    new = {file.name: file.sha256 for file in licensing.files(row.pk)}
    old = {file.name: file.sha256 for file in licensing.files(before.pk)}
    changed = sum(1 for name in new.keys() & old.keys() if new[name] != old[name])
    return _("%(added)s files added, %(removed)s removed, %(changed)s changed.") % {
        "added": len(new.keys() - old.keys()),
        "removed": len(old.keys() - new.keys()),
        "changed": changed,
    }


def cite(request: HttpRequest, shown: Listing, page: Page) -> Page:
    """Return the dataset as a reference in three styles."""
    return {"citations": citing.citations(shown)}


CONTENT: dict[str, Callable[[HttpRequest, Listing, Page], Page]] = {
    "overview": overview,
    "data": data,
    "files": files,
    "fields": fields,
    "licences": licences,
    "rights": rights,
    "versions": versions,
    "cite": cite,
}
