"""Check a report of a Wenshi ledger offline: python verifier.py REPORT --policy POLICY

One file; it needs Python 3.9 or newer and the package `cryptography`, and shares no code with the ledger,
on purpose: it is the second implementation. Formats: C2SP tlog-policy, tlog-checkpoint, signed-note
(Ed25519), tlog-proof; RFC 6962 hashes; RFC 8785 JSON; the report as `ledger/actions/reports.py` lays it out.

Exit status: 0 valid, 1 INVALID, 2 incomplete (nothing wrong was found, not everything could be checked),
3 unusable input. Not checked: anchors on a chain, witnesses, and whether the facts obey the rules of rights.
"""

import argparse
import base64
import hashlib
import hmac
import json
import os
import re
import stat
import sys
import unicodedata

try:
    from cryptography.exceptions import InvalidSignature
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
except ImportError:
    Ed25519PublicKey = None

VALID, INVALID, INCOMPLETE, UNUSABLE = 0, 1, 2, 3
FORMAT = "wenshi-report/1"
LARGEST_FILE = 16 * 2**20
LARGEST_REPORT = 64 * 2**20
LARGEST_TEXT = 1_000_000
MOST_ENTRIES = 20_000
MOST_FILES = 3 * MOST_ENTRIES
ENTRY_BYTES, ENTRY_DEPTH, ENTRY_INTEGER = 65_535, 8, 2**53 - 1
GENESIS = bytes(32)
NAME = re.compile(r"[A-Za-z0-9_-][A-Za-z0-9._-]{0,99}(/[A-Za-z0-9_-][A-Za-z0-9._-]{0,99}){0,3}")
HEX = re.compile(r"[0-9a-f]{64}")
DECIMAL = re.compile(r"0|[1-9][0-9]{0,17}")
ENTRY_FIELDS = {"v", "kind", "ledger", "id", "at", "actor", "subject", "refs", "commit", "body"}


class Invalid(Exception):
    """The report contradicts itself or the policy."""


class Unusable(Exception):
    """This is no report, or no policy, that can be read."""


def main(arguments=None):
    """Check the report that the command line names; return the exit status."""
    parser = argparse.ArgumentParser(description="Check a report of a ledger with the network off.")
    parser.add_argument("report", help="the folder of the report")
    parser.add_argument("--policy", help="the keys you trust, from a source other than the report")
    for stream in (sys.stdout, sys.stderr):
        stream.reconfigure(errors="backslashreplace")
    try:
        options = parser.parse_args(arguments)
    except SystemExit as stop:
        return UNUSABLE if stop.code else VALID
    if Ed25519PublicKey is None:
        return say(UNUSABLE, "the Python package `cryptography` is not installed")
    try:
        return Report(options.report, options.policy).check()
    except Unusable as error:
        return say(UNUSABLE, str(error))
    except Invalid as error:
        return say(INVALID, str(error))
    except (MemoryError, RecursionError):
        return say(UNUSABLE, "the report is built to exhaust the machine")


def say(status, sentence):
    """Print the verdict on one line and return its status."""
    word = {VALID: "VALID", INVALID: "INVALID", INCOMPLETE: "INCOMPLETE", UNUSABLE: "UNUSABLE"}[status]
    print(plain(f"{word}  {sentence[:500]}"))
    return status


def plain(sentence):
    """Return text that moves no terminal, whatever a report has put into it."""
    return "".join(letter if letter.isprintable() else "?" for letter in sentence)


