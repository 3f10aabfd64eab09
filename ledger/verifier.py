"""Check a report of a Wenshi ledger offline: python verifier.py REPORT --policy POLICY

One file; it needs Python 3.9 or newer and the package `cryptography`, and shares no code with the ledger,
on purpose: it is the second implementation. Formats: C2SP tlog-policy, tlog-checkpoint, signed-note,
tlog-cosignature, tlog-proof; RFC 6962 hashes; RFC 8785 JSON; the report as `ledger/actions/reports.py`
lays it out, as a folder or as a zip file.

Exit status: 0 valid, 1 INVALID, 2 incomplete (nothing wrong was found, not everything could be checked),
3 unusable input. Not checked: anchors on a chain, and whether the facts obey the rules of rights.
"""

import argparse
import base64
import hashlib
import hmac
import itertools
import json
import os
import re
import stat
import struct
import sys
import unicodedata
import zlib

try:
    from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
except ImportError:
    Ed25519PublicKey = None

VALID, INVALID, INCOMPLETE, UNUSABLE = 0, 1, 2, 3
FORMAT = "wenshi-report/2"
LARGEST_FILE = 16 * 2**20
LARGEST_REPORT = 64 * 2**20
LARGEST_ARCHIVE = 80 * 2**20
LARGEST_RATIO = 200
LARGEST_TEXT = 1_000_000
MOST_ENTRIES = 20_000
MOST_FILES = 3 * MOST_ENTRIES
MOST_VALUES = 2_000_000
MOST_LEVELS = 100
MOST_SIGNATURES = 100
ANY_SIZE = (0, 10**18 - 1)
ENTRY_BYTES, ENTRY_DEPTH, ENTRY_INTEGER = 65_535, 8, 2**53 - 1
GENESIS = bytes(32)
NAME = re.compile(r"[A-Za-z0-9_-][A-Za-z0-9._-]{0,99}(/[A-Za-z0-9_-][A-Za-z0-9._-]{0,99}){0,3}")
HEX = re.compile(r"[0-9a-f]{64}")
DECIMAL = re.compile(r"0|[1-9][0-9]{0,17}")
CONTROL = re.compile(r"[\x00-\x08\x0b-\x1f\x7f]")
SIGNED_FOLDERS = ("entries", "proofs", "checkpoints", "consistency")
ED25519, COSIGNED, ML_DSA = 1, 4, 6  # signature types of C2SP signed-note and tlog-cosignature
KEY_BYTES = {ED25519: 32, COSIGNED: 32, ML_DSA: 1312}
SIGNATURE_BYTES = {ED25519: 64, COSIGNED: 64, ML_DSA: 2420}

MANIFEST = {
    "format": str,
    "origin": str,
    "made_at": str,
    "keys": {"log": str, "report": str},
    "checkpoint": {"size": int, "root": HEX},
    "older": [{"size": int, "root": HEX}],
    "entries": [{"number": int, "leaf_hash": HEX, "prev": HEX, "chain_hash": HEX}],
    "openings": [{"entry": int, "field": str, "salt": HEX, "value": object}],
    "erased": [{"entry": int, "field": str, "by": (int, type(None))}],
    "files": dict,
}
ENTRY = dict.fromkeys(["v", "kind", "ledger", "id", "at", "actor", "subject", "refs", "body"], object)
ENTRY["commit"] = dict
FACTS = {"sections": [{"title": str, "facts": [dict]}]}


class Invalid(Exception):
    """The report contradicts itself, the policy, or a checkpoint that its reader holds."""


class Unusable(Exception):
    """This is no report, no policy, or no checkpoint, that can be read."""


def main(arguments=None):
    """Check the report that the command line names; return the exit status."""
    parser = argparse.ArgumentParser(description="Check a report of a ledger with the network off.")
    parser.add_argument("report", help="the report: a folder or a zip file")
    parser.add_argument("--policy", help="the keys you trust, from a source other than the report")
    parser.add_argument("--checkpoint", action="append", default=[], help="an older checkpoint that you hold")
    try:
        for stream in filter(None, (sys.stdout, sys.stderr)):
            stream.reconfigure(errors="backslashreplace")
        options = parser.parse_args(arguments)
        status = check(options)
        print(end="", flush=True)
        return status
    except SystemExit as stop:
        return UNUSABLE if stop.code else VALID
    except OSError:  # nobody reads what is printed
        sys.stdout = None
        return UNUSABLE


def check(options):
    """Print what is found, line by line, and the verdict last; return its status."""
    if Ed25519PublicKey is None:
        return say(UNUSABLE, "the Python package `cryptography` is not installed")
    try:
        policy = Policy(read(options.policy, LARGEST_TEXT, "policy")) if options.policy else None
        held = [(path, read(path, LARGEST_TEXT, path)) for path in options.checkpoint]
        path = options.report
        files = Folder(path) if os.path.isdir(path) else Archive(read(path, LARGEST_ARCHIVE, "report"))
        return Report(files, policy).check(held)
    except Unusable as error:
        return say(UNUSABLE, str(error))
    except Invalid as error:
        return say(INVALID, str(error))
    except (MemoryError, RecursionError):
        return say(UNUSABLE, "the report is built to exhaust the machine")


def say(status, sentence):
    """Print the verdict on one line and return its status."""
    tell(["VALID", "INVALID", "INCOMPLETE", "UNUSABLE"][status], sentence[:500])
    return status


def tell(word, sentence):
    """Print one line that moves no terminal, whatever a report has put into it."""
    print("".join(letter if letter.isprintable() else "?" for letter in f"{word}  {sentence}"))


