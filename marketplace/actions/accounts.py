"""Users: the party that each one is, and the tokens that sign programs in."""

import hashlib
import hmac
import secrets
from datetime import datetime, timedelta
from uuid import UUID

from django.conf import settings
from django.contrib.auth import authenticate
from django.core.cache import cache
from django.db import transaction
from guardian.shortcuts import assign_perm

from licensing import queries as licensing
from licensing.actions import parties
from marketplace.errors import NotFound, SignInFailed, TooManyTries
from marketplace.models import ApiToken, User

TRIES, TRIES_SECONDS = 10, 300
SEEN_EVERY = timedelta(minutes=1)


def party_for(*, user: User, now: datetime) -> UUID:
    """Return the user's own party, and make it where this is the first time it is needed."""
    if user.party_id:
        return user.party_id
    with transaction.atomic():
        locked = User.objects.select_for_update().get(pk=user.pk)
        if not locked.party_id:
            party = parties.register(kind="person", name={"en": user.email.partition("@")[0]}, now=now)
            _give(locked, party)
    user.party_id = locked.party_id
    return locked.party_id


def act_for(*, user: User, party_id: UUID) -> None:
    """Make a party the user's own, as for the person behind a shop."""
    with transaction.atomic():
        _give(User.objects.select_for_update().get(pk=user.pk), licensing.party(party_id))
    user.party_id = party_id


def _give(user: User, party) -> None:
    user.party_id = party.pk
    user.save(update_fields=["party"])
    assign_perm("licensing.act_for_party", user, party)


def sign_in(*, email: str, password: str, address: str) -> User:
    """Return the user of an e-mail address and password. Raises SignInFailed, TooManyTries."""
    key = "sign-in:" + hashlib.sha256(f"{email.lower()}\n{address}".encode()).hexdigest()
    if cache.get(key, 0) >= TRIES:
        raise TooManyTries(TRIES_SECONDS)
    user = authenticate(username=email.strip().lower(), password=password)
    if not isinstance(user, User):
        cache.add(key, 0, TRIES_SECONDS)
        cache.incr(key)
        raise SignInFailed
    return user


def make_token(*, user: User, label: str, request_key: str = "", now: datetime) -> str:
    """Return a new token's secret, which is shown this once.

    With the key of the request that asks for it, asking again gives the same token: the secret is derived from
    it, so that none has to be kept to be repeated.
    """
    if request_key:
        said = f"api token\n{user.pk}\n{user.password}\n{request_key}".encode()
        secret = "wst_" + hmac.digest(settings.SECRET_KEY.encode(), said, "sha256").hex()
    else:
        secret = "wst_" + secrets.token_hex(32)
    ApiToken.objects.get_or_create(
        digest=digest_of(secret),
        defaults={"user": user, "label": label[:100], "ending": secret[-4:], "created_at": now},
    )
    return secret


def digest_of(secret: str) -> str:
    """Return what is kept of a token: it is random, so one round of SHA-256 does."""
    return hashlib.sha256(secret.encode()).hexdigest()


def revoke_token(*, user: User, token_id: UUID, now: datetime) -> None:
    """End a token. Raises NotFound."""
    if not ApiToken.objects.filter(pk=token_id, user=user, revoked_at=None).update(revoked_at=now):
        raise NotFound("token", token_id)


def user_of_token(*, secret: str, now: datetime) -> User | None:
    """Return the user that a token signs in, and note that it was used."""
    token = (
        ApiToken.objects.select_related("user")
        .filter(digest=digest_of(secret), revoked_at=None, user__is_active=True)
        .first()
    )
    if token is None:
        return None
    if token.last_used_at is None or now - token.last_used_at > SEEN_EVERY:
        ApiToken.objects.filter(pk=token.pk).update(last_used_at=now)
    return token.user
