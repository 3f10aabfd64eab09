"""The ledger as pages: the list, an entry with its proof drawn, a checkpoint."""

from dataclasses import dataclass
from typing import Any

from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import render
from django.urls import reverse
from django.utils.text import capfirst
from django.utils.translation import gettext as _

from ledger import queries
from ledger.errors import CheckpointNotFound, EntryNotFound
from marketplace.templatetags.shown import hexed, moment_text, number, short_hash, utc
from marketplace.views import path_drawing, sentences
from marketplace.views.parts import Badge, Check, Fact, Pager

PER_PAGE = 50


@dataclass(frozen=True)
class Row:
    """One line of the list."""

    number: int
    at: Any
    text: str
    leaf_hash: str


def index(request: HttpRequest) -> HttpResponse:
    """List the entries, newest first."""
    before = request.GET.get("before", "")
    size = queries.size()
    after = int(before) if before.isascii() and before.isdigit() and len(before) < 18 else None
    rows = queries.entries(after=after, limit=PER_PAGE, newest_first=True)
    return render(
        request,
        "marketplace/ledger.html",
        {
            "page": {
                "size": size,
                "checkpoint": queries.latest_checkpoint(),
                "entries": [
                    Row(
                        each.number,
                        each.sequenced_at,
                        capfirst(sentences.short(each.document)),
                        hexed(each.leaf_hash),
                    )
                    for each in rows
                ],
                "pager": Pager(
                    summary=_("Entries %(first)s to %(last)s of %(total)s")
                    % {
                        "first": number(rows[-1].number) if rows else 0,
                        "last": number(rows[0].number) if rows else 0,
                        "total": number(size),
                    },
                    extra_url=f"?before={rows[-1].number}" if rows and rows[-1].number else "",
                    extra_word=_("Older entries"),
                ),
            }
        },
    )


def entry(request: HttpRequest, number: int) -> HttpResponse:
    """Show an entry: the sentence first, then why one can believe it."""
    try:
        proved = queries.proved_entry(number)
        checks = queries.checks(number)
    except EntryNotFound as error:
        raise Http404 from error
    steps = path_drawing.steps(proved.proof) if proved.proof else []
    context = {
        "number": number,
        "sentence": sentences.full(proved.document),
        "badges": badges(proved),
        "drawing": path_drawing.draw(proved.proof, steps) if proved.proof else "",
        "path_sentence": path_sentence(len(steps)),
        "steps": steps,
        "canonical": proved.canonical.decode(),
        "checks": [check_words(check, proved) for check in checks],
        "proof_url": f"/api/v1/ledger/entries/{number}/proof/" if proved.proof else "",
        "facts": facts(proved),
    }
    return render(request, "marketplace/ledger_entry.html", {"page": context})


def checkpoint(request: HttpRequest, size: int) -> HttpResponse:
    """Show a signed size and root."""
    try:
        signed = queries.checkpoint_at(size)
    except CheckpointNotFound as error:
        raise Http404 from error
    sentence = _("On %(moment)s the house signed that the log has %(size)s entries under this root.")
    context = {
        "size": signed.size,
        "sentence": sentence % {"moment": moment_text(signed.signed_at), "size": number(signed.size)},
        "note": signed.note,
        "root": hexed(signed.root),
        "signed_at": signed.signed_at,
        "key": queries.keys().log_vkey,
    }
    return render(request, "marketplace/checkpoint.html", {"page": context})


def path_sentence(count: int) -> str:
    """Say how long the way to the root is."""
    if count == 0:
        return _("The log has one entry under this checkpoint, so the entry's hash is the root itself.")
    return _(
        "%(count)s hashes join this entry to the signed root. Each bar is a sibling subtree: its side says left "
        "or right, its length how many entries it covers."
    ) % {"count": count}


def badges(proved: queries.ProvedEntry) -> list[Badge]:
    """Return what is true of the entry now."""
    if proved.proof:
        state = Badge("verified", "check", _("Included in the log"))
    else:
        state = Badge("paid", "clock", _("Waiting for the next checkpoint"))
    return [state, Badge("open", "circle", _("No personal data: commitments only"))]


def check_words(check: queries.Check, proved: queries.ProvedEntry) -> Check:
    """Say what one recomputed check means."""
    words = {
        "canonical": (_("Spelling"), _("The bytes are the one canonical spelling of what they say.")),
        "leaf_hash": (_("Entry hash"), _("The bytes hash to %(hash)s.")),
        "previous": (_("Link"), _("It names the chain hash of the entry before it, %(hash)s.")),
        "chain_hash": (_("Chain hash"), _("Link and entry hash together give %(hash)s.")),
        "inclusion": (_("Inclusion"), _("The path reaches the root %(hash)s.")),
        "signature": (_("Signature"), _("Ed25519, by the log's key %(hash)s.")),
    }
    title, text = words.get(check.code, (check.code, "%(hash)s"))
    state = "pass" if check.passed else "fail"
    return Check(state, title, text % {"hash": short_hash(check.found or check.expected)})


def facts(proved: queries.ProvedEntry) -> list[Fact]:
    """Return the fields beside the proof."""
    document = proved.document
    found = [
        Fact(_("Event"), sentences.kind_name(document["kind"])),
        Fact(_("Recorded"), utc(proved.sequenced_at)),
        Fact(_("Subject"), document["subject"]),
        Fact(_("Actor"), document["actor"]),
    ]
    for name, value in document["refs"].items():
        found.append(
            Fact(sentences.ref_name(name), ", ".join(map(str, value)) if isinstance(value, list) else value)
        )
    if proved.number:
        before = reverse("ledger-entry", args=[proved.number - 1])
        found.append(Fact(_("Before"), f"#{number(proved.number - 1)}", before))
    if proved.checkpoint:
        signed = reverse("ledger-checkpoint", args=[proved.checkpoint.size])
        found.append(Fact(_("Checkpoint"), number(proved.checkpoint.size), signed))
        if proved.number + 1 < proved.checkpoint.size:
            after = reverse("ledger-entry", args=[proved.number + 1])
            found.append(Fact(_("After"), f"#{number(proved.number + 1)}", after))
    return found
