"""Tables of licensing: who the parties are, what there is, what is offered on which terms, what was granted."""

from licensing.models.assets import (
    Asset,
    AssetFile,
    AssetVersion,
    Edition,
    EditionSource,
    Share,
    SharePlan,
)
from licensing.models.grants import Grant, GrantRevocation
from licensing.models.offers import Offer, OfferEnd, Policy
from licensing.models.parties import Identifier, IdentifierCounter, Party

__all__ = [
    "Asset",
    "AssetFile",
    "AssetVersion",
    "Edition",
    "EditionSource",
    "Grant",
    "GrantRevocation",
    "Identifier",
    "IdentifierCounter",
    "Offer",
    "OfferEnd",
    "Party",
    "Policy",
    "Share",
    "SharePlan",
]
