"""Who can be a party, what can be an asset, and the two parties every house has from its first day."""

from enum import StrEnum
from uuid import UUID

# Everybody: the licensee of a standing grant. The platform: the party that holds its share of each sale.
PUBLIC_PARTY_ID = UUID("00000000-0000-4000-8000-000000000001")
PLATFORM_PARTY_ID = UUID("00000000-0000-4000-8000-000000000002")


class PartyKind(StrEnum):
    """Kinds of party; `public` and `platform` have exactly one member each."""

    PERSON = "person"
    ORGANISATION = "organisation"
    COLLECTIVE = "collective"
    PUBLIC = "public"
    PLATFORM = "platform"


class Form(StrEnum):
    """What an asset's files are, in the words of the catalogue format."""

    TABLE = "table"
    NESTED_RECORDS = "nested_records"
    TEXT = "text"
    IMAGE = "image"
    AUDIO = "audio"
    MODEL3D = "model3d"


class Basis(StrEnum):
    """Why a grant was given."""

    PAID = "paid"
    FREE = "free"
    STANDING = "standing"  # to everybody, by publication


class EndReason(StrEnum):
    """Why an offer is no longer open."""

    SUPERSEDED = "superseded"
    WITHDRAWN = "withdrawn"
    PUBLIC_INTEREST = "public_interest"
