"""What entries can be looked for by, beside their bytes: written after them, and never believed before them."""

import orjson

from ledger.models import Entry, Projection

BATCH = 5000
LONGEST = 200


def fill() -> int:
    """Write the projections of entries that have none yet, a batch of them, and return how many."""
    last = Projection.objects.order_by("-entry_id").values_list("entry_id", flat=True).first()
    rows = Entry.objects.filter(number__gt=-1 if last is None else last).order_by("number")
    found = [
        Projection(entry_id=number, **said(bytes(data)))
        for number, data in rows.values_list("number", "intent__canonical")[:BATCH]
    ]
    Projection.objects.bulk_create(found, ignore_conflicts=True)
    return len(found)


def refill() -> None:
    """Write all projections anew."""
    Projection.objects.all().delete()
    while fill():
        pass


def said(data: bytes) -> dict[str, str]:
    """Return what canonical bytes say; of bytes that somebody forged, nothing."""
    try:
        document = orjson.loads(data)
        words = {name: str(document[name])[:LONGEST] for name in ("kind", "subject")}
        return {
            name: text.replace("\0", "") for name, text in words.items()
        }  # which PostgreSQL takes in no text
    except (orjson.JSONDecodeError, KeyError, TypeError):
        return {"kind": "", "subject": ""}
