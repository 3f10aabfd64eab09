"""A listing as a card: what it is, what it costs and why, and what is true of its rights now."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any

from django.conf import settings
from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from ledger import queries as ledger
from licensing.domain.terms import Action
from licensing.domain.vocabulary import territory_name
from marketplace.domain.purposes import Offered
from marketplace.models import Listing
from marketplace.queries.catalogue import Card as Row
from marketplace.templatetags.shown import chinese, money, number
from marketplace.views.parts import Badge
from marketplace.views.sentences import purpose_name

FORMATS = {
    "csv": "CSV",
    "jsonl": "JSON Lines",
    "json": "JSON",
    "jpg": "JPEG",
    "jpeg": "JPEG",
    "png": "PNG",
    "ogg": "Ogg Vorbis",
    "wav": "WAV",
    "glb": "glTF 2.0",
}
DESCRIBING = {"image": {"csv"}, "audio": {"csv"}}  # the table beside the pictures is no format of theirs


@dataclass(frozen=True)
class Picture:
    """A rendition of a picture, with the size at which it is whole."""

    url: str
    width: int
    height: int
    alt: str = ""


@dataclass(frozen=True)
class Card:
    """A listing ready to print."""

    url: str
    form: str
    kind: str
    shop: dict[str, str]
    shop_url: str
    title: dict[str, str]
    cover: dict[str, Any]
    count: str
    formats: str
    price: str
    price_reason: str
    badges: list[Badge] = field(default_factory=list)
    picture: Picture | None = None
    period: str = ""
    matched: str = ""


def cards(rows: Sequence[Row], *, in_shop: bool = False) -> list[Card]:
    """Return listings as cards; one query finds which of them have their ledger entry."""
    entries = ledger.numbers_of([row.listing.asset.intent_id for row in rows])
    return [card(row, registered=row.listing.asset.intent_id in entries, in_shop=in_shop) for row in rows]


def card(row: Row, *, registered: bool, in_shop: bool = False) -> Card:
    """Return one listing as a card."""
    listing = row.listing
    price, reason = price_line(row)
    return Card(
        url=address(listing),
        form=listing.form,
        kind=kind_name(listing.form),
        shop=listing.shop.name,
        shop_url=reverse("shop", args=[listing.shop.slug]),
        title=listing.title,
        cover=listing.cover,
        count=count(listing),
        formats=formats(listing),
        price=price,
        price_reason=reason,
        badges=badges(row, registered=registered),
        picture=picture(listing),
        period=period(listing) if in_shop else "",
    )


def address(listing: Listing) -> str:
    """Return the address of a listing's page."""
    return reverse("listing", args=[listing.shop.slug, listing.slug])


def kind_name(form: str) -> str:
    """Return the name of a kind of data."""
    names = {
        "text": _("Text"),
        "table": _("Table"),
        "nested_records": _("Records"),
        "image": _("Images"),
        "audio": _("Sound"),
        "model3d": _("3D"),
    }
    return names.get(form, form)


def count(listing: Listing) -> str:
    """Return the number of records with the word for them."""
    total = listing.record_count
    if listing.form == "text":
        poems = {"classical_poetry"} & set(listing.subject_classes)
        said = (
            ngettext("%(total)s poem", "%(total)s poems", total)
            if poems
            else ngettext("%(total)s text", "%(total)s texts", total)
        )
    elif listing.form == "image":
        said = ngettext("%(total)s picture", "%(total)s pictures", total)
    elif listing.form == "audio":
        said = ngettext("%(total)s recording", "%(total)s recordings", total)
    elif listing.form == "model3d":
        said = ngettext("%(total)s model", "%(total)s models", total)
    else:
        said = ngettext("%(total)s record", "%(total)s records", total)
    return said % {"total": number(total)}


def formats(listing: Listing) -> str:
    """Return the formats of a listing's files."""
    left_out = DESCRIBING.get(listing.form, set()) if len(listing.formats) > 1 else set()
    return ", ".join(FORMATS.get(each, each.upper()) for each in listing.formats if each not in left_out)


