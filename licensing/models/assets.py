"""Assets, their published versions and files, editions of public data, and the rights holders' shares."""

import uuid

from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from ledger.triggers import AppendOnly, Rule, refuse
from licensing.domain.parties import Form
from licensing.models.parties import Identifier, Party, one_of, spoken

PRICED_OR_FENCED = """(o.price_minor_units > 0 OR o.exclusive OR o.audience <> '{}'
    OR convert_from(p.canonical, 'UTF8')::jsonb -> 'territory' <> '[]')"""


def hexadecimal(name: str, field: str) -> models.CheckConstraint:
    """Return the constraint that a column holds a SHA-256 in lower-case hexadecimal."""
    return models.CheckConstraint(name=name, condition=Q(**{f"{field}__regex": "^[0-9a-f]{64}$"}))


def whole(counted: str, parent: str, column: str) -> Rule:
    """Return the deferred rule that a parent has, at commit, exactly as many rows as it says."""
    return Rule(
        name="is_whole",
        operation="INSERT",
        deferred=True,
        func=f"""
            IF (SELECT count(*) FROM {counted} WHERE {parent} = NEW.id) <> NEW.{column} THEN
                {refuse(f"whole: % rows of {counted} were announced", f"NEW.{column}")}
            END IF;
            RETURN NULL;
        """,
    )


def within(table: str, parent: str, column: str) -> Rule:
    """Return the rule that no row is added behind the number that the parent announced."""
    return Rule(
        name="is_announced",
        operation="INSERT",
        func=f"""
            IF NEW.position NOT BETWEEN 1 AND (SELECT {column} FROM {table} WHERE id = NEW.{parent}) THEN
                {refuse(f"whole: {table} announced fewer rows than %", "NEW.position")}
            END IF;
            RETURN NEW;
        """,
    )


