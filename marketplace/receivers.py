"""What happens when somebody signs up or in: they become a party, and keep the cart they had as a visitor."""

from typing import Any

from allauth.account.signals import user_signed_up
from django.contrib.auth.signals import user_logged_in
from django.dispatch import receiver

from ledger import clock
from marketplace.actions import accounts, cart


@receiver(user_signed_up)
def become_party(sender: Any, user: Any, **_: Any) -> None:
    """Make the party of kind person that a new user is."""
    accounts.party_for(user=user, now=clock.now())


@receiver(user_logged_in)
def keep_cart(sender: Any, request: Any, user: Any, **_: Any) -> None:
    """Move the visitor's cart to the user."""
    session = getattr(request, "session", None)
    if session is not None:
        cart.take_over(user=user, session_key=session.get(cart.SESSION_FIELD, ""))
