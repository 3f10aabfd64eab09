"""Whom to trust: a C2SP tlog-policy, read strictly, with two kinds of comment line of ours.

    log <vkey> [<url>]
    witness <name> <vkey> [<url>]
    group <name> <k|any|all> <name>...
    quorum <name|none>
    #report <vkey>                                      a key that signs reports
    #valid <key name>+<key ID> <first size> <last size or ->    the tree sizes a key may sign; else all

The file is octets: names beyond ASCII are kept as they are, in Python's surrogate escapes where need be.
"""

import re
from collections.abc import Callable, Collection
from dataclasses import dataclass

from ledger.domain import checkpoint, notes
from ledger.domain.cosignatures import ED25519_COSIGNATURE, ML_DSA_44
from ledger.errors import NoteInvalid, PolicyInvalid

MAX_BYTES = 1_000_000
MOST_OF_A_KIND = 100
LOG_KINDS = (notes.ED25519, ML_DSA_44)
WITNESS_KINDS = (ED25519_COSIGNATURE, ML_DSA_44)
NOBODY = "none"
_FORBIDDEN = re.compile(rb"[^\t\n\x20-\x7e\x80-\xff]")
_SIZE = re.compile("0|[1-9][0-9]{0,18}")
_COUNT = re.compile("[1-9][0-9]{0,2}")


@dataclass(frozen=True)
class Log:
    """A log key; its name is the log's origin."""

    vkey: str
    url: str | None = None


@dataclass(frozen=True)
class Witness:
    """A cosigner's key under the name that this policy gives it."""

    name: str
    vkey: str
    url: str | None = None


@dataclass(frozen=True)
class Group:
    """A witness made of `count` out of its members."""

    name: str
    count: int
    members: tuple[str, ...]


@dataclass(frozen=True)
class Range:
    """The tree sizes, both ends included, that a key may sign; `key` is its name, a plus sign and its ID."""

    key: str
    first: int
    last: int | None = None


@dataclass(frozen=True)
class Verified:
    """What a checkpoint says that the policy accepts, and the witnesses whose cosignatures count."""

    origin: str
    size: int
    root: bytes
    witnesses: tuple[str, ...]


@dataclass(frozen=True)
class Policy:
    """Logs, witnesses, the quorum among these, the keys of reports, and the sizes each key is good for."""

    logs: tuple[Log, ...] = ()
    witnesses: tuple[Witness, ...] = ()
    groups: tuple[Group, ...] = ()
    quorum: str = NOBODY
    reports: tuple[str, ...] = ()
    ranges: tuple[Range, ...] = ()

    @classmethod
    def parse(cls, data: bytes) -> "Policy":
        """Return the policy that a file says. Raises PolicyInvalid with the number of the line."""
        return _Reader(data).policy()

    def render(self, *, heading: str = "") -> bytes:
        """Return the file; reading it gives the same policy. The heading goes before it as comments."""
        lines = [f"# {line}" for line in heading.splitlines()]
        lines += [_words("log", log.vkey, log.url) for log in self.logs]
        lines += [
            f"#valid {each.key} {each.first} {'-' if each.last is None else each.last}"
            for each in self.ranges
        ]
        lines += [f"#report {vkey}" for vkey in self.reports]
        lines += [_words("witness", each.name, each.vkey, each.url) for each in self.witnesses]
        lines += [_words("group", each.name, str(each.count), *each.members) for each in self.groups]
        lines.append(f"quorum {self.quorum}")
        return "".join(f"{line}\n" for line in lines).encode("utf-8", "surrogateescape")

    @property
    def outside(self) -> tuple[Witness, ...]:
        """The witnesses that can be asked: those with an address."""
        return tuple(each for each in self.witnesses if each.url)

    def knows(self, origin: str) -> bool:
        """Tell whether a log of this origin is named."""
        return any(_name(log.vkey) == origin for log in self.logs)

    def log_keys(self, *, origin: str, size: int) -> list[str]:
        """Return the keys that may sign this log's checkpoint at a size."""
        return [
            log.vkey for log in self.logs if _name(log.vkey) == origin and self.is_valid(log.vkey, size=size)
        ]

    def is_valid(self, vkey: str, *, size: int) -> bool:
        """Tell whether a key may sign a checkpoint of this size."""
        found = next((each for each in self.ranges if each.key == _key(vkey)), Range(_key(vkey), 0))
        return found.first <= size and (found.last is None or size <= found.last)

    def holds(self, names: Collection[str]) -> bool:
        """Tell whether the cosignatures of these witnesses are a quorum."""
        witnessed = {each.name for each in self.witnesses} & set(names) | {NOBODY}
        for group in self.groups:  # each stands after its members
            if sum(member in witnessed for member in group.members) >= group.count:
                witnessed.add(group.name)
        return self.quorum in witnessed

    def verify_checkpoint(self, note: str) -> Verified:
        """Return what the note says, if a log key and a quorum stand for it. Raises NoteInvalid with the reason."""
        head = checkpoint.read(notes.text_of(note))
        logs = [log.vkey for log in self.logs if _name(log.vkey) == head.origin]
        if not logs:
            raise NoteInvalid(f"the policy names no log {head.origin}")
        known = dict.fromkeys([*logs, *(each.vkey for each in self.witnesses)])
        signed = {f"{each.name}+{each.key_id}" for each in notes.verify(note, known).signatures}
        by_log = [vkey for vkey in logs if _key(vkey) in signed]
        if not by_log:
            raise NoteInvalid(f"not signed by a key of the log {head.origin}")
        if not any(self.is_valid(vkey, size=head.size) for vkey in by_log):
            raise NoteInvalid(f"the key {_key(by_log[0])} may not sign the size {head.size}")
        names = tuple(
            each.name
            for each in self.witnesses
            if _key(each.vkey) in signed and self.is_valid(each.vkey, size=head.size)
        )
        if not self.holds(names):
            missing = ", ".join(each.name for each in self.witnesses if each.name not in names)
            raise NoteInvalid(f"the quorum {self.quorum} is not met: no cosignature that counts by {missing}")
        return Verified(head.origin, head.size, head.root, names)


