"""Recomputes what a dataset's file ought to be from the catalogue's folder alone: a second opinion on delivery.

Shares no code with the import. It reads a whole source into memory, keeps each record's own text, applies the
selection with a few lines of its own, and hashes what remains. Used by the demonstration and by tests.
"""

import csv
import gzip
import hashlib
import io
import json
from pathlib import Path


def digests(dataset: dict, folder: Path) -> list[str]:
    """Return the SHA-256 of every file that the dataset offers, in the order of its sources."""
    sources, conditions = [folder / name for name in dataset["source_files"]], dataset["selection"]
    return [sha256(selected(path, conditions) if conditions else path.read_bytes()) for path in sources]


def sha256(data: bytes) -> str:
    """Return a digest in hex."""
    return hashlib.sha256(data).hexdigest()


def selected(path: Path, conditions: list[dict]) -> bytes:
    """Return the chosen records of a source in its order, uncompressed, with whatever surrounds records there."""
    data = path.read_bytes()
    if path.suffix == ".gz":
        data, path = gzip.decompress(data), path.with_suffix("")
    encoding = encoding_of(data)
    text = data.decode(encoding)
    chosen = {".csv": rows, ".jsonl": lines, ".json": members}[path.suffix](text, conditions)
    return chosen.encode(encoding)


def encoding_of(data: bytes) -> str:
    """Return how the text is encoded, told by its mark or by trying. The mark stays a character of the text."""
    if data[:2] == b"\xff\xfe":
        return "utf-16-le"
    if data[:2] == b"\xfe\xff":
        return "utf-16-be"
    try:
        data.decode("utf-8")
    except UnicodeDecodeError:
        return "gb18030"
    return "utf-8"


def rows(text: str, conditions: list[dict]) -> str:
    """Keep the header and the chosen rows; a row with line breaks in quotes is several lines."""
    records: list[str] = []
    for line in io.StringIO(text, newline=""):
        open_quotes = bool(records) and records[-1].count('"') % 2 == 1
        if open_quotes:
            records[-1] += line
        else:
            records.append(line)
    names = cells(records[0].removeprefix("\ufeff"))
    return records[0] + "".join(
        row for row in records[1:] if holds(dict(zip(names, cells(row), strict=False)), conditions)
    )


def cells(record: str) -> list[str]:
    """Return the fields of one row."""
    return next(csv.reader(io.StringIO(record, newline="")), [])


def lines(text: str, conditions: list[dict]) -> str:
    """Keep the chosen lines."""
    kept = (line for line in io.StringIO(text, newline="") if line.strip())
    return "".join(line for line in kept if holds(json.loads(line.removeprefix("\ufeff")), conditions))


def members(text: str, conditions: list[dict]) -> str:
    """Keep the chosen members of an array, with the source's own opening, separator and closing."""
    decoder, starts, ends, values = json.JSONDecoder(), [], [], []
    place = text.index("[") + 1
    while True:
        while text[place] in " \t\r\n,":
            place += 1
        if text[place] == "]":
            break
        value, end = decoder.raw_decode(text, place)
        starts.append(place), ends.append(end), values.append(value)
        place = end
    separator = text[ends[0] : starts[1]] if len(values) > 1 else ""
    kept = [
        text[start:end]
        for start, end, value in zip(starts, ends, values, strict=True)
        if holds(value, conditions)
    ]
    return text[: starts[0]] + separator.join(kept) + text[ends[-1] :]


def holds(record: dict, conditions: list[dict]) -> bool:
    """Tell whether a record meets every condition. A list is read as its members with bars between."""
    for condition in conditions:
        value, wanted = record.get(condition["field"]), condition["value"]
        if isinstance(value, list):
            value = "|".join(str(part) for part in value if part is not None)
        value = "" if value is None else str(value)
        if not {
            "eq": lambda v, w: v == w,
            "startswith": lambda v, w: v.startswith(w),
            "contains": lambda v, w: w in v,
            "contains_any": lambda v, w: any(part in v for part in w),
            "nonempty": lambda v, w: v.strip() != "",
        }[condition["op"]](value, wanted):
            return False
    return True
