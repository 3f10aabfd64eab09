"""From what somebody wants the data for to the offer that fits: free before priced, and why not where none fits.

The offer decision is licensing's `may`; here it is only asked of each offer. A place that was not named is no
reason against an offer, since its terms bind there; an institution that was not named is.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from licensing.domain.decision import Decision, Reason, Request, may
from licensing.domain.money import Money
from licensing.domain.terms import PURPOSES, Action, Terms

INSTITUTION_KINDS = ("education", "public_culture")


@dataclass(frozen=True, slots=True)
class Offered:
    """An open offer, as far as choosing goes."""

    offer_id: UUID
    price: Money
    terms: Terms


@dataclass(frozen=True, slots=True)
class Choice:
    """The offer that fits a purpose, or the reasons of the one that came nearest."""

    offer: Offered | None
    nearest: Offered | None
    reasons: tuple[Reason, ...]

    @property
    def asks_institution(self) -> bool:
        """Tell whether naming an institution is all that is missing."""
        return bool(self.reasons) and all(r.code == "MISSING_CONTEXT:audience" for r in self.reasons)


def choose(
    offers: Iterable[Offered], *, purpose: str, audience: str | None = None, territory: str | None = None
) -> Choice:
    """Choose the offer for a purpose: the cheapest that permits it. Exclusive ones are never in the way of others."""
    judged = [
        (offered, reasons_against(offered.terms, purpose=purpose, audience=audience, territory=territory))
        for offered in offers
    ]
    fitting = [offered for offered, reasons in judged if not reasons]
    if fitting:
        best = min(fitting, key=lambda o: (o.price.amount_minor_units, o.terms.exclusive, str(o.offer_id)))
        return Choice(best, best, ())
    if not judged:
        return Choice(None, None, ())
    nearest, reasons = min(judged, key=lambda pair: (len(pair[1]), pair[0].price.amount_minor_units))
    return Choice(None, nearest, reasons)


def reasons_against(
    terms: Terms, *, purpose: str, audience: str | None, territory: str | None
) -> tuple[Reason, ...]:
    """Return what stands against a purpose under some terms."""
    decision = may(Request(purpose=purpose, audience=audience, territory=territory), terms)
    return tuple(reason for reason in decision.reasons if reason.code != "MISSING_CONTEXT:territory")


def prices(offers: Sequence[Offered]) -> dict[str, Money]:
    """Return what each purpose costs somebody who names no institution; purposes that nothing allows are left out."""
    chosen = {purpose: choose(offers, purpose=purpose).offer for purpose in PURPOSES}
    return {purpose: offered.price for purpose, offered in chosen.items() if offered}


def delivery(terms: Terms, *, revoked_at: datetime | None, now: datetime) -> Decision:
    """Decide whether a grant's file may be handed out now.

    Where and as whom the licensee acts was settled when the grant was issued and is not asked again.
    """
    request = Request(
        actions=frozenset({Action.DOWNLOAD}),
        territory=terms.territory[0] if terms.territory else None,
        audience=terms.audience[0] if terms.audience else None,
        at=now,
    )
    return may(request, terms, revoked_at=revoked_at)
