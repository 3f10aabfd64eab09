"""The ways the marketplace refuses.

Refused
├── NotFound(kind, key)                          nothing of this kind has this name, or it is not for this reader
├── SourceNotFree(source)                        an edition names a dataset that is not free and on show here
├── PurposeNotOffered(listing_id, purpose, reasons, terms)  no open offer allows it; each reason has its clause
├── OfferNotOfListing(listing_id, offer_id)      the offer asked for is not one that this listing shows
├── EmptyCart()                                  nothing to check out
├── SignInFailed()                               the e-mail address and the password do not belong together
├── DeliveryRefused(grant_id, reasons, terms)    the grant does not open this file now
├── LinkRefused
│   ├── LinkBroken()                             not a link that this house has signed
│   └── LinkExpired(expired_at)                  it was good until then; the library makes a new one
├── TooManyTries(seconds)                        the same address failed too often
├── AuditRefused
│   ├── TimeRefused(said, reason, first)         no report looks at this time: unreadable, no-zone, ahead, too-early
│   ├── TooManyReports(limit, seconds)           this account asked for its share of the day
│   └── ReportNotMade(number, state)             it is queued, or could not be made
└── IdempotencyRefused
    ├── KeyMissing()                             a write without an Idempotency-Key
    ├── KeyInUse(key)                            the first request with this key is still running
    └── KeyReused(key)                           the key came before with another request
"""

from collections.abc import Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

from django.utils.translation import get_language
from django.utils.translation import gettext as _

from licensing.domain.decision import Reason, explain
from licensing.domain.terms import Terms


class Refused(Exception):
    """Anything the marketplace refuses; `str()` is a sentence for people, the fields are for programs."""


class NotFound(Refused):
    def __init__(self, kind: str, key: object) -> None:
        super().__init__(
            _("There is no %(kind)s “%(key)s” here.")
            % {"kind": _(kind), "key": "".join(c for c in str(key)[:80] if c.isprintable())}
        )
        self.kind, self.key = kind, key


class SourceNotFree(Refused):
    def __init__(self, source: str) -> None:
        super().__init__(
            _("“%(source)s” is not a free public-interest dataset on show here.") % {"source": source}
        )
        self.source = source


class PurposeNotOffered(Refused):
    """`reasons` are those of `licensing.domain.decision` under the `terms` that came nearest."""

    def __init__(
        self, listing_id: UUID, purpose: str, reasons: Sequence[Reason], terms: Terms | None
    ) -> None:
        said = [_clause(reason, terms) for reason in reasons if terms]
        super().__init__(
            " ".join([_("No offer of this listing fits what you want to do."), *dict.fromkeys(said)])
        )
        self.listing_id, self.purpose = listing_id, purpose
        self.reasons, self.terms = tuple(reasons), terms


class OfferNotOfListing(Refused):
    def __init__(self, listing_id: UUID, offer_id: UUID) -> None:
        super().__init__(_("This listing does not show that offer."))
        self.listing_id, self.offer_id = listing_id, offer_id


class EmptyCart(Refused):
    def __init__(self) -> None:
        super().__init__(_("The cart is empty."))


class SignInFailed(Refused):
    def __init__(self) -> None:
        super().__init__(_("The e-mail address and the password do not belong together."))


class DeliveryRefused(Refused):
    def __init__(self, grant_id: UUID, reasons: Sequence[Reason], terms: Terms) -> None:
        said = dict.fromkeys(_clause(reason, terms) for reason in reasons)
        super().__init__(" ".join([_("This grant does not open the file."), *said]))
        self.grant_id, self.reasons, self.terms = grant_id, tuple(reasons), terms


class LinkRefused(Refused):
    """A download link that is not followed."""


class LinkBroken(LinkRefused):
    def __init__(self) -> None:
        super().__init__(
            _("This is not a download link of this house. Copy the whole link from your library.")
        )


class LinkExpired(LinkRefused):
    def __init__(self, expired_at: datetime) -> None:
        super().__init__(
            _("The link was good until %(time)s UTC. Your library makes a new one.")
            % {"time": expired_at.strftime("%Y-%m-%d %H:%M")}
        )
        self.expired_at = expired_at


class TooManyTries(Refused):
    def __init__(self, seconds: int) -> None:
        super().__init__(_("Too many failed tries. Try again in %(seconds)s seconds.") % {"seconds": seconds})
        self.seconds = seconds


class AuditRefused(Refused):
    """An audit report that is not made, or not there."""


class TimeRefused(AuditRefused):
    def __init__(self, said: str, reason: str, first: datetime | None = None) -> None:
        shown = "".join(c for c in said[:40] if c.isprintable())
        sentences = {
            "unreadable": _("“%(said)s” is neither a date nor a time as 2026-11-23T18:00:00+08:00."),
            "no-zone": _("“%(said)s” has no zone: write it as 2026-11-23T18:00:00+08:00."),
            "ahead": _("“%(said)s” is still to come: a report looks at what has been."),
            "too-early": _("Nothing was on record at %(said)s; the first fact is of %(first)s."),
            "nothing": _("Nothing is on record to be reported."),
        }
        named = {"said": shown, "first": first.isoformat(timespec="seconds") if first else ""}
        super().__init__(sentences["nothing" if reason == "too-early" and not first else reason] % named)
        self.said, self.reason, self.first = said, reason, first


class TooManyReports(AuditRefused):
    def __init__(self, limit: int, seconds: int) -> None:
        super().__init__(
            _(
                "An account asks for at most %(limit)s reports in 24 hours. The next one in %(minutes)s minutes."
            )
            % {"limit": limit, "minutes": -(-seconds // 60)}
        )
        self.limit, self.seconds = limit, seconds


class ReportNotMade(AuditRefused):
    def __init__(self, number: str, state: str) -> None:
        words = {
            "queued": _("Report %(number)s is being made. Ask again in a few seconds."),
            "failed": _("Report %(number)s could not be made; its page says why."),
        }
        super().__init__(words[state] % {"number": number})
        self.number, self.state = number, state


class IdempotencyRefused(Refused):
    """A write whose Idempotency-Key does not do."""


class KeyMissing(IdempotencyRefused):
    def __init__(self) -> None:
        super().__init__(
            _("Send an Idempotency-Key header of 1 to 255 printable characters with each write.")
        )


class KeyInUse(IdempotencyRefused):
    def __init__(self, key: str) -> None:
        super().__init__(
            _("The first request with this Idempotency-Key is still running. Ask again shortly.")
        )
        self.key = key


class KeyReused(IdempotencyRefused):
    def __init__(self, key: str) -> None:
        super().__init__(_("This Idempotency-Key came before with another request. Use a new one."))
        self.key = key


def _clause(reason: Reason, terms: Any) -> str:
    """Return one reason in the reader's language, with its clause."""
    text = explain(reason, terms, get_language() or "en")
    return (
        _("Clause %(clause)s: %(text)s") % {"clause": reason.clause, "text": text} if reason.clause else text
    )
