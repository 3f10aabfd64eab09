"""Removing what nobody needs any more: answers to old writes, carts that visitors left, files half brought in."""

from datetime import datetime, timedelta

from marketplace.gateways import storage
from marketplace.models import CartLine, IdempotencyRecord

ANSWERS_KEPT = timedelta(days=7)
CARTS_KEPT = timedelta(days=30)
DRAFTS_KEPT = timedelta(days=1)


def tidy(*, now: datetime) -> int:
    """Remove what is too old, and return how many rows and files went."""
    answers, _ = IdempotencyRecord.objects.filter(started_at__lt=now - ANSWERS_KEPT).delete()
    carts, _ = CartLine.objects.filter(user=None, added_at__lt=now - CARTS_KEPT).delete()
    return answers + carts + storage.sweep_drafts(before=now - DRAFTS_KEPT)