class Report:
    """One report and the policy it is held against."""

    def __init__(self, path, policy_path):
        self.path = path
        self.policy = Policy(read(policy_path, LARGEST_TEXT, "policy")) if policy_path else None
        self.missing = []

    def check(self):
        """Go through every file; return the status. Raises Invalid or Unusable at the first that fails."""
        manifest_bytes = self.file("manifest.json", LARGEST_FILE)
        self.manifest = manifest = read_manifest(manifest_bytes)
        self.check_manifest_note(manifest_bytes)
        self.check_files()
        print(f"ok  {len(manifest['files'])} files have the digests that the signed list names")
        note = self.check_checkpoint()
        links = {}
        for place in manifest["entries"]:
            self.check_entry(place, note, links)
        print(f"ok  {len(links)} entries stand in the log of {manifest['checkpoint']['size']}")
        self.check_openings()
        print("not checked: anchors on a chain, witnesses, and whether the facts obey the rules of rights")
        return self.verdict()

    def verdict(self):
        """Return the status of a report in which nothing is wrong."""
        if self.missing:
            return say(INCOMPLETE, f"{len(self.missing)} files are missing, the first is {self.missing[0]}")
        if self.policy is None:
            keys = self.manifest["keys"]
            return say(
                INCOMPLETE, f"no --policy, so no key is trusted; found {keys['log']} and {keys['report']}"
            )
        if not self.policy.report_keys:
            return say(INCOMPLETE, "the policy has no #report key, so nobody vouches for the attached facts")
        return say(VALID, f"{self.manifest['origin']}, {len(self.manifest['entries'])} entries")

    def check_manifest_note(self, manifest):
        """See that the list of files is signed, by a key that the policy names."""
        origin, key = self.manifest["origin"] + "/reports", self.manifest["keys"]["report"]
        if self.policy and self.policy.report_keys and key not in self.policy.report_keys:
            raise Invalid(f"manifest.json, keys.report: the policy does not name the key {key}")
        text = verified_text("manifest.note", self.file("manifest.note", LARGEST_TEXT), key)
        same("manifest.note", "text", text, f"{origin}\n{hashlib.sha256(manifest).hexdigest()}\n")

    def check_files(self):
        """See that every listed file has its digest, and that no other file is there."""
        listed = self.manifest["files"]
        for name in walk(self.path):
            if name not in listed and name not in ("manifest.json", "manifest.note"):
                raise Invalid(f"{name}: is not in the list of files")
        for name, digest in listed.items():
            data = self.file(name, LARGEST_FILE, optional=True)
            if data is None:
                self.missing.append(name)
                continue
            same(name, "bytes", len(data), digest["bytes"])
            same(name, "sha256", hashlib.sha256(data).hexdigest(), digest["sha256"])

    def check_checkpoint(self):
        """See that the checkpoint is signed by the log and says what the list of files says; return its bytes."""
        key, stated = self.manifest["keys"]["log"], self.manifest["checkpoint"]
        if self.policy and key not in self.policy.log_keys:
            raise Invalid(f"manifest.json, keys.log: the policy does not name the key {key}")
        if key.partition("+")[0] != self.manifest["origin"]:
            raise Invalid("manifest.json, origin: is not the name of the log's key")
        note = self.listed("checkpoint", LARGEST_TEXT)
        if note is None:
            return None
        lines = verified_text("checkpoint", note, key).split("\n")
        if len(lines) != 4 or lines[3] or not DECIMAL.fullmatch(lines[1]):
            raise Invalid("checkpoint: does not have the three lines of a checkpoint")
        same("checkpoint", "origin", lines[0], self.manifest["origin"])
        same("checkpoint", "size", int(lines[1]), stated["size"])
        same("checkpoint", "root", unbase64("checkpoint", lines[2]).hex(), stated["root"])
        print(f"ok  checkpoint of size {stated['size']} is signed by {key}")
        return note

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
        proof = self.listed(f"proofs/{number}.tlog-proof", LARGEST_TEXT)
        if proof is not None and note is not None:
            path = read_proof(where, proof, number, note)
            stated = self.manifest["checkpoint"]
            found = root_from_path(where, leaf, number, stated["size"], path)
            same(where, "root", found.hex(), stated["root"])

    def check_openings(self):
        """See that each disclosed value, under its salt, is what its entry committed to."""
        for opening in self.manifest["openings"]:
            number, name = opening["entry"], opening["field"]
            where = f"opening of entry {number}"
            data = self.listed(f"entries/{number}.json", ENTRY_BYTES)
            if data is None:
                continue
            committed = read_entry(where, data)["commit"].get(name)
            found = hmac.new(bytes.fromhex(opening["salt"]), encode(where, opening["value"]), "sha256")
            same(where, name, found.hexdigest(), committed)
        if self.manifest["openings"]:
            print(f"ok  {len(self.manifest['openings'])} disclosed values are those committed to")

    def listed(self, name, limit):
        """Return a file that the list must name; None where it is missing."""
        if name not in self.manifest["files"]:
            raise Invalid(f"{name}: is not in the list of files")
        return self.file(name, limit, optional=True)

    def file(self, name, limit, optional=False):
        """Return the bytes of one file of the report."""
        return read(os.path.join(self.path, *name.split("/")), limit, name, optional)


