"""Erasing what a commitment hides: on which grounds, and the entry that says so.

    {"kind": "opening.erased", "actor": "ledger", "subject": the erased entry's document id,
     "refs": {"field": name, "ground": text, "entry": its number, where it has one already}, …}

One entry for each field. The commitment stays where it stands; without value and salt it says nothing.
"""

from collections.abc import Mapping
from datetime import datetime
from enum import StrEnum
from typing import Any
from uuid import UUID

from ledger.domain import entry

ERASED = "opening.erased"


class Ground(StrEnum):
    """Why something personal is erased."""

    PIPL_47 = "pipl-47"
    GDPR_17 = "gdpr-17"
    COURT_ORDER = "court-order"
    CONSENT_WITHDRAWN = "consent-withdrawn"


# In Chinese and in English.
GROUND_NAMES = {
    Ground.PIPL_47: ("《个人信息保护法》第四十七条", "Article 47 of China’s PIPL"),
    Ground.GDPR_17: ("《通用数据保护条例》第十七条", "Article 17 of the GDPR"),
    Ground.COURT_ORDER: ("法院裁判", "a court’s order"),
    Ground.CONSENT_WITHDRAWN: ("撤回同意", "withdrawn consent"),
}


def erasure(
    *, id: UUID, at: datetime, document: Mapping[str, Any], number: int | None, field: str, ground: Ground
) -> dict[str, Any]:
    """Return the document that says that a field of another document was erased."""
    refs = {"field": field, "ground": str(ground)}
    return entry.document(
        kind=ERASED,
        id=id,
        at=at,
        actor="ledger",
        subject=document["id"],
        refs=refs if number is None else {**refs, "entry": number},
    )


def erasure_key(intent_id: int, field: str) -> str:
    """Return the idempotency key of that document: a field is erased once."""
    return f"{ERASED}:{intent_id}:{field}"
