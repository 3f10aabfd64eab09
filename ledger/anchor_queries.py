"""What can be asked of the anchors without asking a chain."""

from django.db.models import Q, QuerySet

from ledger.domain.anchoring import OPEN_ANCHORS, AnchorState
from ledger.models import Anchor

STANDING = Q(contract=None) | Q(contract__vanished_at=None)  # not on a test chain that is gone


def anchors(limit: int = 50) -> list[Anchor]:
    """Return the newest anchors, newest first, those of chains that are gone among them."""
    return list(Anchor.objects.select_related("contract")[:limit])


def latest_anchor() -> Anchor | None:
    """Return the newest confirmed anchor on a chain that still is."""
    return live_anchors().filter(state=AnchorState.CONFIRMED).order_by("-size").first()


def anchor_over(size: int) -> Anchor | None:
    """Return the anchor that covers so many entries: the first confirmed one, else the one under way."""
    covering = live_anchors().filter(size__gte=size)
    confirmed = covering.filter(state=AnchorState.CONFIRMED).order_by("size").first()
    return confirmed or covering.filter(state__in=OPEN_ANCHORS).first()


def open_anchor() -> Anchor | None:
    """Return the anchor that something is still to be done about."""
    return Anchor.objects.select_related("contract").filter(state__in=OPEN_ANCHORS).first()


def live_anchors() -> QuerySet[Anchor]:
    """Return the anchors under way or there, without those dropped and those of chains that are gone."""
    return Anchor.objects.select_related("contract").filter(STANDING).exclude(state=AnchorState.DROPPED)
