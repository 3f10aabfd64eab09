"""Registering parties, and forgetting what a person is called."""

from datetime import datetime
from uuid import UUID

from licensing import queries
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


def forget_name(party_id: UUID) -> bool:
    """Call a person by the party's id alone, and tell whether that was done; who offers rights keeps the name.

    Raises NotFound.
    """
    party = queries.party(party_id)
    if party.kind != PartyKind.PERSON or queries.offers_rights(party_id):
        return False
    digits = str(party.pk)[:8]
    party.name = {"zh-Hans": f"被授权方 {digits}", "en": f"Licensee {digits}"}
    party.save(update_fields=["name"])
    return True
