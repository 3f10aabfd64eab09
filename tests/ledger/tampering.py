"""An attacker's repertoire: tamperings with all that is stored of a log, each with the faults that must be named.

Which these are is reckoned from what was done, by no code that `ledger_fsck` has. Left out is what nothing can
vouch for, as it is in no bytes that were hashed or signed: an intent's idempotency key and the times when something
was created, numbered, signed or published; the head's epoch; intents that wait and entries that no checkpoint covers
yet, where every row is changed together; the rows of a checkpoint that was never published, or of one publication
amid others, which a crash might not have written; a partial tile of an older size that is gone; a signer's memory
that is gone, as in a restored house: that is said to be not checked.
"""

import json
import re
from base64 import b64decode, b64encode
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path
from random import Random
from typing import Any

from django.conf import settings
from django.core.files.base import ContentFile
from django.db import connection

from ledger import queries, verifier
from ledger.actions import projections, publications, sequencer
from ledger.domain import canonical, cosignatures, entry, merkle, notes
from ledger.domain.checkpoint import text
from ledger.domain.keys import OWN
from ledger.domain.policy import Group, Witness
from ledger.gateways import storage
from ledger.gateways.memory import Memory
from ledger.gateways.tiles import forget
from ledger.models import Checkpoint, Cosignature
from tests.ledger.conftest import NOW, append, document

SIGNED = {
    255: True,
    256: False,
    257: True,
    512: True,
    700: True,
    1030: True,
    1056: False,
}  # whether published
SHOWN = [size for size, shown in SIGNED.items() if shown]
FILED, SIZE, WAITING = 1056, 1060, 2
EDGES = [
    0,
    1,
    254,
    255,
    256,
    257,
    511,
    512,
    513,
    699,
    700,
    767,
    768,
    1023,
    1024,
    1029,
    1030,
    1054,
    1055,
    SIZE - 1,
]
MUSEUM = notes.new_key("museum.example/witness", bytes([7]) * 32, kind=cosignatures.ED25519_COSIGNATURE)
TABLES = {
    "intent": "id",
    "pending": "intent_id",
    "entry": "number",
    "head": "id",
    "checkpoint": "size",
    "cosignature": "id",
    "publication": "checkpoint_id",
    "projection": "entry_id",
}


def build(folder: Path) -> None:
    """Make a log that an outside witness cosigns: signed at the edges of tiles and between, with a tail and a queue."""
    own = queries.keys().policy()
    museum = Witness("museum", notes.verifier_key(MUSEUM))
    policy = own.__class__(
        logs=own.logs,
        witnesses=(*own.witnesses, museum),
        groups=(Group("both", 2, (OWN, "museum")),),
        quorum="both",
        reports=own.reports,
    )
    (folder / "policy").write_bytes(policy.render())
    settings.LEDGER_POLICY = str(folder / "policy")
    grow(0, 0)
    start = 0
    for size, shown in SIGNED.items():
        grow(start, size)
        sequencer.advance(now=NOW)
        if shown:
            cosign(size)
            publications.publish(now=NOW)
        start = size
    grow(FILED, SIZE)
    sequencer.run(now=NOW)
    projections.fill()
    grow(SIZE, SIZE + WAITING)


def grow(start: int, end: int) -> None:
    """Hand documents in, some of them beyond ASCII."""
    for number in range(start, end):
        append(number, **({"title": "清明上河图"} if number % 7 == 0 else {}))


def cosign(size: int) -> None:
    """Cosign a checkpoint as the outside witness."""
    signed = Checkpoint.objects.get(size=size)
    line = notes.cosign(notes.text_of(signed.note), MUSEUM, timestamp=int(NOW.timestamp()))
    name, key_id = notes.signer(line)
    Cosignature.objects.create(checkpoint=signed, name=name, key_id=key_id, line=line, made_at=NOW)


@dataclass
class Tampering:
    """What is done to rows, files and the signer's memory, and the number that each layer must name."""

    what: str
    rows: dict[tuple[str, Any], dict | None] = field(default_factory=dict)  # as they stand afterwards
    files: dict[str, bytes | None] = field(default_factory=dict)
    memory: bytes | None = None
    faults: dict[str, int] = field(default_factory=dict)


# What is stored -------------------------------------------------------------------------------------------


class Snapshot:
    """All that is stored of a log."""

    def __init__(self) -> None:
        self.tables = {table: _read(table, key) for table, key in TABLES.items()}
        self.files = {name: storage.read(name) for name in _names("")}
        self.memory_path = Memory(settings.LEDGER_MEMORY).path(settings.LEDGER_ORIGIN)
        self.memory = self.memory_path.read_bytes()

    def after(self, tampering: Tampering) -> "Held":
        """Return the tables as they stand after a tampering."""
        tables = dict(self.tables)
        for table in {table for table, _ in tampering.rows}:
            tables[table] = dict(tables[table])
        for (table, key), row in tampering.rows.items():
            tables[table].pop(key, None)
            if row is not None:
                tables[table][row[TABLES[table]]] = row
        return Held(tables)

    def spoil(self, tampering: Tampering) -> None:
        """Do what a tampering does to the files."""
        for name, data in tampering.files.items():
            _place(name, data)
        if tampering.memory is not None:
            self.memory_path.write_bytes(tampering.memory)
        forget()

    def mend(self, tampering: Tampering) -> None:
        """Put the files back."""
        for name in tampering.files:
            _place(name, self.files.get(name))
        self.memory_path.write_bytes(self.memory)
        forget()

    def spoil_tables(self, tampering: Tampering, cursor: Any) -> None:
        """Do what a tampering does to the tables, in SQL."""
        for table, key in tampering.rows:
            cursor.execute(f"DELETE FROM ledger_{table} WHERE {TABLES[table]} = %s", [key])
        for (table, _), row in tampering.rows.items():
            if row is not None:
                marks = ", ".join(["%s"] * len(row))
                cursor.execute(
                    f"INSERT INTO ledger_{table} ({', '.join(row)}) VALUES ({marks})", list(row.values())
                )


