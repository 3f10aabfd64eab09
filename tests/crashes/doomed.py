"""A process of the house that appends, numbers, signs and publishes, and is killed at the step it was told.

It is started once and reads one line of jobs at a time. For each job it forks, while it has neither connection
nor thread; a child ends by `kill -9`, its own or PostgreSQL's, or tells at its end what it found. Nothing in the
house knows of this: a child patches the functions around the step before it begins.
"""

import json
import os
import signal
import sys
import time
import traceback
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from uuid import NAMESPACE_URL, uuid5

import django

django.setup()

from django.conf import settings  # noqa: E402
from django.db import DatabaseError, connection, transaction  # noqa: E402

from ledger import queries  # noqa: E402
from ledger.actions import checkpoints, inspections, locks, log, publications, sequencer  # noqa: E402
from ledger.domain import checkpoint, entry, merkle, notes  # noqa: E402
from ledger.domain.tiles import ENTRIES, grown, hashes, unbundle  # noqa: E402
from ledger.errors import LedgerError  # noqa: E402
from ledger.gateways import memory, storage  # noqa: E402
from ledger.gateways.memory import Memory  # noqa: E402
from ledger.gateways.tiles import Tree, read  # noqa: E402
from ledger.models import Checkpoint, Entry, Head, Publication  # noqa: E402

STATE = settings.HOUSE.state
ME = sys.modules[__name__]
BUSINESS = "INSERT INTO crash_business (key) VALUES (%s)"
UNMATCHED = """
    SELECT count(*) FROM crash_business b FULL JOIN ledger_intent i ON i.idempotency_key = b.key
    WHERE b.key IS NULL OR i.id IS NULL
"""


# The steps at which a kill comes ---------------------------------------------------------------------------


class Strike:
    """A kill that comes the nth time that a step is reached."""

    def __init__(self, nth: int, victim: str) -> None:
        self.left, self.victim = nth, victim

    def is_due(self) -> bool:
        self.left -= 1
        return self.left == 0

    def __call__(self) -> None:
        if self.is_due():
            self.hit()

    def hit(self) -> None:
        note_kill()
        kill_postgres() if self.victim == "postgres" else os.kill(os.getpid(), signal.SIGKILL)


class Os:
    """The module `os` as one file of the house sees it, some of its functions replaced."""

    def __init__(self, **replaced: Callable) -> None:
        self.__dict__.update(replaced)

    def __getattr__(self, name: str):
        return getattr(os, name)


def before(owner: object, name: str) -> Callable[[Strike], None]:
    """Strike before a function."""

    def patch(strike: Strike) -> None:
        original = getattr(owner, name)
        setattr(owner, name, lambda *given, **named: (strike(), original(*given, **named))[1])

    return patch


def after(owner: object, name: str) -> Callable[[Strike], None]:
    """Strike after a function."""

    def patch(strike: Strike) -> None:
        original = getattr(owner, name)
        setattr(owner, name, lambda *given, **named: (original(*given, **named), strike())[0])

    return patch


def half_a_copy(strike: Strike) -> None:
    """Strike between two rows of a COPY."""
    write = sequencer._write

    def broken(head, batch, now):
        rows = list(batch)

        def until_struck():
            for at, row in enumerate(rows):
                if at == len(rows) // 2:
                    strike()
                yield row

        write(head, until_struck(), now)

    sequencer._write = broken