class Report:
    """One report and the policy it is held against."""

    def __init__(self, files, policy):
        self.files, self.policy = files, policy
        self.missing, self.lacking = [], []  # files, and sentences that say what else could not be checked
        self.commitments = {}  # of each entry that is here, by its number

    def check(self, held):
        """Go through every file; return the status. Raises Invalid or Unusable at the first that fails."""
        data = self.files.read("manifest.json", LARGEST_FILE)
        self.manifest = manifest = read_manifest(data)
        self.check_manifest_note(data)
        self.check_files()
        tell("ok", f"{len(manifest['files'])} files have the digests that the signed list names")
        self.check_keys()
        note = self.listed("checkpoint", LARGEST_TEXT)
        if note is not None:
            self.check_checkpoint(note)
        self.check_older()
        for name, held_note in held:
            self.check_held(name, held_note)
        links = {}
        for place in manifest["entries"]:
            self.check_entry(place, note, links)
        tell("ok", f"{len(links)} entries stand in the log of {manifest['checkpoint']['size']}")
        self.check_commitments()
        self.check_facts()
        tell("note", "not checked: anchors on a chain, and whether the facts obey the rules of rights")
        return self.verdict()

    def verdict(self):
        """Return the status of a report in which nothing is wrong."""
        keys = self.manifest["keys"]
        if self.missing:
            return say(INCOMPLETE, f"{len(self.missing)} files are missing, the first is {self.missing[0]}")
        if self.policy is None:
            found = f"{keys['log']} and {keys['report']}"
            return say(INCOMPLETE, f"no --policy, so no key is trusted; found {found}")
        if self.lacking:
            return say(INCOMPLETE, "; ".join(self.lacking))
        if not self.policy.report_keys:
            return say(INCOMPLETE, "the policy has no #report key, so nobody vouches for the attached facts")
        return say(VALID, f"{self.manifest['origin']}, {len(self.manifest['entries'])} entries")

    def check_manifest_note(self, manifest):
        """See that the list of files is signed, by a key that the policy names."""
        name, vkey = self.manifest["origin"] + "/reports", self.manifest["keys"]["report"]
        key = Key("manifest.json, keys.report", vkey, [ED25519])
        same("manifest.json, keys.report", "name", key.name, name)
        size = self.manifest["checkpoint"]["size"]
        if self.policy and self.policy.report_keys:
            key = self.policy.keys.get(key.label, key)
            if key not in self.policy.report_keys or key.vkey != vkey:
                raise Invalid(f"manifest.json, keys.report: the policy does not name the key {vkey}")
            if not key.may_sign(size):
                raise Invalid(f"manifest.json, keys.report: {key.may_not_sign(size)}")
        text, lines = split_note("manifest.note", self.files.read("manifest.note", LARGEST_TEXT))
        if [line[:2] for line in lines] != [(key.name, key.id)]:
            raise Invalid(f"manifest.note: is not signed by {key.label}, and by nobody else")
        if not key.verifies(lines[0][2], text):
            raise Invalid(f"manifest.note: the signature by {key.label} does not hold")
        same("manifest.note", "text", text.decode(), f"{name}\n{hashlib.sha256(manifest).hexdigest()}\n")

    def check_files(self):
        """See that every listed file has its digest, that no other is there, and that none poses as signed."""
        listed, size = self.manifest["files"], self.manifest["checkpoint"]["size"]
        for name in self.files.names():
            if name not in listed and name not in ("manifest.json", "manifest.note"):
                raise Invalid(f"{name}: is not in the list of files")
        numbers = [place["number"] for place in self.manifest["entries"]]
        sizes = [older["size"] for older in self.manifest["older"]]
        expected = {f"entries/{number}.json" for number in numbers}
        expected.update(f"proofs/{number}.tlog-proof" for number in numbers)
        expected.update(f"checkpoints/{old}" for old in sizes)
        expected.update(f"consistency/{old}-{size}" for old in sizes)
        for name, digest in listed.items():
            if name.partition("/")[0] in SIGNED_FOLDERS and name not in expected:
                raise Invalid(f"{name}: belongs to no entry and no checkpoint that manifest.json names")
            data = self.files.read(name, LARGEST_FILE, optional=True)
            if data is None:
                self.missing.append(name)
                continue
            same(name, "bytes", len(data), digest["bytes"])
            same(name, "sha256", hashlib.sha256(data).hexdigest(), digest["sha256"])

    def check_keys(self):
        """Choose the keys of this log: those of the policy, or without one the key that the report names."""
        origin = self.manifest["origin"]
        found = Key("manifest.json, keys.log", self.manifest["keys"]["log"], [ED25519, ML_DSA])
        same("manifest.json, keys.log", "name", found.name, origin)
        self.logs = [key for key in self.policy.log_keys if key.name == origin] if self.policy else [found]
        if not self.logs:
            raise Invalid(f"manifest.json, origin: the policy names no log {origin}")
        witnesses = self.policy.witnesses.values() if self.policy else []
        self.known = {(key.name, key.id): key for key in [*self.logs, *witnesses]}

    def check_checkpoint(self, note):
        """See that the checkpoint is what the list of files says, signed by the log, seen by the witnesses."""
        point = Checkpoint("checkpoint", note)
        point.must_be(self.manifest["origin"], self.manifest["checkpoint"])
        signed, unread = self.check_log_signature(point)
        if self.policy and self.policy.quorum != "none":
            self.check_quorum(point, signed, unread)

    def signers(self, point):
        """Return the known keys whose lines hold, and those whose lines cannot be read here."""
        signed, unread = [], []
        for name, key_id, signature in point.lines:
            key = self.known.get((name, key_id))
            if key is None:  # signed-note: signatures by unknown keys are ignored
                continue
            holds = key.verifies(signature, point.text, point)
            if holds is False:
                raise Invalid(f"{point.where}: the signature by {key.label} does not hold")
            (unread if holds is None else signed).append(key)
        return signed, unread

    def check_log_signature(self, point):
        """See that a key of the log, valid at this size, has signed; return what `signers` found."""
        signed, unread = self.signers(point)
        good = [key for key in self.logs if key.may_sign(point.size)]
        labels = [key.label for key in good if key in signed]
        if labels:
            tell("ok", f"{point.where} of size {point.size} is signed by {', '.join(labels)}")
        elif any(key in unread for key in good):
            self.lacking.append(f"{point.where}: only ML-DSA signs it, which this `cryptography` cannot read")
        else:
            for key in signed:
                if key in self.logs:
                    raise Invalid(f"{point.where}: {key.may_not_sign(point.size)}")
            named = self.manifest["keys"]["log"]
            raise Invalid(f"{point.where}: is signed by no trusted key of the log; the report names {named}")
        return signed, unread

    def check_quorum(self, point, signed, unread):
        """See that enough witnesses have cosigned the checkpoint."""
        names = self.policy.witnesses_among(signed, point.size)
        wanted, found = self.policy.quorum, ", ".join(names) or "nobody"
        if wanted in self.policy.met(names):
            tell("ok", f"checkpoint is cosigned by {found}, which is the quorum {wanted}")
        elif wanted in self.policy.met(names + self.policy.witnesses_among(unread, point.size)):
            self.lacking.append(f"the quorum {wanted} needs ML-DSA, which this `cryptography` cannot read")
        else:
            raise Invalid(f"checkpoint, quorum: expected cosignatures that make up {wanted}, found {found}")

    def check_older(self):
        """See that the log of each older checkpoint in the report is the beginning of this one."""
        for older in self.manifest["older"]:
            name = f"checkpoints/{older['size']}"
            note = self.listed(name, LARGEST_TEXT)
            if note is not None:
                point = Checkpoint(name, note)
                point.must_be(self.manifest["origin"], older)
                self.check_log_signature(point)
            self.check_consistency(older["size"], older["root"])

    def check_held(self, name, note):
        """See that the log still begins as it did in a checkpoint that the reader holds."""
        stated = self.manifest["checkpoint"]
        try:
            point = Checkpoint(name, note)
            same(name, "origin", point.origin, self.manifest["origin"])
            self.check_log_signature(point)
        except Invalid as error:
            raise Unusable(f"--checkpoint {error}") from None
        proof = f"consistency/{point.size}-{stated['size']}"
        if point.size == stated["size"]:
            same(f"checkpoint against {name}", "root", stated["root"], point.root.hex())
        elif proof in self.manifest["files"]:
            self.check_consistency(point.size, point.root.hex())
        else:
            self.lacking.append(f"{proof} is missing: nothing shows that the log of {name} was only added to")

    def check_consistency(self, size, root):
        """See that the proof leads from an older root to that of the report."""
        stated = self.manifest["checkpoint"]
        name = f"consistency/{size}-{stated['size']}"
        data = self.listed(name, LARGEST_TEXT)
        if data is None:
            return
        old, new = roots_from_proof(name, size, stated["size"], bytes.fromhex(root), hashes_of(name, data))
        same(name, f"root of {size}", old.hex(), root)
        same(name, f"root of {stated['size']}", new.hex(), stated["root"])
        tell("ok", f"the first {size} entries are those of the older checkpoint")

    def check_entry(self, place, note, links):
        """See that an entry has its bytes, its place under the checkpoint and its links in the chain."""
        number, where = place["number"], f"entry {place['number']}"
        prev, link = bytes.fromhex(place["prev"]), bytes.fromhex(place["chain_hash"])
        leaf = bytes.fromhex(place["leaf_hash"])
        same(where, "chain_hash", node(b"\x02", prev, leaf).hex(), place["chain_hash"])
        if number == 0 or number - 1 in links:
            same(where, "prev", place["prev"], links.get(number - 1, GENESIS).hex())
        links[number] = link
        data = self.listed(f"entries/{number}.json", ENTRY_BYTES)
        if data is not None:
            same(where, "leaf_hash", hashlib.sha256(b"\x00" + data).hexdigest(), place["leaf_hash"])
            document = read_entry(where, data)
            same(where, "ledger", document["ledger"], self.manifest["origin"])
            self.commitments[number] = document["commit"]
        proof = self.listed(f"proofs/{number}.tlog-proof", LARGEST_TEXT)
        if proof is not None and note is not None:
            path = read_proof(where, proof, number, note)
            stated = self.manifest["checkpoint"]
            found = root_from_path(where, leaf, number, stated["size"], path)
            same(where, "root", found.hex(), stated["root"])

    def check_commitments(self):
        """See that each opened value is what its entry committed to, and that what is erased was committed to."""
        opened, erased = set(), set()
        for opening in self.manifest["openings"]:
            where, name = f"opening of entry {opening['entry']}", opening["field"]
            committed = self.committed(where, opening)
            if committed is not None:
                found = hmac.new(bytes.fromhex(opening["salt"]), encode(where, opening["value"]), "sha256")
                same(where, name, found.hexdigest(), committed)
                opened.add((opening["entry"], name))
        for erasure in self.manifest["erased"]:
            where, name, by = f"erased field of entry {erasure['entry']}", erasure["field"], erasure["by"]
            committed = self.committed(where, erasure)
            if (erasure["entry"], name) in opened:
                raise Invalid(f"{where}, {name}: is opened as well")
            if by is not None and (by <= erasure["entry"] or not self.has_entry(by)):
                raise Invalid(f"{where}, {name}: expected a later entry of this report, found {by}")
            if committed is not None:
                erased.add((erasure["entry"], name))
        for number, name in sorted(erased)[:20]:
            tell("erased", f"entry {number}, {name}: commitment {self.commitments[number][name]} stays")
        closed = sum(map(len, self.commitments.values())) - len(opened) - len(erased)
        tell("ok", f"{len(opened)} values are as committed to, {len(erased)} erased, {closed} not disclosed")

    def committed(self, where, disclosure):
        """Return the commitment that an opening or an erasure speaks of; None where the entry is missing."""
        number, name = disclosure["entry"], disclosure["field"]
        if not self.has_entry(number):
            raise Invalid(f"{where}, {name}: the entry is not in this report")
        if number not in self.commitments:
            return None
        if name not in self.commitments[number]:
            raise Invalid(f"{where}, {name}: expected a commitment in the entry, found none")
        return self.commitments[number][name]

    def has_entry(self, number):
        """Tell whether the report discloses an entry."""
        return f"entries/{number}.json" in self.manifest["files"]

    def check_facts(self):
        """See that each fact names an entry of this report, and count those that name none."""
        data = self.files.read("facts.json", LARGEST_FILE, optional=True)
        if data is None:
            return
        document = parse("facts.json", data)
        if not fits(document, FACTS):
            raise Unusable("facts.json: expected sections, each with a title and a list of facts")
        entries = [
            fact.get("entry", "nothing") for section in document["sections"] for fact in section["facts"]
        ]
        for count, entry in enumerate(entries, 1):
            if entry is not None and not (fits(entry, int) and self.has_entry(entry)):
                raise Invalid(
                    f"facts.json, fact {count}: expected an entry of this report, found {str(entry)[:60]}"
                )
        unnamed = entries.count(None)
        tell("ok", f"{len(entries) - unnamed} facts name an entry of this report")
        if unnamed:
            tell("note", f"{unnamed} facts name no entry: the report key vouches for them, the log does not")

    def listed(self, name, limit):
        """Return a file that the list must name; None where it is missing."""
        if name not in self.manifest["files"]:
            raise Invalid(f"{name}: is not in the list of files")
        return self.files.read(name, limit, optional=True)