class Policy:
    """The trusted keys: the `log` lines of a C2SP tlog-policy, and `#report` lines, which are ours."""

    def __init__(self, data):
        self.log_keys, self.report_keys, quorums = [], [], []
        try:
            lines = data.decode("utf-8").split("\n")
        except UnicodeDecodeError:
            raise Unusable("policy: is not UTF-8 text") from None
        for line in lines:
            words = re.split(r"[ \t]+", line.strip(" \t"))
            if words[0] == "log" and len(words) in (2, 3):
                self.log_keys.append(self.key(words[1]))
            elif words[0] == "#report" and len(words) == 2:
                self.report_keys.append(self.key(words[1]))
            elif words[0] == "quorum" and len(words) == 2:
                quorums.append(words[1])
            elif words[0] not in ("", "witness", "group") and not words[0].startswith("#"):
                raise Unusable(f"policy: the line {line[:60]!r} is not understood")
        if not self.log_keys or len(set(self.log_keys)) != len(self.log_keys):
            raise Unusable("policy: must name at least one log, and none twice")
        if quorums != ["none"]:
            raise Unusable("policy: must say `quorum none`; this verifier does not check witnesses")

    @staticmethod
    def key(vkey):
        """Return the key as it is written, once it is seen to be one."""
        try:
            public_key(vkey)
        except Invalid as error:
            raise Unusable(f"policy: {error}") from None
        return vkey


# Reading, within limits -----------------------------------------------------------------------------------


def read(path, limit, name, optional=False):
    """Return the bytes of a plain file of at most `limit` bytes; None for an optional one that is not there."""
    try:
        descriptor = os.open(path, os.O_RDONLY | getattr(os, "O_NOFOLLOW", 0) | getattr(os, "O_NONBLOCK", 0))
    except FileNotFoundError:
        if optional:
            return None
        raise Unusable(f"{name}: there is no such file") from None
    except OSError as error:
        raise Unusable(f"{name}: cannot be read: {error.strerror}") from None
    status = os.fstat(descriptor)
    if not stat.S_ISREG(status.st_mode) or status.st_size > limit:
        os.close(descriptor)
        raise Unusable(f"{name}: is no plain file of at most {limit} bytes")
    with os.fdopen(descriptor, "rb") as file:
        try:
            data = file.read(limit + 1)
        except OSError as error:
            raise Unusable(f"{name}: cannot be read: {error.strerror}") from None
    if len(data) > limit:
        raise Unusable(f"{name}: has more than {limit} bytes")
    return data


def walk(path, prefix="", depth=0):
    """Yield the name of everything in the folder that is no folder."""
    if depth > 4:
        raise Unusable(f"{prefix}: folders are nested too deeply")
    try:
        found = list(limited(os.scandir(path)))
    except OSError as error:
        raise Unusable(f"{prefix or 'report'}: cannot be read: {error.strerror}") from None
    for item in found:
        if item.is_dir(follow_symlinks=False):
            yield from walk(item.path, f"{prefix}{item.name}/", depth + 1)
        else:
            yield prefix + item.name


def limited(items):
    """Yield items, but not without end."""
    for count, item in enumerate(items):
        if count > MOST_FILES:
            raise Unusable(f"a folder holds more than {MOST_FILES} files")
        yield item


def parse(where, data):
    """Return the value of JSON bytes, in which no key stands twice and every number is a short integer."""

    def unique(pairs):
        value = dict(pairs)
        if len(value) != len(pairs):
            raise ValueError("a key stands twice")
        return value

    def refuse(spelling):
        raise ValueError(f"the number {spelling[:20]} is no integer")

    try:
        return json.loads(
            data.decode("utf-8"), object_pairs_hook=unique, parse_float=refuse, parse_constant=refuse
        )
    except (ValueError, RecursionError) as error:
        raise Unusable(f"{where}: cannot be read as JSON: {error}") from None


