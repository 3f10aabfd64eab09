"""The shape of an entry's document, and commitments."""

import hmac
from datetime import UTC, datetime, timedelta, timezone
from uuid import UUID

import pytest

from ledger.domain import entry
from ledger.errors import NotADocument

GOOD = {
    "kind": "grant.issued",
    "id": UUID(int=7),
    "at": datetime(2026, 11, 23, 8, 0, tzinfo=UTC),
    "actor": "party:1",
    "subject": "ark:99999/w5x",
}


def test_a_document_has_every_member_and_no_zone_but_utc():
    beijing = datetime(2026, 11, 23, 16, 0, 0, 5, tzinfo=timezone(timedelta(hours=8)))
    made = entry.document(**{**GOOD, "at": beijing}, body={"n": 1})
    assert {*made, "ledger"} == set(entry.FIELDS)
    assert made["at"] == "2026-11-23T08:00:00.000005Z"
    assert made["id"] == "00000000-0000-0000-0000-000000000007"


@pytest.mark.parametrize(
    ("change", "field"),
    [
        ({"kind": "grant"}, "kind"),
        ({"kind": "Grant.Issued"}, "kind"),
        ({"at": datetime(2026, 1, 1)}, "at"),  # noqa: DTZ001
        ({"actor": ""}, "actor"),
        ({"commitments": {"name": "plain text"}}, "commit.name"),
        ({"id": "7"}, "id"),
        ({"id": "00000000-0000-0000-0000-00000000000A"}, "id"),
    ],
)
def test_a_document_of_another_shape_is_refused_by_its_field(change, field):
    with pytest.raises(NotADocument) as refused:
        entry.document(**{**GOOD, **change})
    assert refused.value.field == field


def test_a_member_too_many_or_too_few_is_refused():
    whole = {**entry.document(**GOOD), "ledger": "example.org/log"}
    entry.check(whole)
    with pytest.raises(NotADocument, match="is not a field"):
        entry.check({**whole, "name": "Zhang San"})
    for field in entry.FIELDS:
        with pytest.raises(NotADocument, match=f"{field}: is missing"):
            entry.check({name: value for name, value in whole.items() if name != field})


def test_a_commitment_is_hmac_sha_256_over_canonical_bytes():
    salt = bytes(range(32))
    expected = hmac.digest(salt, b'{"a":1,"b":"\xe5\xbc\xa0"}', "sha256").hex()
    assert entry.commitment(salt, {"b": "张", "a": 1}) == expected
    assert entry.commitment(bytes(32), {"b": "张", "a": 1}) != expected


def test_a_short_salt_is_refused():
    with pytest.raises(ValueError, match="32 bytes"):
        entry.commitment(b"short", "x")