# Keys, checkpoints, and the policy ------------------------------------------------------------------------


class Key:
    """A public key as a vkey string has it: name, ID, type, and the tree sizes that it may sign."""

    def __init__(self, where, vkey, kinds):
        fields = vkey.split("+", 2)
        if len(fields) != 3 or not is_name(fields[0]):
            raise Invalid(f"{where}: {vkey[:80]!r} is no key")
        data = unbase64(where, fields[2])
        self.vkey, self.name, self.kind, self.public = vkey, fields[0], data[:1], data[1:]
        self.id = hashlib.sha256(encoded(self.name) + b"\n" + data).digest()[:4]
        if fields[1] != self.id.hex():
            raise Invalid(f"{where}: the ID of {vkey[:80]!r} is not that of its key")
        self.kind = int.from_bytes(self.kind, "big")
        if self.kind not in kinds or len(self.public) != KEY_BYTES[self.kind]:
            raise Invalid(f"{where}: {vkey[:80]!r} is not of a type that fits here")
        self.label = f"{self.name}+{fields[1]}"
        self.sizes = ANY_SIZE

    def may_sign(self, size):
        """Tell whether the policy lets this key sign a tree of this size."""
        return self.sizes[0] <= size <= self.sizes[1]

    def may_not_sign(self, size):
        return f"{self.label} may sign sizes {self.sizes[0]} to {self.sizes[1]}, found {size}"

    def verifies(self, signature, text, point=None):
        """Tell whether a signature holds; None where this installation cannot tell."""
        message = text
        if self.kind != ED25519:  # tlog-cosignature: eight bytes of time come first
            time, signature = signature[:8], signature[8:]
            if len(time) != 8 or time[0] > 127:
                return False
            message = self.cosigned(int.from_bytes(time, "big"), text, point)
        if len(signature) != SIGNATURE_BYTES[self.kind]:
            return False
        load = ml_dsa_key if self.kind == ML_DSA else Ed25519PublicKey.from_public_bytes
        key = load(self.public)
        if key is None:
            return None
        try:
            key.verify(signature, message)
        except InvalidSignature:
            return False
        return True

    def cosigned(self, time, text, point):
        """Return the bytes that a witness signs; of the two forms only that of ML-DSA holds its name."""
        if self.kind == COSIGNED:
            return b"cosignature/v1\ntime %d\n" % time + text
        name, origin = encoded(self.name), encoded(point.origin)
        layout = f">B{len(name)}sQB{len(origin)}sQQ32s"
        message = struct.pack(layout, len(name), name, time, len(origin), origin, 0, point.size, point.root)
        return b"subtree/v1\n\0" + message


