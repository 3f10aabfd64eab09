"""What is on show, and who signs in to see it: users and their tokens, shops, listings, carts, deliveries.

Of rights and money nothing is kept here: a listing points at its asset, a delivery at its grant.
"""

import uuid

from django.contrib.auth.base_user import AbstractBaseUser, BaseUserManager
from django.contrib.auth.models import PermissionsMixin
from django.contrib.postgres.fields import ArrayField
from django.contrib.postgres.indexes import GinIndex
from django.contrib.postgres.search import SearchVectorField
from django.db import models
from django.db.models import Q
from django.utils import timezone

from ledger.triggers import AppendOnly, Rule, refuse


class UserManager(BaseUserManager):
    """Makes users, who are known by their e-mail address."""

    def create_user(self, email: str, password: str | None = None, **fields) -> "User":
        """Make a user; without a password nobody can sign in as them."""
        user = self.model(email=self.normalize_email(email).lower(), **fields)
        user.set_password(password)
        user.save(using=self._db)
        return user

    def create_superuser(self, email: str, password: str | None = None, **fields) -> "User":
        """Make a user who may do everything in the admin."""
        return self.create_user(email, password, is_staff=True, is_superuser=True, **fields)


class User(AbstractBaseUser, PermissionsMixin):
    """A person who signs in. Their own party is a person; for others they act by permission on that party."""

    email = models.EmailField(unique=True)
    party = models.OneToOneField("licensing.Party", models.PROTECT, null=True, blank=True, related_name="+")
    is_staff = models.BooleanField(default=False)
    is_active = models.BooleanField(default=True)
    joined_at = models.DateTimeField(default=timezone.now)

    objects = UserManager()

    USERNAME_FIELD = "email"
    EMAIL_FIELD = "email"

    def __str__(self) -> str:
        return self.email


class ApiToken(models.Model):
    """A secret that signs a program in as a user; only its SHA-256 is kept."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    user = models.ForeignKey(User, models.CASCADE, related_name="api_tokens")
    digest = models.CharField(max_length=64, unique=True)
    label = models.CharField(max_length=100)
    ending = models.CharField(max_length=4)  # of the secret, so that its owner knows it again
    created_at = models.DateTimeField()
    last_used_at = models.DateTimeField(null=True)
    revoked_at = models.DateTimeField(null=True)

    def __str__(self) -> str:
        return f"{self.label} …{self.ending}"

    @property
    def is_live(self) -> bool:
        return self.revoked_at is None


class Shop(models.Model):
    """The storefront of one party."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    party = models.OneToOneField("licensing.Party", models.PROTECT, related_name="+")
    slug = models.SlugField(max_length=80, unique=True)
    name = models.JSONField()
    about = models.JSONField(default=dict)
    region = models.CharField(max_length=20, blank=True)
    kind = models.CharField(max_length=40)
    attribution = models.TextField(blank=True)
    opened_at = models.DateTimeField()

    def __str__(self) -> str:
        return self.slug


class Listing(models.Model):
    """An asset on show in a shop, with what search and cards need of its current version."""

    class State(models.TextChoices):
        LISTED = "listed"
        DELISTED = "delisted"

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    shop = models.ForeignKey(Shop, models.PROTECT, related_name="listings")
    asset = models.OneToOneField("licensing.Asset", models.PROTECT, related_name="listing")
    version = models.ForeignKey("licensing.AssetVersion", models.PROTECT, related_name="+")
    slug = models.SlugField(max_length=80)
    title = models.JSONField()
    summary = models.JSONField()
    form = models.CharField(max_length=20)
    formats = ArrayField(models.CharField(max_length=20))
    subject_classes = ArrayField(models.CharField(max_length=60), default=list)
    languages = ArrayField(models.CharField(max_length=20), default=list)
    region = models.CharField(max_length=80, blank=True)
    period_start = models.IntegerField(null=True)
    period_end = models.IntegerField(null=True)
    rights_uri = models.CharField(max_length=500)
    record_count = models.BigIntegerField()
    byte_size = models.BigIntegerField()
    cover = models.JSONField(default=dict)
    search = SearchVectorField(null=True)
    sort_key = models.CharField(max_length=200)
    state = models.CharField(max_length=10, choices=State, default=State.LISTED)
    listed_at = models.DateTimeField()
    updated_at = models.DateTimeField()

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["shop", "slug"], name="listing_slug_in_shop"),
            models.CheckConstraint(
                condition=Q(period_start__isnull=True) | Q(period_start__lte=models.F("period_end")),
                name="listing_period_in_order",
            ),
            models.CheckConstraint(condition=Q(state__in=["listed", "delisted"]), name="listing_state_known"),
        ]
        indexes = [
            GinIndex(fields=["search"], name="listing_search"),
            GinIndex(fields=["subject_classes"], name="listing_subject_classes"),
            models.Index(fields=["state", "-updated_at"], name="listing_newest"),
        ]

    def __str__(self) -> str:
        return f"{self.shop.slug}/{self.slug}"