class Held:
    """Tables in memory, asked as `inspection_queries.Tables` is."""

    def __init__(self, tables: dict[str, dict]) -> None:
        self.tables = tables

    def publications(self, start):
        return [(key, row["note"]) for key, row in sorted(self.tables["publication"].items()) if key >= start]

    def cosignatures(self, start):
        rows = [row for _, row in sorted(self.tables["cosignature"].items())]
        columns = ("checkpoint_id", "name", "key_id", "line")
        return [tuple(row[each] for each in columns) for row in rows if row["checkpoint_id"] >= start]

    def checkpoints(self, start):
        rows = sorted(self.tables["checkpoint"].items())
        return [(key, row["root"], row["note"]) for key, row in rows if key >= start]

    def extent(self):
        columns = ("id", "size", "root", "frontier", "tip")
        heads = [tuple(row[each] for each in columns) for _, row in sorted(self.tables["head"].items())]
        return max(self.tables["entry"], default=-1) + 1, heads

    def entries(self, start, end):
        intents = self.tables["intent"]
        for number, row in sorted(self.tables["entry"].items()):
            intent = intents.get(row["intent_id"])
            if intent and number < end and (number >= start or not start):
                links = row["leaf_hash"], row["prev"], row["chain_hash"]
                yield (number, *links, intent["canonical"], intent["leaf_hash"], self.projection(number))

    def projected(self):
        return max(self.tables["projection"], default=-1) + 1

    def projection(self, number):
        row = self.tables["projection"].get(number, {"kind": None, "subject": None})
        return row["kind"], row["subject"]

    def stray_projection(self, start):
        strays = set(self.tables["projection"]) - set(self.tables["entry"])
        return min((number for number in strays if number >= start or not start), default=None)

    def link_before(self, number):
        row = self.tables["entry"].get(number - 1, {"chain_hash": b""})
        return row["chain_hash"] if number else merkle.GENESIS

    def waiting(self):
        intents = self.tables["intent"]
        for pk in sorted(set(self.tables["pending"]) & set(intents)):
            yield pk, intents[pk]["canonical"], intents[pk]["leaf_hash"]

    def strays(self):
        intents, pending = set(self.tables["intent"]), set(self.tables["pending"])
        sequenced = {row["intent_id"] for row in self.tables["entry"].values()}
        for found in (intents - sequenced - pending, pending & sequenced & intents, pending - intents):
            if found:
                yield min(found), "strays"

    def newest_published(self):
        rows = self.publications(0)
        return rows[-1] if rows else None


def _read(table: str, key: str) -> dict:
    with connection.cursor() as cursor:
        cursor.execute(f"SELECT * FROM ledger_{table}")
        names = [column.name for column in cursor.description]
        rows = [
            {
                name: bytes(value) if isinstance(value, memoryview) else value
                for name, value in zip(names, row, strict=True)
            }
            for row in cursor.fetchall()
        ]
    return {row[key]: row for row in sorted(rows, key=lambda row: row[key])}


def _names(folder: str) -> list[str]:
    folders, names = storage.files().listdir(folder)
    inner = [name for each in folders for name in _names(f"{folder}{each}/")]
    return [f"{folder}{name}" for name in names] + inner


def _place(name: str, data: bytes | None) -> None:
    if storage.read(name) is not None:
        storage.files().delete(name)
    if data is not None:
        storage.files().save(name, ContentFile(data))


# What is done ---------------------------------------------------------------------------------------------


