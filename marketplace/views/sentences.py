"""Ledger entries as sentences. Only what stands in the entry itself is said; it holds nothing personal."""

from collections.abc import Callable
from datetime import datetime
from typing import Any

from django.utils.translation import get_language, pgettext
from django.utils.translation import gettext as _

from ledger.domain.openings import ERASED, GROUND_NAMES, Ground
from licensing.domain.money import Money
from licensing.domain.vocabulary import pick
from marketplace.templatetags.shown import moment_text, money, number, plain, size

Document = dict[str, Any]


def full(document: Document) -> str:
    """Say one entry as a sentence that begins with its time."""
    at = moment_text(datetime.fromisoformat(document["at"]))
    return _("On %(moment)s: %(sentence)s") % {"moment": at, "sentence": short(document)}


def short(document: Document) -> str:
    """Say what one entry records."""
    tell = TELLERS.get(document["kind"])
    if tell is None:
        return _("%(kind)s, subject %(subject)s") % {"kind": document["kind"], "subject": document["subject"]}
    return tell(document)


def kind_name(kind: str) -> str:
    """Return the name of a kind of entry."""
    return kind_names().get(kind, kind)


def kind_names() -> dict[str, str]:
    """Return the names of the kinds of entry that the house writes."""
    return {
        "asset.registered": _("Registration of an asset"),
        "version.published": _("Publication of a version"),
        "asset.public_interest": _("Public interest"),
        "offer.published": _("Publication of an offer"),
        "offer.ended": _("End of an offer"),
        "grant.issued": pgettext("ledger", "Grant"),
        "grant.revoked": _("Revocation of a grant"),
        "file.delivered": _("Delivery of a file"),
        ERASED: _("Erasure of a personal value"),
        "log.repaired": _("Repair of the log's files"),
    }


def ref_name(name: str) -> str:
    """Return the name of what an entry refers to."""
    names = {
        "asset": _("Asset"),
        "version": _("Version"),
        "offer": _("Offer"),
        "policy": _("Terms"),
        "grant": pgettext("ledger", "Grant"),
        "licensor": _("Licensor"),
        "licensee": _("Licensee"),
        "file": _("File"),
        "supersedes": _("Supersedes"),
        "link": _("Link"),
        "delivery": _("Delivery"),
        "share_plan": _("Shares"),
        "party": _("Party"),
        "licensee_name": _("Licensee’s name"),
        "institution": _("Institution"),
        "institution_kind": _("Kind of institution"),
        "statement": _("Statement"),
        "entry": _("Entry"),
        "field": _("Field"),
        "ground": _("Ground"),
        "checkpoint": _("Checkpoint"),
    }
    return names.get(name, name)


def purpose_name(purpose: str) -> str:
    """Return the name of a purpose."""
    names = {
        "study_teach": _("study and teaching"),
        "publish": _("publishing"),
        "product": _("products and games"),
        "train_model": _("training a model"),
        "other": _("another use"),
    }
    return names.get(purpose, purpose)


def _registered(document: Document) -> str:
    return _("asset %(asset)s was registered by its licensor.") % {"asset": document["subject"]}


def _published(document: Document) -> str:
    body = document["body"]
    return _("version %(number)s of “%(title)s” was published, with %(count)s records.") % {
        "number": body.get("number", ""),
        "title": plain(body.get("title")),
        "count": number(body.get("records", 0)),
    }


def _public_interest(document: Document) -> str:
    return _("%(asset)s was declared to be of public interest: it stays free for everybody, for good.") % {
        "asset": document["subject"]
    }


def _offered(document: Document) -> str:
    body = document["body"]
    named = {"asset": document["subject"]}
    amount, currency = int(body.get("price_minor_units", 0)), body.get("currency", "CNY")
    if not amount:
        return _("an offer of %(asset)s was published, free of charge.") % named
    return _("an offer of %(asset)s was published at %(price)s.") % {
        **named,
        "price": money(Money(amount, currency)),
    }


def _ended(document: Document) -> str:
    reasons = {
        "superseded": _("a newer offer took its place"),
        "withdrawn": _("its licensor withdrew it"),
        "public_interest": _("the asset is of public interest"),
    }
    reason = document["body"].get("reason", "")
    return _("an offer ended: %(reason)s.") % {"reason": reasons.get(reason, reason)}


def _granted(document: Document) -> str:
    body, refs = document["body"], document["refs"]
    named = {"grant": document["subject"], "asset": refs.get("asset", "")}
    if body.get("basis") == "standing":
        return (
            _("everybody was granted the free use of %(asset)s under its public terms (%(grant)s).") % named
        )
    return _("grant %(grant)s was issued for %(purpose)s.") % {
        **named,
        "purpose": purpose_name(body.get("purpose", "")),
    }


def _revoked(document: Document) -> str:
    return _("grant %(grant)s was revoked.") % {"grant": document["subject"]}


def _delivered(document: Document) -> str:
    return _("a file of %(size)s was delivered under grant %(grant)s.") % {
        "grant": document["refs"].get("grant", document["subject"]),
        "size": size(document["body"].get("bytes", 0)),
    }


def _erased(document: Document) -> str:
    refs = document["refs"]
    return _("a value and its salt were erased (%(field)s); the commitment stays. Ground: %(ground)s.") % {
        "field": ref_name(refs.get("field", "")),
        "ground": ground_name(refs.get("ground", "")),
    }


def ground_name(ground: str) -> str:
    """Return the name of a ground on which something was erased."""
    return pick(GROUND_NAMES[Ground(ground)], get_language() or "en") if ground in list(Ground) else ground


def _repaired(document: Document) -> str:
    return _("files of the log were written anew, to what checkpoint %(size)s says.") % {
        "size": number(document["refs"].get("checkpoint", 0))
    }


TELLERS: dict[str, Callable[[Document], str]] = {
    "asset.registered": _registered,
    "version.published": _published,
    "asset.public_interest": _public_interest,
    "offer.published": _offered,
    "offer.ended": _ended,
    "grant.issued": _granted,
    "grant.revoked": _revoked,
    "file.delivered": _delivered,
    ERASED: _erased,
    "log.repaired": _repaired,
}
