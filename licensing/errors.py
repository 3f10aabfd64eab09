"""The ways licensing refuses.

Refused
├── AmountRefused(reason)                       not a whole number of minor units, or a price not on offer
│   ├── UnknownCurrency(currency)               not one of the currencies sold here
│   └── CurrencyMismatch(left, right)           two currencies in one sum
├── TermsRefused(field, reason)                 terms that contradict themselves or use unknown words
├── IdentifierRefused(text, reason)             not an ARK, or a wrong check character
├── NotFound(kind, key)                         no such party, asset, offer or grant
├── AssetRefused(field, reason)                 an asset or version that cannot be registered as asked
├── SharesRefused(reason)                       a share plan that divides nothing, or names a party twice
├── OfferRefused(reason)                        an offer that contradicts its asset, version or shares
│   ├── PublicMustBeFree(asset_id)              a price, a fence or a closed door on a public-interest asset
│   ├── PublicNoExclusive(asset_id)             exclusivity over a public-interest asset
│   └── SocialBenefitMissing(asset_id, missing) an edition without its sources, plan or free path
├── GrantRefused
│   ├── OfferEnded(offer_id, ended_at)          withdrawn, superseded or closed by the public interest
│   ├── ExclusiveNotSold(offer_id)              exclusive offers are shown, not sold
│   ├── AudienceNotDeclared(offer_id, audience) this offer is for institutions, and none was named
│   ├── UseNotPermitted(offer_id, reasons)      the terms do not allow the stated purpose
│   ├── BasisRefused(offer_id, basis)           free, paid and standing grants each fit other offers
│   └── ReferenceReused(reference)              the same reference came for another grant
└── RevocationRefused(grant_id, reason)         what was given to everybody, or no reason given
"""

from collections.abc import Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

from django.utils.translation import gettext as _


class Refused(Exception):
    """Anything licensing refuses; `str()` is a sentence for people, the fields are for programs."""


class AmountRefused(Refused, ValueError):
    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


class UnknownCurrency(AmountRefused):
    def __init__(self, currency: object) -> None:
        super().__init__(_("%(currency)s is not a currency sold here.") % {"currency": currency})
        self.currency = currency


class CurrencyMismatch(AmountRefused):
    def __init__(self, left: str, right: str) -> None:
        super().__init__(
            _("%(left)s and %(right)s cannot stand in one sum.") % {"left": left, "right": right}
        )
        self.left, self.right = left, right


class TermsRefused(Refused, ValueError):
    def __init__(self, field: str, reason: str) -> None:
        super().__init__(_("Terms, %(field)s: %(reason)s") % {"field": field, "reason": reason})
        self.field, self.reason = field, reason


class IdentifierRefused(Refused, ValueError):
    def __init__(self, text: str, reason: str) -> None:
        super().__init__(_("%(text)s: %(reason)s") % {"text": text[:80], "reason": reason})
        self.text, self.reason = text, reason


class NotFound(Refused, LookupError):
    def __init__(self, kind: str, key: object) -> None:
        super().__init__(_("There is no %(kind)s %(key)s.") % {"kind": _(kind), "key": key})
        self.kind, self.key = kind, key


class AssetRefused(Refused, ValueError):
    def __init__(self, field: str, reason: str) -> None:
        super().__init__(_("Data asset, %(field)s: %(reason)s") % {"field": field, "reason": reason})
        self.field, self.reason = field, reason


class SharesRefused(Refused, ValueError):
    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


class OfferRefused(Refused):
    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


class PublicMustBeFree(OfferRefused):
    def __init__(self, asset_id: UUID) -> None:
        super().__init__(
            _("This data is of public interest: it is free, for everybody, everywhere. It cannot be priced.")
        )
        self.asset_id = asset_id


class PublicNoExclusive(OfferRefused):
    def __init__(self, asset_id: UUID) -> None:
        super().__init__(_("This data is of public interest: nobody can have it exclusively."))
        self.asset_id = asset_id


class SocialBenefitMissing(OfferRefused):
    def __init__(self, asset_id: UUID, missing: str) -> None:
        super().__init__(
            _("An edition of public data needs its sources, a benefit plan and a free path: %(missing)s")
            % {"missing": missing}
        )
        self.asset_id, self.missing = asset_id, missing


class GrantRefused(Refused):
    """A grant that was asked for and is not given."""


class OfferEnded(GrantRefused):
    def __init__(self, offer_id: UUID, ended_at: datetime) -> None:
        super().__init__(_("This offer ended on %(day)s.") % {"day": ended_at.date().isoformat()})
        self.offer_id, self.ended_at = offer_id, ended_at


class ExclusiveNotSold(GrantRefused):
    def __init__(self, offer_id: UUID) -> None:
        super().__init__(_("Exclusive offers are shown but not sold yet."))
        self.offer_id = offer_id


class AudienceNotDeclared(GrantRefused):
    def __init__(self, offer_id: UUID, audience: Sequence[str]) -> None:
        super().__init__(
            _("This offer is for educational and public cultural institutions. Name the one you act for.")
        )
        self.offer_id, self.audience = offer_id, tuple(audience)


class UseNotPermitted(GrantRefused):
    """`reasons` are those of `licensing.domain.decision`, each with the clause that decided it."""

    def __init__(self, offer_id: UUID, reasons: Sequence[Any]) -> None:
        clauses = ", ".join(dict.fromkeys(reason.clause for reason in reasons if reason.clause))
        super().__init__(
            _("The terms of this offer withhold that purpose (clause %(clauses)s).") % {"clauses": clauses}
        )
        self.offer_id, self.reasons = offer_id, tuple(reasons)


class BasisRefused(GrantRefused):
    def __init__(self, offer_id: UUID, basis: str) -> None:
        super().__init__(_("This offer is not granted on the basis “%(basis)s”.") % {"basis": basis})
        self.offer_id, self.basis = offer_id, basis


class ReferenceReused(GrantRefused):
    def __init__(self, reference: str) -> None:
        super().__init__(
            _("The reference %(reference)s has another grant already.") % {"reference": reference}
        )
        self.reference = reference


class RevocationRefused(Refused):
    def __init__(self, grant_id: UUID, reason: str) -> None:
        super().__init__(reason)
        self.grant_id, self.reason = grant_id, reason
