"""What every page knows: the theme, the languages it has, where it stands, and whether money is real."""

from dataclasses import dataclass

from django.conf import settings
from django.http import HttpRequest
from django.urls import translate_url
from django.utils.functional import SimpleLazyObject

from marketplace.queries import carts as queries
from marketplace.views import carts

THEMES = ("light", "dark")
SECTIONS = {
    "search": "data",
    "d": "data",
    "shops": "shops",
    "s": "shops",
    "ledger": "ledger",
    "verify": "verify",
}


@dataclass(frozen=True)
class Language:
    """A language that a page can be read in."""

    code: str
    url: str


def page_frame(request: HttpRequest) -> dict:
    """Return the values of `base.html`; the cart is counted only where a page prints it."""
    path = request.path
    theme = request.COOKIES.get("theme", "")
    parts = path.strip("/").split("/")
    return {
        "theme": theme if theme in THEMES else "",
        "section": SECTIONS.get(parts[1]) if len(parts) > 1 else "data" if parts[0] == "d" else None,
        "languages_of_page": SimpleLazyObject(lambda: languages(request)),
        "test_mode": settings.STRIPE_TEST_MODE,
        "demo_mails": settings.TEST_MODE,
        "cart_count": SimpleLazyObject(lambda: cart_count(request)),
        "header_query": request.GET.get("q", "") if parts[1:2] == ["search"] else "",
    }


def languages(request: HttpRequest) -> list[Language]:
    """Return the address of this page in each language."""
    address = request.build_absolute_uri()
    codes = {"zh-hans": "zh-Hans", "en": "en"}
    return [Language(codes[code], translate_url(address, code)) for code, _ in settings.LANGUAGES]


def cart_count(request: HttpRequest) -> int:
    """Return how many lines lie in the visitor's cart; a visitor without one costs no query."""
    return queries.count(**carts.owner(request))
