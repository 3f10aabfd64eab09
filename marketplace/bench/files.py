"""The log as files: a full verification, proofs, the canonical profile, memory; no database is there.

`python -m marketplace.bench.files SIZE` writes a log of so many entries into the house's folder, measures it, and
prints the rows as one line of JSON.
"""

import hashlib
import json
import random
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import asdict
from typing import Any

from marketplace.bench.rows import Row, latency, limit, median, percentile, rate
from marketplace.bench.writers import document

CHUNK = 65_536
PROOFS = 2_000
LOOKS = 5  # of which the best counts: what disturbs a machine only makes it slower

MEMORY = """
from hashlib import sha256
from ledger.domain import merkle
leaves = (sha256(number.to_bytes(8, "big")).digest() for number in range({size}))
merkle.Frontier().extend(leaves).root()
"""
VERIFY = """
import django
django.setup()
from ledger.actions import file_inspections
assert file_inspections.inspect(profile=False).holds
"""
PEAK = """
print(next(line.split()[1] for line in open("/proc/self/status") if line.startswith("VmHWM")))
"""


def main(size: int) -> None:
    """Make the log, measure it, print the rows."""
    import django

    django.setup()
    entries = make_log(size)
    found = verification_rows(entries) + profile_rows(entries[:20_000]) + proof_rows(size)
    found += http_rows(size) + memory_rows(size)
    print(json.dumps([asdict(row) for row in found]))


def make_log(size: int) -> list[bytes]:
    """Write the files of a log, with its published checkpoint, and return the entries."""
    from ledger import queries
    from ledger.actions import checkpoints, tiles
    from ledger.domain import merkle, notes
    from ledger.gateways import storage
    from ledger.gateways.tiles import Tree

    entries = [document()[1] for _ in range(size)]
    for start in range(0, size, CHUNK):
        part = entries[start : start + CHUNK]
        tiles.write(old_size=start, entries=part, leaf_hashes=[merkle.leaf_hash(data) for data in part])
    note = checkpoints.note(size, Tree(size).root())
    lines = [notes.cosign(notes.text_of(note), key, timestamp=1) for key in queries.keys().ml_dsas]
    note = notes.add_lines(note, lines)
    storage.put(f"checkpoints/{size}", note.encode())
    storage.replace("checkpoint", note.encode())
    return entries


def verification_rows(entries: list[bytes]) -> list[Row]:
    """Read the whole log again from its files, beside a loop that only hashes the same bytes in memory."""
    from ledger.actions import file_inspections

    def read(**options: Any) -> None:
        assert file_inspections.inspect(**options).holds

    ways = {
        "plain": lambda: plain_hashes(entries),
        "one": lambda: read(profile=False),
        "two": lambda: read(profile=False, processes=2),
        "profile": lambda: read(),
    }
    seconds = best(ways, LOOKS if len(entries) <= 100_000 else 3)
    each = {name: len(entries) / value for name, value in seconds.items()}
    name = f"verify {len(entries):,} entries from files"
    return [
        rate(name, each["one"], "entries/s", yardstick=each["plain"], floor=0.7, moonshot=0.95),
        rate(f"{name}, 2 processes", each["two"], "entries/s", yardstick=each["one"], floor=0, moonshot=1.9),
        rate(f"{name}, and their form", each["profile"], "entries/s", yardstick=39_000, floor=1),
    ]


def plain_hashes(entries: list[bytes]) -> bytes:
    """Hash leaf, node and link of each entry, and check nothing."""
    sha256 = hashlib.sha256
    row, tip = [], bytes(32)
    for data in entries:
        leaf = sha256(b"\x00" + data).digest()
        tip = sha256(b"\x02" + tip + leaf).digest()
        row.append(leaf)
    while len(row) > 1:
        odd = row[-1:] if len(row) & 1 else []
        row = [sha256(b"\x01" + row[at] + row[at + 1]).digest() for at in range(0, len(row) - 1, 2)] + odd
    return row[0] + tip


def profile_rows(entries: list[bytes]) -> list[Row]:
    """Tell whether entries are in canonical form, beside reading them with the standard library and writing again."""
    from ledger.domain import canonical

    def reread(data: bytes) -> bytes:
        return json.dumps(
            json.loads(data), sort_keys=True, separators=(",", ":"), ensure_ascii=False
        ).encode()

    ways = {
        "ours": lambda: all(map(canonical.is_canonical, entries)),
        "plain": lambda: all(reread(data) == data for data in entries),
    }
    each = {name: len(entries) / value for name, value in best(ways, LOOKS).items()}
    return [
        rate("canonical form", each["ours"], "entries/s", yardstick=each["plain"], floor=1),
        rate("canonical form, one core", each["ours"], "entries/s", yardstick=39_000, floor=1, moonshot=3.85),
    ]