class Asset(models.Model):
    """What can be licensed. `public_interest` goes one way, and takes every price and fence with it."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    ark = models.OneToOneField(Identifier, models.PROTECT, related_name="asset", db_column="ark")
    licensor = models.ForeignKey(Party, models.PROTECT, related_name="assets")
    form = models.TextField(choices=[(form, form) for form in Form])
    external_id = models.TextField(blank=True, default="")
    public_interest = models.BooleanField(default=False)
    public_interest_at = models.DateTimeField(null=True, blank=True)
    public_interest_intent = models.OneToOneField(
        "ledger.Intent", models.PROTECT, null=True, blank=True, related_name="+"
    )
    intent = models.OneToOneField("ledger.Intent", models.PROTECT, related_name="+")
    created_at = models.DateTimeField()

    class Meta:
        verbose_name = _("asset")
        verbose_name_plural = _("assets")
        constraints = [
            one_of("asset_form", "form", Form),
            models.UniqueConstraint(
                name="asset_external_id", fields=["licensor", "external_id"], condition=~Q(external_id="")
            ),
            models.CheckConstraint(
                name="asset_public_interest_at",
                condition=Q(public_interest=True)
                | Q(public_interest_at__isnull=True, public_interest_intent__isnull=True),
            ),
        ]
        triggers = [
            Rule(
                name="stays_what_it_is",
                operation="UPDATE OR DELETE",
                func=f"""
                    IF TG_OP = 'DELETE' THEN
                        {refuse("asset: what was registered stays registered")}
                    END IF;
                    IF (NEW.id, NEW.ark, NEW.licensor_id, NEW.form, NEW.external_id, NEW.intent_id, NEW.created_at)
                        IS DISTINCT FROM (OLD.id, OLD.ark, OLD.licensor_id, OLD.form, OLD.external_id,
                                          OLD.intent_id, OLD.created_at) THEN
                        {refuse("asset: identity, licensor and form do not change")}
                    END IF;
                    IF OLD.public_interest AND (NOT NEW.public_interest
                        OR NEW.public_interest_at IS DISTINCT FROM OLD.public_interest_at
                        OR NEW.public_interest_intent_id IS DISTINCT FROM OLD.public_interest_intent_id) THEN
                        {refuse("public interest: the flag goes one way")}
                    END IF;
                    IF NEW.public_interest THEN
                        NEW.public_interest_at := coalesce(NEW.public_interest_at, clock_timestamp());
                    END IF;
                    RETURN NEW;
                """,
            ),
            # Under READ COMMITTED the query below sees every offer that was published before this row was
            # locked. A longer-lived snapshot could miss one that was just committed, so it is refused.
            Rule(
                name="public_ends_prices",
                when="AFTER",
                operation="UPDATE OF public_interest",
                func=f"""
                    IF NEW.public_interest AND NOT OLD.public_interest THEN
                        IF current_setting('transaction_isolation') <> 'read committed' THEN
                            {refuse("public interest: set the flag under READ COMMITTED")}
                        END IF;
                        INSERT INTO licensing_offerend (offer_id, reason, ended_at)
                        SELECT o.id, 'public_interest', NEW.public_interest_at
                        FROM licensing_offer o
                        JOIN licensing_policy p ON p.sha256 = o.policy_id
                        LEFT JOIN licensing_offerend e ON e.offer_id = o.id
                        WHERE o.asset_id = NEW.id AND e.offer_id IS NULL AND {PRICED_OR_FENCED};
                    END IF;
                    RETURN NULL;
                """,
            ),
        ]

    def __str__(self) -> str:
        return self.ark_id


class AssetVersion(models.Model):
    """One published state of an asset. Its files are whole when the transaction commits, and stay so."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    asset = models.ForeignKey(Asset, models.PROTECT, related_name="versions")
    number = models.PositiveIntegerField()
    title = models.JSONField()
    description = models.JSONField()
    metadata = models.JSONField(default=dict)
    rights_uri = models.TextField()
    attribution = models.TextField(blank=True, default="")
    record_count = models.PositiveBigIntegerField()
    file_count = models.PositiveIntegerField()
    files_sha256 = models.TextField()
    source_digest = models.TextField()
    intent = models.OneToOneField("ledger.Intent", models.PROTECT, related_name="+")
    published_at = models.DateTimeField()

    class Meta:
        verbose_name = _("asset version")
        verbose_name_plural = _("asset versions")
        ordering = ["asset", "number"]
        constraints = [
            models.UniqueConstraint(name="version_number", fields=["asset", "number"]),
            models.CheckConstraint(name="version_number_from_one", condition=Q(number__gte=1)),
            spoken("version_title", "title"),
            hexadecimal("version_files_sha256", "files_sha256"),
        ]
        triggers = [AppendOnly(), whole("licensing_assetfile", "version_id", "file_count")]

    def __str__(self) -> str:
        return f"{self.asset_id} v{self.number}"


