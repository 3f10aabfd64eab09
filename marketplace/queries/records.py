"""The records of a published version as a page shows them: read from the delivered files themselves, in order."""

import csv
import io
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache
from itertools import islice
from typing import Any
from uuid import UUID

from licensing import queries as licensing
from marketplace.domain import selection
from marketplace.domain.selection import Form, SourceUnreadable
from marketplace.gateways import storage

LONGEST_CELL = 400
MOST = 1000


@dataclass(frozen=True, slots=True)
class FieldSummary:
    """What the first records hold in one field."""

    name: str
    filled: int
    distinct: int
    example: str


def first(version_id: UUID, *, start: int = 0, count: int = 50) -> list[dict[str, Any]]:
    """Return some records of a version, counted from 0 over its files; none where no file holds records."""
    return list(islice(_records(version_id), start, start + count))


def columns(records: Sequence[dict[str, Any]]) -> list[str]:
    """Return the names of all fields, in the order in which they first appear."""
    return list(dict.fromkeys(name for record in records for name in record))


def cell(value: Any) -> str:
    """Return a field's value as a table shows it."""
    text = selection.as_text(value)
    return text if len(text) <= LONGEST_CELL else text[:LONGEST_CELL] + "…"


@lru_cache(maxsize=64)
def fields(version_id: UUID) -> tuple[int, tuple[FieldSummary, ...]]:
    """Return how many records were looked at (at most 1,000) and what their fields hold; versions never change."""
    seen = first(version_id, count=MOST)
    summaries = []
    for name in columns(seen):
        values = [text for record in seen if (text := selection.as_text(record.get(name)))]
        example = cell(values[0])[:80] if values else ""
        summaries.append(FieldSummary(name, len(values), len(set(values)), example))
    return len(seen), tuple(summaries)


@lru_cache(maxsize=64)
def described(version_id: UUID) -> dict[str, dict[str, str]]:
    """Return the rows of the table that describes a version's pictures or recordings, by file name."""
    for file in licensing.files(version_id):
        if file.name.lower().endswith(".csv"):
            with storage.open_file(file.storage_key) as stream:
                rows = csv.DictReader(io.TextIOWrapper(stream, "utf-8-sig", newline=""))
                return {row["file"]: row for row in rows if row.get("file")}
    return {}


def _records(version_id: UUID) -> Iterator[dict[str, Any]]:
    for file in licensing.files(version_id):
        form = selection.form_of(file.name)
        if form is Form.WHOLE:
            continue
        with storage.open_file(file.storage_key) as stream:
            plain = selection.opened(stream, file.name)
            encoding = (file.source or {}).get("encoding") or "utf-8"
            try:
                yield from selection.records(plain, form=form, encoding=encoding)
            except SourceUnreadable:
                continue


@dataclass(frozen=True, slots=True)
class Reading:
    """One text as it is read: its heading, who wrote it, its lines."""

    heading: str
    author: str
    lines: list[str]


HEADINGS = ("title", "rhythmic", "题名", "name", "chapter")
AUTHORS = ("author", "作者", "creator", "artist")
BODIES = ("paragraphs", "content", "para", "lines", "text", "verse", "正文", "内容", "唱词", "arias")
MOST_LINES = 80


def reading(record: dict[str, Any]) -> Reading:
    """Return a record of a text as it is read."""
    said = [
        next((str(record[name]) for name in names if record.get(name)), "") for names in (HEADINGS, AUTHORS)
    ]
    body = next((record[name] for name in BODIES if record.get(name)), None)
    if body is None:
        body = max((value for value in record.values() if isinstance(value, str)), key=len, default="")
    return Reading(said[0], said[1], list(islice(_lines(body), MOST_LINES)))


def _lines(value: Any) -> Iterator[str]:
    if isinstance(value, str):
        yield from (line.strip() for line in value.splitlines() if line.strip())
    elif isinstance(value, dict):
        heading = next((str(value[name]) for name in HEADINGS if value.get(name)), "")
        if heading:
            yield heading
        yield from _lines(next((value[name] for name in BODIES if value.get(name)), None))
    elif isinstance(value, list):
        for part in value:
            yield from _lines(part)
