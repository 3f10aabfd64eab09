"""Parties, and the identifiers that this node has minted."""

import uuid

from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from ledger.triggers import AppendOnly, Rule, refuse
from licensing.domain.parties import PartyKind


def one_of(name: str, field: str, words) -> models.CheckConstraint:
    """Return the constraint that a column holds one of a StrEnum's words."""
    return models.CheckConstraint(name=name, condition=Q(**{f"{field}__in": [str(word) for word in words]}))


def spoken(name: str, *fields: str) -> models.CheckConstraint:
    """Return the constraint that language maps say something, in Chinese or in English."""
    condition = Q()
    for field in fields:
        condition &= Q(**{f"{field}__has_any_keys": ["zh-Hans", "en"]})
    return models.CheckConstraint(name=name, condition=condition)


class Party(models.Model):
    """A person or a body that owns, offers or receives rights. Users log in; parties sign."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    kind = models.TextField(choices=[(kind, kind) for kind in PartyKind])
    organisation_kind = models.TextField(blank=True, default="")
    name = models.JSONField()
    region = models.TextField(blank=True, default="")
    created_at = models.DateTimeField()

    class Meta:
        verbose_name = _("party")
        verbose_name_plural = _("parties")
        permissions = [("act_for_party", "Can act for this party")]
        constraints = [
            one_of("party_kind", "kind", PartyKind),
            spoken("party_name", "name"),
            models.UniqueConstraint(
                name="party_one_public_one_platform",
                fields=["kind"],
                condition=Q(kind__in=["public", "platform"]),
            ),
        ]
        triggers = [
            Rule(
                name="kind_stays",
                operation="UPDATE OF id, kind",
                func=f"""
                    IF NEW.id <> OLD.id OR NEW.kind <> OLD.kind THEN
                        {refuse("party: its identity and kind do not change")}
                    END IF;
                    RETURN NEW;
                """,
            ),
        ]

    def __str__(self) -> str:
        return self.name.get("en") or self.name.get("zh-Hans", str(self.pk))


class Identifier(models.Model):
    """A name that was given out, for good: it is never given to anything else."""

    ark = models.TextField(primary_key=True)
    kind = models.TextField()
    target = models.UUIDField(unique=True)
    minted_at = models.DateTimeField()

    class Meta:
        verbose_name = _("identifier")
        verbose_name_plural = _("identifiers")
        triggers = [AppendOnly()]

    def __str__(self) -> str:
        return self.ark


class IdentifierCounter(models.Model):
    """How many names a shoulder has given out, and the key that makes their order opaque."""

    shoulder = models.TextField(primary_key=True)
    next = models.BigIntegerField(default=0)
    key = models.BinaryField()

    class Meta:
        verbose_name = _("identifier counter")
        verbose_name_plural = _("identifier counters")
        triggers = [
            Rule(
                name="only_forward",
                operation="UPDATE OR DELETE",
                func=f"""
                    IF TG_OP = 'DELETE' THEN
                        {refuse("identifiers: a counter is never set back")}
                    ELSIF NEW.next < OLD.next OR NEW.key <> OLD.key OR NEW.shoulder <> OLD.shoulder THEN
                        {refuse("identifiers: a counter is never set back")}
                    END IF;
                    RETURN NEW;
                """,
            ),
        ]

    def __str__(self) -> str:
        return f"{self.shoulder}: {self.next}"
