"""Policies, which are terms under their hash; offers, which are never edited; and the ends of offers."""

import uuid

from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from ledger.triggers import AppendOnly, Rule, refuse
from licensing.domain.money import CURRENCIES
from licensing.domain.parties import EndReason
from licensing.domain.terms import Template
from licensing.models.assets import Asset, AssetVersion, SharePlan, hexadecimal
from licensing.models.parties import Party, one_of

PRICES_HOLD = "PERFORM licensing_check_prices(NEW.asset_id); RETURN NULL;"


class Policy(models.Model):
    """Terms as canonical bytes, under their SHA-256."""

    sha256 = models.TextField(primary_key=True)
    canonical = models.BinaryField()
    template = models.TextField()

    class Meta:
        verbose_name = _("policy")
        verbose_name_plural = _("policies")
        constraints = [
            one_of("policy_template", "template", Template),
            hexadecimal("policy_sha256", "sha256"),
        ]
        triggers = [
            AppendOnly(),
            Rule(
                name="is_its_hash",
                operation="INSERT",
                declare=[("terms", "jsonb")],
                func=f"""
                    IF NEW.sha256 <> encode(sha256(NEW.canonical), 'hex') THEN
                        {refuse("policy: it stands under the hash of its own bytes")}
                    END IF;
                    terms := convert_from(NEW.canonical, 'UTF8')::jsonb;
                    IF terms ->> 'template' IS DISTINCT FROM NEW.template
                        OR jsonb_typeof(terms -> 'audience') IS DISTINCT FROM 'array'
                        OR jsonb_typeof(terms -> 'territory') IS DISTINCT FROM 'array'
                        OR jsonb_typeof(terms -> 'exclusive') IS DISTINCT FROM 'boolean' THEN
                        {refuse("policy: its bytes are terms of its template")}
                    END IF;
                    RETURN NEW;
                """,
            ),
        ]

    def __str__(self) -> str:
        return f"{self.template} {self.sha256[:12]}"