class _Reader:
    """One pass over the lines of a file. Whatever is not understood is refused."""

    def __init__(self, data: bytes) -> None:
        self.data, self.line = data, 1
        self.logs: list[Log] = []
        self.witnesses: list[Witness] = []
        self.groups: list[Group] = []
        self.reports: list[str] = []
        self.ranges: dict[str, tuple[int, Range]] = {}
        self.quorum: str | None = None
        self.defined: set[str] = set()
        self.grouped: set[str] = set()
        self.keys: dict[str, set[bytes]] = {"log": set(), "witness": set(), "report": set()}

    def policy(self) -> Policy:
        self._check_octets()
        lines = self.data.decode("utf-8", "surrogateescape").split("\n")
        if lines.pop():
            self.line = len(lines) + 1
            raise self._invalid("the last line does not end in a newline")
        known: dict[str, Callable[[list[str]], None]] = {
            "log": self._log,
            "witness": self._witness,
            "group": self._group,
            "quorum": self._quorum,
            "#report": self._report,
            "#valid": self._valid,
        }
        for self.line, line in enumerate(lines, start=1):
            words = re.split("[ \t]+", line.strip(" \t"))
            if words[0] in known:
                known[words[0]](words[1:])
            elif words[0] and not words[0].startswith("#"):
                raise self._invalid(f"{words[0][:40]!r} begins no line of a policy")
        if self.quorum is None:
            raise self._invalid("there is no quorum line")
        self._check_ranges()
        return Policy(
            tuple(self.logs),
            tuple(self.witnesses),
            tuple(self.groups),
            self.quorum,
            tuple(self.reports),
            tuple(found for _, found in self.ranges.values()),
        )

    def _check_octets(self) -> None:
        if len(self.data) > MAX_BYTES:
            raise self._invalid(f"the file has more than {MAX_BYTES} bytes")
        if forbidden := _FORBIDDEN.search(self.data):
            self.line = self.data.count(b"\n", 0, forbidden.start()) + 1
            raise self._invalid(f"the octet 0x{forbidden[0].hex()} is not allowed")

    def _log(self, words: list[str]) -> None:
        self._expect(words, 1, 2, "log <vkey> [<url>]")
        self._take_key("log", words[0], LOG_KINDS)
        self._limit(self.logs)
        self.logs.append(Log(*words))

    def _witness(self, words: list[str]) -> None:
        self._expect(words, 2, 3, "witness <name> <vkey> [<url>]")
        self._define(words[0])
        self._take_key("witness", words[1], WITNESS_KINDS)
        self._limit(self.witnesses)
        self.witnesses.append(Witness(*words))

    def _group(self, words: list[str]) -> None:
        self._expect(words, 3, None, "group <name> <k|any|all> <name>...")
        name, count, *members = words
        for member in members:
            if member not in self.defined:
                raise self._invalid(f"{member[:40]!r} is not defined before")
            if member in self.grouped:
                raise self._invalid(f"{member[:40]!r} is a member already")
            self.grouped.add(member)
        number = {"any": "1", "all": str(len(members))}.get(count, count)
        if not _COUNT.fullmatch(number) or int(number) > len(members):
            raise self._invalid(f"{count[:40]!r} is not any, all or 1 to {len(members)}")
        self._define(name)
        self._limit(self.groups)
        self.groups.append(Group(name, int(number), tuple(members)))

    def _quorum(self, words: list[str]) -> None:
        self._expect(words, 1, 1, "quorum <name|none>")
        if self.quorum is not None:
            raise self._invalid("there is a quorum line already")
        if words[0] != NOBODY and words[0] not in self.defined:
            raise self._invalid(f"{words[0][:40]!r} is not defined before")
        self.quorum = words[0]

    def _report(self, words: list[str]) -> None:
        self._expect(words, 1, 1, "#report <vkey>")
        self._take_key("report", words[0], (notes.ED25519,))
        self._limit(self.reports)
        self.reports.append(words[0])

    def _valid(self, words: list[str]) -> None:
        self._expect(words, 3, 3, "#valid <key name>+<key ID> <first size> <last size or ->")
        key, first, last = words
        if not _SIZE.fullmatch(first) or not (last == "-" or _SIZE.fullmatch(last)):
            raise self._invalid("a size is a decimal number")
        if last != "-" and int(last) < int(first):
            raise self._invalid("the last size is below the first")
        if key in self.ranges:
            raise self._invalid(f"{key[:80]!r} has a range already")
        self.ranges[key] = self.line, Range(key, int(first), None if last == "-" else int(last))

    def _check_ranges(self) -> None:
        keys = {_key(log.vkey) for log in self.logs} | {_key(each.vkey) for each in self.witnesses}
        for line, found in self.ranges.values():
            self.line = line
            if found.key not in keys:
                raise self._invalid(f"{found.key[:80]!r} is no key of a log or witness here")

    def _define(self, name: str) -> None:
        if name == NOBODY:
            raise self._invalid(f"the name {NOBODY} is taken")
        if name in self.defined:
            raise self._invalid(f"{name[:40]!r} is defined already")
        self.defined.add(name)

    def _take_key(self, use: str, vkey: str, kinds: Collection[bytes]) -> None:
        try:
            found = notes.read_vkey(vkey)
        except NoteInvalid as error:
            raise self._invalid(error.reason) from error
        if found.kind not in kinds:
            raise self._invalid(f"a key of kind 0x{found.kind.hex()} is not one of a {use}")
        if found.public in self.keys[use]:
            raise self._invalid(f"this public key is that of another {use} already")
        self.keys[use].add(found.public)

    def _limit(self, found: list[Log] | list[Witness] | list[Group] | list[str]) -> None:
        if len(found) >= MOST_OF_A_KIND:
            raise self._invalid(f"there are more than {MOST_OF_A_KIND} lines of this kind")

    def _expect(self, words: list[str], least: int, most: int | None, shape: str) -> None:
        if len(words) < least or (most is not None and len(words) > most):
            raise self._invalid(f"expected {shape}")

    def _invalid(self, reason: str) -> PolicyInvalid:
        return PolicyInvalid(self.line, reason)


def _words(*words: str | None) -> str:
    return " ".join(word for word in words if word is not None)


def _name(vkey: str) -> str:
    return vkey.split("+", 1)[0]


def _key(vkey: str) -> str:
    return "+".join(vkey.split("+", 2)[:2])