def ml_dsa_key(public):
    """Return the ML-DSA-44 key, or None where this installation of `cryptography` has no ML-DSA."""
    try:
        from cryptography.hazmat.primitives.asymmetric.mldsa import MLDSA44PublicKey

        return MLDSA44PublicKey.from_public_bytes(public)
    except (ImportError, UnsupportedAlgorithm):
        return None


class Checkpoint:
    """A checkpoint as it stands in a note: origin, size and root, with its signature lines unchecked."""

    def __init__(self, where, note):
        self.where = where
        self.text, self.lines = split_note(where, note)
        lines = self.text.decode().split("\n")
        if len(lines) != 4 or not DECIMAL.fullmatch(lines[1]):
            raise Invalid(f"{where}: does not have the three lines of a checkpoint")
        self.origin, self.size, self.root = lines[0], int(lines[1]), unbase64(where, lines[2])
        if self.size == 0 or len(self.root) != 32:
            raise Invalid(f"{where}: is of an empty log, or its root is not 32 bytes")

    def must_be(self, origin, stated):
        """Refuse a checkpoint that is not the one that the list of files speaks of."""
        same(self.where, "origin", self.origin, origin)
        same(self.where, "size", self.size, stated["size"])
        same(self.where, "root", self.root.hex(), stated["root"])


