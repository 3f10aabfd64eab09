"""What is on show: home, search and its feed, shops."""

from dataclasses import dataclass
from typing import Any
from urllib.parse import urlencode

from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import render
from django.urls import reverse
from django.utils.feedgenerator import Atom1Feed
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from licensing.domain.terms import PURPOSES
from marketplace import covers
from marketplace.domain.rights import rights_of
from marketplace.errors import NotFound
from marketplace.queries import catalogue, figures
from marketplace.queries.catalogue import Filters
from marketplace.templatetags.shown import number, plain
from marketplace.views import reports, works
from marketplace.views.cards import FORMATS, absolute, cards, kind_name
from marketplace.views.parts import Link, pager
from marketplace.views.sentences import purpose_name

FIELDS = ("kind", "use", "price", "shop", "rights", "period", "region", "format")
KINDS = ("text", "table", "nested_records", "image", "audio", "model3d")
PER_PAGE = 12


@dataclass(frozen=True)
class Facet:
    """One group of choices in the filter form."""

    title: str
    name: str
    options: list[Link]
    input: str = "radio"


def home(request: HttpRequest) -> HttpResponse:
    """Show the start page."""
    newest = catalogue.search(Filters(sort="newest", size=60), with_facets=False).cards
    free = catalogue.search(Filters(price="free", sort="records", size=8), with_facets=False).cards
    rows = figures.picture_listings(least=4, most=6)
    exhibit = rows[-1] if rows else None
    page = {
        "examples": examples(newest),
        "work": works.hero(figures.picture_listings(least=1, most=200)),
        "hero": next(iter(cards(newest[:1])), None),
        "exhibit": works.exhibit(exhibit) if exhibit else None,
        "newest": cards(mixed(newest, 8)),
        "free": cards(free),
        "figures": figures.house(),
    }
    return render(request, "marketplace/home.html", {"page": page})


def mixed(rows: list[catalogue.Card], wanted: int) -> list[catalogue.Card]:
    """Return the newest rows so that every kind among them shows before one shows twice."""
    queues: dict[str, list[catalogue.Card]] = {}
    for row in rows:
        queues.setdefault(row.listing.form, []).append(row)
    found: list[catalogue.Card] = []
    while len(found) < wanted and any(queues.values()):
        found += [queue.pop(0) for queue in queues.values() if queue]
    return found[:wanted]


def examples(rows: list[catalogue.Card]) -> list[Link]:
    """Return searches to try; each finds something, the first by the shortest title of a text on show."""
    url = reverse("search")
    titles = [plain(row.listing.title) for row in rows if row.listing.form == "text"]
    named = sorted(titles, key=lambda title: (len(title), title))[:1]
    return [
        *[Link(title, f"{url}?{urlencode({'q': title})}") for title in named],
        Link(_("pictures that may be published"), f"{url}?kind=image&use=publish"),
        Link(_("free tables"), f"{url}?kind=table&price=free"),
    ]


def search(request: HttpRequest) -> HttpResponse:
    """Show what fits the words and filters of the address."""
    filters = asked(request)
    found = catalogue.search(filters)
    shops = {shop.slug: plain(shop.name) for shop in catalogue.shops()}
    page = {
        "text": filters.text,
        "sort": filters.sort,
        "query_string": urlencode(without(filters, "page")),
        "heading": heading(found.total, filters),
        "subheading": subheading(found, filters),
        "chips": chips(filters, shops),
        "clear_url": f"?{urlencode({'q': filters.text})}" if filters.text else reverse("search"),
        "facets": facets(found, filters, shops),
        "sorts": sorts(filters),
        "cards": cards(found.cards),
        "pager": pager(
            current=found.page,
            total=found.total,
            per_page=PER_PAGE,
            address=lambda n: link(filters, page=str(n)),
        ),
        "empty_reason": empty_reason(filters),
        "wider": [
            Link(_("Without “%(filter)s”") % {"filter": chip.word}, chip.url)
            for chip in chips(filters, shops)
        ],
    }
    return render(request, "marketplace/search.html", {"page": page})


