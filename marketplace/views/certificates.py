"""The certificate of a grant, by its number: for its holder with the name, for everybody else without."""

import json
from dataclasses import dataclass
from typing import Any

import segno
from django.http import Http404, HttpRequest, HttpResponse, JsonResponse
from django.shortcuts import render
from django.urls import reverse
from django.utils.safestring import SafeString, mark_safe
from django.utils.translation import gettext as _

from ledger import queries as ledger
from licensing import queries as licensing
from licensing.domain.money import Money
from licensing.domain.parties import Basis
from licensing.domain.terms import Sentence, sentences
from licensing.domain.vocabulary import PURPOSE_NAMES, TEMPLATE_NAMES, pick
from licensing.errors import NotFound
from marketplace.queries import library
from marketplace.templatetags.shown import day_text, money, number, plain, short_hash
from marketplace.views.cards import absolute
from marketplace.views.parts import Badge, Fact
from marketplace.views.picker import language, scope


@dataclass(frozen=True)
class Bilingual:
    """A fact under a label in both languages."""

    word: str
    second: str
    text: Any
    small: str = ""


@dataclass(frozen=True)
class Column:
    """What one may, must or may not."""

    word: str
    second: str
    sentences: list[Sentence]


def certificate(request: HttpRequest, number: str) -> HttpResponse:
    """Show a certificate."""
    grant = numbered(number)
    entry = ledger.number_of(grant.intent_id)
    proved = ledger.proved_entry(entry) if entry is not None else None
    chinese = language() == "zh-Hans"
    revoked = licensing.revoked_at(grant)
    page = {
        "number": grant.number,
        "issued_at": grant.issued_at,
        "chinese": chinese,
        "second": "en" if chinese else "zh-Hans",
        "badges": [
            Badge("disputed", "x", _("Revoked")) if revoked else Badge("verified", "check", _("Valid"))
        ],
        "state_sentence": state_sentence(revoked),
        "sentence": sentence(grant, entry),
        "facts": facts(grant, is_holder(request, grant), chinese),
        "columns": columns(grant, chinese),
        "proofs": proofs(grant, proved),
        "qr": qr(absolute(reverse("verify-number", args=[grant.number]))),
        "json_url": reverse("certificate-json", args=[grant.number]),
    }
    return render(request, "marketplace/certificate.html", {"page": page})


def document(request: HttpRequest, number: str) -> HttpResponse:
    """Return a certificate's facts as JSON, with the proof; never with a name."""
    grant = numbered(number)
    entry = ledger.number_of(grant.intent_id)
    proof = ledger.proved_entry(entry).proof if entry is not None else None
    terms = licensing.terms_of(grant)
    revoked = licensing.revoked_at(grant)
    facts = {
        "number": grant.number,
        "state": "revoked" if revoked else "valid",
        "revoked_at": revoked,
        "issued_at": grant.issued_at,
        "basis": grant.basis,
        "purpose": grant.purpose,
        "asset": grant.offer.asset.ark_id,
        "version": grant.version.number,
        "files_sha256": grant.version.files_sha256,
        "terms": json.loads(terms.canonical()),
        "terms_sha256": terms.sha256,
        "entry": entry,
        "proof": proof
        and {
            "leaf_hash": proof.leaf_hash.hex(),
            "index": proof.index,
            "size": proof.size,
            "root": proof.root.hex(),
            "path": [step.hex() for step in proof.path],
            "checkpoint": proof.note,
        },
    }
    return JsonResponse(facts, json_dumps_params={"ensure_ascii": False, "indent": 1})


def numbered(number: str) -> Any:
    """Return the grant of a certificate number."""
    try:
        return licensing.grant_numbered(number)
    except NotFound as error:
        raise Http404 from error


def is_holder(request: HttpRequest, grant: Any) -> bool:
    """Tell whether the reader acts for the licensee."""
    return grant.licensee_id in library.parties_of(request.user)


def state_sentence(revoked: Any) -> str:
    """Say whether the grant stands."""
    if revoked:
        return _("Revoked on %(day)s. What was done under it before stays permitted.") % {
            "day": day_text(revoked)
        }
    return _("The grant stands. This page and the JSON hold the same facts.")


def sentence(grant: Any, entry: int | None) -> str:
    """Say what the certificate records."""
    named = {"day": day_text(grant.issued_at), "entry": number(entry)}
    if entry is None:
        return _("The licensor made this grant on %(day)s; its ledger entry is being numbered.") % named
    return mark_safe(
        _("The licensor made this grant on %(day)s. It is registered as entry %(entry)s of the ledger.")
        % named
    )


