"""Reads over what is on show: for the import what is known already, for pages and API cards, counts and a listing."""

import re
from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any
from uuid import UUID

from django.contrib.postgres.search import SearchQuery, SearchRank
from django.db.models import Count, Exists, F, OuterRef, Q, QuerySet

from licensing import queries as licensing
from licensing.domain import identifiers
from licensing.domain.money import Money
from licensing.domain.terms import PURPOSES
from licensing.errors import IdentifierRefused
from marketplace.domain import purposes, search_text
from marketplace.domain.admission import Known
from marketplace.domain.purposes import Choice, Offered
from marketplace.domain.rights import rights_of
from marketplace.errors import NotFound
from marketplace.models import Listing, Shop

PAGE_SIZE, MOST_PER_PAGE = 24, 100
SORTS = ("relevance", "newest", "title", "records")
PRICES = ("free", "paid")


@dataclass(frozen=True, slots=True)
class Card:
    """A listing as lists show it: the row itself, its open offers, and what each purpose costs."""

    listing: Listing
    offers: tuple[Offered, ...]
    prices: dict[str, Money]  # by purpose, for somebody who names no institution
    is_edition: bool

    @property
    def is_free(self) -> bool:
        """Tell whether everybody may have it for nothing."""
        return any(not o.price and not o.terms.audience and not o.terms.exclusive for o in self.offers)

    @property
    def lowest(self) -> tuple[str, Money] | None:
        """Return the lowest price and the purpose that it is for; None where it is free or nothing is sold."""
        paid = [(purpose, price) for purpose, price in self.prices.items() if price]
        return min(paid, key=lambda pair: pair[1].amount_minor_units) if paid and not self.is_free else None

    @property
    def is_sold(self) -> bool:
        """Tell whether anything can be had; an exclusive offer is only shown."""
        return any(not o.terms.exclusive for o in self.offers)

    @property
    def rights_label(self) -> str:
        rights = rights_of(self.listing.rights_uri)
        return rights.label if rights else self.listing.rights_uri


@dataclass(frozen=True, slots=True)
class Filters:
    """What a search asks for; empty fields ask for nothing."""

    text: str = ""
    kind: str = ""
    use: str = ""  # a purpose
    price: str = ""  # free | paid
    shop: str = ""
    rights: str = ""  # an address
    period: str = ""  # "618-907"; one end may be missing
    region: str = ""
    format: str = ""
    sort: str = ""
    page: int = 1
    size: int = PAGE_SIZE


@dataclass(frozen=True, slots=True)
class Page:
    """One page of results, the counts of each facet under the other filters, and how the text was understood."""

    cards: list[Card]
    total: int
    page: int
    pages: int
    facets: dict[str, list[tuple[str, int]]] = field(default_factory=dict)
    is_near: bool = False  # nothing had all the words, so these have some of them


@dataclass(frozen=True, slots=True)
class Detail:
    """A listing with what its page shows besides the card: its files and the grant to everybody."""

    card: Card
    files: list[Any]
    standing_grant: UUID | None