def asked(request: HttpRequest) -> Filters:
    """Return the filters that an address names; what is not understood is left out."""
    given = {name: request.GET.get(name, "")[:200] for name in FIELDS}
    if given["use"] not in PURPOSES:
        given["use"] = ""
    if given["price"] not in catalogue.PRICES:
        given["price"] = ""
    sort = request.GET.get("sort", "")
    number_ = request.GET.get("page", "1")
    return Filters(
        text=request.GET.get("q", "").replace("\x00", "")[:200],
        sort=sort if sort in catalogue.SORTS else "newest" if sort == "new" else "",
        page=int(number_) if number_.isascii() and number_.isdigit() and len(number_) < 6 else 1,
        size=PER_PAGE,
        **{name: value.replace("\x00", "") for name, value in given.items()},
    )


def without(filters: Filters, *names: str) -> dict[str, str]:
    """Return the parameters of a search but some."""
    values = {"q": filters.text, **{name: getattr(filters, name) for name in FIELDS}, "sort": filters.sort}
    return {name: value for name, value in values.items() if value and name not in names}


def link(filters: Filters, **changes: str) -> str:
    """Return the address of a search with some parameters changed."""
    values = {**without(filters, "page"), **changes}
    return f"?{urlencode({name: value for name, value in values.items() if value})}"


def heading(total: int, filters: Filters) -> str:
    """Say how much was found, and for what use."""
    named = {"total": number(total), "use": purpose_name(filters.use), "text": filters.text}
    if filters.use:
        return (
            ngettext(
                "%(total)s dataset may be used for %(use)s",
                "%(total)s datasets may be used for %(use)s",
                total,
            )
            % named
        )
    if filters.text:
        return (
            ngettext("%(total)s dataset for “%(text)s”", "%(total)s datasets for “%(text)s”", total) % named
        )
    return ngettext("%(total)s dataset", "%(total)s datasets", total) % named


def subheading(found: catalogue.Page, filters: Filters) -> str:
    """Say how the question was understood."""
    if found.is_near and found.total:
        return _("Nothing has all of the words; these have some of them.")
    if filters.use:
        return _(
            "Every licence was checked: what is listed may be used so. Duties and limits stand on each page."
        )
    return _("Say what it is for, and only what may be used so is listed.")


def empty_reason(filters: Filters) -> str:
    """Say why nothing was found."""
    if any(getattr(filters, name) for name in FIELDS):
        return _("No dataset on show meets every filter at once. Take one away:")
    return _("No dataset on show holds these words.")


def chips(filters: Filters, shops: dict[str, str]) -> list[Link]:
    """Return the filters that are set, each with the address without it."""
    return [
        Link(f"{facet_name(name)}: {value_name(name, value, shops)}", link(filters, **{name: ""}))
        for name in FIELDS
        if (value := getattr(filters, name))
    ]


def facet_name(name: str) -> str:
    """Return the name of a group of filters."""
    names = {
        "use": _("Use"),
        "kind": _("Kind"),
        "price": _("Price"),
        "shop": _("Shop"),
        "rights": _("Rights"),
        "format": _("Format"),
        "period": _("Years"),
        "region": _("Region"),
    }
    return names[name]


def value_name(name: str, value: str, shops: dict[str, str]) -> str:
    """Return the name of one choice."""
    match name:
        case "use":
            return purpose_name(value)
        case "kind":
            return kind_name(value)
        case "price":
            return _("free") if value == "free" else _("with a price")
        case "shop":
            return shops.get(value, value)
        case "rights":
            rights = rights_of(value)
            return rights.label if rights else value
        case "format":
            return FORMATS.get(value, value.upper())
    return value


def facets(found: catalogue.Page, filters: Filters, shops: dict[str, str]) -> list[Facet]:
    """Return the filter form: the use first, then what the catalogue counts."""
    counted: dict[str, list[tuple[str, int | None]]] = {
        "use": [(purpose, None) for purpose in PURPOSES if purpose != "other"],
        "kind": sorted(found.facets.get("kind", []), key=lambda pair: KINDS.index(pair[0])),
        "price": list(found.facets.get("price", [])),
        "shop": list(found.facets.get("shop", [])),
        "rights": list(found.facets.get("rights", [])),
        "format": list(found.facets.get("format", [])),
    }
    shown = []
    for name, values in counted.items():
        chosen = getattr(filters, name)
        options = [Link(_("any"), "", not chosen, None, "")]
        options += [
            Link(value_name(name, value, shops), "", value == chosen, total, value) for value, total in values
        ]
        shown.append(Facet(facet_name(name), name, options))
    return shown