class Policy:
    """A C2SP tlog-policy, and our lines in it: `#report <vkey>` and `#valid <name>+<ID> <from> <to or ->`."""

    def __init__(self, data):
        self.keys, self.log_keys, self.report_keys = {}, [], []  # `keys` by label
        self.witnesses, self.groups, self.quorum = {}, {}, None  # by name, in the order of their lines
        self.members, ranges = set(), []
        text = data.decode("utf-8", "surrogateescape")  # tlog-policy: octets that are not ASCII are opaque
        if CONTROL.search(text):
            raise Unusable("policy: holds a control character; lines end in a newline alone")
        rules = {"log": self.add_log, "witness": self.add_witness, "group": self.add_group}
        rules.update(
            {
                "quorum": self.set_quorum,
                "#report": self.add_report,
                "#valid": lambda words, count: not ranges.append(words),
            }
        )
        for line in text.split("\n"):
            words = re.split("[ \t]+", line.strip(" \t"))
            if words[0] in rules:
                self.want(rules[words[0]](words[1:], len(words) - 1), line)
            else:
                self.want(words[0] == "" or words[0].startswith("#"), line)
        for words in ranges:
            self.want(self.set_range(words, len(words)), " ".join(["#valid", *words]))
        if not self.log_keys or self.quorum is None:
            raise Unusable("policy: must name at least one log and one quorum")

    def want(self, holds, line):
        """Refuse a line that breaks a rule of tlog-policy, or of our own lines."""
        if not holds:
            raise Unusable(f"policy: the line {line[:80]!r} cannot stand here")

    def add_log(self, words, count):
        return count in (1, 2) and self.add_key(words[0], [ED25519, ML_DSA], self.log_keys)

    def add_report(self, words, count):
        return count == 1 and self.add_key(words[0], [ED25519], self.report_keys)

    def add_witness(self, words, count):
        if count not in (2, 3) or self.has(words[0]):
            return False
        key = self.witnesses[words[0]] = self.add_key(words[1], [COSIGNED, ML_DSA], self.witnesses.values())
        return key

    def add_group(self, words, count):
        """Take `group <name> <k, any or all> <members…>`; a name is a member once, and of what stands above."""
        if count < 3 or self.has(words[0]):
            return False
        threshold = {"any": "1", "all": str(count - 2)}.get(words[1], words[1])
        if not DECIMAL.fullmatch(threshold) or not 1 <= int(threshold) <= count - 2:
            return False
        for member in words[2:]:
            if not self.has(member) or member == "none" or member in self.members:
                return False
            self.members.add(member)
        self.groups[words[0]] = (int(threshold), words[2:])
        return True

    def set_quorum(self, words, count):
        good = count == 1 and self.quorum is None and self.has(words[0])
        self.quorum = words[0] if good else None
        return good

    def set_range(self, words, count):
        """Take `#valid`: which tree sizes a key may sign; it must be a key of this policy, and once."""
        if count != 3 or words[0] not in self.keys:
            return False
        key, first = self.keys[words[0]], words[1]
        last = str(ANY_SIZE[1]) if words[2] == "-" else words[2]
        if key.sizes is not ANY_SIZE or not DECIMAL.fullmatch(first) or not DECIMAL.fullmatch(last):
            return False
        key.sizes = (int(first), int(last))
        return key.sizes[0] <= key.sizes[1]

    def has(self, name):
        """Tell whether a witness or a group above has this name; `none` is predefined."""
        return name in self.witnesses or name in self.groups or name == "none"

    def add_key(self, vkey, kinds, others):
        """Return a key that no other line of this sort holds; two keys must not share a name and an ID."""
        try:
            key = Key("policy", vkey, kinds)
        except Invalid as error:
            raise Unusable(str(error)) from None
        key = self.keys.setdefault(key.label, key)
        if key.vkey != vkey or any(key.public == other.public for other in others):
            raise Unusable(f"policy: the key {key.label} stands twice")
        if isinstance(others, list):
            others.append(key)
        return key

    def witnesses_among(self, keys, size):
        """Return the names of the witnesses that these keys are, where they may sign this size."""
        return [name for name, key in self.witnesses.items() if key in keys and key.may_sign(size)]

    def met(self, names):
        """Return these witnesses with the groups that they make up; a group stands below its members."""
        met = set(names)
        for name, (count, members) in self.groups.items():
            if sum(member in met for member in members) >= count:
                met.add(name)
        return met


# Reading, within limits -----------------------------------------------------------------------------------


class Folder:
    """A report that lies in a folder."""

    def __init__(self, path):
        self.path = path

    def names(self):
        return walk(self.path)

    def read(self, name, limit, optional=False):
        """Return the bytes of a file; None for an optional one that is not there."""
        return read(os.path.join(self.path, *name.split("/")), limit, name, optional, follow=False)


