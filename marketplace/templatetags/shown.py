"""Filters and tags that print values: two languages, amounts, dates, sizes, icons, seals and covers."""

import re
from datetime import UTC, date, datetime, timedelta
from functools import lru_cache
from typing import Any

from django import template
from django.conf import settings
from django.utils import timezone
from django.utils.html import format_html
from django.utils.safestring import SafeString, mark_safe
from django.utils.translation import get_language
from django.utils.translation import gettext as _

from licensing.domain.money import Money, display
from marketplace import covers, seals

register = template.Library()
# The page's own English, whatever locale the server has.
MONTHS = ("January", "February", "March", "April", "May", "June", "July")
MONTHS += ("August", "September", "October", "November", "December")


def chinese() -> bool:
    """Return whether the page is in Chinese."""
    return (get_language() or "en").startswith("zh")


def pick(words: dict[str, str] | None, *, other: bool = False) -> tuple[str, str]:
    """Return the text of a language map for this page (or the other language) and its language code."""
    first, second = ("zh-Hans", "en") if chinese() else ("en", "zh-Hans")
    words = words or {}
    if other:
        return (words.get(second, ""), second) if words.get(first) else ("", second)
    return (words[first], first) if words.get(first) else (words.get(second, ""), second)


@register.filter
def said(words: dict[str, str] | None) -> str:
    """Print a language map in the page's language, else in the other one, marked as such."""
    text, lang = pick(words)
    if lang == ("zh-Hans" if chinese() else "en"):
        return text
    return format_html('<span lang="{}">{}</span>', lang, text)


@register.filter
def plain(words: dict[str, str] | None) -> str:
    """Print a language map without markup, for titles and attributes."""
    return pick(words)[0]


@register.filter
def other(words: dict[str, str] | None) -> str:
    """Print what a language map has in the other language; the tag around it says lang."""
    return pick(words, other=True)[0]


@register.simple_tag
def other_lang() -> str:
    """Print the code of the language that the page is not in."""
    return "en" if chinese() else "zh-Hans"


@register.filter
def number(value: int | None) -> str:
    """Print a whole number with its thousands apart."""
    return "" if value is None else f"{value:,}"


@register.filter
def compact(value: int) -> str:
    """Print a large number shortly: 1.2 万 or 12K."""
    if chinese():
        return f"{value / 10_000:.1f} 万".replace(".0 ", " ") if value >= 10_000 else f"{value:,}"
    for size, unit in ((1_000_000, "M"), (1_000, "K")):
        if value >= 10 * 1_000 and value >= size:
            return f"{value / size:.1f}{unit}".replace(".0", "")
    return f"{value:,}"


@register.filter
def money(amount: Money | None) -> str:
    """Print an amount in the page's language."""
    return "" if amount is None else display(amount, "zh-Hans" if chinese() else "en")


@register.filter
def size(count: int) -> str:
    """Print a number of bytes."""
    for unit, limit in (("GB", 1_000_000_000), ("MB", 1_000_000), ("KB", 1_000)):
        if count >= limit:
            return f"{count / limit:.1f} {unit}"
    return f"{count} B"


def day_text(when: datetime | date) -> str:
    """Return a date in Shanghai in words."""
    local = timezone.localtime(when).date() if isinstance(when, datetime) else when
    if chinese():
        return f"{local.year}年{local.month}月{local.day}日"
    return f"{local.day} {MONTHS[local.month - 1]} {local.year}"


def moment_text(when: datetime) -> str:
    """Return a date and time in Shanghai in words, with the zone."""
    clock = timezone.localtime(when).strftime("%H:%M:%S")
    return f"{day_text(when)} {clock}（上海）" if chinese() else f"{day_text(when)}, {clock} (Shanghai)"


@register.filter
def day(when: datetime | date | None) -> str:
    """Print a date in Shanghai, in words that do not break."""
    if when is None:
        return ""
    return format_html('<time datetime="{}">{}</time>', when.isoformat(), day_text(when))


@register.filter
def moment(when: datetime | None) -> str:
    """Print a date and time in Shanghai, with the zone in words."""
    if when is None:
        return ""
    return format_html('<time datetime="{}">{}</time>', when.isoformat(), moment_text(when))


def span(length: timedelta) -> str:
    """Return how long something takes or took, in its largest unit."""
    seconds = max(0, int(length.total_seconds()))
    if seconds < 120:
        return _("%(count)s s") % {"count": seconds}
    if seconds < 7200:
        return _("%(count)s min") % {"count": seconds // 60}
    if seconds < 172_800:
        return _("%(count)s h") % {"count": seconds // 3600}
    return _("%(count)s days") % {"count": number(seconds // 86_400)}


@register.filter
def utc(when: datetime) -> str:
    """Print a time as the ledger keeps it."""
    return when.astimezone(UTC).strftime("%Y-%m-%d %H:%M:%S UTC")


@register.filter
def hexed(value: Any) -> str:
    """Print bytes as lower-case hex; text passes."""
    return bytes(value).hex() if isinstance(value, (bytes, bytearray, memoryview)) else str(value)


@register.filter
def short_hash(value: Any) -> str:
    """Print the head and the tail of a hash."""
    text = hexed(value)
    return text if len(text) <= 24 else f"{text[:16]}…{text[-8:]}"


@lru_cache(maxsize=128)
def _icon(name: str) -> SafeString:
    path = settings.BASE_DIR / "node_modules" / "lucide-static" / "icons" / f"{name}.svg"
    if not path.is_file():
        return mark_safe("")
    inside = re.sub(r"\s+", " ", re.search(r"<svg[^>]*>(.*)</svg>", path.read_text(), re.S)[1]).strip()
    return mark_safe(
        '<svg class="icon" viewBox="0 0 24 24" fill="none" stroke="currentColor" stroke-linecap="round" '
        f'stroke-linejoin="round" aria-hidden="true">{inside}</svg>'
    )


@register.simple_tag
def icon(name: str) -> SafeString:
    """Draw a Lucide icon beside its word."""
    return _icon(name)


@register.simple_tag
def seal(characters: str = seals.SITE, size: int = 36, solid: bool = True, title: str = "") -> SafeString:
    """Draw a seal."""
    return seals.seal(characters, size=size, solid=solid, title=title)


@register.simple_tag
def cover(form: str, title: dict[str, str], data: dict, slip: bool = True) -> SafeString:
    """Draw a listing's title-slip with the first lines of its data."""
    return covers.draw(form=form, title=title, data=data, with_slip=slip)