def half_a_file(module: object) -> Callable[[Strike], None]:
    """Strike when half of a file's bytes are out."""

    class Half:
        def __init__(self, file, strike: Strike) -> None:
            self.file, self.strike = file, strike

        def __enter__(self):
            return self

        def __exit__(self, *raised):
            return self.file.__exit__(*raised)

        def __getattr__(self, name: str):
            return getattr(self.file, name)

        def write(self, data: bytes) -> int:
            if self.strike.is_due():
                self.file.write(data[: len(data) // 2])
                self.file.flush()
                self.strike.hit()
                return self.file.write(data[len(data) // 2 :])
            return self.file.write(data)

    def patch(strike: Strike) -> None:
        def opening(*given, **named):
            file = open(*given, **named)  # noqa: SIM115 (whoever called closes it)
            return Half(file, strike) if {"wb", "xb"} & set(given) else file

        module.open = opening

    return patch


def call(module: object, name: str, patch: Callable) -> Callable[[Strike], None]:
    """Strike before or after one of the functions of `os` that a module calls."""

    def patched(strike: Strike) -> None:
        module.os = Os(**{name: getattr(os, name)})
        patch(module.os, name)(strike)

    return patched


STEPS: dict[str, Callable[[Strike], None]] = {
    "an intent is written, not committed": before(ME, "written"),
    "an intent is committed, nobody was told": before(ME, "committed"),
    "an intent is acknowledged": before(sequencer, "_head"),
    "the head has moved, no entry is written": after(sequencer, "_advance"),
    "half of a batch is copied": half_a_copy,
    "a batch is copied, not committed": after(sequencer, "_write"),
    "a batch is numbered, no file is written": before(checkpoints, "sign"),
    "the drafts of all files are written, none is named": after(storage, "_beside"),
    "all files are named and kept, none is read back": after(storage.LogFiles, "save_all"),
    "a file of the log is half written": half_a_file(storage),
    "a file of the log is written, not synced": call(storage, "fsync", before),
    "a file of the log is synced, not named": call(storage, "replace", before),
    "a file of the log is named, its folder not synced": call(storage, "replace", after),
    "a folder of the log is synced": call(storage, "fsync", after),
    "partial files are about to be tidied away": before(storage, "remove"),
    "some partial files are tidied away": after(storage.LogFiles, "delete"),
    "the files are written, nothing is signed": after(checkpoints, "write_files"),
    "the signer's memory is half written": half_a_file(memory),
    "the signer's memory is written, not synced": call(memory, "fsync", before),
    "the signer's memory is synced, not named": call(memory, "replace", before),
    "the signer's memory is named": call(memory, "replace", after),
    "a checkpoint is remembered, its row is not stored": after(Memory, "advance"),
    "a checkpoint's row is stored, not committed": after(Checkpoint.objects, "create"),
    "a checkpoint is signed, not published": before(publications, "publish"),
    "a checkpoint is cosigned": after(publications, "cosign"),
    "a published note is on file, its row is missing": after(publications, "_note"),
    "a publication's row is stored, the checkpoint not replaced": after(Publication.objects, "create"),
    "the checkpoint is about to be replaced": before(storage, "replace"),
    "the checkpoint is replaced": after(storage, "replace"),
}
WITH_A_FULL_TILE = {"partial files are about to be tidied away", "some partial files are tidied away"}


def note_kill() -> None:
    """Tell the test, in one write before the kill, that the step was reached."""
    descriptor = os.open(STATE / "kills", os.O_CREAT | os.O_WRONLY | os.O_APPEND, 0o600)
    os.write(descriptor, b"x")
    os.close(descriptor)


def kill_postgres() -> None:
    """End all of PostgreSQL's processes at once."""
    first = int((STATE / "postgres/data/postmaster.pid").read_text().split("\n", 1)[0])
    os.kill(first, signal.SIGSTOP)  # so that it starts no process while the others are looked for
    for each in Path("/proc").glob("[0-9]*/stat"):
        try:
            parent = int(each.read_text().rpartition(")")[2].split()[1])
            if parent == first:
                os.kill(int(each.parent.name), signal.SIGKILL)
        except (FileNotFoundError, ProcessLookupError):
            continue
    os.kill(first, signal.SIGKILL)


# What a child does -------------------------------------------------------------------------------------------


def now() -> datetime:
    """Return the time; a job may have set it back."""
    return datetime.now(UTC) + timedelta(seconds=OFFSET)


OFFSET = 0


def written() -> None:
    """Be the place between the last statement and COMMIT."""


def committed() -> None:
    """Be the place between COMMIT and the answer."""


def hand_in(keys: list[str]) -> None:
    """Log some keys with their business rows in one transaction, and acknowledge them once it is committed."""
    with transaction.atomic(), connection.cursor() as cursor:
        for key in keys:
            cursor.execute(BUSINESS, [key])
            log.append(document=document(key), idempotency_key=key, now=now())
        written()
    committed()
    descriptor = os.open(STATE / "acknowledged", os.O_CREAT | os.O_WRONLY | os.O_APPEND, 0o600)
    os.write(descriptor, "".join(f"{key}\n" for key in keys).encode())
    os.close(descriptor)


def document(key: str) -> dict:
    """Return the document that stands for a key."""
    return entry.document(
        kind="crash.tried",
        id=uuid5(NAMESPACE_URL, key),
        at=datetime(2026, 11, 23, tzinfo=UTC),
        actor="party:1",
        subject=key,
    )


def work(job: dict) -> dict:
    """Hand in, then number, sign and publish."""
    for keys in job.get("appends", []):
        hand_in(keys)
    if job.get("sequence", True):
        signed = sequencer.catch_up(now=now())
        return {"signed": signed.size if signed else None}
    return {}


def write(job: dict) -> dict:
    """Hand in one after the other, and nothing else."""
    for at in range(0, job["count"], job["each"]):
        hand_in([f"{job['name']}-{number}" for number in range(at, min(at + job["each"], job["count"]))])
    return {}


def sequence(job: dict) -> dict:
    """Number, sign and publish again and again until told to stop."""
    locks.PAUSE_SECONDS = job.get("pause_seconds", locks.PAUSE_SECONDS)
    while "after" in job and not (STATE / job["after"]).exists():
        time.sleep(0.005)
    numbered, stopped, moments = 0, [], 0
    while not (STATE / "stop").exists():
        try:
            numbered += sequencer.run(now=now())
            checkpoints.sign(now=now())
            publications.publish(now=now())
        except DatabaseError as error:  # cut off, since it was stopped in the middle
            stopped.append(type(error).__name__)
            connection.close()
        moments += 1
        time.sleep(0.005)
    return {"numbered": numbered, "stopped": stopped, "moments": moments}


def inspect(job: dict) -> dict:
    """Read the log again and again until told to stop, and return every fault that was found."""
    found, times = [], 0
    while not (STATE / "stop").exists():
        verdict = inspections.inspect(now=now(), fast=job["fast"])
        found += map(str, verdict.faults.values())
        times += 1
    return {"faults": found, "times": times}


def pause(job: dict) -> dict:
    """Stop like SIGSTOP in the middle of a batch or of signing, and go on once woken."""
    locks.PAUSE_SECONDS = job["pause_seconds"]
    STEPS[job["step"]](lambda: os.kill(os.getpid(), signal.SIGSTOP))
    try:
        return {"signed": bool(sequencer.catch_up(now=now()))}
    except (DatabaseError, LedgerError) as error:
        return {"refused": type(error).__name__}


def recover(job: dict) -> dict:
    """Do as a process does that is started after a crash, and read everything."""
    seen = published_files()
    sequencer.catch_up(now=now())
    return {**check(job["acknowledged"]), "seen": seen}


def check(acknowledged: list[str]) -> dict:
    """Return what is wrong, as sentences, and how far the log has come."""
    verdict = inspections.inspect(now=now())
    wrong = [str(fault) for fault in verdict.faults.values()]
    rows = list(
        Entry.objects.order_by("number").values_list("number", "intent__idempotency_key", "intent__canonical")
    )
    entries = [bytes(data) for _, _, data in rows]
    leaves = [merkle.leaf_hash(data) for data in entries]
    keys = [key for _, key, _ in rows]
    head = Head.objects.get()
    signed = Checkpoint.objects.last()
    if [number for number, _, _ in rows] != list(range(head.size)):
        wrong.append(f"the entries are not numbered 0 to {head.size - 1}")
    if len(set(keys)) != len(keys):
        wrong.append("a key has two entries")
    if lost := set(acknowledged) - set(keys):
        wrong.append(f"acknowledged and lost: {sorted(lost)}")
    with connection.cursor() as cursor:
        cursor.execute(UNMATCHED)
        if (unmatched := cursor.fetchone()[0]) or queries.pending_count():
            wrong.append(
                f"{unmatched} business rows and intents without each other, or an intent still waits"
            )
    if signed.size != head.size or bytes(signed.root) != merkle.root(leaves):
        wrong.append(f"{signed.size} entries are signed, there are {head.size}, or the root is another")
    if Memory(settings.LEDGER_MEMORY).last(settings.LEDGER_ORIGIN) != (signed.size, bytes(signed.root)):
        wrong.append("the signer remembers something else than was signed last")
    if Tree(signed.size, fresh=True).root() != bytes(signed.root):
        wrong.append("the tiles have another root")
    if leaves_on_file(signed.size) != leaves or entries_on_file(signed.size) != entries:
        wrong.append("the tiles or the bundles are not those of the entries")
    published = published_files()
    if published and published[0][0] != signed.size:
        wrong.append(f"published are {published[0][0]} entries, signed {signed.size}")
    roots = {size: merkle.root(leaves[:size]).hex() for size, _ in published[:5]}
    wrong += [f"another root was published at {size}" for size, root in published[:5] if roots[size] != root]
    drafts = [path.name for path in Path(STATE / "log").rglob("*") if path.name.startswith(".draft-")]
    return {"wrong": wrong, "size": head.size, "drafts": len(drafts), "published": published}


def leaves_on_file(size: int) -> list[bytes]:
    """Return the hashes of the tiles of level 0."""
    return [each for place in grown(0, 0, size) for each in hashes(read(place), place.width)]


def entries_on_file(size: int) -> list[bytes]:
    """Return the entries of the bundles."""
    return [each for place in grown(ENTRIES, 0, size) for each in unbundle(read(place), place.width)]


def published_files() -> list[tuple[int, str]]:
    """Return size and root of each note that a stranger can read now, `checkpoint` first; each must verify."""
    names = [
        "checkpoint",
        *sorted(
            (
                f"checkpoints/{name}"
                for name in storage.names("checkpoints")
                if not name.startswith(".draft-")
            ),
            key=lambda name: -int(name[12:]),
        ),
    ]
    found = []
    for name in names[:20]:
        data = storage.read(name)
        if data is not None:
            note = data.decode()
            queries.house_policy().verify_checkpoint(note)
            size, root = checkpoint.parse(notes.text_of(note), origin=settings.LEDGER_ORIGIN)
            found.append((size, root.hex()))
    return found


def follows(job: dict) -> dict:
    """Tell which of some earlier checkpoints the published one does not extend."""
    tree = Tree(job["size"], fresh=True)
    broken = [
        (size, root)
        for size, root in job["earlier"]
        if not merkle.verify_consistency(
            old_size=size,
            new_size=tree.size,
            old_root=bytes.fromhex(root),
            new_root=tree.root(),
            proof=tree.consistency(size),
        )
    ]
    return {"broken": broken}


JOBS = {each.__name__: each for each in (work, write, sequence, inspect, pause, recover, follows)}


# The process itself ------------------------------------------------------------------------------------------


def fork(job: dict, result: Path) -> int:
    """Start a child for one job, and return its pid."""
    global OFFSET
    child = os.fork()
    if child:
        return child
    status = 1
    try:
        OFFSET = job.get("offset", 0)
        if step := job.get("kill_at"):
            STEPS[step](Strike(job.get("nth", 1), job.get("victim", "itself")))
        result.write_text(json.dumps(JOBS[job["do"]](job)))
        status = 0
    except BaseException as error:
        result.write_text(
            json.dumps({"raised": type(error).__name__, "told": traceback.format_exc()[-3000:]})
        )
    os._exit(status)


def main() -> None:
    """Fork for each job of a line, say who they are, and at their end what they told; none from a killed one."""
    for line in sys.stdin:
        jobs = json.loads(line)
        results = [STATE / "results" / str(number) for number in range(len(jobs))]
        for each in results:
            each.unlink(missing_ok=True)
        children = [fork(*pair) for pair in zip(jobs, results, strict=True)]
        print(json.dumps(children), flush=True)
        for child in children:
            os.waitpid(child, 0)
        print(
            json.dumps([json.loads(each.read_text()) if each.exists() else None for each in results]),
            flush=True,
        )


if __name__ == "__main__":
    main()
