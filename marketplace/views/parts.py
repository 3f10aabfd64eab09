"""Small things that many pages are made of, ready to print."""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from django.core.paginator import Page
from django.utils.translation import gettext as _

from marketplace.templatetags.shown import number


@dataclass(frozen=True)
class Badge:
    """One statement about rights or state: kind picks the colour, the icon and the word say it."""

    kind: str  # verified | open | paid | gated | disputed | withdrawn
    icon: str
    word: str
    url: str = ""


@dataclass(frozen=True)
class Fact:
    """A named value, perhaps with a link."""

    word: str
    text: Any
    url: str = ""


@dataclass(frozen=True)
class Check:
    """One thing that was checked: pass, fail or wait, and what it means."""

    state: str
    word: str
    text: str
    url: str = ""
    link: str = ""


@dataclass(frozen=True)
class Link:
    """A choice with an address, perhaps the chosen one, perhaps with a count."""

    word: str
    url: str
    chosen: bool = False
    count: int | None = None
    value: str = ""


@dataclass(frozen=True)
class PageLink:
    """One page number; an empty address is the gap between numbers."""

    number: str
    url: str
    current: bool = False


@dataclass(frozen=True)
class Pager:
    """Where in a long list the page stands."""

    summary: str
    pages: list[PageLink] = field(default_factory=list)
    extra_url: str = ""
    extra_word: str = ""


def pager(*, current: int, total: int, per_page: int, address: Callable[[int], str]) -> Pager:
    """Return the pager of a list of `total` rows."""
    last = max(1, -(-total // per_page))
    near = sorted({1, last, *range(max(1, current - 2), min(last, current + 2) + 1)})
    pages, before = [], 0
    for each in near:
        if each > before + 1:
            pages.append(PageLink("…", ""))
        pages.append(PageLink(str(each), address(each), each == current))
        before = each
    first = (current - 1) * per_page + 1
    summary = _("%(first)s–%(last)s of %(total)s") % {
        "first": number(min(first, total)),
        "last": number(min(first + per_page - 1, total)),
        "total": number(total),
    }
    return Pager(summary, pages)


def page_of(page: Page, address: Callable[[int], str]) -> Pager:
    """Return the pager of a Django page."""
    paginator = page.paginator
    return pager(current=page.number, total=paginator.count, per_page=paginator.per_page, address=address)