def facts(grant: Any, named: bool, chinese: bool) -> list[Bilingual]:
    """Return the facts of the grant, the licensee's name for the holder only."""
    terms = licensing.terms_of(grant)
    title, ark = plain(grant.version.title), grant.offer.asset.ark_id
    purpose = (
        pick(PURPOSE_NAMES[grant.purpose], language()) if grant.purpose else _("any use that the terms allow")
    )
    price = Money(grant.offer.price_minor_units, grant.offer.currency)
    rows = [
        (
            "授权方",
            "Licensor",
            plain(grant.licensor.name),
            _("party %(id)s") % {"id": str(grant.licensor_id)[:8]},
        ),
        ("被授权方", "Licensee", *licensee(grant, named)),
        (
            "数据",
            "Dataset",
            title,
            _("%(ark)s, version %(number)s") % {"ark": ark, "number": grant.version.number},
        ),
        ("许可用途", "Purpose", purpose, pick(TEMPLATE_NAMES[terms.template], language())),
        ("范围", "Scope", scope(terms), _("non-exclusive")),
        ("价款", "Price", money(price) if price else _("Free"), basis(grant)),
    ]
    return [Bilingual(*((zh, en) if chinese else (en, zh)), text, small) for zh, en, text, small in rows]


def licensee(grant: Any, named: bool) -> tuple[str, str]:
    """Return who holds the grant, as far as the reader may know."""
    if grant.basis == Basis.STANDING:
        return _("Everybody"), _("a standing grant to the public")
    words = licensing.words_of(grant)
    if "licensee_name" in words.erased:
        return _("erased"), _("the ledger still holds the commitment, which nothing opens any more")
    if not named:
        return _("named in the holder's own copy"), _(
            "the ledger holds a commitment to the name, not the name"
        )
    if "institution" in words.erased:
        return words.licensee_name or plain(grant.licensee.name), _(
            "what was said of an institution is erased"
        )
    party = _("party %(id)s") % {"id": str(grant.licensee_id)[:8]}
    return words.licensee_name or plain(grant.licensee.name), words.institution or party


def basis(grant: Any) -> str:
    """Say on what ground the grant was made."""
    words = {
        Basis.PAID: _("paid"),
        Basis.FREE: _("free of charge, made out by name"),
        Basis.STANDING: _("free for everybody"),
    }
    return words[Basis(grant.basis)]


def columns(grant: Any, chinese: bool) -> list[Column]:
    """Return the terms in three columns."""
    said = sentences(licensing.terms_of(grant), language())
    labels = {"may": ("可做", "May"), "must": ("须做", "Must"), "may_not": ("不得", "May not")}
    return [
        Column(*((zh, en) if chinese else (en, zh)), [each for each in said if each.kind == kind])
        for kind, (zh, en) in labels.items()
    ]


def proofs(grant: Any, proved: Any) -> list[Fact]:
    """Return the hashes that tie the paper to the ledger."""
    found = [
        Fact(_("Terms"), short_hash(grant.policy_id)),
        Fact(_("Files"), short_hash(grant.version.files_sha256)),
    ]
    if proved is None:
        return [*found, Fact(_("Entry"), _("being numbered"))]
    found.append(Fact(_("Entry"), short_hash(proved.entry.leaf_hash)))
    if proved.proof is None:
        return [*found, Fact(_("Checkpoint"), _("within a second or two"))]
    root = f"{number(proved.proof.size)}: {short_hash(proved.proof.root)}"
    steps = _("%(count)s steps to the root") % {"count": len(proved.proof.path)}
    return [*found, Fact(_("Checkpoint"), root), Fact(_("Proof"), steps)]


def qr(text: str) -> SafeString:
    """Draw a QR code as one path, in the page's own ink."""
    rows = list(segno.make(text, error="m", micro=False).matrix_iter(border=2))
    path = "".join(f"M{x} {y}h1v1h-1z" for y, row in enumerate(rows) for x, dark in enumerate(row) if dark)
    label = _("QR code of the verification page")
    return mark_safe(
        f'<svg class="qr" role="img" aria-label="{label}" viewBox="0 0 {len(rows)} {len(rows)}">'
        f'<path fill="currentColor" d="{path}"/></svg>'
    )
