"""Files over HTTP: `/files/<signed>/<name>` with a strong ETag, ranges and digest (RFC 9110, RFC 9530).

The bytes go out from here, or by X-Accel-Redirect through the web server in front (FILES_ACCEL_PREFIX), or by a
redirect to the object store. Also the renditions that covers show.
"""

from base64 import b64encode
from collections.abc import Iterator
from datetime import timedelta
from typing import Any
from urllib.parse import quote
from uuid import UUID

from django.conf import settings
from django.http import (
    Http404,
    HttpRequest,
    HttpResponse,
    HttpResponseBase,
    HttpResponseNotAllowed,
    StreamingHttpResponse,
)
from django.utils.http import content_disposition_header

from ledger import clock
from licensing.errors import NotFound as LicensingNotFound
from marketplace.actions import delivery
from marketplace.api import problems
from marketplace.domain import ranges
from marketplace.domain.ranges import Span, Unsatisfiable
from marketplace.errors import Refused
from marketplace.gateways import storage
from marketplace.queries import catalogue


def download(request: HttpRequest, token: str, name: str) -> HttpResponseBase:
    """Hand out a file under a signed link; each first use of a link is a delivery with a receipt."""
    if request.method not in ("GET", "HEAD"):
        return HttpResponseNotAllowed(["GET", "HEAD"])
    try:
        opening = delivery.look(token=token, now=clock.now())
        return _answer(request, token, opening.file)
    except (Refused, LicensingNotFound) as error:
        return problems.answer_plain(request, error)


def _answer(request: HttpRequest, token: str, file: Any) -> HttpResponseBase:
    etag, headers = f'"{file.sha256}"', request.headers
    if "If-Match" in headers and not ranges.matches(headers["If-Match"], etag):
        return _described(HttpResponse(status=412), file)
    if "If-None-Match" in headers and ranges.matches(headers["If-None-Match"], etag):
        return _described(HttpResponse(status=304), file)
    try:
        asked = headers.get("Range", "") if request.method == "GET" else ""
        span = ranges.span(asked, size=file.byte_size, if_range=headers.get("If-Range", ""), etag=etag)
    except Unsatisfiable:
        refused = HttpResponse(status=416)
        refused["Content-Range"] = f"bytes */{file.byte_size}"
        return _described(refused, file)
    if request.method == "HEAD":
        head = HttpResponse(content_type=file.media_type)
        head["Content-Length"] = str(file.byte_size)
        return _described(head, file)
    delivery.open(token=token, bytes_sent=span.length, now=clock.now())
    return _described(_sent(file, span), file)


def _sent(file: Any, span: Span) -> HttpResponseBase:
    """Return the answer that carries the bytes, or says where they are."""
    seconds = int(timedelta(minutes=5).total_seconds())
    elsewhere = storage.redirect_url(
        file.storage_key, seconds=seconds, name=quote(file.name), media_type=file.media_type
    )
    if elsewhere:
        return HttpResponse(status=302, headers={"Location": elsewhere})
    if settings.FILES_ACCEL_PREFIX:  # the web server in front answers ranges by itself
        accelerated = HttpResponse(content_type=file.media_type)
        accelerated["X-Accel-Redirect"] = settings.FILES_ACCEL_PREFIX + file.storage_key
        return accelerated
    response = StreamingHttpResponse(
        _blocks(file.storage_key, span), status=206 if span.is_part else 200, content_type=file.media_type
    )
    response["Content-Length"] = str(span.length)
    if span.is_part:
        response["Content-Range"] = f"bytes {span.start}-{span.end - 1}/{file.byte_size}"
    return response


def _described(response: HttpResponseBase, file: Any) -> HttpResponseBase:
    """Add what is true of the file whatever part of it is sent."""
    digest = b64encode(bytes.fromhex(file.sha256)).decode()
    response["ETag"] = f'"{file.sha256}"'
    response["Accept-Ranges"] = "bytes"
    response["Repr-Digest"] = f"sha-256=:{digest}:"
    response["Digest"] = f"SHA-256={digest}"  # RFC 3230, which older clients know
    response["Cache-Control"] = "private, no-transform"
    response["Content-Disposition"] = content_disposition_header(as_attachment=True, filename=file.name)
    response["X-Robots-Tag"] = "noindex"
    return response


def _blocks(key: str, span: Span) -> Iterator[bytes]:
    with storage.open_file(key) as stored:
        stored.seek(span.start)
        left = span.length
        while left and (block := stored.read(min(left, storage.BLOCK >> 2))):
            left -= len(block)
            yield block


def preview(request: HttpRequest, listing: UUID, position: int, width: int) -> HttpResponseBase:
    """Show a rendition of one of a listing's pictures, which was decided on when the listing was published."""
    cover = catalogue.cover_of(listing)
    pictures = cover.get("pictures", [])
    key = pictures[position]["renditions"].get(str(width)) if position < len(pictures) else None
    if key is None:
        raise Http404
    delivery.count_preview(listing_id=listing, now=clock.now())
    with storage.open_file(key) as stored:
        response = HttpResponse(stored.read(), content_type="image/jpeg")
    response["Cache-Control"] = "public, max-age=86400"
    response["ETag"] = f'"{key.rsplit("/", 1)[-1]}"'
    return response