class CartLine(models.Model):
    """A listing that somebody means to license, and what for; a visitor's cart is known by the session."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    user = models.ForeignKey(User, models.CASCADE, null=True, related_name="+")
    session_key = models.CharField(max_length=40, blank=True)
    listing = models.ForeignKey(Listing, models.CASCADE, related_name="+")
    purpose = models.CharField(max_length=20)
    institution = models.CharField(max_length=200, blank=True)
    institution_kind = models.CharField(max_length=20, blank=True)
    added_at = models.DateTimeField()

    class Meta:
        constraints = [
            models.CheckConstraint(
                condition=Q(user__isnull=False, session_key="") | (Q(user=None) & ~Q(session_key="")),
                name="cart_line_has_one_owner",
            ),
            models.UniqueConstraint(
                fields=["user", "listing"], condition=Q(user__isnull=False), name="cart_line_once_per_user"
            ),
            models.UniqueConstraint(
                fields=["session_key", "listing"], condition=Q(user=None), name="cart_line_once_per_session"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.listing_id} {self.purpose}"


class Delivery(models.Model):
    """One file handed out under one grant by one link, however many requests it takes until the link expires."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    link = models.UUIDField(unique=True)
    grant = models.ForeignKey("licensing.Grant", models.PROTECT, related_name="+")
    file = models.ForeignKey("licensing.AssetFile", models.PROTECT, related_name="+")
    decision = models.JSONField()
    intent = models.OneToOneField("ledger.Intent", models.PROTECT, related_name="+")
    opened_at = models.DateTimeField()

    class Meta:
        verbose_name_plural = "deliveries"
        constraints = [
            models.CheckConstraint(
                condition=Q(decision__contains={"permit": True}), name="delivery_was_permitted"
            )
        ]
        triggers = [
            AppendOnly(),
            Rule(
                name="file_of_grant",
                operation="INSERT",
                func=f"""
                    IF NOT EXISTS (
                        SELECT FROM licensing_grant g JOIN licensing_assetfile f ON f.version_id = g.version_id
                        WHERE g.id = NEW.grant_id AND f.id = NEW.file_id
                    ) THEN
                        {refuse("delivery: a grant opens the files of its own version only")}
                    END IF;
                    RETURN NEW;
                """,
            ),
        ]

    def __str__(self) -> str:
        return str(self.id)


class DeliveryCount(models.Model):
    """How often a delivery was asked for, and how many bytes went out."""

    delivery = models.OneToOneField(Delivery, models.PROTECT, primary_key=True, related_name="count")
    requests = models.BigIntegerField(default=0)
    bytes_sent = models.BigIntegerField(default=0)
    last_at = models.DateTimeField()

    def __str__(self) -> str:
        return f"{self.requests} requests"


class PreviewCount(models.Model):
    """How often a listing's renditions were shown on a day; what may be shown was decided at publication."""

    listing = models.ForeignKey(Listing, models.CASCADE, related_name="+")
    day = models.DateField()
    requests = models.BigIntegerField(default=0)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["listing", "day"], name="preview_count_by_day")]

    def __str__(self) -> str:
        return f"{self.day}: {self.requests}"


