"""The cart: what somebody means to license. A visitor's cart moves to the user who signs in.

A visitor's cart is known by `session_key`, which the session keeps: the session's own key changes at sign-in.
"""

import secrets
from collections.abc import MutableMapping
from datetime import datetime
from typing import Any
from uuid import UUID

from django.db import transaction

from marketplace.actions import checkout
from marketplace.actions.checkout import Wanted
from marketplace.models import CartLine, User

SESSION_FIELD = "cart"


def session_key(session: MutableMapping[str, Any]) -> str:
    """Return the key of a visitor's cart, and give the session one where it has none."""
    return session.setdefault(SESSION_FIELD, secrets.token_urlsafe(16))


def add(*, user: Any, session_key: str, wanted: Wanted, now: datetime) -> CartLine:
    """Put a listing into a cart, or say anew what it is for. Raises what `checkout.choose` raises."""
    listing, _offered = checkout.choose(wanted)
    said = {
        "purpose": wanted.purpose,
        "institution": wanted.institution.strip(),
        "institution_kind": wanted.institution_kind if wanted.institution.strip() else "",
    }
    line, _is_new = CartLine.objects.update_or_create(
        **owner(user, session_key), listing=listing, defaults=said, create_defaults={**said, "added_at": now}
    )
    return line


def remove(*, user: Any, session_key: str, line_id: UUID) -> None:
    """Take a line out of a cart; one that is not there is gone already."""
    CartLine.objects.filter(pk=line_id, **owner(user, session_key)).delete()


@transaction.atomic
def take_over(*, user: User, session_key: str) -> None:
    """Move a visitor's cart to the user who has signed in; what stands in theirs already stays as it is."""
    if not session_key:
        return
    there = CartLine.objects.filter(user=user).values("listing_id")
    CartLine.objects.filter(session_key=session_key, listing_id__in=there).delete()
    CartLine.objects.filter(session_key=session_key).update(user=user, session_key="")


def owner(user: Any, session_key: str) -> dict[str, object]:
    """Return whose cart it is."""
    if user and user.is_authenticated:
        return {"user": user, "session_key": ""}
    return {"user": None, "session_key": session_key}
