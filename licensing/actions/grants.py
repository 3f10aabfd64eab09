"""Issuing grants on offers, to somebody or to everybody, and revoking them."""

from collections.abc import Iterable, Mapping
from datetime import datetime
from uuid import UUID, uuid4

from django.db import connection, transaction
from django.utils.translation import gettext as _

from ledger.actions import log, openings
from ledger.domain import entry
from licensing import queries
from licensing.domain.decision import Request, may
from licensing.domain.parties import PUBLIC_PARTY_ID, Basis, EndReason
from licensing.errors import (
    AudienceNotDeclared,
    BasisRefused,
    ExclusiveNotSold,
    OfferEnded,
    ReferenceReused,
    RevocationRefused,
    UseNotPermitted,
)
from licensing.models import Grant, GrantRevocation, Offer
from licensing.queries import DETAIL_FIELDS


@transaction.atomic
def issue(
    *,
    offer_id: UUID,
    licensee_id: UUID,
    basis: str,
    purpose: str,
    reference: str,
    detail: Mapping[str, str] | None = None,
    agreed_at: datetime | None = None,
    now: datetime,
) -> Grant:
    """Grant what an offer allows. The same reference is the same grant.

    An order that froze the offer at `agreed_at` is granted although a new offer has superseded it since.
    Raises OfferEnded, ExclusiveNotSold, AudienceNotDeclared, UseNotPermitted, BasisRefused, ReferenceReused,
    NotFound.
    """
    _wait_for_twin(reference)
    offer = queries.offer(offer_id)
    issued = Grant.objects.filter(reference=reference).first()
    if issued:
        if (issued.offer_id, issued.licensee_id, issued.basis) != (offer.pk, licensee_id, basis):
            raise ReferenceReused(reference)
        return issued
    words = {name: (detail or {}).get(name) or "" for name in DETAIL_FIELDS}
    _lock_offer(offer)
    _check_open(offer, agreed_at)
    _check_basis(offer, basis)
    _check_terms(offer, purpose, words)
    return _write(offer, licensee_id, basis, purpose, reference, words, now)


def check(*, offer_id: UUID, purpose: str, detail: Mapping[str, str] | None = None) -> Offer:
    """Return the offer if `issue` would grant it now for this purpose, without granting it. Raises as `issue`."""
    offer = queries.offer(offer_id)
    _check_open(offer, None)
    _check_basis(offer, Basis.FREE if offer.is_free else Basis.PAID)
    _check_terms(offer, purpose, {name: (detail or {}).get(name) or "" for name in DETAIL_FIELDS})
    return offer


@transaction.atomic
def stand(*, offer_id: UUID, now: datetime) -> Grant:
    """Grant to everybody what is offered free to everybody: once for a version under its terms.

    Raises OfferEnded, BasisRefused, NotFound.
    """
    offer = queries.offer(offer_id)
    if not offer.is_for_everybody:
        raise BasisRefused(offer.pk, Basis.STANDING)
    reference = f"standing:{offer.version_id}:{offer.policy_id}"
    _wait_for_twin(reference)
    issued = Grant.objects.filter(reference=reference).first()
    if issued:
        return issued
    _lock_offer(offer)
    _check_open(offer, None)
    return _write(offer, PUBLIC_PARTY_ID, Basis.STANDING, "", reference, None, now)


@transaction.atomic
def revoke(*, grant_id: UUID, reason: str, now: datetime) -> GrantRevocation:
    """End a grant. Calling it again changes nothing. Raises RevocationRefused, NotFound."""
    grant = queries.grant(grant_id)
    if grant.basis == Basis.STANDING:
        raise RevocationRefused(grant.pk, _("What was granted to everybody is not taken back."))
    if not reason.strip():
        raise RevocationRefused(grant.pk, _("A revocation states its reason."))
    _wait_for_twin(grant.reference)
    revoked = GrantRevocation.objects.filter(grant=grant).first()
    if revoked:
        return revoked
    intent_id = log.append(
        document=entry.document(
            kind="grant.revoked",
            id=uuid4(),
            at=now,
            actor=str(grant.licensor_id),
            subject=grant.number,
            refs={"grant": str(grant.pk)},
        ),
        idempotency_key=f"grant.revoked:{grant.pk}",
        now=now,
    )
    return GrantRevocation.objects.create(grant=grant, reason=reason, revoked_at=now, intent_id=intent_id)


