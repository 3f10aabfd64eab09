"""Pictures of a listing as works: whole, with title, maker and date where the dataset's own table says them."""

from dataclasses import dataclass

from django.utils.translation import gettext as _

from marketplace.models import Listing
from marketplace.queries import records
from marketplace.templatetags.shown import number
from marketplace.views.cards import address, picture

ROW_WIDTH, GAP = 1200, 16


@dataclass(frozen=True)
class Work:
    """One picture with its label."""

    url: str
    width: int
    height: int
    title: str
    line: str
    alt: str
    listing_url: str
    full_url: str
    shop: dict[str, str]
    current: bool = False
    shown_width: int = 0
    shown_height: int = 0


@dataclass(frozen=True)
class Exhibit:
    """A row of works of equal height that fills the page."""

    title: dict[str, str]
    url: str
    works: list[Work]


def works(listing: Listing, *, width: int = 640, chosen: int = -1) -> list[Work]:
    """Return all pictures of a listing."""
    rows = records.described(listing.version_id)
    return [
        work(listing, index, rows, width=width, chosen=chosen) for index in range(len(pictures_of(listing)))
    ]


def pictures_of(listing: Listing) -> list[dict]:
    """Return what a listing's cover knows of its pictures."""
    return listing.cover.get("pictures", []) if listing.cover.get("kind") == "image" else []


def work(
    listing: Listing, index: int, rows: dict[str, dict[str, str]], *, width: int = 640, chosen: int = -1
) -> Work:
    """Return one picture of a listing with its label."""
    shown = pictures_of(listing)[index]
    rendition = picture(listing, index, width)
    row = rows.get(shown["name"], {})
    title = row.get("title") or shown["name"].rsplit(".", 1)[0].replace("-", " ").capitalize()
    maker = ", ".join(
        part for part in (row.get("artist"), row.get("date_text", "").removeprefix("in ")) if part
    )
    pixels = f"{number(shown['width'])} × {number(shown['height'])}"
    line = " • ".join(part for part in (maker, pixels) if part)
    cropped = _("a crop made for a book cover") if "crop" in row.get("form", "") else ""
    return Work(
        url=rendition.url,
        width=rendition.width,
        height=rendition.height,
        title=title,
        line=" • ".join(part for part in (line, cropped) if part),
        alt=", ".join(part for part in (title, maker) if part),
        listing_url=f"{address(listing)}?work={index + 1}",
        full_url=picture(listing, index, 1600).url,
        shop=listing.shop.name,
        current=index == chosen,
    )


def hero(listings: list[Listing]) -> Work | None:
    """Return the one work of the start page: the most upright of all that are whole."""
    upright: list[tuple[float, int, Listing]] = []
    for listing in listings:
        described = records.described(listing.version_id)
        for index, shown in enumerate(pictures_of(listing)):
            if "crop" not in described.get(shown["name"], {}).get("form", ""):
                upright.append((shown["width"] / shown["height"], index, listing))
    if not upright:
        return None
    _ratio, index, listing = min(upright, key=lambda found: found[0])
    return work(listing, index, records.described(listing.version_id), width=1600)


def exhibit(listing: Listing) -> Exhibit:
    """Return a listing's pictures as a row of equal height whose widths follow the pictures."""
    shown = works(listing)
    ratio = sum(each.width / each.height for each in shown)
    height = min(420, (ROW_WIDTH - GAP * (len(shown) - 1)) / ratio)
    hung = [
        Work(
            **{
                **each.__dict__,
                "shown_width": int(height * each.width / each.height),
                "shown_height": int(height),
            }
        )
        for each in shown
    ]
    return Exhibit(listing.title, address(listing), hung)