def read_manifest(data):
    """Return the list of files, once it has the shape that this verifier knows."""
    manifest = parse("manifest.json", data)
    shape(manifest, "format", FORMAT, isinstance(manifest, dict) and manifest.get("format") == FORMAT)
    fields = {"format", "origin", "keys", "made_at", "checkpoint", "entries", "openings", "files"}
    shape(manifest, "members", sorted(fields), set(manifest) == fields)
    keys, checkpoint = manifest["keys"], manifest["checkpoint"]
    text = isinstance(manifest["origin"], str) and isinstance(manifest["made_at"], str)
    shape(manifest, "origin, made_at", "text", text)
    shape(manifest, "keys", "log and report", has(keys, log=str, report=str))
    shape(manifest, "checkpoint", "size and root", has(checkpoint, size=int, root=HEX))
    entries = manifest["entries"]
    shape(manifest, "entries", "a list", isinstance(entries, list) and len(entries) <= MOST_ENTRIES)
    before = -1
    for entry in entries:
        good = has(entry, number=int, leaf_hash=HEX, prev=HEX, chain_hash=HEX) and entry["number"] > before
        shape(manifest, "entries", "numbers in order, each with three hashes", good)
        before = entry["number"]
    openings = manifest["openings"]
    shape(manifest, "openings", "a list", isinstance(openings, list) and len(openings) <= MOST_ENTRIES)
    for opening in openings:
        shape(manifest, "openings", "known", has(opening, entry=int, field=str, salt=HEX, value=object))
    files = manifest["files"]
    shape(manifest, "files", "an object", isinstance(files, dict) and len(files) <= MOST_FILES)
    for name, digest in files.items():
        good = NAME.fullmatch(name) and has(digest, bytes=int, sha256=HEX)
        shape(manifest, "files", "names, each with bytes and sha256", good)
    total = sum(digest["bytes"] for digest in files.values())
    shape(manifest, "files", f"at most {LARGEST_REPORT} bytes in all", total <= LARGEST_REPORT)
    return manifest


def shape(manifest, member, wanted, holds):
    """Refuse a list of files that is not of the known shape."""
    if not holds:
        raise Unusable(f"manifest.json, {member}: expected {wanted}")


def has(value, /, **kinds):
    """Tell whether a value is an object with exactly these members, of these kinds."""
    if not isinstance(value, dict) or set(value) != set(kinds):
        return False
    for name, kind in kinds.items():
        member = value[name]
        if kind is HEX:
            good = isinstance(member, str) and HEX.fullmatch(member)
        elif kind is int:
            good = type(member) is int and 0 <= member <= ENTRY_INTEGER
        else:
            good = isinstance(member, kind)
        if not good:
            return False
    return True


def read_entry(where, data):
    """Return an entry's document, once its bytes are in the one canonical form."""
    try:
        document = parse(where, data)
    except Unusable as error:
        raise Invalid(str(error)) from None
    if (
        not isinstance(document, dict)
        or set(document) != ENTRY_FIELDS
        or not isinstance(document["commit"], dict)
    ):
        raise Invalid(f"{where}, canonical: does not have the members of an entry")
    check_profile(where, document, 1)
    if encode(where, document) != data:
        raise Invalid(f"{where}, canonical: is not in the form of RFC 8785")
    return document


def check_profile(where, value, depth):
    """Refuse what the log does not take: deep nesting, large integers, text that is not NFC."""
    if depth > ENTRY_DEPTH and isinstance(value, (dict, list)):
        raise Invalid(f"{where}, canonical: is nested deeper than {ENTRY_DEPTH}")
    if isinstance(value, int) and abs(value) > ENTRY_INTEGER:
        raise Invalid(f"{where}, canonical: holds an integer beyond 2^53-1")
    if isinstance(value, str) and not unicodedata.is_normalized("NFC", value):
        raise Invalid(f"{where}, canonical: holds text that is not in Unicode form NFC")
    if isinstance(value, dict):
        for name, member in value.items():
            check_profile(where, name, depth)
            check_profile(where, member, depth + 1)
    if isinstance(value, list):
        for member in value:
            check_profile(where, member, depth + 1)