def erase(*, grant_id: UUID, fields: Iterable[str] | None = None, ground: str, now: datetime) -> list[str]:
    """Erase what a licensee said of themselves for a grant; return the fields of its entry that went now.

    The grant stands, and so does its entry. Calling it again changes nothing.
    Raises NotFound, and the ledger's OpeningNotFound and GroundUnknown.
    """
    grant = queries.grant(grant_id)
    return openings.erase(
        intent_id=grant.intent_id,
        fields=queries.personal_fields(grant, fields),
        ground=ground,
        now=now,
    )


def _wait_for_twin(reference: str) -> None:
    """Let two calls with one reference come after each other, so that the second finds the first's grant."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_advisory_xact_lock(hashtextextended(%s, 0))", [f"grant:{reference}"])


def _lock_offer(offer: Offer) -> None:
    """Share the asset's row with other grants, while nobody can end its offers. The trigger asks for no more."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT FROM licensing_asset WHERE id = %s FOR SHARE", [offer.asset_id])


def _check_open(offer: Offer, agreed_at: datetime | None) -> None:
    end = queries.end_of(offer.pk)
    if end is None:
        return
    frozen_before = agreed_at is not None and agreed_at < end.ended_at
    if end.reason != EndReason.SUPERSEDED or not frozen_before:
        raise OfferEnded(offer.pk, end.ended_at)


def _check_basis(offer: Offer, basis: str) -> None:
    if offer.exclusive:
        raise ExclusiveNotSold(offer.pk)
    if basis != (Basis.FREE if offer.is_free else Basis.PAID):
        raise BasisRefused(offer.pk, basis)


def _check_terms(offer: Offer, purpose: str, words: Mapping[str, str]) -> None:
    if offer.audience and not words["institution"].strip():
        raise AudienceNotDeclared(offer.pk, offer.audience)
    asked = Request(purpose=purpose, audience=words["institution_kind"] or None)
    decision = may(asked, queries.terms_of(offer))
    against = [each for each in decision.reasons if not each.code.startswith("MISSING_CONTEXT:")]
    if against:
        raise UseNotPermitted(offer.pk, against)


def _write(offer: Offer, licensee_id, basis, purpose, reference, words, now: datetime) -> Grant:
    grant_id, number = uuid4(), _next_number(now)
    intent_id = log.append(
        document=entry.document(
            kind="grant.issued",
            id=grant_id,
            at=now,
            actor=str(offer.licensor_id),
            subject=number,
            refs={
                "asset": offer.asset.ark_id,
                "offer": str(offer.pk),
                "version": str(offer.version_id),
                "policy": offer.policy_id,
            },
            body={"basis": str(basis), "purpose": purpose} if purpose else {"basis": str(basis)},
        ),
        # The licensee's id is hidden too: on a public log it would tie a person's grants together. What was left
        # empty is committed to as well, so that nobody sees who said how much.
        personal=None if words is None else {"party": str(licensee_id), **words},
        idempotency_key=f"grant.issued:{grant_id}",
        now=now,
    )
    return Grant.objects.create(
        id=grant_id,
        number=number,
        offer=offer,
        version_id=offer.version_id,
        policy_id=offer.policy_id,
        licensor_id=offer.licensor_id,
        licensee_id=licensee_id,
        basis=basis,
        purpose=purpose,
        reference=reference,
        intent_id=intent_id,
        issued_at=now,
    )


def _next_number(now: datetime) -> str:
    with connection.cursor() as cursor:
        cursor.execute("SELECT nextval('licensing_grant_number')")
        return f"G-{now.year}-{cursor.fetchone()[0]:06d}"
