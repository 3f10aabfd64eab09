"""A small catalogue that tests bend: one museum, a free table, an edition of it, and notes under copyright."""

import copy
import json
from pathlib import Path

ALL_USES = ["read", "analyse", "adapt", "redistribute", "commercial", "machine_learning"]
CC0 = "https://creativecommons.org/publicdomain/zero/1.0/"
IN_COPYRIGHT = "http://rightsstatements.org/vocab/InC/1.0/"
ROWS = [
    ["no", "title", "year", "note"],
    ["1", "Bell", "1200", 'a "ringing" note\r\non two lines'],
    ["2", "Vase, blue", "1650", ""],
    ["3", "𠀋 character beyond", "1650", "松"],
]

SELLER = {
    "id": "hill-museum",
    "kind": "museum",
    "name_zh": "山间博物馆",
    "name_en": "Hill Museum",
    "region": "CN",
    "attribution": "Hill Museum",
}
WHOLE = {
    "id": "objects",
    "seller": "hill-museum",
    "title_zh": "馆藏器物总目",
    "title_en": "All objects",
    "description_zh": "一行一件。",
    "description_en": "One object a row.",
    "subject_classes": ["museum_catalogue"],
    "resource_form": "table",
    "languages": ["en"],
    "spatial": "CN",
    "temporal": {"start": 1200, "end": 1650},
    "source_files": ["tables/objects.csv"],
    "selection": [],
    "record_count": 3,
    "rights_uri": CC0,
    "attribution": "Hill Museum",
    "terms": {"uses": ALL_USES, "duties": [], "prohibitions": [], "term_days": None},
    "price": {"free": True},
    "public_interest": True,
}
EDITION = {
    **WHOLE,
    "id": "objects-1650",
    "title_zh": "一六五〇年器物校订",
    "title_en": "Objects of 1650",
    "selection": [{"field": "year", "op": "eq", "value": "1650"}],
    "record_count": 2,
    "price": {"free": False, "amount_minor": 9900, "currency": "CNY"},
    "public_interest": False,
    "edition": {
        "of": ["objects"],
        "adds_zh": "逐件校订。",
        "adds_en": "Checked piece by piece.",
        "benefit_plan_zh": "学校免费。",
        "benefit_plan_en": "Free for schools.",
        "free_for": ["education", "public_culture"],
    },
}
PROTECTED = {
    **WHOLE,
    "id": "notes",
    "title_zh": "修复笔记",
    "title_en": "Restoration notes",
    "resource_form": "text",
    "source_files": ["notes.jsonl"],
    "record_count": 2,
    "rights_uri": IN_COPYRIGHT,
    "permission": {"basis": "own_work", "statement_zh": "本馆所作。", "statement_en": "Made by the museum."},
    "terms": {"uses": ["read", "analyse", "adapt"], "duties": [], "prohibitions": [], "term_days": 90},
    "price": {"free": False, "amount_minor": 2500, "currency": "CNY"},
    "public_interest": False,
}


def changed(record: dict, **fields) -> dict:
    """Return a copy of a record in which fields are other; `terms__uses` is a field inside `terms`."""
    made = copy.deepcopy(record)
    for name, value in fields.items():
        *path, last = name.split("__")
        place = made
        for part in path:
            place = place[part]
        place[last] = value
    return made


def csv_bytes(rows=None, encoding="utf-8") -> bytes:
    """Return rows as CSV with CRLF line ends, every field with a comma, quote or line break in quotes."""
    lines = []
    for row in rows or ROWS:
        quoted = ['"' + v.replace('"', '""') + '"' if set(v) & set(',"\r\n') else v for v in row]
        lines.append(",".join(quoted) + "\r\n")
    return "".join(lines).encode(encoding)


def folder(place: Path) -> Path:
    """Write the source files into a folder and return it."""
    (place / "tables").mkdir(parents=True, exist_ok=True)
    (place / "tables" / "objects.csv").write_bytes(csv_bytes())
    notes = [{"title": "一", "paragraphs": ["松下问童子", "言师采药去"]}, {"title": "二", "paragraphs": []}]
    (place / "notes.jsonl").write_text("".join(json.dumps(n, ensure_ascii=False) + "\n" for n in notes))
    return place


def write(place: Path, *datasets: dict, sellers=(SELLER,), name="catalogue.json") -> Path:
    """Write a catalogue beside its files and return its path."""
    path = folder(place) / name
    document = {"version": 1, "sellers": list(sellers), "datasets": list(datasets)}
    path.write_text(json.dumps(document, ensure_ascii=False))
    return path