class Offer(models.Model):
    """What a licensor would allow for a price. It is open until it has an end; a new one supersedes it."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    asset = models.ForeignKey(Asset, models.PROTECT, related_name="offers")
    version = models.ForeignKey(AssetVersion, models.PROTECT, related_name="offers")
    policy = models.ForeignKey(Policy, models.PROTECT, related_name="offers")
    share_plan = models.ForeignKey(SharePlan, models.PROTECT, related_name="offers")
    licensor = models.ForeignKey(Party, models.PROTECT, related_name="offers")
    price_minor_units = models.BigIntegerField()
    currency = models.CharField(max_length=3)
    exclusive = models.BooleanField(default=False)
    audience = ArrayField(models.TextField(), default=list, blank=True)
    supersedes = models.OneToOneField("self", models.PROTECT, null=True, blank=True, related_name="successor")
    intent = models.OneToOneField("ledger.Intent", models.PROTECT, related_name="+")
    published_at = models.DateTimeField()

    class Meta:
        verbose_name = _("offer")
        verbose_name_plural = _("offers")
        constraints = [
            # Order lines point here with their price, so that no line can carry another one.
            models.UniqueConstraint(name="offer_price", fields=["id", "price_minor_units", "currency"]),
            models.CheckConstraint(name="offer_price_not_negative", condition=Q(price_minor_units__gte=0)),
            one_of("offer_currency", "currency", CURRENCIES),
        ]
        triggers = [
            AppendOnly(),
            # The share lock on the asset meets the row lock of setting `public_interest`: one waits for the other.
            Rule(
                name="fits_its_asset",
                operation="INSERT",
                declare=[("asset", "licensing_asset%ROWTYPE"), ("terms", "jsonb")],
                func=f"""
                    SELECT * INTO STRICT asset FROM licensing_asset WHERE id = NEW.asset_id FOR SHARE;
                    SELECT convert_from(canonical, 'UTF8')::jsonb INTO STRICT terms
                        FROM licensing_policy WHERE sha256 = NEW.policy_id;
                    IF NEW.licensor_id <> asset.licensor_id
                        OR NOT EXISTS (SELECT FROM licensing_assetversion
                                       WHERE id = NEW.version_id AND asset_id = NEW.asset_id)
                        OR NOT EXISTS (SELECT FROM licensing_shareplan
                                       WHERE id = NEW.share_plan_id AND asset_id = NEW.asset_id)
                        OR NOT (NEW.supersedes_id IS NULL OR EXISTS (SELECT FROM licensing_offer
                                       WHERE id = NEW.supersedes_id AND asset_id = NEW.asset_id)) THEN
                        {refuse("offer: licensor, version, shares and predecessor are those of its asset")}
                    END IF;
                    IF NEW.exclusive <> (terms -> 'exclusive')::boolean
                        OR to_jsonb(NEW.audience) <> terms -> 'audience' THEN
                        {refuse("offer: exclusivity and audience are those of its terms")}
                    END IF;
                    IF asset.public_interest AND (NEW.price_minor_units > 0 OR NEW.exclusive
                        OR NEW.audience <> '{{}}' OR terms -> 'territory' <> '[]') THEN
                        {refuse("public interest: free, for everybody, everywhere, and nobody's alone")}
                    END IF;
                    RETURN NEW;
                """,
            ),
            Rule(name="prices_hold", operation="INSERT", deferred=True, func=PRICES_HOLD),
        ]

    def __str__(self) -> str:
        return f"{self.price_minor_units} {self.currency} for {self.asset_id}"

    @property
    def is_free(self) -> bool:
        """Tell whether nothing is paid for it."""
        return self.price_minor_units == 0

    @property
    def is_for_everybody(self) -> bool:
        """Tell whether a download under it needs no account."""
        return self.is_free and not self.audience and not self.exclusive


class OfferEnd(models.Model):
    """The end of an offer. An offer without one is open."""

    offer = models.OneToOneField(Offer, models.PROTECT, primary_key=True, related_name="end")
    reason = models.TextField()
    ended_at = models.DateTimeField()
    intent = models.OneToOneField("ledger.Intent", models.PROTECT, null=True, related_name="+")

    class Meta:
        verbose_name = _("end of an offer")
        verbose_name_plural = _("ends of offers")
        constraints = [one_of("offer_end_reason", "reason", EndReason)]
        triggers = [
            AppendOnly(),
            # The lock keeps grants out that are being issued on this offer: they come wholly before or after.
            Rule(
                name="waits_for_grants",
                operation="INSERT",
                func=f"""
                    PERFORM FROM licensing_asset WHERE id = (SELECT asset_id FROM licensing_offer
                                                             WHERE id = NEW.offer_id) FOR NO KEY UPDATE;
                    IF (NEW.reason = 'superseded')
                        <> EXISTS (SELECT FROM licensing_offer WHERE supersedes_id = NEW.offer_id) THEN
                        {refuse("offer: it is superseded by an offer, or else withdrawn")}
                    END IF;
                    RETURN NEW;
                """,
            ),
            Rule(
                name="prices_hold",
                operation="INSERT",
                deferred=True,
                declare=[("ended", "licensing_offer%ROWTYPE")],
                func=f"""
                    SELECT * INTO STRICT ended FROM licensing_offer WHERE id = NEW.offer_id;
                    PERFORM licensing_check_prices(ended.asset_id);
                    IF ended.price_minor_units = 0 AND ended.audience = '{{}}'
                        AND (SELECT public_interest FROM licensing_asset WHERE id = ended.asset_id)
                        AND NOT licensing_is_open_to_all(ended.asset_id) THEN
                        {refuse("public interest: one offer stays free to everybody")}
                    END IF;
                    RETURN NULL;
                """,
            ),
        ]

    def __str__(self) -> str:
        return f"{self.offer_id} {self.reason}"
