"""An entry of the ledger as a page: what happened, and why one can believe it."""

from typing import Any

from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import render
from django.urls import reverse
from django.utils.translation import gettext as _

from ledger import anchor_queries, queries
from ledger.domain import proofs
from ledger.errors import EntryNotFound, FileMissing
from marketplace.templatetags.shown import number as spelled
from marketplace.templatetags.shown import utc
from marketplace.views import path_drawing, proof_words, sentences
from marketplace.views.parts import Badge, Check, Fact


def entry(request: HttpRequest, number: int) -> HttpResponse:
    """Show an entry: the sentence first, then why one can believe it."""
    try:
        proved = queries.proved_entry(number)
        checks = proof_words.checks(proved)
    except EntryNotFound as error:
        return waiting(request, number, error.size)
    except FileMissing as error:
        proved = queries.ProvedEntry(queries.entry(number), None, None)
        checks = [Check("fail", _("Inclusion"), str(error))]
    steps = path_drawing.steps(proved.proof) if proved.proof else []
    page = {
        "number": number,
        "sentence": sentences.full(proved.document),
        "badges": badges(proved),
        "drawing": path_drawing.draw(proved.proof, steps) if proved.proof else "",
        "path_sentence": path_sentence(len(steps)),
        "steps": steps,
        "canonical": proved.canonical.decode(),
        "leaf_hash": bytes(proved.leaf_hash).hex(),
        "checks": checks,
        "proof_bytes": proof_bytes(proved.proof),
        "size": proved.checkpoint.size if proved.checkpoint else None,
        "waiting": not proved.proof and not any(check.state == "fail" for check in checks),
        "facts": facts(proved),
        "before": number - 1 if number else None,
        "after": number + 1 if number + 1 < queries.size() else None,
    }
    return render(request, "marketplace/ledger_entry.html", {"page": page})


def waiting(request: HttpRequest, number: int, size: int) -> HttpResponse:
    """Show that something waits for this number; where nothing does, there is no such page."""
    count = queries.pending_count()
    if number >= size + count:
        raise Http404
    page = {"number": number, "size": size, "pending": count}
    return render(request, "marketplace/ledger_waiting.html", {"page": page})


def canonical(request: HttpRequest, number: int) -> HttpResponse:
    """Answer with the bytes that were logged, and nothing else."""
    try:
        data = queries.entry(number).canonical
    except EntryNotFound as error:
        raise Http404 from error
    response = HttpResponse(data, content_type="application/json")
    response["Content-Disposition"] = f'attachment; filename="entry-{number}.json"'
    response["Access-Control-Allow-Origin"] = "*"  # a verifier in anybody's page may read it
    return response


def path_sentence(count: int) -> str:
    """Say how long the way to the root is."""
    if count == 0:
        return _("The log has one entry under this checkpoint, so the entry's hash is the root itself.")
    if count == 1:
        return _("One hash joins this entry to the signed root: the bar is its sibling.")
    return _(
        "%(count)s hashes join this entry to the signed root. Each bar is a sibling subtree: its side says left "
        "or right, its length how many entries it covers."
    ) % {"count": count}


def proof_bytes(proof: queries.Proof | None) -> int:
    """Return how many bytes the proof has as a file."""
    return len(proofs.text(index=proof.index, path=proof.path, note=proof.note).encode()) if proof else 0


def badges(proved: queries.ProvedEntry) -> list[Badge]:
    """Return what is true of the entry now."""
    private = Badge("open", "circle", _("No personal data: commitments only"))
    if not proved.proof:
        return [Badge("paid", "clock", _("Waiting for the next checkpoint")), private]
    anchored = proof_words.anchor_badge(anchor_queries.anchor_over(proved.number + 1))
    return [Badge("verified", "check", _("Included in the log")), anchored, private]


def facts(proved: queries.ProvedEntry) -> list[Fact]:
    """Return the fields beside the proof."""
    document = proved.document
    found = [
        Fact(_("Event"), sentences.kind_name(document["kind"])),
        Fact(_("Recorded"), utc(proved.sequenced_at)),
        Fact(_("Subject"), document["subject"], address(document["subject"])),
        Fact(_("Actor"), document["actor"]),
    ]
    for name, value in document["refs"].items():
        text = ", ".join(map(str, value)) if isinstance(value, list) else str(value)
        found.append(Fact(sentences.ref_name(name), text, address(text)))
    if proved.checkpoint:
        signed = reverse("ledger-checkpoint", args=[proved.checkpoint.size])
        found.append(Fact(_("Checkpoint"), spelled(proved.checkpoint.size), signed))
    return found


def address(name: Any) -> str:
    """Return where the thing of this name has its page, as far as the name tells."""
    if str(name).startswith("ark:"):
        return reverse("resolve", args=[name])
    if str(name).startswith("G-"):
        return reverse("certificate", args=[name])
    return ""