class Archive:
    """A report in a zip file, whose members must lie one behind the other with nothing between them.

    What the ledger packed bears its mark as the comment at the end, has one form only, and is compared byte by
    byte. What another program packed is read too, but there the times and the packing are not checked.
    """

    END, CENTRAL, LOCAL = struct.Struct("<4s4H2LH"), struct.Struct("<4s6H3L5H2L"), struct.Struct("<4s5H3L2H")

    def __init__(self, data):
        self.data, self.members, self.taken = data, {}, set()
        comment = b"" if data[-22:-18] == b"PK\x05\x06" else FORMAT.encode()
        end = len(data) - 22 - len(comment)
        mark, disk, disks, count, total, size, start, length = self.fields(self.END, end)
        whole = mark == b"PK\x05\x06" and start + size == end and length == len(comment)
        if not whole or disk or disks or count != total or count > MOST_FILES:
            raise Unusable("report: is neither a folder nor one whole zip file")
        at, position = start, 0
        for _ in range(count):
            at, position = self.take(at, position)
        if at != end or position != start:
            raise Unusable("report: the zip file holds something between its members")
        if sum(member[3] for member in self.members.values()) > LARGEST_REPORT:
            raise Unusable(f"report: the zip file holds more than {LARGEST_REPORT} bytes")
        if not comment:
            tell("note", "another program packed this zip file: its files are checked, its times are not")
        elif packed({name: self.read(name, LARGEST_FILE) for name in self.members}) != data:
            raise Unusable("report: the zip file is not packed as its mark says; a byte of it was changed")

    def fields(self, layout, at):
        """Return the numbers of a header, which must lie inside the file."""
        if not 0 <= at <= len(self.data) - layout.size:
            raise Unusable("report: is neither a folder nor one whole zip file")
        return layout.unpack_from(self.data, at)

    def take(self, at, position):
        """Read a header of the list at the end, and what it stands for; return where the next two begin."""
        central, local = self.fields(self.CENTRAL, at), self.fields(self.LOCAL, position)
        mark, _, _, flags, method, _, _, crc, size, full, named, *lengths, disk, _, mode, offset = central
        at, begin = at + self.CENTRAL.size, position + self.LOCAL.size
        name, mode = self.data[at : at + named], stat.S_IFMT(mode >> 16)
        where = f"report: {name.decode('latin-1')[:80]!r} in the zip file"
        agree = local[2:4] + local[6:10] == (flags, method, crc, size, full, named)
        agree = agree and self.data[begin : begin + named] == name and offset == position and disk == 0
        if flags & 1:
            raise Unusable(f"{where} is encrypted")
        if mark + local[0] != b"PK\x01\x02PK\x03\x04" or not agree or flags & ~0x806 or method not in (0, 8):
            raise Unusable(f"{where} is packed in an unknown way; unpack it and check the folder")
        if mode not in (0, stat.S_IFDIR if name.endswith(b"/") else stat.S_IFREG):
            raise Unusable(f"{where} is a link or a device")
        if full > LARGEST_RATIO * size + LARGEST_TEXT:
            raise Unusable(f"{where} grows more than {LARGEST_RATIO} times")
        text = name.rstrip(b"/").decode("latin-1")
        if not NAME.fullmatch(text) or renames(self.data[at + named : at + named + lengths[0]]):
            raise Unusable(f"{where} has a name that a report does not hold")
        begin += named + local[10]
        if text.lower() in self.taken:
            raise Unusable(f"{where} stands there twice")
        self.taken.add(text.lower())
        if full or not name.endswith(b"/"):
            self.members[text] = (begin, size, method, full, crc)
        return at + named + sum(lengths), begin + size

    def names(self):
        return list(self.members)

    def read(self, name, limit, optional=False):
        """Return the bytes of a member; None for an optional one that is not there."""
        if name not in self.members:
            if optional:
                return None
            raise Unusable(f"{name}: there is no such file")
        begin, packed_size, method, size, crc = self.members[name]
        if size > limit:
            raise Unusable(f"{name}: has more than {limit} bytes")
        data = self.data[begin : begin + packed_size]
        if method:
            decoder = zlib.decompressobj(-zlib.MAX_WBITS)
            try:
                data = decoder.decompress(data, size + 1) + decoder.unused_data
            except zlib.error:
                raise Unusable(f"{name}: is damaged in the zip file") from None
        if len(data) != size or zlib.crc32(data) != crc:
            raise Unusable(f"{name}: is damaged in the zip file")
        return data


def packed(files):
    """Return the one zip file that the ledger makes of files: by name, not deflated, of no date and no owner."""
    parts, central, offset = [], [], 0
    for name in sorted(files):
        data = files[name]
        header = (20, 0, 0, 0, 33, zlib.crc32(data), len(data), len(data), len(name), 0)
        parts += [Archive.LOCAL.pack(b"PK\x03\x04", *header), name.encode("latin-1"), data]
        mode = stat.S_IFREG | 0o644
        central.append(Archive.CENTRAL.pack(b"PK\x01\x02", 788, *header, 0, 0, 0, mode << 16, offset))
        central.append(name.encode("latin-1"))
        offset += Archive.LOCAL.size + len(name) + len(data)
    size, count, mark = sum(map(len, central)), len(files), FORMAT.encode()
    end = Archive.END.pack(b"PK\x05\x06", 0, 0, count, count, size, offset, len(mark))
    return b"".join([*parts, *central, end, mark])


def renames(extra):
    """Tell whether the extra fields of a zip member give it a second name, which other programs would use."""
    while len(extra) >= 4:
        kind, length = struct.unpack_from("<2H", extra)
        if kind == 0x7075:
            return True
        extra = extra[4 + length :]
    return False


def read(path, limit, name, optional=False, follow=True):
    """Return the bytes of a plain file of at most `limit` bytes; None for an optional one that is not there."""
    flags = ["O_NONBLOCK", "O_BINARY"] if follow else ["O_NONBLOCK", "O_BINARY", "O_NOFOLLOW"]
    try:
        descriptor = os.open(path, sum(getattr(os, flag, 0) for flag in flags))
        with os.fdopen(descriptor, "rb") as file:
            is_plain = stat.S_ISREG(os.fstat(descriptor).st_mode)
            data = file.read(limit + 1) if is_plain else b""
    except OSError as error:
        if optional and isinstance(error, FileNotFoundError):
            return None
        raise Unusable(f"{name}: cannot be read: {error.strerror}") from None
    if not is_plain or len(data) > limit:
        raise Unusable(f"{name}: is no plain file of at most {limit} bytes")
    return data