class AssetFile(models.Model):
    """One file of a version, addressed by the hash of its bytes."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    version = models.ForeignKey(AssetVersion, models.PROTECT, related_name="files")
    position = models.PositiveIntegerField()
    name = models.TextField()
    media_type = models.TextField()
    byte_size = models.PositiveBigIntegerField()
    sha256 = models.TextField(db_index=True)
    storage_key = models.TextField()
    source = models.JSONField(default=dict, blank=True)

    class Meta:
        verbose_name = _("file")
        verbose_name_plural = _("files")
        ordering = ["version", "position"]
        constraints = [
            models.UniqueConstraint(name="file_position", fields=["version", "position"]),
            models.UniqueConstraint(name="file_name", fields=["version", "name"]),
            models.CheckConstraint(name="file_name_given", condition=~Q(name="")),
            hexadecimal("file_sha256", "sha256"),
        ]
        triggers = [AppendOnly(), within("licensing_assetversion", "version_id", "file_count")]

    def __str__(self) -> str:
        return self.name


class Edition(models.Model):
    """What makes a priced selection of public records lawful: its plan for the public. The latest one counts."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    asset = models.ForeignKey(Asset, models.PROTECT, related_name="editions")
    number = models.PositiveIntegerField()
    adds = models.JSONField()
    benefit_plan = models.JSONField()
    free_for = ArrayField(models.TextField())
    size = models.PositiveIntegerField()  # how many sources it names
    declared_at = models.DateTimeField()

    class Meta:
        verbose_name = _("edition")
        verbose_name_plural = _("editions")
        constraints = [
            models.UniqueConstraint(name="edition_number", fields=["asset", "number"]),
            models.CheckConstraint(
                name="edition_benefit_plan",
                # Without `has_keys` a missing language would be NULL, and NULL passes a check.
                condition=Q(benefit_plan__has_keys=["zh-Hans", "en"])
                & Q(**{"benefit_plan__zh-Hans__regex": r"\S", "benefit_plan__en__regex": r"\S"}),
            ),
            models.CheckConstraint(
                name="edition_free_for", condition=Q(free_for__contains=["education", "public_culture"])
            ),
            models.CheckConstraint(name="edition_names_a_source", condition=Q(size__gte=1)),
        ]
        triggers = [
            AppendOnly(),
            whole("licensing_editionsource", "edition_id", "size"),
            Rule(
                name="keeps_a_free_path",
                operation="INSERT",
                deferred=True,
                func="PERFORM licensing_check_prices(NEW.asset_id); RETURN NULL;",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.asset_id} e{self.number}"


class EditionSource(models.Model):
    """One of the free wholes that an edition was made from."""

    edition = models.ForeignKey(Edition, models.PROTECT, related_name="sources")
    position = models.PositiveIntegerField()
    source = models.ForeignKey(Asset, models.PROTECT, related_name="editions_made_from_it")

    class Meta:
        verbose_name = _("edition source")
        verbose_name_plural = _("edition sources")
        ordering = ["edition", "position"]
        constraints = [
            models.UniqueConstraint(name="edition_source", fields=["edition", "source"]),
            models.UniqueConstraint(name="edition_source_position", fields=["edition", "position"]),
        ]
        triggers = [
            AppendOnly(),
            within("licensing_edition", "edition_id", "size"),
            Rule(
                name="source_is_public",
                operation="INSERT",
                func=f"""
                    IF NOT EXISTS (SELECT FROM licensing_asset a JOIN licensing_edition e ON e.asset_id <> a.id
                                   WHERE a.id = NEW.source_id AND e.id = NEW.edition_id AND a.public_interest)
                    THEN
                        {refuse("edition: its sources are other assets, of public interest")}
                    END IF;
                    RETURN NEW;
                """,
            ),
        ]

    def __str__(self) -> str:
        return f"{self.edition_id} from {self.source_id}"


class SharePlan(models.Model):
    """How the price of an asset is divided from now on. Agreed anew, it is a new plan."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    asset = models.ForeignKey(Asset, models.PROTECT, related_name="share_plans")
    number = models.PositiveIntegerField()
    size = models.PositiveIntegerField()
    agreed_at = models.DateTimeField()

    class Meta:
        verbose_name = _("share plan")
        verbose_name_plural = _("share plans")
        constraints = [
            models.UniqueConstraint(name="share_plan_number", fields=["asset", "number"]),
            models.CheckConstraint(name="share_plan_has_holders", condition=Q(size__gte=1)),
        ]
        triggers = [AppendOnly(), whole("licensing_share", "plan_id", "size")]

    def __str__(self) -> str:
        return f"{self.asset_id} s{self.number}"


class Share(models.Model):
    """One rights holder's weight in a plan; positions start at 1."""

    plan = models.ForeignKey(SharePlan, models.PROTECT, related_name="shares")
    position = models.PositiveIntegerField()
    party = models.ForeignKey(Party, models.PROTECT, related_name="shares")
    weight = models.PositiveIntegerField()

    class Meta:
        verbose_name = _("share")
        verbose_name_plural = _("shares")
        ordering = ["plan", "position"]
        constraints = [
            models.UniqueConstraint(name="share_position", fields=["plan", "position"]),
            models.UniqueConstraint(name="share_party", fields=["plan", "party"]),
            models.CheckConstraint(name="share_weight", condition=Q(weight__gte=1)),
        ]
        triggers = [AppendOnly(), within("licensing_shareplan", "plan_id", "size")]

    def __str__(self) -> str:
        return f"{self.party_id}: {self.weight}"
