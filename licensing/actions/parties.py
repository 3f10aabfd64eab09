"""Registering parties."""

from datetime import datetime

from licensing.domain.parties import PartyKind
from licensing.models import Party


def register(
    *, kind: str, name: dict[str, str], region: str = "", organisation_kind: str = "", now: datetime
) -> Party:
    """Register a person, an organisation or a collective. Parties are not logged: only what they do is."""
    if kind in (PartyKind.PUBLIC, PartyKind.PLATFORM):
        raise ValueError(f"there is one {kind} party, and it stands already")
    return Party.objects.create(
        kind=PartyKind(kind), name=name, region=region, organisation_kind=organisation_kind, created_at=now
    )