def walk(path, prefix="", depth=0):
    """Yield the name of everything in the folder that is no folder."""
    if depth > 4:
        raise Unusable(f"{prefix}: folders are nested too deeply")
    try:
        found = list(itertools.islice(os.scandir(path), MOST_FILES + 3))  # one more than may be there
    except OSError as error:
        raise Unusable(f"{prefix or 'report'}: cannot be read: {error.strerror}") from None
    for item in found:
        if item.is_dir(follow_symlinks=False):
            yield from walk(item.path, f"{prefix}{item.name}/", depth + 1)
        else:
            yield prefix + item.name


def parse(where, data):
    """Return the value of JSON bytes, in which no key stands twice and every number is a short integer."""

    def unique(pairs):
        value = dict(pairs)
        if len(value) != len(pairs):
            raise ValueError("a key stands twice")
        return value

    def refuse(spelling):
        raise ValueError(f"the number {spelling[:20]} is no short integer")

    def integer(spelling):
        return int(spelling) if len(spelling) <= 20 else refuse(spelling)

    if sum(map(data.count, (b",", b"[", b"{", b'"'))) > MOST_VALUES:
        raise Unusable(f"{where}: holds more than {MOST_VALUES} values")
    bare = b"".join(data.replace(b"\\\\", b"").replace(b'\\"', b"").split(b'"')[::2])  # what is in no string
    steps = (1 if mark in b"[{" else -1 for mark in re.findall(rb"[][{}]", bare))
    if max(itertools.accumulate(steps), default=0) > MOST_LEVELS:  # the recursion of `json` may have no limit
        raise Unusable(f"{where}: is nested deeper than {MOST_LEVELS}")
    try:
        hooks = {"parse_int": integer, "parse_float": refuse, "parse_constant": refuse}
        return json.loads(data.decode("utf-8"), object_pairs_hook=unique, **hooks)
    except (ValueError, RecursionError) as error:
        raise Unusable(f"{where}: cannot be read as JSON: {error}") from None


def read_manifest(data):
    """Return the list of files, once it has the shape that this verifier knows."""
    manifest = parse("manifest.json", data)
    if not isinstance(manifest, dict) or manifest.get("format") != FORMAT:
        raise Unusable(f"manifest.json, format: expected {FORMAT}")
    for member, kind in MANIFEST.items():
        if not fits(manifest.get(member), kind):
            raise Unusable(f"manifest.json, {member}: is not of the known shape")
    numbers = [place["number"] for place in manifest["entries"]]
    sizes = [older["size"] for older in manifest["older"]]
    if numbers != sorted(set(numbers)) or sizes != sorted(set(sizes)) or len(manifest) != len(MANIFEST):
        raise Unusable("manifest.json: has unknown members, or entries or older checkpoints out of order")
    files = manifest["files"]
    if len(files) > MOST_FILES or not all(map(NAME.fullmatch, files)):
        raise Unusable(f"manifest.json, files: expected at most {MOST_FILES} plain names")
    if not all(fits(digest, {"bytes": int, "sha256": HEX}) for digest in files.values()):
        raise Unusable("manifest.json, files: expected bytes and sha256 of each")
    if sum(digest["bytes"] for digest in files.values()) > LARGEST_REPORT:
        raise Unusable(f"manifest.json, files: expected at most {LARGEST_REPORT} bytes in all")
    return manifest


def fits(value, kind):
    """Tell whether a value is of a kind: a type, HEX, exactly these members, or a list of one kind."""
    if isinstance(kind, dict):
        good = isinstance(value, dict) and set(value) == set(kind)
        return good and all(fits(value[name], each) for name, each in kind.items())
    if isinstance(kind, list):
        return (
            isinstance(value, list)
            and len(value) <= MOST_ENTRIES
            and all(fits(each, kind[0]) for each in value)
        )
    if kind is HEX:
        return isinstance(value, str) and bool(HEX.fullmatch(value))
    if kind is int:
        return type(value) is int and 0 <= value <= ENTRY_INTEGER
    return isinstance(value, kind)


def read_entry(where, data):
    """Return an entry's document, once its bytes are in the one canonical form."""
    try:
        document = parse(where, data)
    except Unusable as error:
        raise Invalid(str(error)) from None
    if not fits(document, ENTRY) or not all(fits(each, HEX) for each in document["commit"].values()):
        raise Invalid(f"{where}, canonical: does not have the members of an entry")
    check_profile(where, document, 1)
    if encode(where, document) != data:
        raise Invalid(f"{where}, canonical: is not in the form of RFC 8785")
    return document


def check_profile(where, value, depth):
    """Refuse what the log does not take: deep nesting, large integers, text that is not NFC."""
    if isinstance(value, int) and abs(value) > ENTRY_INTEGER:
        raise Invalid(f"{where}, canonical: holds an integer beyond 2^53-1")
    if isinstance(value, str) and not unicodedata.is_normalized("NFC", value):
        raise Invalid(f"{where}, canonical: holds text that is not in Unicode form NFC")
    if isinstance(value, (dict, list)):
        if depth > ENTRY_DEPTH:
            raise Invalid(f"{where}, canonical: is nested deeper than {ENTRY_DEPTH}")
        for member in [*value, *value.values()] if isinstance(value, dict) else value:
            check_profile(where, member, depth + 1)


