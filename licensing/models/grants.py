"""Grants: what a licensee got. Never edited; what licensees said of themselves stands with the ledger, erasable."""

import uuid

from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from ledger.triggers import AppendOnly, Rule, refuse
from licensing.domain.parties import PUBLIC_PARTY_ID, Basis
from licensing.domain.terms import PURPOSES
from licensing.models.assets import AssetVersion
from licensing.models.offers import Offer, Policy
from licensing.models.parties import Party, one_of


class Grant(models.Model):
    """The agreement on an offer: for somebody by name, or, where it is standing, for everybody."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    number = models.TextField(unique=True)
    offer = models.ForeignKey(Offer, models.PROTECT, related_name="grants")
    version = models.ForeignKey(AssetVersion, models.PROTECT, related_name="grants")
    policy = models.ForeignKey(Policy, models.PROTECT, related_name="grants")
    licensor = models.ForeignKey(Party, models.PROTECT, related_name="grants_given")
    licensee = models.ForeignKey(Party, models.PROTECT, related_name="grants_held")
    basis = models.TextField()
    purpose = models.TextField(blank=True, default="")
    reference = models.TextField(unique=True)
    intent = models.OneToOneField("ledger.Intent", models.PROTECT, related_name="+")
    issued_at = models.DateTimeField()

    class Meta:
        verbose_name = _("grant")
        verbose_name_plural = _("grants")
        constraints = [
            one_of("grant_basis", "basis", Basis),
            one_of("grant_purpose", "purpose", ["", *PURPOSES]),
            models.CheckConstraint(name="grant_reference_given", condition=~Q(reference="")),
            models.UniqueConstraint(
                name="grant_one_standing", fields=["version", "policy"], condition=Q(basis="standing")
            ),
            models.CheckConstraint(
                name="grant_standing_is_for_everybody",
                condition=Q(basis="standing", licensee=PUBLIC_PARTY_ID)
                | (~Q(basis="standing") & ~Q(licensee=PUBLIC_PARTY_ID)),
            ),
        ]
        triggers = [
            AppendOnly(),
            # A superseded offer still grants: an order may have frozen it before. The caller knows, and is asked.
            Rule(
                name="as_offered",
                operation="INSERT",
                declare=[("offer", "licensing_offer%ROWTYPE")],
                func=f"""
                    SELECT * INTO STRICT offer FROM licensing_offer WHERE id = NEW.offer_id;
                    PERFORM FROM licensing_asset WHERE id = offer.asset_id FOR SHARE;
                    IF (NEW.version_id, NEW.policy_id, NEW.licensor_id)
                        IS DISTINCT FROM (offer.version_id, offer.policy_id, offer.licensor_id) THEN
                        {refuse("grant: version, terms and licensor are those of its offer")}
                    END IF;
                    IF (NEW.basis = 'paid') <> (offer.price_minor_units > 0) THEN
                        {refuse("grant: what has a price is paid, what has none is free")}
                    END IF;
                    IF NEW.basis = 'standing' AND offer.audience <> '{{}}' THEN
                        {refuse("grant: an offer to some is no standing grant to everybody")}
                    END IF;
                    IF offer.exclusive THEN
                        {refuse("exclusive: such offers are shown, not sold")}
                    END IF;
                    IF EXISTS (SELECT FROM licensing_offerend
                               WHERE offer_id = offer.id AND reason <> 'superseded') THEN
                        {refuse("grant: its offer has ended")}
                    END IF;
                    RETURN NEW;
                """,
            ),
        ]

    def __str__(self) -> str:
        return self.number


class GrantRevocation(models.Model):
    """The end of a grant. What was done under it before stays permitted."""

    grant = models.OneToOneField(Grant, models.PROTECT, primary_key=True, related_name="revocation")
    reason = models.TextField()
    intent = models.OneToOneField("ledger.Intent", models.PROTECT, related_name="+")
    revoked_at = models.DateTimeField()

    class Meta:
        verbose_name = _("revocation")
        verbose_name_plural = _("revocations")
        constraints = [models.CheckConstraint(name="revocation_reason_given", condition=~Q(reason=""))]
        triggers = [
            AppendOnly(),
            Rule(
                name="standing_stays",
                operation="INSERT",
                func=f"""
                    IF EXISTS (SELECT FROM licensing_grant WHERE id = NEW.grant_id AND basis = 'standing') THEN
                        {refuse("standing grant: what was given to everybody is not taken back")}
                    END IF;
                    RETURN NEW;
                """,
            ),
        ]

    def __str__(self) -> str:
        return f"revocation of {self.grant_id}"
