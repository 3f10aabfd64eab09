"""The first lines of a dataset, as its cover shows them: verses of a text, rows of a table with a date each."""

from collections.abc import Iterable, Sequence
from itertools import islice
from typing import Any

VERSES, ROWS = 12, 8
LONGEST = 80
_TITLES = ("title", "题名", "名称", "name", "Title", "titel", "label", "作品", "纹样", "object", "caption")
_DATES = (
    "dateText",
    "creation_date",
    "date",
    "年代",
    "year",
    "Date",
    "period",
    "dynasty",
    "yearOfBirth",
    "Dates",
)
_TEXTS = ("paragraphs", "content", "para", "lines", "text", "verse", "正文", "内容", "唱词", "arias")


def verses(records: Iterable[dict[str, Any]]) -> list[str]:
    """Return the first lines of the first records that hold a text."""
    found: list[str] = []
    for record in islice(records, 20):
        body = next((record[name] for name in _TEXTS if record.get(name)), None)
        found += _lines(body if body is not None else longest(record))
        if len(found) >= VERSES:
            break
    return [line[:LONGEST] for line in found[:VERSES]]


def _lines(value: Any) -> list[str]:
    """Return the texts in a value of any depth, in their order."""
    if isinstance(value, str):
        return [line.strip() for line in value.splitlines() if line.strip()]
    if isinstance(value, dict):
        body = next((value[name] for name in _TEXTS if value.get(name)), None)
        return _lines(body) if body is not None else []
    if isinstance(value, list):
        return [line for part in islice(value, VERSES) for line in _lines(part)]
    return []


def longest(record: dict[str, Any]) -> str:
    return max((value for value in record.values() if isinstance(value, str)), key=len, default="")


def rows(records: Iterable[dict[str, Any]]) -> list[list[str]]:
    """Return a label and a date for each of the first records that have a label."""
    found: list[list[str]] = []
    for record in islice(records, 60):
        label = _first(record, _TITLES) or next((v for v in map(_text, record.values()) if len(v) > 3), "")
        if label:
            found.append([label, _first(record, _DATES)])
        if len(found) == ROWS:
            break
    return found


def _first(record: dict[str, Any], names: Sequence[str]) -> str:
    for name in names:
        if text := _text(record.get(name)):
            return text
    return next((t for key in record for name in names if name in key and (t := _text(record[key]))), "")


def _text(value: Any) -> str:
    return " ".join(str(value).split())[:LONGEST] if isinstance(value, (str, int)) else ""