def encode(where, value):
    """Return the RFC 8785 bytes of a value without floats: keys in the order of their UTF-16 code units."""

    def ordered(part):
        if isinstance(part, dict):
            names = sorted(part, key=lambda name: name.encode("utf-16-be"))
            return {name: ordered(part[name]) for name in names}
        return [ordered(each) for each in part] if isinstance(part, list) else part

    try:
        return json.dumps(ordered(value), ensure_ascii=False, separators=(",", ":")).encode("utf-8")
    except UnicodeEncodeError:
        raise Invalid(f"{where}, canonical: holds half of a surrogate pair") from None


# Notes and proofs -----------------------------------------------------------------------------------------


def split_note(where, note):
    """Return the text of a signed note, and the name, key ID and signature of each line; nothing is verified."""
    try:
        note.decode("utf-8")
    except UnicodeDecodeError:
        raise Invalid(f"{where}: is not the text of a note") from None
    text, blank, lines = note.rpartition(b"\n\n")
    lines = lines.decode().split("\n")
    if not blank or lines.pop() or not lines or any(byte < 32 and byte != 10 for byte in note):
        raise Invalid(f"{where}: is not a text with signatures below an empty line")
    if len(lines) > MOST_SIGNATURES:
        raise Invalid(f"{where}: bears more than {MOST_SIGNATURES} signatures")
    return text + b"\n", [signature_of(where, line) for line in lines]


def signature_of(where, line):
    """Return the name, key ID and signature that one line of a note holds."""
    dash, _, rest = line.partition(" ")
    name, _, signature = rest.partition(" ")
    data = unbase64(where, signature)
    if dash != "\u2014" or not is_name(name) or len(data) < 5:
        raise Invalid(f"{where}: {line[:60]!r} is no signature")
    return name, data[:4], data[4:]


def is_name(name):
    """Tell whether a text can name a key: signed-note, and short enough for a cosigned message."""
    return bool(name) and "+" not in name and not re.search(r"\s", name) and len(encoded(name)) < 256


def encoded(name):
    """Return the bytes of a name, which in a policy may be other than UTF-8."""
    return name.encode("utf-8", "surrogateescape")


def read_proof(where, data, number, note):
    """Return the hashes of a tlog-proof, which must be for this entry and end in this checkpoint."""
    head, _, rest = data.partition(b"\n\n")
    if rest != note:
        raise Invalid(f"{where}, proof: does not end in the checkpoint of the report")
    start = f"c2sp.org/tlog-proof@v1\nindex {number}\n".encode()
    if not (head + b"\n").startswith(start):
        raise Invalid(f"{where}, proof: is not a tlog-proof of this entry")
    return hashes_of(f"{where}, proof", (head + b"\n")[len(start) :])


def hashes_of(where, data):
    """Return the hashes of a proof, one to a line."""
    lines = data.decode("latin-1").split("\n")
    if lines.pop() or len(lines) > 128:
        raise Invalid(f"{where}: does not end in a newline, or is longer than any proof")
    hashes = [unbase64(where, line) for line in lines]
    if any(len(each) != 32 for each in hashes):
        raise Invalid(f"{where}: a hash is not 32 bytes")
    return hashes


def root_from_path(where, leaf, index, size, path):
    """Return the root that an inclusion path leads to; the path must be exactly as long as it has to."""
    if index >= size:
        raise Invalid(f"{where}, number: is not below the checkpoint's size {size}")
    steps, found, last = list(path), leaf, size - 1  # RFC 6962, section 2.1.1, level by level
    while last:
        if index % 2 or index < last:
            if not steps:
                raise Invalid(f"{where}, proof: a hash is missing")
            sibling = steps.pop(0)
            found = node(b"\x01", sibling, found) if index % 2 else node(b"\x01", found, sibling)
        index, last = index // 2, last // 2
    if steps:
        raise Invalid(f"{where}, proof: has {len(steps)} hashes too many")
    return found


def roots_from_proof(where, old_size, size, old_root, path):
    """Return the older and the newer root that a consistency path leads to; its length must be exact."""
    if not 0 < old_size < size:
        raise Invalid(f"{where}: expected an older size between 0 and {size}, found {old_size}")
    steps = list(path)

    def take():
        if not steps:
            raise Invalid(f"{where}: a hash is missing")
        return steps.pop()

    def roots(old, new, whole):  # RFC 6962, section 2.1.2, from the top: the last hash is the topmost
        if old == new:
            found = old_root if whole else take()
            return found, found
        left = 1 << (new - 1).bit_length() - 1
        sibling = take()
        if old <= left:
            older, newer = roots(old, left, whole)
            return older, node(b"\x01", newer, sibling)
        older, newer = roots(old - left, new - left, False)
        return node(b"\x01", sibling, older), node(b"\x01", sibling, newer)

    found = roots(old_size, size, True)
    if steps:
        raise Invalid(f"{where}: has {len(steps)} hashes too many")
    return found


def node(prefix, left, right):
    """Hash two hashes under a prefix."""
    return hashlib.sha256(prefix + left + right).digest()


def unbase64(where, text):
    """Return the bytes of base64 in its one spelling."""
    try:
        data = base64.b64decode(text, validate=True)
    except ValueError:
        raise Invalid(f"{where}: is not base64") from None
    if base64.b64encode(data).decode() != text:
        raise Invalid(f"{where}: is not base64 in its one spelling")
    return data


def same(where, name, found, expected):
    """Refuse a value that is not the expected one."""
    if found != expected:
        raise Invalid(f"{where}, {name}: expected {str(expected)[:100]}, found {str(found)[:100]}")


if __name__ == "__main__":
    sys.exit(main())