class Report(models.Model):
    """A rights-audit report that somebody asked for: queued, then made or failed, and after that as it is."""

    class Subject(models.TextChoices):
        ASSET = "asset"
        SHOP = "shop"

    class State(models.TextChoices):
        QUEUED = "queued"  # we: the worker makes it
        MADE = "made"  # nobody
        FAILED = "failed"  # nobody; who asked may ask again

    class Failure(models.TextChoices):
        NO_CHECKPOINT = "no-checkpoint"
        TOO_LARGE = "too-large"
        FAULT = "fault"

    number = models.TextField(unique=True)
    subject_kind = models.TextField(choices=Subject)
    subject_id = models.UUIDField()
    subject_name = models.TextField()  # the ARK of the asset, the slug of the shop
    as_of = models.DateTimeField()
    asked_by = models.ForeignKey(User, models.SET_NULL, null=True, related_name="+")
    asked_at = models.DateTimeField()
    state = models.TextField(choices=State, default=State.QUEUED)
    failure = models.TextField(choices=Failure, blank=True, default="")
    made_at = models.DateTimeField(null=True)
    digest = models.TextField(blank=True, default="")  # SHA-256 of report.json
    checkpoint_size = models.BigIntegerField(null=True)
    storage_key = models.TextField(blank=True, default="")  # of the bundle, a zip

    class Meta:
        constraints = [
            models.CheckConstraint(
                name="report_subject_known", condition=Q(subject_kind__in=["asset", "shop"])
            ),
            models.CheckConstraint(name="report_looks_back", condition=Q(as_of__lte=models.F("asked_at"))),
            models.CheckConstraint(
                name="report_is_whole",
                condition=Q(state="queued", made_at=None, digest="", failure="", storage_key="")
                | Q(state="failed", made_at__isnull=False, digest="") & ~Q(failure="")
                | Q(
                    state="made",
                    made_at__isnull=False,
                    digest__regex="^[0-9a-f]{64}$",
                    checkpoint_size__gt=0,
                    failure="",
                )
                & ~Q(storage_key=""),
            ),
        ]
        indexes = [
            models.Index(fields=["asked_at"], condition=Q(state="queued"), name="report_waiting"),
            models.Index(fields=["asked_by", "-asked_at"], name="report_asked_by"),
        ]
        triggers = [
            Rule(
                name="stays_as_made",
                operation="UPDATE OR DELETE",
                func=f"""
                    IF TG_OP = 'DELETE' THEN
                        {refuse("report: what was asked for stays")}
                    END IF;
                    IF (NEW.number, NEW.subject_kind, NEW.subject_id, NEW.subject_name, NEW.as_of, NEW.asked_at)
                        IS DISTINCT FROM (OLD.number, OLD.subject_kind, OLD.subject_id, OLD.subject_name,
                                          OLD.as_of, OLD.asked_at)
                        OR NEW.asked_by_id IS DISTINCT FROM OLD.asked_by_id AND NEW.asked_by_id IS NOT NULL THEN
                        {refuse("report: what was asked for stays")}
                    END IF;
                    IF OLD.state <> 'queued' AND (NEW.state, NEW.failure, NEW.made_at, NEW.digest,
                                                  NEW.checkpoint_size, NEW.storage_key)
                        IS DISTINCT FROM (OLD.state, OLD.failure, OLD.made_at, OLD.digest,
                                          OLD.checkpoint_size, OLD.storage_key) THEN
                        {refuse("report: it stays as it was made")}
                    END IF;
                    RETURN NEW;
                """,
            ),
        ]

    def __str__(self) -> str:
        return self.number


class IdempotencyRecord(models.Model):
    """The answer to a write, kept so that the same request asked again gets the same answer."""

    scope = models.CharField(max_length=80)  # who asked
    key = models.CharField(max_length=255)
    fingerprint = models.CharField(max_length=64)  # HMAC of method, path and body
    status = models.PositiveSmallIntegerField(null=True)  # none while the first request is still running
    body = models.TextField(null=True)  # as it was sent
    started_at = models.DateTimeField()

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["scope", "key"], name="idempotency_key_once_per_scope")
        ]

    def __str__(self) -> str:
        return self.key