class Attacker:
    """Somebody with the owner's login, the files, the signer's memory and, at times, the keys of the log."""

    def __init__(self, snapshot: Snapshot, seed: int) -> None:
        self.random, self.tables, self.files = Random(seed), snapshot.tables, snapshot.files
        self.memory = snapshot.memory
        self.intents = [row["intent_id"] for row in self.tables["entry"].values()]
        self.bytes = [self.tables["intent"][pk]["canonical"] for pk in self.intents]
        self.log = list(zip(self.intents, self.bytes, strict=True))
        self.waiting = sorted(self.tables["pending"])
        self.spare = max(self.tables["intent"]) + 1

    def tamperings(self, count: int):
        """Yield so many tamperings, each kind at least once where there are enough."""
        kinds = [kind for kind, weight in self.kinds().items() for _ in range(weight)]
        order = [*self.kinds(), *self.random.choices(kinds, k=count)][:count]
        for kind in order:
            made = None
            while made is None:  # where chance would have it that nothing is changed
                made = kind()
            if (number := self.misfiled(made)) is not None:
                made.faults["projection"] = number
            made.what = f"{kind.__name__} {made.what}"
            yield made

    def kinds(self) -> dict:
        """Return what the attacker can do, with how often it is to be tried."""
        return {
            self.flip_a_bit_of_an_intent: 12,
            self.flip_a_bit_of_an_entry: 12,
            self.flip_a_bit_of_the_head: 3,
            self.flip_a_bit_of_a_checkpoint: 6,
            self.flip_a_bit_of_a_cosignature: 6,
            self.flip_a_bit_of_a_publication: 4,
            self.flip_a_bit_of_a_tile: 14,
            self.flip_a_bit_of_a_published_note: 5,
            self.flip_a_bit_of_the_memory: 5,
            self.cut_lengthen_or_lose_a_tile: 6,
            self.put_the_tile_of_another_log: 3,
            self.plant_a_longer_tile: 3,
            self.put_a_line_under_a_note: 3,
            self.lose_or_replay_a_published_note: 3,
            self.plant_a_note: 3,
            self.rewind_the_memory: 2,
            self.delete_an_entry: 4,
            self.move_an_entry: 3,
            self.exchange_two_entries: 3,
            self.show_another_intent: 3,
            self.delete_an_intent: 2,
            self.rename_an_intent: 2,
            self.upset_the_queue: 3,
            self.spell_what_waits_otherwise: 3,
            self.file_an_entry_otherwise: 5,
            self.count_the_head_otherwise: 2,
            self.move_or_add_a_checkpoint: 3,
            self.remove_what_was_published: 3,
            self.remove_double_or_move_a_cosignature: 3,
            self.delete_and_close_the_gap: 3,
            self.insert_and_make_room: 4,
            self.exchange_and_link_anew: 3,
            self.shift_a_boundary: 3,
            self.spell_it_otherwise: 8,
            self.cut_off_the_end: 3,
            self.cut_off_the_end_and_refill: 3,
            self.rewrite_all_without_a_key: 3,
            self.rewrite_all_with_the_log_key: 3,
            self.sign_a_second_root: 3,
        }

    # One bit

    def flip_a_bit_of_an_intent(self):
        number = self.number() if self.random.random() < 0.8 else SIZE + self.random.randrange(WAITING)
        pk = self.intents[number] if number < SIZE else self.waiting[number - SIZE]
        row, column = self.tables["intent"][pk], self.random.choice(["canonical", "leaf_hash"])
        changed = {**row, column: self.flipped(row[column])}
        if number >= SIZE:
            faults = {"intent": pk}
        elif column == "leaf_hash":
            faults = {"entry": number}
        else:
            faults = {"entry": number, "chain": number, "head": SIZE, **altered(number)}
            faults |= unfit({number: changed["canonical"]})
        return Tampering(f"{pk} {column}", {("intent", pk): changed}, faults=faults)

    def flip_a_bit_of_an_entry(self):
        number, column = self.number(), self.random.choice(["leaf_hash", "prev", "chain_hash"])
        row = self.tables["entry"][number]
        faults = {"entry" if column == "leaf_hash" else "chain": number}
        rows = {("entry", number): {**row, column: self.flipped(row[column])}}
        return Tampering(f"{number} {column}", rows, faults=faults)

    def flip_a_bit_of_the_head(self):
        row, column = self.tables["head"][1], self.random.choice(["root", "frontier", "tip"])
        rows = {("head", 1): {**row, column: self.flipped(row[column])}}
        return Tampering(column, rows, faults={"head": SIZE})

    def flip_a_bit_of_a_checkpoint(self):
        size, column = self.random.choice(list(SIGNED)), self.random.choice(["root", "note"])
        row, faults = self.tables["checkpoint"][size], {"checkpoint": size}
        if column == "root":
            changed = self.flipped(row["root"])
        else:
            changed, line = self.flipped_text(row["note"]), row["note"].split("\n\n")[1]
            if changed is None:
                return None
            if SIGNED[size] and f"\n{line}" not in changed:
                faults["publication"] = size  # it bears a line that nobody gave
        return Tampering(f"{size} {column}", {("checkpoint", size): {**row, column: changed}}, faults=faults)

    def flip_a_bit_of_a_cosignature(self):
        pk, row = self.random.choice(list(self.tables["cosignature"].items()))
        column = self.random.choice(["name", "key_id", "line", "line"])
        changed, size = self.flipped_text(row[column]), row["checkpoint_id"]
        if changed is None:
            return None
        faults = {"cosignature": size, **({"publication": size} if column == "line" else {})}
        return Tampering(f"{pk} {column}", {("cosignature", pk): {**row, column: changed}}, faults=faults)

    def flip_a_bit_of_a_publication(self):
        size = self.random.choice(SHOWN)
        row = self.tables["publication"][size]
        changed = self.flipped_text(row["note"])
        if changed is None:
            return None
        rows = {("publication", size): {**row, "note": changed}}
        return Tampering(f"{size}", rows, faults={"publication": size, "published": size})

    def flip_a_bit_of_a_tile(self):
        name = self.tile()
        at = self.random.randrange(len(self.files[name]))
        return Tampering(
            f"{name} at {at}", files={name: self.flipped(self.files[name], at)}, faults=wrong(self, name, at)
        )

    def flip_a_bit_of_a_published_note(self):
        size = self.random.choice([*SHOWN, None])
        name = f"checkpoints/{size}" if size else "checkpoint"
        files = {name: self.flipped(self.files[name])}
        return Tampering(name, files=files, faults={"published": size or SHOWN[-1]})

    def flip_a_bit_of_the_memory(self):
        changed, size = self.flipped(self.memory), FILED
        said = re.fullmatch(rb"([^\n]+)\n([1-9][0-9]*)\n([A-Za-z0-9+/]{43}=)\n", changed)
        if said and said[1] == settings.LEDGER_ORIGIN.encode() and b64encode(b64decode(said[3])) == said[3]:
            size = max(FILED, int(said[2]))  # of a smaller one, more is known to be signed
        return Tampering("", memory=changed, faults={"memory": size})

    # Files

    def cut_lengthen_or_lose_a_tile(self):
        name, way = self.tile(), self.random.choice(["cut", "lengthen", "lose"])
        data = self.files[name]
        if way == "cut":
            at = self.random.randrange(len(data))
            return Tampering(f"{name} cut at {at}", files={name: data[:at]}, faults=wrong(self, name, at))
        if way == "lengthen":
            more = data + self.random.randbytes(self.random.choice([1, 32, 300]))
            faults = wrong(self, name, len(data) - 1)
            return Tampering(f"{name} longer", files={name: more}, faults=faults)
        if ".p/" in name and int(name.split("/")[-1]) != newest_width(name):
            return None  # a partial tile of an older size
        return Tampering(f"{name} lost", files={name: None}, faults=wrong(self, name, 0))

    def put_the_tile_of_another_log(self):
        name, data = self.tile(), {}
        other = [each.replace(b"asset:", b"other:") for each in self.bytes]
        data = files_of(other, self.files)[name]
        at = next(at for at in range(len(data)) if data[at] != self.files[name][at])
        return Tampering(name, files={name: data}, faults=wrong(self, name, at))

    def plant_a_longer_tile(self):
        """Put a tile or bundle where the log will write one when it has grown: its beginning is wrong already."""
        name = self.random.choice([name for name in self.files if name.endswith(f".p/{FILED % 256}")])
        at = self.random.randrange(len(self.files[name]))
        data = self.flipped(self.files[name], at)
        faults = wrong(self, name, at)
        whole, width = name.partition(".p/")[0], self.random.choice(["", ".p/33", ".p/255"])
        if self.random.random() < 0.2:
            data, faults = data[: at + 1], wrong(self, name, at)  # and too short
        return Tampering(f"{whole}{width} at {at}", files={f"{whole}{width}": data}, faults=faults)

    def put_a_line_under_a_note(self):
        """Add the line of a key that nobody knows, or one that stands there once more."""
        size, table = self.random.choice(SHOWN), self.random.choice(["checkpoint", "publication"])
        row = self.tables[table][size]
        other = notes.new_key("other.example/log", self.random.randbytes(32))
        said, _, lines = row["note"].rpartition("\n\n")
        line = self.random.choice(
            [notes.sign(said + "\n", [other]).rpartition("\n\n")[2], lines.partition("\n")[0] + "\n"]
        )
        rows = {(table, size): {**row, "note": row["note"] + line}}
        faults = {"checkpoint": size} if table == "checkpoint" else {"publication": size, "published": size}
        if table == "checkpoint" and line in row["note"]:
            faults["publication"] = size
        return Tampering(f"{size} {table}", rows, faults=faults)

    def lose_or_replay_a_published_note(self):
        size = self.random.choice([*SHOWN, None])
        name = f"checkpoints/{size}" if size else "checkpoint"
        old = self.random.choice([None, *(each for each in SHOWN[:-1] if each != size)])
        files = {name: old and self.files[f"checkpoints/{old}"]}
        return Tampering(f"{name} by {old}", files=files, faults={"published": size or SHOWN[-1]})

    def plant_a_note(self):
        """Put a note of a size that was never signed, or of one that was signed and not published, among them."""
        size = self.random.choice([256, 1056, 300, 5000, self.random.randrange(1, SIZE)])
        if size in SHOWN:
            return None
        note = self.random.choice(
            [self.note(size, self.random.randbytes(32)), self.files["checkpoint"].decode()]
        )
        return Tampering(f"{size}", files={f"checkpoints/{size}": note.encode()}, faults={"published": size})

    def rewind_the_memory(self):
        size = self.random.choice(list(SIGNED)[:-1])
        root = self.tables["checkpoint"][size]["root"]
        said = text(origin=settings.LEDGER_ORIGIN, size=size, root=root).encode()
        return Tampering(f"to {size}", memory=said, faults={"memory": FILED})

    # Rows, whatever becomes of the hashes

    def delete_an_entry(self):
        number = self.number()
        faults = {**gap(number), "intent": self.intents[number]}
        if number == SIZE - 1:
            faults = {"head": SIZE, "intent": self.intents[number]}
        return Tampering(f"{number}", {("entry", number): None}, faults=faults)

    def move_an_entry(self):
        number = self.number()
        to = self.random.choice([SIZE, SIZE + 1000, 2**40, -1, -(2**40)])
        faults = {**gap(number), **({"entry": to} if to < 0 else {"head": SIZE})}
        if number == SIZE - 1:  # the link it follows is right wherever it stands
            faults = {"entry": min(to, number) if to > 0 else to, "head": SIZE}
        row = {**self.tables["entry"][number], "number": to}
        return Tampering(f"{number} to {to}", {("entry", number): row}, faults=faults)

    def exchange_two_entries(self):
        one, other = self.two()
        first, second = self.tables["entry"][one], self.tables["entry"][other]
        rows = {("entry", one): {**second, "number": one}, ("entry", other): {**first, "number": other}}
        faults = {"chain": one, "head": SIZE, **altered(one)}
        return Tampering(f"{one} {other}", rows, faults=faults)

    def show_another_intent(self):
        number = self.number()
        other = self.random.choice([*self.waiting, self.intents[self.number()]])
        if other == self.intents[number]:
            return None
        faults = {"entry": number, "chain": number, "head": SIZE, **altered(number)}
        faults["intent"] = min(self.intents[number], other) if other in self.waiting else self.intents[number]
        rows = {("entry", number): {**self.tables["entry"][number], "intent_id": other}}
        return Tampering(f"{number} {other}", rows, faults=faults)

    def delete_an_intent(self):
        number = self.number(SIZE + WAITING)
        if number >= SIZE:
            pk = self.waiting[number - SIZE]
            return Tampering(f"{pk}", {("intent", pk): None}, faults={"intent": pk})
        return Tampering(f"{number}", {("intent", self.intents[number]): None}, faults=gap(number))

    def rename_an_intent(self):
        number = self.number()
        row = {**self.tables["intent"][self.intents[number]], "id": self.spare}
        rows = {("intent", self.intents[number]): row}
        return Tampering(f"{number}", rows, faults={**gap(number), "intent": self.spare})

    def upset_the_queue(self):
        pk = self.random.choice([*self.waiting, self.intents[self.number()], self.spare])
        row = None if pk in self.waiting else {"intent_id": pk}
        return Tampering(f"{pk}", {("pending", pk): row}, faults={"intent": pk})

    def spell_what_waits_otherwise(self):
        """Put bytes in the place of an intent's that waits, with the hash that they have."""
        pk = self.random.choice(self.waiting)
        row = self.tables["intent"][pk]
        way, spelled = self.random.choice(list(spellings(row["canonical"]).items()))
        if not unfit({pk: spelled}):
            return None
        changed = {**row, "canonical": spelled, "leaf_hash": merkle.leaf_hash(spelled)}
        return Tampering(f"{pk} {way}", {("intent", pk): changed}, faults={"intent": pk})

    def file_an_entry_otherwise(self):
        number, way = (
            self.number(SIZE - 1),
            self.random.choice(["flip", "flip", "flip", "remove", "plant", "move"]),
        )
        row = self.tables["projection"][number]
        if way == "flip":
            column = self.random.choice(["kind", "subject"])
            changed = self.flipped_text(row[column])
            rows = {("projection", number): {**row, column: changed}}
            return changed and Tampering(f"{number} {column}", rows, faults={"projection": number})
        if way == "remove":
            return Tampering(
                f"{number} removed", {("projection", number): None}, faults={"projection": number}
            )
        to = self.random.choice([SIZE, SIZE + 5, 2**40, -1])
        key = number if way == "move" else to
        rows = {("projection", key): {**row, "entry_id": to}}
        faults = {"projection": min(number, to) if way == "move" else to}
        return Tampering(f"{number} as {to}", rows, faults=faults)

    def count_the_head_otherwise(self):
        row = self.tables["head"][1]
        size = self.random.choice([SIZE - 1, SIZE + 1, 0, FILED, None])
        if size is None and self.random.random() < 0.5:
            id = self.random.choice([0, 2])
            return Tampering("another", {("head", id): {**row, "id": id}}, faults={"head": SIZE})
        changed = None if size is None else {**row, "size": size}
        return Tampering(f"{size}", {("head", 1): changed}, faults={"head": size or 0})

    def move_or_add_a_checkpoint(self):
        size = self.random.choice(list(SIGNED))
        to = self.random.choice([size + 1, size - 1, 999, SIZE + 40, self.random.randrange(1, FILED)])
        if to in SIGNED:
            return None
        row, faults = {**self.tables["checkpoint"][size], "size": to}, {"checkpoint": to}
        if to > SIZE:
            faults |= {"entry": SIZE, "memory": to}
        elif to > FILED:
            faults |= {"memory": to}
        adds = self.random.random() < 0.5
        newest = max({*SIGNED, to} - (set() if adds else {size}))
        if newest not in SIGNED and newest <= SIZE:
            faults |= {"tile": 1024, "bundle": 1024}  # the newest files of such a size were never written
        if adds:
            return Tampering(f"{to} like {size}", {("checkpoint", to): row}, faults=faults)
        if SIGNED[size]:
            faults |= {"publication": size, "cosignature": size}
        return Tampering(f"{size} to {to}", {("checkpoint", size): row}, faults=faults)

    def remove_what_was_published(self):
        size = self.random.choice(SHOWN)
        if self.random.random() < 0.5:
            faults = {"publication": size, "cosignature": size}
            return Tampering(f"{size}, the checkpoint", {("checkpoint", size): None}, faults=faults)
        if self.random.random() < 0.5:  # all of it but the file
            rows = {("publication", size): None, ("checkpoint", size): None}
            rows |= {("cosignature", pk): None for pk in self.cosignatures(size)}
            faults = {"published": size if size < SHOWN[-1] else SHOWN[-2]}
            return Tampering(f"{size}, all rows", rows, faults=faults)
        rows = {("publication", SHOWN[-1]): None}
        return Tampering("the last publication", rows, faults={"published": SHOWN[-2]})

    def remove_double_or_move_a_cosignature(self):
        pk, row = self.random.choice(list(self.tables["cosignature"].items()))
        size, way = row["checkpoint_id"], self.random.choice(["remove", "double", "move"])
        if way == "remove":
            return Tampering(f"{pk} removed", {("cosignature", pk): None}, faults={"publication": size})
        if way == "double":
            spare = max(self.tables["cosignature"]) + 1
            rows = {("cosignature", spare): {**row, "id": spare}}
            return Tampering(f"{pk} twice", rows, faults={"publication": size})
        to = self.random.choice([each for each in [*SIGNED, 999] if each != size])
        rows = {("cosignature", pk): {**row, "checkpoint_id": to}}
        return Tampering(f"{pk} under {to}", rows, faults={"cosignature": to, "publication": size})

    # Rows, with every hash, link and the head made right again

    def delete_and_close_the_gap(self):
        number = self.number(FILED)
        rows = self.linked(self.log[:number] + self.log[number + 1 :], number)
        rows |= {("intent", self.intents[number]): None}
        return Tampering(f"{number}", rows, faults=altered(number))

    def insert_and_make_room(self):
        """Insert an entry: a new one, or the one before it once more."""
        number = self.number(FILED)
        new = self.new_bytes() if number == 0 or self.random.random() < 0.5 else self.bytes[number - 1]
        if new == self.bytes[number]:
            return None
        rows = self.linked([*self.log[:number], (self.spare, new), *self.log[number:]], number)
        return Tampering(f"{number}", rows, faults=altered(number))

    def exchange_and_link_anew(self):
        one, other = self.two(FILED)
        log = [*self.log]
        log[one], log[other] = log[other], log[one]
        return Tampering(f"{one} {other}", self.linked(log, one), faults=altered(one))

    def shift_a_boundary(self):
        """Let some bytes slide from one entry into the next: the two together are the same."""
        number = self.number(FILED - 1)
        both, cut = self.bytes[number] + self.bytes[number + 1], len(self.bytes[number])
        cut += self.random.choice([-40, -1, 1, 40])
        log = [*self.log]
        log[number : number + 2] = (
            (self.intents[number], both[:cut]),
            (self.intents[number + 1], both[cut:]),
        )
        faults = {**altered(number), **unfit({number: both[:cut], number + 1: both[cut:]})}
        return Tampering(f"{number} at {cut}", self.linked(log, number), faults=faults)

    def spell_it_otherwise(self):
        """Put bytes in an entry's place that say the same, or nearly, or pass for something else."""
        number = self.number()
        way, spelled = self.random.choice(list(spellings(self.bytes[number]).items()))
        faults = {**altered(number), **unfit({number: spelled})}
        if number >= FILED and "canonical" not in faults:
            return None
        if self.random.random() < 0.5:
            row = {**self.tables["intent"][self.intents[number]], "canonical": spelled}
            rows = {("intent", self.intents[number]): row}
            faults |= {"entry": number, "chain": number, "head": SIZE}
            return Tampering(f"{number} {way}", rows, faults=faults)
        log = [*self.log]
        log[number] = self.intents[number], spelled
        return Tampering(f"{number} {way}, linked", self.linked(log, number), faults=faults)

    def cut_off_the_end(self):
        end = self.number(FILED)
        rows = self.linked(self.log[:end], end)
        rows |= {("intent", pk): None for pk in self.intents[end:]}
        return Tampering(f"{end}", rows, faults={**sealed(end), "entry": end})

    def cut_off_the_end_and_refill(self):
        end = self.number(FILED)
        log = self.log[:end] + self.others(end)
        return Tampering(f"{end}", self.linked(log, end), faults=altered(end))

    def rewrite_all_without_a_key(self):
        """Write all anew from an entry on: tiles, bundles and the roots of checkpoints as well."""
        start = self.number(FILED)
        rows, files, roots = self.rewritten(start)
        for size in (size for size in SIGNED if size > start):
            rows["checkpoint", size] = {**self.tables["checkpoint"][size], "root": roots[size]}
        return Tampering(f"{start}", rows, files=files, faults=sealed(start))

    def rewrite_all_with_the_log_key(self):
        """Do so with the log's key, and the one that comes of it; at times rewrite the signer's memory as well."""
        start, dropped, memory = (
            self.number(SHOWN[-1]),
            self.random.random() < 0.5,
            self.random.random() < 0.5,
        )
        made = self.signed_anew(start, museum=None if dropped else "left", memory=memory)
        made.faults = {"publication": first(SHOWN, start)}  # the witness is not there
        if not dropped:
            made.faults["cosignature"] = first(SHOWN, start)
        if not memory:
            made.faults["memory"] = FILED
        return made

    def sign_a_second_root(self):
        """Show strangers another root of a size than the one that is kept: both are signed by the log."""
        size = self.random.choice(SHOWN)
        note = self.note(size, self.random.randbytes(32))
        if self.random.random() < 0.5:
            files = {f"checkpoints/{size}": note.encode()}
            if size == SHOWN[-1]:
                files["checkpoint"] = note.encode()
            return Tampering(f"{size}, the file", files=files, faults={"published": size})
        row = {**self.tables["checkpoint"][size], "note": note.partition("\n— ")[0] + "\n"}
        row["note"] = "".join(note.splitlines(keepends=True)[:5])
        faults = {"checkpoint": size, "publication": size}
        return Tampering(f"{size}, the row", {("checkpoint", size): row}, faults=faults)

    # With what

    def misfiled(self, made: Tampering) -> int | None:
        """Return the first number under which something else is looked for than the entry's bytes now say."""
        numbers = {key for table, key in made.rows if table == "entry"}
        changed = {key for table, key in made.rows if table == "intent"}
        numbers |= {number for number, pk in enumerate(self.intents) if pk in changed}
        found = []
        for number in numbers & set(self.tables["projection"]):
            filed = self.tables["projection"][number]
            entry = made.rows.get(("entry", number), self.tables["entry"][number])
            if entry and entry["number"] == number:
                pk = entry["intent_id"]
                intent = made.rows.get(("intent", pk), self.tables["intent"].get(pk))
                if (
                    intent is None
                    or intent["id"] != pk
                    or said(intent["canonical"]) == (filed["kind"], filed["subject"])
                ):
                    continue  # where there are no bytes, the entry is missing
            found.append(number)
        return min(found, default=None)

    def number(self, below: int = SIZE) -> int:
        """Return a number of an entry, often one at an edge."""
        edges = [each for each in [*EDGES, below - 1] if each < below]
        return self.random.choice(edges) if self.random.random() < 0.5 else self.random.randrange(below)

    def two(self, below: int = SIZE) -> tuple[int, int]:
        """Return two numbers, often neighbours."""
        one = self.number(below - 1)
        other = one + 1 if self.random.random() < 0.5 else self.number(below)
        return (one, other) if one < other else (other, one) if other < one else (one, one + 1)

    def tile(self) -> str:
        """Return the name of a tile or bundle, the partial ones of older sizes among them."""
        return self.random.choice([name for name in self.files if name.startswith("tile/")])

    def flipped(self, data: bytes, at: int | None = None) -> bytes:
        """Return bytes with one bit flipped."""
        at = self.random.randrange(len(data)) if at is None else at
        return data[:at] + bytes([data[at] ^ 1 << self.random.randrange(8)]) + data[at + 1 :]

    def flipped_text(self, said: str) -> str | None:
        """Return a text with one bit flipped that can still be stored as text, else None."""
        changed = self.flipped(said.encode())
        try:
            return changed.decode() if b"\x00" not in changed else None
        except UnicodeDecodeError:
            return None

    def new_bytes(self) -> bytes:
        """Return a document that is not in the log."""
        made = {**document(self.random.randrange(10**6, 10**9)), "ledger": settings.LEDGER_ORIGIN}
        return canonical.log_bytes(made)

    def others(self, start: int) -> list[tuple[int, bytes]]:
        """Return other entries from a number on, for the same intents."""
        return [(pk, data.replace(b"party:1", b"party:2")) for pk, data in self.log[start:]]

    def linked(self, log: list[tuple[int, bytes]], start: int) -> dict:
        """Return the rows that a log has from a number on: intents, entries and the head, every hash right."""
        tip = self.tables["entry"][start - 1]["chain_hash"] if start else merkle.GENESIS
        rows: dict = {("entry", number): None for number in range(len(log), SIZE)}
        leaves = [self.tables["entry"][number]["leaf_hash"] for number in range(start)]
        for number in range(start, len(log)):
            pk, data = log[number]
            leaf = merkle.leaf_hash(data)
            link = merkle.chain_hash(tip, leaf)
            if pk not in self.tables["intent"] or self.tables["intent"][pk]["canonical"] != data:
                like = self.tables["intent"].get(pk) or {**self.tables["intent"][self.intents[0]], "id": pk}
                key = like["idempotency_key"] if pk in self.tables["intent"] else "planted"
                rows["intent", pk] = {**like, "idempotency_key": key, "canonical": data, "leaf_hash": leaf}
            rows["entry", number] = {
                **self.tables["entry"][0],
                "number": number,
                "intent_id": pk,
                "leaf_hash": leaf,
                "prev": tip,
                "chain_hash": link,
            }
            leaves.append(leaf)
            tip = link
        frontier = merkle.Frontier().extend(leaves)
        head = {"size": len(log), "tip": tip, "frontier": bytes(frontier), "root": frontier.root()}
        rows["head", 1] = {**self.tables["head"][1], **head}
        return rows

    def rewritten(self, start: int) -> tuple[dict, dict, dict]:
        """Return rows, files and the roots by size of a log that is another from a number on."""
        log = self.log[:start] + self.others(start)
        data = [data for _, data in log]
        leaves = [merkle.leaf_hash(each) for each in data]
        roots = {size: merkle.Frontier().extend(leaves[:size]).root() for size in SIGNED}
        return self.linked(log, start), files_of(data, self.files), roots

    def signed_anew(self, start: int, *, museum: str | None, memory: bool) -> Tampering:
        """Return a whole log that is another from a number on, signed with our keys and, if it is so, the witness'."""
        rows, files, roots = self.rewritten(start)
        for size in (size for size in SIGNED if size > start):
            note = self.note(size, roots[size])
            said, signature, line = note.rpartition("\n\n")[0] + "\n", *note.splitlines(keepends=True)[4:]
            rows["checkpoint", size] = {
                **self.tables["checkpoint"][size],
                "root": roots[size],
                "note": f"{said}\n{signature}",
            }
            for pk in self.cosignatures(size):
                row = self.tables["cosignature"][pk]
                if row["name"] == settings.LEDGER_ORIGIN:
                    row = {**row, "line": line}
                elif museum == "stolen":
                    row = {**row, "line": notes.cosign(said, MUSEUM, timestamp=int(NOW.timestamp()))}
                    note = notes.add_lines(note, [row["line"]])
                rows["cosignature", pk] = row if museum or row["name"] == settings.LEDGER_ORIGIN else None
            if SIGNED[size]:
                own, other = note.splitlines(keepends=True)[5:6], note.splitlines(keepends=True)[6:]
                note = f"{said}\n{signature}{''.join(other + own)}"  # the museum's came first
                rows["publication", size] = {**self.tables["publication"][size], "note": note}
                files[f"checkpoints/{size}"] = files["checkpoint"] = note.encode()
        said = text(origin=settings.LEDGER_ORIGIN, size=FILED, root=roots[FILED]).encode()
        return Tampering(f"{start}", rows, files, said if memory else None)

    def cosignatures(self, size: int) -> list[int]:
        return [pk for pk, row in self.tables["cosignature"].items() if row["checkpoint_id"] == size]

    def note(self, size: int, root: bytes) -> str:
        """Return a note by the log's key, cosigned by the house's own."""
        said, keys = text(origin=settings.LEDGER_ORIGIN, size=size, root=root), queries.keys()
        line = notes.cosign(said, keys.ml_dsas[0], timestamp=int((NOW + timedelta(days=1)).timestamp()))
        return notes.add_lines(notes.sign(said, [keys.log]), [line])