def year(value: int) -> str:
    """Return a year, before our era in words."""
    return str(value) if value > 0 else _("%(year)s BCE") % {"year": -value}


def period(listing: Listing) -> str:
    """Return the years that a listing's data is about."""
    if listing.period_start is None or listing.period_end is None:
        return ""
    if listing.period_start == listing.period_end:
        return year(listing.period_start)
    return _("%(start)s–%(end)s") % {"start": year(listing.period_start), "end": year(listing.period_end)}


def picture(listing: Listing, index: int = 0, width: int = 640) -> Picture | None:
    """Return the largest rendition of one of a listing's pictures up to a width, if it has any."""
    pictures = listing.cover.get("pictures", [])
    if listing.cover.get("kind") != "image" or not 0 <= index < len(pictures):
        return None
    shown = pictures[index]
    made = sorted(int(each) for each in shown["renditions"])
    width = max([each for each in made if each <= width], default=made[0])
    wide = min(width, shown["width"])
    tall = max(1, round(shown["height"] * wide / shown["width"]))
    return Picture(reverse("preview", args=[listing.pk, index, width]), wide, tall)


def price_line(row: Row) -> tuple[str, str]:
    """Return the price in words, and its reason or purpose."""
    if row.is_free:
        return _("Free"), _("no account needed")
    if row.lowest:
        same = len({price for price in row.prices.values() if price}) == 1
        if same and row.is_edition:
            return money(row.lowest[1]), _("preparation fee, any use")
        if same:
            return money(row.lowest[1]), _("one price, any use offered")
        return _("from %(price)s") % {"price": money(row.lowest[1])}, purpose_name(row.lowest[0])
    if any(offer.terms.exclusive for offer in row.offers):
        exclusive = next(offer for offer in row.offers if offer.terms.exclusive)
        return money(exclusive.price), _("exclusive: shown, not sold")
    if row.offers:
        return _("Free"), _("for schools and public culture, on naming the institution")
    return _("Not on offer"), ""


def badges(row: Row, *, registered: bool, registered_url: str = "") -> list[Badge]:
    """Return the rights strip: what is registered, open, paid or withheld."""
    found = [
        Badge("verified", "check", _("Registered"), registered_url)
        if registered
        else Badge("withdrawn", "clock", _("Registration pending"))
    ]
    found += list(_openness(row))
    return found + list(withheld(row.offers))


def _openness(row: Row) -> Iterable[Badge]:
    if row.listing.asset.public_interest:
        yield Badge("open", "circle", _("Public resource, free"))
    elif row.is_free:
        yield Badge("open", "circle", _("Open"))
    elif row.lowest:
        yield Badge("paid", "banknote", _("Paid licence"))
    if any(offer.terms.exclusive for offer in row.offers):
        yield Badge("withdrawn", "lock", _("Exclusive, not sold yet"))
    elif not row.is_free and any(not offer.price for offer in row.offers):
        yield Badge("gated", "school", _("Free for schools"))


def withheld(offers: Sequence[Offered]) -> Iterable[Badge]:
    """Yield what every offer of a listing holds back."""
    if not offers:
        return
    if all(Action.TRAIN_AI not in offer.terms.uses for offer in offers):
        yield Badge("gated", "ban", _("No AI training"))
    places = {offer.terms.territory for offer in offers}
    if len(places) == 1 and (place := places.pop()):
        yield Badge("gated", "map-pin", _("Only in %(places)s") % {"places": territory(place)})


def territory(codes: Sequence[str]) -> str:
    """Return the names of countries."""
    language = "zh-Hans" if chinese() else "en"
    return ("、" if chinese() else ", ").join(territory_name(code, language) for code in codes)


def absolute(path: str) -> str:
    """Return an address that works from outside."""
    return settings.SITE_URL + path
