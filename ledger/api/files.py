"""The log as files: checkpoint, tiles, bundles and proofs, C2SP tlog-tiles and tlog-proof. No database is asked.

A static server or a CDN may answer everything here but `proof/`, straight from the storage.
"""

import re

from django.http import HttpRequest, HttpResponse
from django.utils.translation import gettext as _
from django.views.decorators.http import require_safe

from ledger.domain import proofs
from ledger.domain.tiles import ENTRIES, WIDTH, Place
from ledger.errors import FileMissing
from ledger.gateways import storage, tiles
from ledger.gateways.tiles import Tree

FOREVER = "public, max-age=31536000, immutable"
FRESH = "public, max-age=1, must-revalidate"  # a published checkpoint is followed by the next within a second
TEXT, BYTES = "text/plain; charset=utf-8", "application/octet-stream"
_TILE = re.compile(
    r"([0-9]|[1-5][0-9]|6[0-3]|entries)/((?:x[0-9]{3}/){0,6})([0-9]{3})(?:\.p/([1-9][0-9]{0,2}))?"
)


@require_safe
def latest(request: HttpRequest) -> HttpResponse:
    """Answer with the newest published checkpoint."""
    return _answer(storage.read("checkpoint"), TEXT, FRESH)


@require_safe
def published(request: HttpRequest, size: int) -> HttpResponse:
    """Answer with the published checkpoint of a size."""
    return _answer(storage.read(f"checkpoints/{size}"), TEXT, FOREVER)


@require_safe
def tile(request: HttpRequest, name: str) -> HttpResponse:
    """Answer with a tile or a bundle; a partial one is cut from the full one once that stands alone."""
    place = _place(name)
    if place is None:
        return _missing()
    try:
        return _answer(tiles.read(place), BYTES, FOREVER)
    except FileMissing:
        return _missing()


@require_safe
def proof(request: HttpRequest, size: int, index: int) -> HttpResponse:
    """Prove an entry under the published checkpoint of a size, as C2SP tlog-proof text."""
    note = storage.read(f"checkpoints/{size}")
    if note is None or index >= size:
        told = _("No published checkpoint of size %(size)d covers entry %(index)d.")
        return _missing(told % {"size": size, "index": index})
    try:
        path = Tree(size).inclusion(index)
    except FileMissing as error:
        return _missing(str(error))
    return _answer(proofs.text(index=index, path=path, note=note.decode()).encode(), TEXT, FOREVER)


def _place(name: str) -> Place | None:
    """Return the place that a name stands for, if it is one in its one spelling."""
    found = _TILE.fullmatch(name)
    if not found:
        return None
    level, groups, last, width = found.groups()
    index = int("".join(groups.split("/")).replace("x", "") + last)
    place = Place(level if level == ENTRIES else int(level), index, int(width) if width else WIDTH)
    return place if place.path == f"tile/{name}" and 0 < place.width <= WIDTH else None


def _answer(data: bytes | None, content_type: str, cache: str) -> HttpResponse:
    if data is None:
        return _missing()
    response = HttpResponse(data, content_type=content_type)
    response["Cache-Control"] = cache
    response["Access-Control-Allow-Origin"] = "*"  # a verifier in anybody's page may read it
    return response


def _missing(reason: str = "") -> HttpResponse:
    words = reason or _("The log has no such file.")
    response = HttpResponse(words + "\n", status=404, content_type=TEXT)
    response["Cache-Control"] = "no-store"
    return response
