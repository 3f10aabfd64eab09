"""What a dataset shows of itself before anything is licensed: a work, a text, rows, a sound, a shape."""

from typing import Any
from urllib.parse import urlencode

from django.http import HttpRequest
from django.urls import reverse
from django.utils.html import escape
from django.utils.safestring import mark_safe
from django.utils.translation import gettext as _

from marketplace import covers
from marketplace.models import Listing
from marketplace.queries import records
from marketplace.templatetags.shown import plain
from marketplace.views import works
from marketplace.views.cards import address, formats
from marketplace.views.tabs import SAMPLE

ROWS, COLUMNS = 8, 6


def preview(request: HttpRequest, shown: Listing, *, free: bool) -> dict[str, Any]:
    """Return the preview of a dataset; `free` says that nothing of it need be held back."""
    match shown.form:
        case "image" if works.pictures_of(shown):
            return picture(request, shown)
        case "text":
            return text(request, shown, free=free) or {"kind": "cover"}
        case "table" | "nested_records":
            return rows(shown) or {"kind": "cover"}
        case "audio" if shown.cover.get("peaks"):
            return sound(shown, free=free)
    return {"kind": "cover"}


def chosen(request: HttpRequest, name: str, most: int) -> int:
    """Return a number from 1 that an address asks for, or 1."""
    asked = request.GET.get(name, "")
    return min(max(int(asked), 1), most) if asked.isascii() and asked.isdigit() and len(asked) < 9 else 1


def picture(request: HttpRequest, shown: Listing) -> dict[str, Any]:
    """Return one work whole, and the others small below it."""
    total = len(works.pictures_of(shown))
    number = chosen(request, "work", total)
    described = records.described(shown.version_id)
    thumbs = [works.work(shown, place, described, chosen=number - 1) for place in range(total)]
    first = max(0, min(number - 3, total - 6)) if total > 12 else 0
    return {
        "kind": "image",
        "shown": works.work(shown, number - 1, described, width=1600),
        "number": number,
        "total": total,
        "works": thumbs[first : first + 6] if total > 12 else thumbs,
    }


def text(request: HttpRequest, shown: Listing, *, free: bool) -> dict[str, Any] | None:
    """Return one text as it is read, with its neighbours; a sample of ten where the texts are not free."""
    total = min(shown.record_count, records.MOST if free else SAMPLE)
    number = chosen(request, "record", total)
    found = records.first(shown.version_id, start=number - 1, count=1)
    if not found:
        return None
    read = records.reading(found[0])
    languages = shown.languages or ["zh"]

    def to(other: int) -> str:
        return f"{address(shown)}?{urlencode({'record': other})}" if 1 <= other <= total else ""

    return {
        "kind": "text",
        "number": number,
        "total": shown.record_count,
        "next_url": to(number + 1),
        "previous_url": to(number - 1),
        "heading": read.heading or plain(shown.title),
        "author": read.author,
        "lines": read.lines,
        "lang": "en" if languages == ["en"] else languages[0],
    }


def rows(shown: Listing) -> dict[str, Any] | None:
    """Return the first rows in the fields that hold most."""
    found = records.first(shown.version_id, count=ROWS)
    names = [name for name in records.columns(found) if any(records.cell(row.get(name)) for row in found)]
    if not names:
        return None
    shown_names = sorted(names, key=lambda name: (telling(name), names.index(name)))[:COLUMNS]
    cells = [[records.cell(row.get(name)) for name in shown_names] for row in found]
    return {"kind": "table", "columns": shown_names, "rows": cells, "total": shown.record_count}


def telling(name: str) -> int:
    """Return how soon a reader wants a field: titles, then makers, then dates, then the rest."""
    order = (("title", "name", "名"), ("artist", "author", "creator", "maker", "者"), ("date", "year", "年"))
    word = name.lower()
    return next(
        (place for place, words in enumerate(order) if any(part in word for part in words)), len(order)
    )


def sound(shown: Listing, *, free: bool) -> dict[str, Any]:
    """Return the loudness curve, and the recording itself where it is free."""
    peaks, seconds = shown.cover["peaks"], shown.cover.get("seconds", 0)
    path = covers.wave_path(peaks, x=0, y=0, width=720, height=150, bars=len(peaks))
    words = _("Loudness over %(length)s") % {"length": covers.clock(seconds)}
    wave = f'<svg role="img" viewBox="0 0 720 150"><title>{escape(words)}</title><path class="wave" d="{path}"/></svg>'
    source = reverse("listing-download", args=[shown.shop.slug, shown.slug, 0]) if free else ""
    line = f"{covers.clock(seconds)} • {formats(shown)}"
    return {"kind": "audio", "wave": mark_safe(wave), "source_url": source, "line": line}
