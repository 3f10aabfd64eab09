"""The page of a dataset: overview and tabs, each with its own address; free files are handed out from here."""

from typing import Any

from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import render
from django.urls import reverse
from django.utils.translation import gettext as _

from ledger import queries as ledger
from ledger.clock import now
from licensing import queries as licensing
from marketplace.actions import delivery
from marketplace.domain import selection
from marketplace.errors import NotFound
from marketplace.models import Listing
from marketplace.queries import catalogue
from marketplace.templatetags.shown import number, size
from marketplace.views import citing, errors, picker, previews, tabs
from marketplace.views.cards import address, badges, cards, count, formats, kind_name
from marketplace.views.parts import Link

TABLES = (selection.Form.CSV, selection.Form.JSON, selection.Form.JSON_LINES)


def listing(request: HttpRequest, shop: str, slug: str, tab: str = "overview") -> HttpResponse:
    """Show a dataset."""
    try:
        shown = catalogue.at(shop, slug)
    except NotFound as error:
        if catalogue.was_shown(shop, slug):
            return errors.page(request, 410)
        raise Http404 from error
    if tab not in tabs.NAMES:
        raise Http404
    page = frame(request, shown, tab)
    if tab not in [each.value for each in page["tabs"]]:
        raise Http404
    page |= tabs.CONTENT[tab](request, shown, page)
    if tab == "overview":
        free = page["row"].is_free or page["row"].is_edition
        page["preview"] = previews.preview(request, shown, free=free)
        page["json_ld"] = citing.json_ld(shown, page["files"], page["row"])
    response = render(request, "marketplace/listing.html", {"page": page})
    response["Link"] = citing.link_header(shown)
    return response


def frame(request: HttpRequest, shown: Listing, tab: str) -> dict[str, Any]:
    """Return what every tab of a dataset shows."""
    row = catalogue.cards([shown])[0]
    files = list(licensing.files(shown.version_id))
    entries = ledger.numbers_of([shown.asset.intent_id, shown.version.intent_id])
    entry = entries.get(shown.version.intent_id)
    registered = entries.get(shown.asset.intent_id)
    entry_url = reverse("ledger-entry", args=[registered]) if registered is not None else ""
    free = row.is_free
    return {
        "row": row,
        "form": shown.form,
        "cover": shown.cover,
        "kind": kind_name(shown.form),
        "shop": shown.shop.name,
        "shop_url": reverse("shop", args=[shown.shop.slug]),
        "title": shown.title,
        "summary": shown.summary,
        "version": shown.version.number,
        "published_at": shown.version.published_at,
        "badges": badges(row, registered=registered is not None, registered_url=entry_url),
        "picker": picker.pick(
            shown,
            row.offers,
            purpose=request.GET.get("purpose", ""),
            audience=request.GET.get("as", ""),
            is_edition=row.is_edition,
        ),
        "download": download_button(shown, files) if free else None,
        "ark": shown.asset.ark_id,
        "entry": entry,
        "count": count(shown),
        "files": files,
        "files_free": free,
        "total_bytes": sum(file.byte_size for file in files),
        "files_sha256": shown.version.files_sha256,
        "formats": formats(shown),
        "attribution": shown.version.attribution,
        "rights_uri": shown.rights_uri,
        "rights_word": row.rights_label,
        "grants": licensing.count_named_grants(asset_id=shown.asset_id),
        "tab": tab,
        "tab_word": tabs.NAMES[tab](),
        "tab_template": f"marketplace/listing/{tab}.html",
        "tabs": tab_links(shown, files, row, tab),
        "notices": [],
    }


def tab_links(shown: Listing, files: list, row: catalogue.Card, tab: str) -> list[Link]:
    """Return the tabs that this dataset has: data and fields only where a file holds records."""
    tabular = any(selection.form_of(file.name) in TABLES for file in files)
    counts = {"data": shown.record_count, "files": len(files), "licences": len(row.offers)}
    counts["versions"] = shown.version.number
    found = []
    for name, word in tabs.NAMES.items():
        if name in ("data", "fields") and not tabular:
            continue
        if name == "data" and shown.form in ("image", "audio", "model3d"):
            continue
        url = address(shown) + ("" if name == "overview" else f"{name}/")
        found.append(Link(word(), url, name == tab, counts.get(name), name))
    return found


def download_button(shown: Listing, files: list) -> Link | None:
    """Return the button of a free dataset: the file itself, or the list of files."""
    total = size(sum(file.byte_size for file in files))
    if len(files) == 1:
        url = reverse("listing-download", args=[shown.shop.slug, shown.slug, 0])
        return Link(_("Download, %(size)s") % {"size": total}, url)
    words = _("Download %(count)s files, %(size)s") % {"count": number(len(files)), "size": total}
    return Link(words, address(shown) + "files/")


def download(request: HttpRequest, shop: str, slug: str, position: int) -> HttpResponse:
    """Hand out a free file under the standing grant to everybody: no account, one signed link."""
    try:
        shown = catalogue.at(shop, slug)
    except NotFound as error:
        raise Http404 from error
    grant = licensing.standing_grant(shown.version_id)
    files = list(licensing.files(shown.version_id))
    if grant is None or not 0 <= position < len(files):
        raise Http404
    file = files[position]
    token, _expires = delivery.link(grant_id=grant.pk, file_id=file.pk, now=now())
    return HttpResponseRedirect(reverse("file-download", args=[token, file.name]))


def free_wholes(shown: Listing) -> list:
    """Return the free datasets that an edition was made from, as cards."""
    return cards(catalogue.sources_of(shown))
