"""The document of one ledger entry, and the commitments that stand in it for personal data.

    {"v": 1, "kind": "grant.issued", "ledger": origin, "id": UUID, "at": "2026-11-23T08:00:00.000000Z",
     "actor": text, "subject": text, "refs": {name: text | integer | list of them},
     "commit": {name: 64 hexadecimal digits}, "body": {…}}

Personal data is never a member; `commitment` is, and its salt stays with the caller, erasable.
"""

import hmac
import re
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

from ledger.domain import canonical
from ledger.errors import NotADocument

VERSION = 1
SALT_SIZE = 32
FIELDS = ("v", "kind", "ledger", "id", "at", "actor", "subject", "refs", "commit", "body")
_KIND = re.compile(r"[a-z][a-z0-9_]*(\.[a-z][a-z0-9_]*)+")
_TIME = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}\.[0-9]{6}Z")
_DIGEST = re.compile(r"[0-9a-f]{64}")


def document(
    *,
    kind: str,
    id: UUID,
    at: datetime,
    actor: str,
    subject: str,
    refs: Mapping[str, Any] | None = None,
    commitments: Mapping[str, str] | None = None,
    body: Mapping[str, Any] | None = None,
) -> dict[str, Any]:
    """Return the document of one entry; `log.append` adds which ledger it is for. Raises NotADocument."""
    made = {
        "v": VERSION,
        "kind": kind,
        "id": str(id),
        "at": timestamp(at),
        "actor": str(actor),
        "subject": str(subject),
        "refs": dict(refs or {}),
        "commit": dict(commitments or {}),
        "body": dict(body or {}),
    }
    check({**made, "ledger": "?"})
    return made


def commitment(salt: bytes, value: Any) -> str:
    """Return HMAC-SHA-256 of a value's canonical bytes under its own 32-byte salt, in hexadecimal."""
    if len(salt) != SALT_SIZE:
        raise ValueError(f"a salt has {SALT_SIZE} bytes, not {len(salt)}")
    return hmac.digest(salt, canonical.encode(value), "sha256").hex()


def timestamp(at: datetime) -> str:
    """Return a time as the log spells it: UTC with microseconds. Raises NotADocument without a zone."""
    if at.tzinfo is None:
        raise NotADocument("at", "a time without its zone")
    return at.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S.%fZ")


def check(value: Mapping[str, Any]) -> None:
    """Refuse what is not shaped as an entry's document. Raises NotADocument naming the field."""
    for field in FIELDS:
        if field not in value:
            raise NotADocument(field, "is missing")
    for field in value:
        if field not in FIELDS:
            raise NotADocument(str(field), "is not a field of an entry")
    if value["v"] != VERSION or isinstance(value["v"], bool):
        raise NotADocument("v", f"must be {VERSION}")
    for field in ("kind", "ledger", "id", "at", "actor", "subject"):
        if not isinstance(value[field], str) or not value[field]:
            raise NotADocument(field, "must be text")
    for field in ("refs", "commit", "body"):
        if not isinstance(value[field], Mapping):
            raise NotADocument(field, "must be an object")
    _check_spellings(value)


def _check_spellings(value: Mapping[str, Any]) -> None:
    if not _KIND.fullmatch(value["kind"]):
        raise NotADocument("kind", "must be two or more words joined by dots")
    if not _TIME.fullmatch(value["at"]):
        raise NotADocument("at", "must be UTC with microseconds")
    try:
        spelled = str(UUID(value["id"]))
    except ValueError as error:
        raise NotADocument("id", "must be a UUID") from error
    if spelled != value["id"]:
        raise NotADocument("id", "must be a UUID in its one spelling")
    for name, digest in value["commit"].items():
        if not isinstance(digest, str) or not _DIGEST.fullmatch(digest):
            raise NotADocument(f"commit.{name}", "must be 64 hexadecimal digits")