def sorts(filters: Filters) -> list[Link]:
    """Return the orders that results can have."""
    names = {"": _("Relevance"), "newest": _("Newest"), "title": _("Title"), "records": _("Size")}
    if not filters.text:
        names.pop("")
    current = filters.sort or ("" if filters.text else "newest")
    return [Link(word, link(filters, sort=code), code == current) for code, word in names.items()]


def feed(request: HttpRequest) -> HttpResponse:
    """Return a search as an Atom feed, the newest first."""
    filters = asked(request)
    found = catalogue.search(Filters(**{**_fields(filters), "sort": "newest"}), with_facets=False)
    query = urlencode(without(filters, "page", "sort"))
    page = absolute(reverse("search")) + (f"?{query}" if query else "")
    made = Atom1Feed(
        title=_("Wenshi: newly listed"), link=page, description="", feed_url=absolute(request.get_full_path())
    )
    for row in found.cards:
        listing = row.listing
        made.add_item(
            title=plain(listing.title),
            link=absolute(reverse("listing", args=[listing.shop.slug, listing.slug])),
            description=plain(listing.summary),
            unique_id=f"urn:uuid:{listing.pk}",
            pubdate=listing.listed_at,
            updateddate=listing.updated_at,
            author_name=plain(listing.shop.name),
        )
    return HttpResponse(made.writeString("utf-8"), content_type="application/atom+xml; charset=utf-8")


def _fields(filters: Filters) -> dict[str, Any]:
    return {name: getattr(filters, name) for name in Filters.__slots__}


@dataclass(frozen=True)
class ShopRow:
    """A shop in the list of shops."""

    url: str
    name: dict[str, str]
    kind: str
    region: str
    listings: int
    free: int


def shops(request: HttpRequest) -> HttpResponse:
    """List the shops."""
    free = figures.free_by_shop()
    rows = [
        ShopRow(
            reverse("shop", args=[shop.slug]),
            shop.name,
            shop_kind(shop.kind),
            shop.region,
            shop.listed,
            free.get(shop.slug, 0),
        )
        for shop in catalogue.shops()
    ]
    return render(request, "marketplace/shops.html", {"page": {"shops": rows}})


def shop_kind(kind: str) -> str:
    """Return the name of a kind of seller."""
    names = {
        "museum": _("museum"),
        "library": _("library"),
        "archive": _("archive"),
        "school": _("school"),
        "company": _("company"),
        "association": _("association"),
        "opera_troupe": _("opera troupe"),
        "publisher": _("publisher"),
        "individual": _("private person"),
    }
    return names.get(kind, kind)


def shop(request: HttpRequest, slug: str) -> HttpResponse:
    """Show a storefront."""
    try:
        shown = catalogue.shop(slug)
    except NotFound as error:
        raise Http404 from error
    filters = Filters(**{**_fields(asked(request)), "shop": slug, "sort": "newest"})
    found = catalogue.search(filters, with_facets=False)
    counted = figures.shop(shown)
    page = {
        "name": shown.name,
        "about": shown.about,
        "kind": shop_kind(shown.kind),
        "region": shown.region,
        "opened_at": shown.opened_at,
        "banner": banner(shown.name, found.cards),
        "listings": counted.listings,
        "free": counted.free,
        "grants": counted.grants,
        "records": counted.records,
        "ask": reports.form("shop", slug),
        "cards": cards(found.cards, in_shop=True),
        "pager": pager(
            current=found.page, total=found.total, per_page=PER_PAGE, address=lambda n: f"?page={n}"
        ),
    }
    return render(request, "marketplace/shop.html", {"page": page})


def banner(name: dict[str, str], rows: list[catalogue.Card]) -> str:
    """Return a shop's head, made from the first lines of its own first text; none without one."""
    texts = [row.listing.cover.get("lines") for row in rows if row.listing.cover.get("kind") == "text"]
    title = (name.get("zh-Hans") or "").split("（")[0]
    return covers.banner(name=title, lines=texts[0]) if texts and texts[0] and title else ""