# What must be named ---------------------------------------------------------------------------------------


def first(sizes, number):
    """Return the first size over an entry."""
    return next((size for size in sizes if size > number), None)


def sealed(number: int) -> dict[str, int]:
    """Return what contradicts a log whose entries are other ones from a number on."""
    kept = {"checkpoint": list(SIGNED), "cosignature": SHOWN, "publication": SHOWN, "memory": [FILED]}
    return {layer: first(sizes, number) for layer, sizes in kept.items() if first(sizes, number)}


def altered(number: int) -> dict[str, int]:
    """Return what contradicts other bytes in an entry: besides, the files. Tiles above name the first under them."""
    if number >= FILED:
        return {}
    full = number // 256 < FILED // 256
    return {**sealed(number), "bundle": number, "tile": number // 256 * 256 if full else number}


def gap(number: int) -> dict[str, int]:
    """Return what contradicts a log without an entry."""
    faults = {"entry": number, **sealed(number)}
    return {**faults, "chain": number + 1} if number + 1 < SIZE else faults


def said(data: bytes) -> tuple[str, str]:
    """Return what an entry's bytes say that it can be looked for by; of bytes that are no document, nothing."""
    try:
        value = json.loads(data.decode())
        json.dumps(value, ensure_ascii=False).encode()
        return str(value["kind"])[:200].replace("\0", ""), str(value["subject"])[:200].replace("\0", "")
    except (ValueError, RecursionError, LookupError, TypeError):
        return "", ""


def unfit(entries: dict[int, bytes]) -> dict[str, int]:
    """Return the first of some entries that is not in canonical form, by the stranger's verifier."""
    for number, data in entries.items():
        try:
            value = verifier.parse("", data)
            verifier.check_profile("", value, 1)
            fits = verifier.encode("", value) == data and len(data) <= 65_535
        except (verifier.Invalid, verifier.Unusable):
            fits = False
        if not fits:
            return {"canonical": number}
    return {}


def wrong(attacker: Attacker, name: str, at: int) -> dict[str, int]:
    """Return the entry that a byte of a tile or bundle belongs to."""
    _, level, index = name.split(".p/")[0].split("/")
    if level != "entries":
        return {"tile": (int(index) * 256 + at // 32) << 8 * int(level)}
    number = int(index) * 256
    while at >= 2 + len(attacker.bytes[number]):
        at -= 2 + len(attacker.bytes[number])
        number += 1
    return {"bundle": number}


def newest_width(name: str) -> int:
    """Return the width of the newest partial file beside one."""
    return FILED // 256 if name.startswith("tile/1/") else FILED % 256


def files_of(entries: list[bytes], names) -> dict[str, bytes]:
    """Return the tiles and bundles of a log under the names that there are."""
    leaves = [merkle.leaf_hash(data) for data in entries]
    levels = {
        "0": leaves,
        "1": [merkle.root(leaves[at : at + 256]) for at in range(0, FILED // 256 * 256, 256)],
    }
    found = {}
    for name in names:
        if name.startswith("tile/"):
            whole, _, width = name.partition(".p/")
            _, level, index = whole.split("/")
            part = slice(int(index) * 256, int(index) * 256 + int(width or 256))
            if level == "entries":
                found[name] = b"".join(len(data).to_bytes(2, "big") + data for data in entries[part])
            else:
                found[name] = b"".join(levels[level][part])
    return found


def spellings(data: bytes) -> dict[str, bytes]:
    """Return bytes that might pass for an entry's."""
    value = json.loads(data)
    number = value["body"]["n"]
    spelled = f'"n":{number}'.encode()
    swap = lambda new: data.replace(spelled, b'"n":' + new)  # noqa: E731
    put = lambda **more: canonical.encode({**value, "body": {"n": number, **more}})  # noqa: E731
    deep: Any = 1
    for _ in range(8):
        deep = [deep]
    return {
        "1.0": swap(b"%d.0" % number),
        "1e0": swap(b"%de0" % number),
        "2^53+1": swap(b"9007199254740993"),
        "leading zero": swap(b"0%d" % number),
        "minus zero": swap(b"-0"),
        "space": data.replace(b":", b": ", 1),
        "newline after": data + b"\n",
        "byte order mark": b"\xef\xbb\xbf" + data,
        "duplicate key": data[:-1] + b',"v":1}',
        "another order": json.dumps(dict(reversed(value.items())), separators=(",", ":")).encode(),
        "escape": data.replace(b"party", b"\\u0070arty"),
        "NFD": put(s="é"),
        "NFC": put(s="é"),
        "confusable": data.replace(b"party", "pаrty".encode()),
        "not UTF-8": data.replace(b"party", b"p\xffrty"),
        "half a pair": data.replace(b"party", b"\\ud800"),
        "too deep": put(s=deep),
        "far too deep": b"[" * 5000 + b"]" * 5000,
        "64 KiB": put(s="x" * (65_535 - len(put(s="")))),
        "64 KiB and one": put(s="x" * (65_536 - len(put(s="")))),
        "a node": b"\x01" + merkle.leaf_hash(data) + merkle.leaf_hash(b""),
        "a link": b"\x02" + merkle.leaf_hash(data) + merkle.leaf_hash(b""),
        "nothing": b"",
    }


assert entry.VERSION == 1  # which "duplicate key" repeats