def encode(where, value):
    """Return the RFC 8785 bytes of a value without floats: keys in the order of their UTF-16 code units."""

    def ordered(part):
        if isinstance(part, dict):
            return {
                name: ordered(part[name]) for name in sorted(part, key=lambda name: name.encode("utf-16-be"))
            }
        return [ordered(each) for each in part] if isinstance(part, list) else part

    try:
        return json.dumps(ordered(value), ensure_ascii=False, separators=(",", ":")).encode("utf-8")
    except UnicodeEncodeError:
        raise Invalid(f"{where}, canonical: holds half of a surrogate pair") from None


# Signatures and proofs ------------------------------------------------------------------------------------


def public_key(vkey):
    """Return the name, ID and public key of a vkey string."""
    fields = vkey.split("+", 2)
    if len(fields) != 3 or not fields[0].isprintable() or not fields[0] or " " in fields[0]:
        raise Invalid(f"{vkey[:80]!r} is no key")
    key = unbase64("key", fields[2])
    key_id = hashlib.sha256(fields[0].encode() + b"\n" + key).hexdigest()[:8]
    if len(key) != 33 or key[:1] != b"\x01" or fields[1] != key_id:
        raise Invalid(f"{vkey[:80]!r} is no Ed25519 key")
    return fields[0], bytes.fromhex(key_id), Ed25519PublicKey.from_public_bytes(key[1:])


def verified_text(where, note, vkey):
    """Return the text of a signed note that bears exactly one signature, by this key."""
    name, key_id, key = public_key(vkey)
    text, separator, line = note.rpartition(b"\n\n")
    text += b"\n"
    head = f"\u2014 {name} ".encode()
    if not separator or not line.startswith(head) or not line.endswith(b"\n") or line.count(b"\n") != 1:
        raise Invalid(f"{where}: is not signed by {name}, and by nobody else")
    try:
        signature = unbase64(where, line[len(head) : -1].decode("ascii"))
        if signature[:4] != key_id:
            raise Invalid(f"{where}: is signed by another key of {name}")
        key.verify(signature[4:], text)
        return text.decode("utf-8")
    except UnicodeDecodeError:
        raise Invalid(f"{where}: is not the text of a note") from None
    except InvalidSignature:
        raise Invalid(f"{where}: the signature by {vkey} does not hold") from None


def read_proof(where, data, number, note):
    """Return the hashes of a tlog-proof, which must be for this entry and end in this checkpoint."""
    head, _, rest = data.partition(b"\n\n")
    if rest != note:
        raise Invalid(f"{where}, proof: does not end in the checkpoint of the report")
    try:
        lines = head.decode("ascii").split("\n")
    except UnicodeDecodeError:
        raise Invalid(f"{where}, proof: is not a tlog-proof") from None
    if lines[:2] != ["c2sp.org/tlog-proof@v1", f"index {number}"]:
        raise Invalid(f"{where}, proof: is not a tlog-proof of this entry")
    if len(lines) > 2 + 64:
        raise Invalid(f"{where}, proof: is longer than any")
    return [unbase64(f"{where}, proof", line) for line in lines[2:]]


def root_from_path(where, leaf, index, size, path):
    """Return the root that an inclusion path leads to; the path must be exactly as long as it has to."""
    if index >= size:
        raise Invalid(f"{where}, number: is not below the checkpoint's size {size}")
    steps, found, last = list(path), leaf, size - 1  # RFC 6962, section 2.1.1, level by level
    while last:
        if index % 2 or index < last:
            if not steps or len(steps[0]) != 32:
                raise Invalid(f"{where}, proof: a hash is missing or is not 32 bytes")
            sibling = steps.pop(0)
            found = node(b"\x01", sibling, found) if index % 2 else node(b"\x01", found, sibling)
        index, last = index // 2, last // 2
    if steps:
        raise Invalid(f"{where}, proof: has {len(steps)} hashes too many")
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