def proof_rows(size: int) -> list[Row]:
    """Prove entries from tiles, cold and warm, beside the hashing alone and beside reading three tiles."""
    from ledger.domain import proofs
    from ledger.domain.tiles import Place
    from ledger.gateways import storage, tiles
    from ledger.gateways.tiles import Tree

    chosen = random.Random(8)
    wanted = [chosen.randrange(size) for _ in range(PROOFS)]
    names = [Place(0, index >> 8, min(256, size - (index >> 8 << 8))).path for index in wanted]
    tiles.forget()
    cold = timed(lambda index: Tree(size).inclusion(index), wanted[:200])
    for index in range(0, size, 256):
        Tree(size).inclusion(index)
    warm = timed(lambda index: Tree(size).inclusion(index), wanted)
    hashing = median(timed(lambda index: hashed_path(size), wanted))
    reading = median(timed(lambda at: [storage.read(names[at - each]) for each in range(3)], range(3, 203)))
    note = storage.read("checkpoint").decode()
    lines = note.splitlines(keepends=True)
    bare = "".join(line for line in lines if len(line) < 1000)
    text = {
        kept: proofs.text(index=wanted[0], path=Tree(size).inclusion(wanted[0]), note=kept)
        for kept in (bare, note)
    }
    name = f"proof at {size:,}"
    return [
        limit(f"{name}, median", 1e6 * median(warm), "us", most=500, moonshot=50),
        limit(f"{name}, 99th percentile", 1e6 * percentile(warm, 99), "us", most=3000, moonshot=500),
        latency(f"{name}, beside its hashes", 1e6 * median(warm), "us", yardstick=1e6 * hashing, floor=0),
        latency(f"{name}, cold tiles", 1e6 * median(cold), "us", yardstick=1e6 * reading, floor=0),
        *pymerkle_rows(name, warm),
        limit(f"{name}, text", len(text[bare].encode()), "bytes", most=1500),
        limit(
            f"{name}, text with ML-DSA",
            len(text[note].encode()),
            "bytes",
            most=1500 + 3300 * (len(lines) - 5),
        ),
    ]


def hashed_path(size: int) -> bytes:
    """Hash as many nodes as a proof has."""
    found = bytes(32)
    for _ in range((size - 1).bit_length()):
        found = hashlib.sha256(b"\x01" + found + found).digest()
    return found


def pymerkle_rows(name: str, warm: list[float]) -> list[Row]:
    """Compare with pymerkle where somebody has installed it: its licence keeps it out of what we ask for."""
    try:
        from pymerkle import InmemoryTree
    except ImportError:
        return []
    tree = InmemoryTree(algorithm="sha256")
    for number in range(10_000):
        tree.append_entry(number.to_bytes(8, "big"))
    theirs = median(timed(lambda index: tree.prove_inclusion(index % 10_000 + 1), range(500)))
    return [latency(f"{name}, pymerkle at 10,000", 1e6 * median(warm), "us", yardstick=1e6 * theirs, floor=0)]


def http_rows(size: int) -> list[Row]:
    """Ask for proofs over HTTP, within this process."""
    from django.test import Client

    client, chosen = Client(SERVER_NAME="127.0.0.1"), random.Random(9)

    def ask(index: int) -> None:
        answer = client.get(f"/ledger/log/proof/{size}/{index}")
        assert answer.status_code == 200, answer.content

    ask(0)
    found = timed(ask, [chosen.randrange(size) for _ in range(200)])
    plain = timed(lambda _: client.get("/healthz"), range(200))
    return [
        latency(
            f"proof at {size:,} through Django",
            1000 * median(found),
            "ms",
            yardstick=1000 * median(plain),
            floor=0,
        )
    ]


def memory_rows(size: int) -> list[Row]:
    """Say how much memory a process takes to append, and to verify everything."""
    found = []
    for what, code in (("append", MEMORY.format(size=size)), ("verify", VERIFY)):
        done = subprocess.run([sys.executable, "-c", code + PEAK], capture_output=True, text=True, check=True)
        megabytes = int(done.stdout) / 1024
        found.append(limit(f"memory to {what} {size:,}", megabytes, "MB", most=100, moonshot=40))
    return found


def best(ways: dict[str, Callable[[], object]], looks: int) -> dict[str, float]:
    """Do several things in turn, some times over, and return the shortest time of each in seconds."""
    seconds: dict[str, list[float]] = {name: [] for name in ways}
    for _ in range(looks):
        for name, act in ways.items():
            began = time.perf_counter()
            act()
            seconds[name].append(time.perf_counter() - began)
    return {name: min(values) for name, values in seconds.items()}


def timed(act: Callable[[int], object], numbers: Any) -> list[float]:
    """Return how many seconds each took."""
    found = []
    for number in numbers:
        began = time.perf_counter()
        act(number)
        found.append(time.perf_counter() - began)
    return found
