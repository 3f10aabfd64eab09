"""The library: what was granted to the reader, and the files, by links that expire."""

from dataclasses import dataclass
from uuid import UUID

from django.contrib.auth.decorators import login_required
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache

from ledger.clock import now
from licensing import queries as licensing
from licensing.domain.terms import sentences
from licensing.errors import Refused as LicensingRefused
from marketplace.actions import delivery
from marketplace.errors import DeliveryRefused, Refused
from marketplace.queries import library as queries
from marketplace.queries import reports
from marketplace.queries.library import Held
from marketplace.views.parts import Badge, Fact
from marketplace.views.picker import language, scope
from marketplace.views.sentences import purpose_name
from settlement import queries as settlement


@dataclass(frozen=True)
class FileShown:
    """A file with its link, where the grant opens it."""

    name: str
    byte_size: int
    sha256: str
    url: str


@login_required
def index(request: HttpRequest) -> HttpResponse:
    """List the reader's grants."""
    rows = [
        {
            "title": held.grant.version.title,
            "number": held.grant.number,
            "purpose": purpose_name(held.grant.purpose),
            "issued_at": held.grant.issued_at,
            "url": reverse("library-grant", args=[held.grant.pk]),
            "certificate_url": reverse("certificate", args=[held.grant.number]),
            "badges": badges(held),
        }
        for held in queries.grants(request.user)
    ]
    page = {"grants": rows, "reports": reports.asked_by(request.user)}
    return render(request, "marketplace/library.html", {"page": page})


@login_required
@never_cache
def grant(request: HttpRequest, grant_id: UUID) -> HttpResponse:
    """Show a grant with fresh links to its files."""
    try:
        held = queries.grant(request.user, grant_id)
    except (Refused, LicensingRefused) as error:
        raise Http404 from error
    files, problem = links(request, held)
    terms = licensing.terms_of(held.grant)
    line = settlement.line_of_grant(grant_id)
    page = {
        "number": held.grant.number,
        "issued_at": held.grant.issued_at,
        "title": held.grant.version.title,
        "badges": badges(held),
        "problem": problem,
        "files": files,
        "link_hours": int(delivery.LINK_LASTS.total_seconds() // 3600),
        "commands": commands(files),
        "scope": scope(terms),
        "sentences": sentences(terms, language()),
        "certificate_url": reverse("certificate", args=[held.grant.number]),
        "receipt_url": reverse("order", args=[line.order.number]) if line else "",
    }
    return render(request, "marketplace/library_grant.html", {"page": page})


def links(request: HttpRequest, held: Held) -> tuple[list[FileShown], str]:
    """Return the files, each with a link, or with none and the reason."""
    found, problem = [], ""
    for file in licensing.files(held.grant.version_id):
        url = ""
        try:
            token, _expires = delivery.link(grant_id=held.grant.pk, file_id=file.pk, now=now())
            url = request.build_absolute_uri(reverse("file-download", args=[token, file.name]))
        except DeliveryRefused as error:
            problem = str(error)
        found.append(FileShown(file.name, file.byte_size, file.sha256, url))
    return found, problem


def badges(held: Held) -> list[Badge]:
    """Return how a grant stands."""
    revoked = licensing.revoked_at(held.grant)
    if revoked:
        return [Badge("disputed", "x", _("Revoked"))]
    found = [Badge("verified", "check", _("Valid"))]
    if held.entry is None:
        return [*found, Badge("paid", "clock", _("Waiting for its ledger number"))]
    number = _("Ledger #%(number)s") % {"number": held.entry}
    return [*found, Badge("open", "link", number, reverse("ledger-entry", args=[held.entry]))]


def commands(files: list[FileShown]) -> list[Fact]:
    """Return one-liners for the first file: fetch it with resume, check it, read it."""
    if not files or not files[0].url:
        return []
    file = files[0]
    name = file.name
    found = [
        Fact("curl", f"curl -L -C - -o '{name}' '{file.url}'"),
        Fact("sha256sum", f"echo '{file.sha256}  {name}' | sha256sum -c"),
    ]
    plain = name.lower().removesuffix(".gz")
    if plain.endswith(".csv"):
        found.append(Fact("pandas", f"import pandas; table = pandas.read_csv('{name}')"))
        found.append(Fact("DuckDB", f"duckdb -c \"SELECT * FROM read_csv('{name}') LIMIT 5\""))
    elif plain.endswith((".jsonl", ".json")):
        lines = ", lines=True" if plain.endswith(".jsonl") else ""
        found.append(Fact("pandas", f"import pandas; table = pandas.read_json('{name}'{lines})"))
        found.append(Fact("DuckDB", f"duckdb -c \"SELECT * FROM read_json_auto('{name}') LIMIT 5\""))
    return found
