"""A published checkpoint as a page: who stands for it, and that an older one is a prefix of it."""

from dataclasses import dataclass

from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import render
from django.urls import reverse
from django.utils.safestring import SafeString
from django.utils.translation import gettext as _

from ledger import queries
from ledger.domain.tiles import ENTRIES, WIDTH, Place, edge
from ledger.errors import CheckpointNotFound, FileMissing
from ledger.models import Publication
from marketplace.templatetags.shown import hexed, moment_text, number
from marketplace.views import path_drawing, proof_words
from marketplace.views.parts import Check, Link

OFFERED = 20  # older sizes that the form proposes


@dataclass(frozen=True)
class Shown:
    """The comparison with an older checkpoint, ready to print."""

    old: int
    verdict: Check
    steps: list[path_drawing.Step]
    drawing: SafeString | str = ""
    api_url: str = ""


def checkpoint(request: HttpRequest, size: int) -> HttpResponse:
    """Show a published size and root."""
    try:
        signed = queries.checkpoint_at(size)
    except CheckpointNotFound as error:
        raise Http404 from error
    before, after = queries.checkpoint_before(size), queries.checkpoint_over(size)
    sentence = _("On %(moment)s the house signed that the log has %(size)s entries under this root.")
    asked = request.GET.get("from", "").strip()
    page = {
        "size": signed.size,
        "sentence": sentence % {"moment": moment_text(signed.signed_at), "size": number(signed.size)},
        "note": signed.note,
        "root": hexed(signed.root),
        "signed_at": signed.signed_at,
        "published_at": signed.published_at,
        "checks": [proof_words.signer_words(signer) for signer in queries.signers(signed)],
        "before": before.size if before else None,
        "after": after.size if after else None,
        "asked": asked or (before.size if before else ""),
        "older": older(signed),
        "comparison": compare(signed, asked) if asked else None,
        "files": files(signed.size),
    }
    return render(request, "marketplace/checkpoint.html", {"page": page})


def older(signed: Publication) -> list[int]:
    """Return some older sizes that were published, newest first."""
    return [each.size for each in queries.checkpoints(before=signed.size, limit=OFFERED)]


def compare(signed: Publication, asked: str) -> Shown:
    """Hold an older checkpoint against this one, and say what recomputing the proof gave."""
    old = int(asked) if asked.isascii() and asked.isdigit() and len(asked) < 18 else 0
    try:
        if not 0 < old <= signed.size:
            raise CheckpointNotFound(old)
        found = queries.comparison(old, signed.size)
    except CheckpointNotFound:
        text = _(
            "No checkpoint of that size was published before this one. Choose one of the sizes that the field proposes."
        )
        return Shown(old, Check("wait", _("Nothing to compare"), text), [])
    except FileMissing as error:
        return Shown(old, Check("fail", _("It cannot be shown"), str(error)), [])
    steps = path_drawing.consistency_steps(found)
    address = f"{reverse('api:ledger-consistency')}?old={old}&new={signed.size}"
    return Shown(old, verdict(found), steps, path_drawing.draw_consistency(found, steps), address)


def verdict(found: queries.Comparison) -> Check:
    """Say whether the older log is the beginning of the newer one."""
    named = {"old": number(found.old.size), "new": number(found.new.size), "count": len(found.proof)}
    if not found.holds:
        return Check(
            "fail",
            _("The log was rewritten"),
            _(
                "The log of %(old)s entries is not the beginning of that of %(new)s: keep both notes, they are "
                "evidence."
            )
            % named,
        )
    if found.old.size == found.new.size:
        return Check(
            "pass", _("The same checkpoint"), _("Both are the log of %(new)s entries under one root.") % named
        )
    return Check(
        "pass",
        _("Nothing was rewritten"),
        _(
            "The log of %(old)s entries is the beginning of that of %(new)s: with %(count)s hashes both roots were "
            "recomputed, and both are those that were signed."
        )
        % named,
    )


def files(size: int) -> list[Link]:
    """Return the newest file of each level that the checkpoint stands on."""
    last = (size - 1) // WIDTH
    places = [Place(ENTRIES, last, size - last * WIDTH), *edge(size)]
    return [
        Link(place.path, reverse("log-tile", args=[place.path.removeprefix("tile/")])) for place in places
    ]