def search(filters: Filters, *, with_facets: bool = True) -> Page:
    """Search what is on show."""
    found, is_near = _matching_text(filters.text)
    rows = _narrowed(found, filters)
    total = rows.count()
    size = min(max(filters.size, 1), MOST_PER_PAGE)
    pages = max(1, -(-total // size))
    page = min(max(filters.page, 1), pages)
    shown = (
        _sorted(rows, filters)
        .select_related("shop", "asset")
        .defer("search")[(page - 1) * size : page * size]
    )
    facets = _facets(found, filters) if with_facets else {}
    return Page(cards(shown), total, page, pages, facets, is_near)


def listed() -> QuerySet[Listing]:
    """Return what is on show."""
    return Listing.objects.filter(state=Listing.State.LISTED)


def _matching_text(text: str) -> tuple[QuerySet[Listing], bool]:
    """Return the listings that have all words of a text, else those that have some."""
    groups = search_text.question_words(text)
    if not groups:
        return (listed().none() if text.strip() else listed()), False
    for joiner in (" & ", " | "):
        query = joiner.join(f"({' & '.join(map(_quoted, group))})" for group in groups)
        match = SearchQuery(query, config="simple", search_type="raw")
        found = listed().filter(search=match).annotate(rank=SearchRank(F("search"), match))
        if joiner == " | " or found.exists():
            return found, joiner == " | "
    raise AssertionError("unreachable")


def _quoted(word: str) -> str:
    """Quote a word for to_tsquery; Latin ones also match words that begin with them."""
    return f"'{word}'" + ("" if search_text.is_han(word) or len(word) < 2 else ":*")


def _narrowed(rows: QuerySet[Listing], filters: Filters, without: str = "") -> QuerySet[Listing]:
    """Apply every filter but one."""
    plain = {"kind": "form", "shop": "shop__slug", "rights": "rights_uri", "region": "region"}
    for name, column in plain.items():
        if (value := getattr(filters, name)) and name != without:
            rows = rows.filter(**{column: value})
    if filters.format and without != "format":
        rows = rows.filter(formats__contains=[filters.format])
    if filters.price and without != "price":
        rows = rows.filter(_is_free() if filters.price == "free" else ~_is_free())
    if filters.use and without != "use":
        policies = licensing.policies_for(filters.use)
        rows = rows.filter(_has_offer(policy_id__in=policies, exclusive=False))
    if filters.period and without != "period":
        start, end = period_years(filters.period)
        if start is not None:
            rows = rows.filter(period_end__gte=start)
        if end is not None:
            rows = rows.filter(period_start__lte=end)
    return rows


def period_years(text: str) -> tuple[int | None, int | None]:
    """Return the two years of "618-907", "-500--200" or "960", and of "960.." or "..907", where one is open."""
    found = re.fullmatch(r"(-?[0-9]{1,5})?(\.\.|[-–])?(-?[0-9]{1,5})?", "".join(text.split()))
    if not found:
        return None, None
    start, to, end = found.groups()
    return (int(start) if start else None), (int(end) if end else None if to or not start else int(start))


def _has_offer(**wanted: Any) -> Exists:
    """Return the condition that a listing's asset has an open offer of some kind."""
    of_asset = {f"asset__offers__{name}": value for name, value in wanted.items()}
    return Exists(
        Listing.objects.filter(pk=OuterRef("pk"), asset__offers__end__isnull=True, **of_asset).order_by()
    )


def _is_free() -> Exists:
    return _has_offer(price_minor_units=0, audience=[], exclusive=False)


def _sorted(rows: QuerySet[Listing], filters: Filters) -> QuerySet[Listing]:
    match filters.sort:
        case "title":
            return rows.order_by("sort_key", "pk")
        case "records":
            return rows.order_by("-record_count", "pk")
        case "newest":
            return rows.order_by("-updated_at", "pk")
    if "rank" in rows.query.annotations:
        return rows.order_by("-rank", "sort_key", "pk")
    return rows.order_by("-updated_at", "sort_key", "pk")


def _facets(found: QuerySet[Listing], filters: Filters) -> dict[str, list[tuple[str, int]]]:
    """Count what each further choice would leave."""
    columns = {"kind": "form", "shop": "shop__slug", "rights": "rights_uri", "region": "region"}
    facets: dict[str, list[tuple[str, int]]] = {}
    for name, column in columns.items():
        rows = _narrowed(found, filters, without=name).order_by()
        counts = rows.values_list(column).annotate(count=Count("pk")).order_by("-count", column)
        facets[name] = [(value, count) for value, count in counts if value]
    formats: dict[str, int] = defaultdict(int)
    for (each,) in _narrowed(found, filters, without="format").order_by().values_list("formats"):
        for name in each:
            formats[name] += 1
    facets["format"] = sorted(formats.items(), key=lambda pair: (-pair[1], pair[0]))
    priced = _narrowed(found, filters, without="price").order_by()
    free = priced.filter(_is_free()).count()
    facets["price"] = [("free", free), ("paid", priced.count() - free)]
    return facets


def cards(rows: Iterable[Listing]) -> list[Card]:
    """Return listings as cards, with two queries for all of them."""
    shown = list(rows)
    assets = [listing.asset_id for listing in shown]
    offers = offered(assets)
    editions = licensing.edition_assets(assets)
    return [
        Card(
            listing,
            tuple(offers[listing.asset_id]),
            purposes.prices([o for o in offers[listing.asset_id] if not o.terms.exclusive]),
            listing.asset_id in editions,
        )
        for listing in shown
    ]


def offered(asset_ids: Sequence[UUID]) -> dict[UUID, list[Offered]]:
    """Return the open offers of assets, as far as choosing among them goes."""
    found: dict[UUID, list[Offered]] = defaultdict(list)
    for offer in licensing.open_offers_of(asset_ids):
        price = Money(offer.price_minor_units, offer.currency)
        found[offer.asset_id].append(Offered(offer.pk, price, licensing.terms_of(offer)))
    return found


def choose(
    listing: Listing, *, purpose: str, audience: str | None = None, territory: str | None = None
) -> Choice:
    """Choose the offer of a listing that fits a purpose."""
    offers = offered([listing.asset_id])[listing.asset_id]
    return purposes.choose(offers, purpose=purpose, audience=audience, territory=territory)


def by_purpose(offers: Sequence[Offered], *, audience: str | None = None) -> dict[str, Choice]:
    """Return the choice for every purpose."""
    return {purpose: purposes.choose(offers, purpose=purpose, audience=audience) for purpose in PURPOSES}


def find(key: str) -> Listing:
    """Return a listing on show by its id, or by its asset's ARK or id. Raises NotFound."""
    rows = listed().select_related("shop", "asset", "version").defer("search")
    try:
        named = Q(pk=UUID(key)) | Q(asset_id=UUID(key))
    except ValueError:
        try:
            named = Q(asset__ark=identifiers.normalise(key))
        except IdentifierRefused as error:
            raise NotFound("listing", key) from error
    listing = rows.filter(named).first()
    if listing is None:
        raise NotFound("listing", key)
    return listing


def at(shop: str, slug: str) -> Listing:
    """Return a listing on show by its address. Raises NotFound."""
    rows = listed().select_related("shop", "asset", "version").defer("search")
    listing = rows.filter(shop__slug=shop, slug=slug).first()
    if listing is None:
        raise NotFound("listing", f"{shop}/{slug}")
    return listing


def was_shown(shop: str, slug: str) -> bool:
    """Tell whether a dataset stood at this address and was taken off show."""
    return Listing.objects.filter(shop__slug=shop, slug=slug).exclude(state=Listing.State.LISTED).exists()


def cover_of(listing_id: UUID) -> dict[str, Any]:
    """Return the data of a listing's cover; an empty one where nothing is on show."""
    return listed().filter(pk=listing_id).values_list("cover", flat=True).first() or {}


def shop(slug: str) -> Shop:
    """Return a shop. Raises NotFound."""
    found = Shop.objects.select_related("party").filter(slug=slug).first()
    if found is None:
        raise NotFound("shop", slug)
    return found


def shops() -> list[Shop]:
    """Return all shops with the number of their listings as `listed`, the fullest first."""
    count = Count("listings", filter=Q(listings__state=Listing.State.LISTED))
    return list(Shop.objects.annotate(listed=count).order_by("-listed", "slug"))


def detail(listing: Listing) -> Detail:
    """Return all that a listing's page shows."""
    (card,) = cards([listing])
    standing = licensing.standing_grant(listing.version_id) if card.is_free else None
    return Detail(card, list(licensing.files(listing.version_id)), standing.pk if standing else None)


def sources_of(listing: Listing) -> list[Card]:
    """Return the free wholes that an edition was made from."""
    assets = licensing.edition_sources(listing.asset_id)
    return cards(listed().filter(asset_id__in=assets).select_related("shop", "asset"))


def count_on_sale() -> int:
    """Return how many listings are on show."""
    return listed().count()


# What the import has to know


def seller_slugs() -> set[str]:
    """Return the slugs of all shops."""
    return set(Shop.objects.values_list("slug", flat=True))


def known_datasets() -> Iterator[tuple[str, Known]]:
    """Yield what is on show, as far as new datasets rest on it."""
    files: dict[UUID, set[str]] = defaultdict(set)
    whole: dict[UUID, bool] = defaultdict(lambda: True)
    for version_id, source in listed().values_list("version_id", "version__files__source"):
        files[version_id] |= {file["sha256"] for file in (source or {}).get("files", [])}
        whole[version_id] &= not (source or {}).get("selection")
    for slug, version_id, is_public in listed().values_list("slug", "version_id", "asset__public_interest"):
        yield slug, Known(slug, is_public, frozenset(files[version_id]), whole[version_id])


def is_public(shop: str, slug: str) -> bool:
    """Tell whether a dataset stands here as public-interest already."""
    return Listing.objects.filter(shop__slug=shop, slug=slug, asset__public_interest=True).exists()


def source_digest(shop: str, slug: str) -> str | None:
    """Return what the current version of a dataset was made from; None where there is none on show."""
    return (
        listed().filter(shop__slug=shop, slug=slug).values_list("version__source_digest", flat=True).first()
    )
