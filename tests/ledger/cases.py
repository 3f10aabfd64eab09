"""What a verifier must say to each report of the corpus: its exit status and a piece of its last line."""

import json
import stat
import struct
import zipfile
from base64 import b64encode
from hashlib import sha256

from ledger.actions.reports import packed
from ledger.domain import merkle, notes
from tests.ledger.corpus import (
    BYTES,
    HOUSE,
    LOG,
    NEXT,
    ONE,
    ORIGIN,
    OTHER_REPORTS,
    REPORTS,
    STRANGE,
    THREE,
    TIME,
    TWO,
    UNKNOWN,
    Case,
    Witness,
    label,
    list_note,
    log_line,
    note_of,
    policy,
    report,
    signed,
    text_of,
    zipped,
)

LEAVES = [merkle.leaf_hash(data) for data in BYTES]
TEXT = text_of(LEAVES, 12)
FIVE = text_of(LEAVES, 5)
OTHER = [merkle.leaf_hash(b"other"), *LEAVES[1:]]
VKEY, VKEY_NEXT = notes.verifier_key(LOG), notes.verifier_key(NEXT)


def cases():
    """Return every case, the quick and telling ones first."""
    return [
        *_sound(),
        *_manifest(),
        *_keys_and_notes(),
        *_witnesses(),
        *_older(),
        *_entries(),
        *_disclosures(),
        *_facts(),
        *_policies(),
        *_zips(),
        *_folders(),
        *_commands(),
    ]


def _sound():
    last = [*BYTES[:11], BYTES[11]]
    large = report(numbers=list(range(12)), older=(1, 2, 3, 4, 6, 7, 8, 9, 10, 11))
    return [
        Case("sound", 0, f"VALID  {ORIGIN}, 6 entries", report()),
        Case("in a zip of ours", 0, "VALID", packed(report())),
        Case("in a zip of another", 0, "VALID", zipped(report())),
        Case("in a zip that stores", 0, "VALID", zipped(report(), method=zipfile.ZIP_STORED)),
        Case("of every entry and checkpoint", 0, "VALID", large),
        Case("of one entry", 0, "VALID", report(size=1, numbers=[0], older=(), change=_plain)),
        Case("of nothing", 0, "VALID", report(numbers=[], older=(), change=_plain)),
        Case(
            "of eleven",
            0,
            "VALID",
            report(data=last, size=11, numbers=[0, 8, 10], older=(8,), change=_no_facts),
        ),
        Case("without a policy", 2, f"no --policy, so no key is trusted; found {VKEY} and", report(), None),
        Case("without a report key", 2, "no #report key", report(), policy(reports=())),
        Case("quorum none", 0, "VALID", report(witnesses=()), policy(quorum="none")),
        *[
            Case(f"without {name}", 2, f"1 files are missing, the first is {name}", _without(report(), name))
            for name in (
                "entries/6.json",
                "entries/8.json",
                "proofs/6.tlog-proof",
                "checkpoint",
                "report.json",
                "facts.json",
                "checkpoints/5",
                "consistency/5-12",
            )
        ],
        Case(
            "without two",
            2,
            "2 files are missing",
            _without(report(), "report.json", "facts.json"),
        ),
        Case("without a list", 3, "manifest.json: ", _without(report(), "manifest.json")),
        Case("without a note", 3, "manifest.note: ", _without(report(), "manifest.note")),
        Case("zip without an entry", 2, "entries/6.json", packed(_without(report(), "entries/6.json"))),
        Case(
            "zip without a list",
            3,
            "manifest.json: there is no such file",
            packed(_without(report(), "manifest.json")),
        ),
        Case("a file too many", 1, "more.html: is not in the list", {**report(), "more.html": b"x"}),
        Case("a file too many below", 1, "pages/more.html: is not in", {**report(), "pages/more.html": b"x"}),
    ]


def _thirteen(manifest, files):
    manifest["checkpoint"]["size"] = 13


def _plain(manifest, files):
    manifest.update(openings=[], erased=[])
    _no_facts(manifest, files)


def _no_facts(manifest, files):
    del files["facts.json"]


def _without(files, *names):
    return {name: data for name, data in files.items() if name not in names}


def _manifest():
    def told(name, status, said, **members):
        return Case(name, status, said, report(change=lambda manifest, files: manifest.update(members)))

    def edited(name, status, said, edit):
        return Case(name, status, said, report(change=lambda manifest, files: edit(manifest)))

    def listed(name, status, said, **more):
        files = report()
        manifest = json.loads(files["manifest.json"])
        manifest["files"].update(more)
        return Case(name, status, said, signed(manifest, _without(files, "manifest.json", "manifest.note")))

    raw = {
        "empty": b"",
        "null": b"null",
        "a list": b"[]",
        "an object": b"{}",
        "deep": b"[" * 100_000,
        "twice": b'{"format":"wenshi-report/2","format":"wenshi-report/2"}',
        "digits": b"9" * 5000,
        "float": b"1.5",
        "exponent": b"1e999",
        "NaN": b"NaN",
        "surrogate": b'"\\ud800"',
        "not UTF-8": b"\xff",
        "many": b"[" + b"1," * 2_000_001 + b"1]",
        "large": b" " * (16 * 2**20 + 1),
    }
    digest = {"bytes": 1, "sha256": "00" * 32}
    place = {"leaf_hash": "00" * 32, "prev": "00" * 32, "chain_hash": "00" * 32}
    opening = {"entry": 8, "field": "licensee", "salt": "00" * 32, "value": 1}
    full = 16 * 2**20
    return [
        *[
            Case(f"list {name}", 3, "manifest.json", {**report(), "manifest.json": data})
            for name, data in raw.items()
        ],
        told("format 1", 3, "format", format="wenshi-report/1"),
        told("one more member", 3, "unknown members", more=1),
        told("origin a number", 3, "origin", origin=7),
        told("made_at null", 3, "made_at", made_at=None),
        told("keys empty", 3, "keys", keys={}),
        told("keys numbers", 3, "keys", keys={"log": 1, "report": 2}),
        told("checkpoint negative", 3, "checkpoint", checkpoint={"size": -1, "root": "00" * 32}),
        told("checkpoint true", 3, "checkpoint", checkpoint={"size": True, "root": "00" * 32}),
        told("checkpoint huge", 3, "checkpoint", checkpoint={"size": 2**53, "root": "00" * 32}),
        told("root short", 3, "checkpoint", checkpoint={"size": 12, "root": "00"}),
        told("root upper", 3, "checkpoint", checkpoint={"size": 12, "root": "AA" * 32}),
        told("root null", 3, "checkpoint", checkpoint={"size": 12, "root": None}),
        told("entries an object", 3, "entries", entries={}),
        told("entries null", 3, "entries", entries=[None]),
        told("entries too many", 3, "entries", entries=[{"number": n, **place} for n in range(20_001)]),
        edited("entries twice", 3, "out of order", lambda m: m["entries"].append(m["entries"][-1])),
        edited("entries back", 3, "out of order", lambda m: m["entries"].reverse()),
        edited("older twice", 3, "out of order", lambda m: m["older"].append(m["older"][0])),
        told("older a number", 3, "older", older=7),
        told("opening short", 3, "openings", openings=[{"entry": 8}]),
        told("opening salt", 3, "openings", openings=[{**opening, "salt": "00"}]),
        told("erasure", 3, "erased", erased=[{"entry": 8, "field": "address", "by": "x"}]),
        listed("a digest null", 3, "expected bytes and sha256", more=None),
        listed("a digest negative", 3, "expected bytes and sha256", more={"bytes": -1, "sha256": "00" * 32}),
        *[
            listed(f"named {name[:9]}", 3, "plain names", **{name: digest})
            for name in ("../x", "/x", "a//b", "a/", ".x", "", "a" * 101, "a/b/c/d/e", "名")
        ],
        listed(
            "a very long file",
            3,
            "bytes in all",
            **{f"x{n}": {"bytes": full, "sha256": "00" * 32} for n in range(4)},
        ),
        listed(
            "missing long file",
            2,
            "4 files are missing",
            **{f"x{n}": {"bytes": 2**20, "sha256": "00" * 32} for n in range(4)},
        ),
        listed("too many files", 3, "at most 60000", **{f"x{n}": digest for n in range(60_000)}),
        listed(
            "wrong length",
            1,
            "report.json, bytes: expected 11, found 10",
            **{"report.json": {"bytes": 11, "sha256": "00" * 32}},
        ),
        listed(
            "wrong digest", 1, "report.json, sha256", **{"report.json": {"bytes": 10, "sha256": "00" * 32}}
        ),
        listed("a foreign entry", 1, "entries/3.json: belongs to no", **{"entries/3.json": digest}),
        listed("a foreign proof", 1, "proofs/3.tlog-proof: belongs", **{"proofs/3.tlog-proof": digest}),
        listed("a foreign checkpoint", 1, "checkpoints/4: belongs", **{"checkpoints/4": digest}),
        listed("a foreign consistency", 1, "consistency/5-11: belongs", **{"consistency/5-11": digest}),
        Case(
            "no checkpoint listed",
            1,
            "checkpoint: is not in the list",
            report(change=lambda m, f: f.pop("checkpoint")),
        ),
        Case(
            "no entry listed",
            1,
            "entries/6.json: is not in the list",
            report(change=lambda m, f: f.pop("entries/6.json")),
        ),
        Case(
            "no proof listed",
            1,
            "proofs/6.tlog-proof: is not in",
            report(change=lambda m, f: f.pop("proofs/6.tlog-proof")),
        ),
        Case("a changed fact", 1, "report.json, sha256", {**report(), "report.json": b'{"fact":2}'}),
        Case("a longer fact", 1, "report.json, bytes", {**report(), "report.json": b'{"fact":2} '}),
        Case(
            "another size", 1, "checkpoint, size: expected 13, found 12", report(older=(), change=_thirteen)
        ),
        told("another root", 1, "checkpoint, root", checkpoint={"size": 12, "root": "00" * 32}),
        told("another origin", 1, "keys.report, name", origin="other.example"),
    ]


def _keys_and_notes():
    def key(name, status, said, **keys):
        good = {"log": VKEY, "report": notes.verifier_key(REPORTS)}
        return Case(name, status, said, report(change=lambda m, f: m.update(keys={**good, **keys})))

    def note(name, status, said, edit, more=None):
        return Case(name, status, said, report(note=edit(note_of(TEXT))), *([more] if more else []))

    def list_signed(name, status, said, edit):
        files = report()
        return Case(name, status, said, {**files, "manifest.note": edit(files["manifest.note"])})

    false = _line(ORIGIN, LOG, bytes(64))
    other_log = notes.new_key("other.example", bytes([1]) * 32)
    texts = {
        "extension": TEXT + "more\n",
        "two lines": f"{ORIGIN}\n12\n",
        "zero before": TEXT.replace("\n12\n", "\n012\n"),
        "fraction": TEXT.replace("\n12\n", "\n1.5\n"),
        "no size": TEXT.replace("\n12\n", "\n\n"),
        "root short": f"{ORIGIN}\n12\nAAAA\n",
        "root bad": f"{ORIGIN}\n12\n!!!!\n",
        "empty log": f"{ORIGIN}\n0\n{'A' * 43}=\n",
        "root loose": TEXT[:-3] + chr(ord(TEXT[-3]) + 1) + "=\n",
        "other log": TEXT.replace(ORIGIN, "other.example"),
        "other size": TEXT.replace("\n12\n", "\n13\n"),
        "huge": TEXT.replace("\n12\n", f"\n{10**18}\n"),
    }
    both = policy(logs=(LOG, NEXT))
    return [
        key("log key short", 1, "is no key", log="x"),
        key("log key nameless", 1, "is no key", log=VKEY.replace(ORIGIN, "")),
        key("log key spaced", 1, "is no key", log=VKEY.replace(ORIGIN, "a b")),
        key("log key long name", 1, "is no key", log=VKEY.replace(ORIGIN, "a" * 256)),
        key("log key not base64", 1, "is not base64", log=f"{ORIGIN}+00000000+!!"),
        key("log key loose", 1, "one spelling", log=f"{ORIGIN}+00000000+AB=="),
        key(
            "log key wrong ID",
            1,
            "is not that of its key",
            log=VKEY.replace(label(LOG), f"{ORIGIN}+00000000"),
        ),
        key("log key a witness", 1, "not of a type that fits", log=Witness(ORIGIN, 4, 1).vkey),
        key("log key empty", 1, "not of a type that fits", log=_vkey(ORIGIN, b"")),
        key("log key long", 1, "not of a type that fits", log=_vkey(ORIGIN, b"\x01" + bytes(33))),
        key("log key of another", 1, "keys.log, name", log=notes.verifier_key(other_log)),
        key("report key the log's", 1, "keys.report, name", report=VKEY),
        key("report key ML-DSA", 1, "not of a type", report=Witness(f"{ORIGIN}/reports", 6, 1).vkey),
        key("report key fresh", 1, "does not name the key", report=notes.verifier_key(OTHER_REPORTS)),
        Case(
            "rewritten whole",
            1,
            "does not name the key",
            report(keys=(STRANGE,), named=STRANGE, list_key=OTHER_REPORTS),
        ),
        Case(
            "rewritten whole, no policy",
            2,
            "no --policy",
            report(keys=(STRANGE,), named=STRANGE, list_key=OTHER_REPORTS),
            None,
        ),
        Case(
            "fresh log key",
            1,
            "is signed by no trusted key of the log",
            report(keys=(STRANGE,), named=STRANGE),
        ),
        Case(
            "stolen keys",
            1,
            "found nobody",
            report(witnesses=(), data=[*BYTES[:6], BYTES[6].replace(b":6", b":7"), *BYTES[7:]]),
        ),
        Case("another log trusted", 1, "the policy names no log", report(), policy(logs=(other_log,))),
        Case("report key not a report key", 1, "does not name", report(list_key=OTHER_REPORTS)),
        Case(
            "report key out of range",
            1,
            "may sign sizes 0 to 11, found 12",
            report(),
            policy(more=f"#valid {label(REPORTS)} 0 11\n"),
        ),
        Case(
            "log key just in range", 0, "VALID", report(older=()), policy(more=f"#valid {label(LOG)} 12 12\n")
        ),
        Case(
            "log key in open range", 0, "VALID", report(older=()), policy(more=f"#valid {label(LOG)} 12 -\n")
        ),
        Case(
            "log key too old",
            1,
            "checkpoint: " + label(LOG) + " may sign sizes 0 to 11",
            report(),
            policy(more=f"#valid {label(LOG)} 0 11\n"),
        ),
        Case(
            "log key too young",
            1,
            "may sign sizes 13 to",
            report(),
            policy(more=f"#valid {label(LOG)} 13 -\n"),
        ),
        Case(
            "older out of range",
            1,
            "checkpoints/5: " + label(LOG) + " may sign",
            report(),
            policy(more=f"#valid {label(LOG)} 6 -\n"),
        ),
        Case("both keys", 0, "VALID", report(keys=(LOG, NEXT)), both),
        Case(
            "rotated",
            0,
            "VALID",
            report(keys=(LOG, NEXT)),
            both + f"#valid {label(LOG)} 0 11\n#valid {label(NEXT)} 5 -\n".replace("0 11", "0 6"),
        ),
        Case("rotated, one signs", 0, "VALID", report(keys=(NEXT,)), both + f"#valid {label(LOG)} 0 11\n"),
        Case(
            "rotated, the old signs",
            1,
            "may sign sizes 0 to 11",
            report(),
            both + f"#valid {label(LOG)} 0 11\n",
        ),
        Case(
            "a false line by a key out of range",
            1,
            "does not hold",
            report(keys=(NEXT,), more=false),
            both + f"#valid {label(LOG)} 0 6\n",
        ),
        Case("unknown lines", 0, "VALID", report(more=log_line(TEXT, STRANGE) + UNKNOWN.line(TEXT))),
        Case("a line twice", 0, "VALID", report(more=log_line(TEXT, LOG))),
        Case("a true and a false line", 1, "does not hold", report(more=false)),
        Case("a short signature", 1, "does not hold", report(note=TEXT + "\n" + _line(ORIGIN, LOG, b"x"))),
        Case(
            "a long signature", 1, "does not hold", report(note=TEXT + "\n" + _line(ORIGIN, LOG, bytes(65)))
        ),
        Case(
            "a false signature",
            1,
            f"checkpoint: the signature by {label(LOG)} does not hold",
            report(note=TEXT + "\n" + _line(ORIGIN, LOG, bytes(64))),
        ),
        Case("a hundred lines", 0, "VALID", report(more=UNKNOWN.line(TEXT) * 97)),
        Case("more lines", 1, "more than 100 signatures", report(more=UNKNOWN.line(TEXT) * 98)),
        note("blank line gone", 1, "checkpoint: is not a text", lambda note: note.replace("\n\n", "\n")),
        note("last newline gone", 1, "checkpoint: is not a text", lambda note: note[:-1]),
        note("no signature", 1, "checkpoint: ", lambda note: TEXT + "\n"),
        note("no signature nor blank", 1, "checkpoint: ", lambda note: TEXT),
        note("one newline more", 1, "checkpoint: ", lambda note: note + "\n"),
        note("a hyphen", 1, "is no signature", lambda note: note.replace("\u2014", "-")),
        note("a nameless line", 1, "is no signature", lambda note: note + "\u2014  AAAAAAAA\n"),
        note("a plus in a name", 1, "is no signature", lambda note: note + "\u2014 a+b AAAAAAAA\n"),
        note("four bytes", 1, "is no signature", lambda note: note + "\u2014 a AAAAAA==\n"),
        note("five bytes", 0, "VALID", lambda note: note + "\u2014 a AAAAAAA=\n"),
        note("no base64", 1, "is not base64", lambda note: note + "\u2014 a !!!!\n"),
        note("a tab", 1, "is not a text", lambda note: note + "\u2014 a\tb AAAAAAA=\n"),
        Case(
            "not UTF-8",
            1,
            "is not the text of a note",
            report(change=lambda m, f: f.update(checkpoint=b"\xff" + f["checkpoint"])),
        ),
        *[
            Case(f"text: {name}", 1, "checkpoint", report(text=text, witnesses=()))
            for name, text in texts.items()
        ],
        list_signed(
            "list note of another text", 1, "manifest.note, text", lambda data: list_note(b"other").encode()
        ),
        list_signed(
            "list note twice", 1, "and by nobody else", lambda data: data + data.rpartition(b"\n\n")[2]
        ),
        list_signed(
            "list note by another",
            1,
            "and by nobody else",
            lambda data: data.replace(b"\x94 ledger", b"\x94 other"),
        ),
        list_signed(
            "list note of another key",
            1,
            "and by nobody else",
            lambda data: list_note(report()["manifest.json"], OTHER_REPORTS).encode(),
        ),
        list_signed(
            "list note false",
            1,
            "manifest.note: the signature",
            lambda data: data.replace(b"reports\n", b"Reports\n", 1),
        ),
        list_signed(
            "list note too large",
            3,
            "manifest.note: is no plain file of at most",
            lambda data: data + b"x" * 1_000_000,
        ),
        Case(
            "log key ML-DSA",
            0,
            "VALID",
            report(witnesses=(ONE, TWO, HOUSE), keys=(LOG,), older=()),
            policy(more=f"#valid {label(LOG)} 0 3\n").replace(
                "witness one", f"log {HOUSE.vkey}\nwitness one"
            ),
        ),
        Case(
            "log key ML-DSA, unread",
            2,
            "checkpoint: only ML-DSA signs it",
            report(witnesses=(ONE, THREE, HOUSE), older=()),
            policy(more=f"#valid {label(LOG)} 0 3\n").replace(
                "witness one", f"log {HOUSE.vkey}\nwitness one"
            ),
            ml_dsa=False,
        ),
        Case(
            "found key ML-DSA",
            2,
            "no --policy",
            report(witnesses=(HOUSE,), older=(), change=lambda m, f: m["keys"].update(log=HOUSE.vkey)),
            None,
        ),
    ]


def _vkey(name, data):
    key_id = sha256(name.encode() + b"\n" + data).hexdigest()[:8]
    return f"{name}+{key_id}+{b64encode(data).decode()}"


def _line(name, key, signature):
    key_id = bytes.fromhex(label(key).rpartition("+")[2])
    return f"\u2014 {name} {b64encode(key_id + signature).decode()}\n"


def _witnesses():
    def seen(name, status, said, witnesses, ml_dsa=True, more="", **rules):
        return Case(
            name, status, said, report(witnesses=witnesses, more=more), policy(**rules), ml_dsa=ml_dsa
        )

    false = ONE.as_line(struct.pack(">Q", TIME) + bytes(64))
    false_two = TWO.as_line(struct.pack(">Q", TIME) + bytes(2420))
    late = TWO.as_line(struct.pack(">Q", TIME + 1) + TWO.key.sign(b"x"))
    nested = "group inner any one two\ngroup outer all inner three\n"
    return [
        seen("two of three", 0, "VALID", (ONE, THREE)),
        seen("all three", 0, "VALID", (ONE, TWO, THREE)),
        seen(
            "one of three",
            1,
            "checkpoint, quorum: expected cosignatures that make up two-of-three, found one",
            (ONE,),
        ),
        seen("one of three twice", 1, "found one", (ONE, ONE)),
        seen("strangers", 1, "found nobody", (UNKNOWN,)),
        seen("none though some are named", 0, "VALID", (), quorum="none"),
        seen("one itself", 0, "VALID", (ONE,), quorum="one"),
        seen("not one itself", 1, "make up one, found two", (TWO,), quorum="one"),
        seen("nested met", 0, "VALID", (TWO, THREE), groups=nested, quorum="outer"),
        seen("nested not met", 1, "make up outer, found one, two", (ONE, TWO), groups=nested, quorum="outer"),
        seen("all met", 0, "VALID", (ONE, TWO, THREE), groups="group g all one two three\n", quorum="g"),
        seen("all not met", 1, "make up g", (ONE, TWO), groups="group g all one two three\n", quorum="g"),
        seen("any met", 0, "VALID", (THREE,), groups="group g any one two three\n", quorum="g"),
        seen("any not met", 1, "make up g", (), groups="group g any one two three\n", quorum="g"),
        seen("three of three", 1, "make up g", (ONE, THREE), groups="group g 3 one two three\n", quorum="g"),
        seen("a false cosignature", 1, f"the signature by {ONE.name}", (TWO, THREE), more=false),
        seen("a false ML-DSA cosignature", 1, f"the signature by {TWO.name}", (ONE, THREE), more=false_two),
        seen("an ML-DSA line of another time", 1, f"the signature by {TWO.name}", (ONE, THREE), more=late),
        seen("no time", 1, "does not hold", (TWO, THREE), more=ONE.as_line(b"1234567")),
        seen(
            "a cut signature",
            1,
            "does not hold",
            (TWO, THREE),
            more=ONE.as_line(struct.pack(">Q", 1) + bytes(63)),
        ),
        seen(
            "a cut ML-DSA signature",
            1,
            "does not hold",
            (ONE, THREE),
            more=TWO.as_line(bytes(8 + 2419)),
            ml_dsa=False,
        ),
        seen("time zero", 0, "VALID", (), more=ONE.line(TEXT, 0) + TWO.line(TEXT, 0)),
        seen("the last second", 0, "VALID", (ONE,), more=TWO.line(TEXT, 2**63 - 1)),
        seen("after the last second", 1, "does not hold", (ONE,), more=TWO.line(TEXT, 2**63)),
        seen("the text of another size", 1, "does not hold", (TWO,), more=ONE.line(FIVE)),
        seen("ML-DSA of another size", 1, "does not hold", (ONE,), more=TWO.line(FIVE)),
        seen("ML-DSA unread and needed", 2, "the quorum two-of-three needs ML-DSA", (ONE, TWO), False),
        seen("ML-DSA unread, not needed", 0, "VALID", (ONE, TWO, THREE), False),
        seen("ML-DSA unread, not enough", 1, "found nobody", (TWO,), False),
        seen(
            "a witness out of range",
            1,
            "found one",
            (ONE, TWO),
            more="",
            groups=f"group two-of-three 2 one two three\n#valid {TWO.name}+{TWO.id.hex()} 13 -\n",
        ),
        seen(
            "a witness in range",
            0,
            "VALID",
            (ONE, TWO),
            groups=f"group two-of-three 2 one two three\n#valid {TWO.name}+{TWO.id.hex()} 12 12\n",
        ),
        seen(
            "unread and out of range",
            1,
            "found one",
            (ONE, TWO),
            False,
            groups=f"group two-of-three 2 one two three\n#valid {TWO.name}+{TWO.id.hex()} 0 11\n",
        ),
        Case(
            "the house's own under the log's name",
            0,
            "VALID",
            report(witnesses=(HOUSE,)),
            policy(witnesses=(HOUSE,), groups="", quorum="one"),
        ),
        Case("witnesses without a policy", 2, "no --policy", report(more=false), None),
    ]


def _older():
    def held(name, status, said, *notes_, **more):
        return Case(name, status, said, report(**more), held=notes_)

    five = note_of(FIVE, witnesses=())
    other = text_of(OTHER, 5)
    proof = report()["consistency/5-12"]
    lines = proof.decode().split("\n")[:-1]

    def proved(name, said, data):
        return Case(name, 1, said, report(change=lambda m, f: f.update({"consistency/5-12": data})))

    def eight(name, status, said, hashes):
        def change(manifest, files):
            files["consistency/8-12"] = "".join(
                f"{each}\n" for each in hashes(_lines(manifest, files))
            ).encode()

        return Case(name, status, said, report(older=(8,), change=change))

    def _lines(manifest, files):
        return files["consistency/8-12"].decode().split("\n")[:-1]

    def old(name, status, said, note):
        return Case(
            name, status, said, report(change=lambda m, f: f.update({"checkpoints/5": note.encode()}))
        )

    return [
        held("held five", 0, "VALID", five),
        held("held five and twelve", 0, "VALID", five, note_of(TEXT)),
        held("held the same", 0, "VALID", note_of(TEXT), older=()),
        held("held six, unproved", 2, "consistency/6-12 is missing", note_of(text_of(LEAVES, 6))),
        held(
            "held a later one",
            2,
            "consistency/12-5 is missing",
            note_of(TEXT),
            size=5,
            numbers=[0, 1],
            older=(),
            change=_plain,
        ),
        held("held another root", 1, "checkpoint against", note_of(text_of(OTHER, 12))),
        held(
            "held another beginning", 1, "consistency/5-12, root of 5: expected", note_of(other, witnesses=())
        ),
        held("held by a stranger", 3, "--checkpoint", note_of(FIVE, (STRANGE,), ())),
        held("held and false", 3, "does not hold", FIVE + "\n" + _line(ORIGIN, LOG, bytes(64))),
        held("held of another log", 3, "origin", note_of(text_of(LEAVES, 5, "other.example"), witnesses=())),
        held("held nonsense", 3, "--checkpoint", "nonsense"),
        held("held nothing", 3, "--checkpoint", ""),
        held(
            "held an empty log",
            3,
            "--checkpoint",
            note_of(text_of(LEAVES, 0).replace("\n0\n", "\n0\n"), witnesses=()),
        ),
        Case("held, no policy", 2, "no --policy", report(), None, (five,)),
        Case("held another, no policy", 1, "root of 5", report(), None, (note_of(other, witnesses=()),)),
        Case(
            "held, and the proof lost",
            2,
            "1 files are missing",
            _without(report(), "consistency/5-12"),
            held=(five,),
        ),
        proved(
            "a hash short",
            "consistency/5-12: a hash is missing",
            "".join(f"{line}\n" for line in lines[:-1]).encode(),
        ),
        proved("a hash long", "has 1 hashes too many", proof + proof[:45]),
        proved(
            "hashes swapped",
            "consistency/5-12, root of 5",
            "".join(f"{line}\n" for line in lines[::-1]).encode(),
        ),
        proved("no newline", "does not end in a newline", proof[:-1]),
        proved("not base64", "is not base64", b"!!\n" + proof),
        proved("not ASCII", "is not base64", b"\xff\n" + proof),
        proved("31 bytes", "a hash is not 32 bytes", b64encode(bytes(31)) + b"\n" + proof[45:]),
        proved("128 lines", "hashes too many", (b64encode(bytes(32)) + b"\n") * 128),
        proved("129 lines", "longer than any proof", (b64encode(bytes(32)) + b"\n") * 129),
        proved("a new end", "root of 12", "".join(f"{line}\n" for line in [*lines[:-1], lines[0]]).encode()),
        eight("from a whole subtree", 0, "VALID", lambda lines: lines),
        eight("from a whole subtree, one more", 1, "too many", lambda lines: [lines[0], *lines]),
        old("older by a stranger", 1, "checkpoints/5: is signed by no", note_of(FIVE, (STRANGE,), ())),
        old("older of another root", 1, "checkpoints/5, root", note_of(other, witnesses=())),
        old("older of another size", 1, "checkpoints/5, size", note_of(text_of(LEAVES, 6), witnesses=())),
        old(
            "older of another log",
            1,
            "checkpoints/5, origin",
            note_of(text_of(LEAVES, 5, "other.example"), witnesses=()),
        ),
        old("older false", 1, "checkpoints/5: the signature", FIVE + "\n" + _line(ORIGIN, LOG, bytes(64))),
        Case("older of another beginning", 1, "consistency/5-12, root of 5", report(change=_other_beginning)),
        Case(
            "older not older",
            1,
            "expected an older size between 0 and 12, found 12",
            report(change=_not_older(12)),
        ),
        Case("older than nothing", 1, "checkpoints/0: is of an empty log", report(change=_not_older(0))),
        Case(
            "older than nothing, no note",
            1,
            "found 0",
            _without(report(change=_not_older(0)), "checkpoints/0"),
        ),
        Case(
            "older unproved",
            1,
            "consistency/5-12: is not in the list",
            report(change=lambda m, f: f.pop("consistency/5-12")),
        ),
        Case(
            "older unlisted",
            1,
            "checkpoints/5: is not in the list",
            report(change=lambda m, f: f.pop("checkpoints/5")),
        ),
    ]


def _other_beginning(manifest, files):
    text = text_of(OTHER, 5)
    files["checkpoints/5"] = note_of(text, witnesses=()).encode()
    manifest["older"][0]["root"] = merkle.root(OTHER[:5]).hex()


def _not_older(size):
    def change(manifest, files):
        root = merkle.root(LEAVES[:size])
        text = f"{ORIGIN}\n{size}\n{b64encode(root).decode()}\n"
        files[f"checkpoints/{size}"] = note_of(text, witnesses=()).encode()
        files[f"consistency/{size}-12"] = b""
        manifest["older"] = [{"size": size, "root": root.hex()}]
        del files["checkpoints/5"], files["consistency/5-12"]

    return change


def _entries():
    def logged(name, status, said, old, new):
        """The log itself took and signed these bytes as entry 6."""
        data = [*BYTES[:6], BYTES[6].replace(old, new) if old else new, *BYTES[7:]]
        return Case(f"logged: {name}", status, said, report(data=data))

    def placed(name, said, edit):
        return Case(name, 1, said, report(change=edit))

    def proof(name, said, edit):
        def change(manifest, files):
            files["proofs/6.tlog-proof"] = edit(files["proofs/6.tlog-proof"])

        return Case(f"proof: {name}", 1, said, report(change=change))

    n = b'"n":6'
    same_length = bytes(32).hex()
    return [
        logged("a float", 1, "entry 6", n, b'"n":6.0'),
        logged("an exponent", 1, "entry 6", n, b'"n":6e0'),
        logged("minus zero", 1, "entry 6, canonical: is not in the form", n, b'"n":-0'),
        logged("2^53", 1, "beyond 2^53-1", n, b'"n":9007199254740992'),
        logged("-2^53", 1, "beyond 2^53-1", n, b'"n":-9007199254740992'),
        logged("many digits", 1, "no short integer", n, b'"n":' + b"9" * 21),
        logged("2^53-1", 0, "VALID", n, b'"n":-9007199254740991'),
        logged("NaN", 1, "entry 6", n, b'"n":NaN'),
        logged("a key twice", 1, "stands twice", n, b'"n":6,"n":6'),
        logged("keys out of order", 1, "RFC 8785", n, b'"n":6,"a":1'),
        logged("keys out of order in a list", 1, "RFC 8785", n, b'"n":[{"b":1,"a":2}]'),
        logged("a space", 1, "RFC 8785", n, b'"n": 6'),
        logged("an escape", 1, "RFC 8785", n, b'"n":"\\u0041"'),
        logged("NFD", 1, "NFC", n, b'"n":"e\xcc\x81"'),
        logged("NFD in a list", 1, "NFC", n, b'"n":["e\xcc\x81"]'),
        logged("NFD as a key", 1, "NFC", n, b'"e\xcc\x81":6'),
        logged("half a surrogate", 1, "surrogate", n, b'"n":"\\ud800"'),
        logged("half a surrogate as a key", 1, "surrogate", n, b'"\\ud800":6'),
        logged("seven lists", 1, "nested deeper than 8", n, b'"n":' + b"[" * 7 + b"]" * 7),
        logged("six lists", 0, "VALID", n, b'"n":' + b"[" * 6 + b"]" * 6),
        logged(
            "six objects in a list", 1, "nested deeper", n, b'"n":[' + b'{"a":' * 6 + b"1" + b"}" * 6 + b"]"
        ),
        logged("UTF-16 order", 0, "VALID", n, '"ö":1,"€":2,"😀":3,"\uff21":4'.encode()),
        logged("UTF-8 order", 1, "RFC 8785", n, '"ö":1,"€":2,"\uff21":4,"😀":3'.encode()),
        logged("constants", 0, "VALID", n, b'"n":[null,true,false,"\\n\\u000f"]'),
        logged("a member more", 1, "members of an entry", b'"v":1', b'"v":1,"w":1'),
        logged("a member less", 1, "members of an entry", b',"v":1', b""),
        logged("commit a list", 1, "members of an entry", b'"commit":{}', b'"commit":[]'),
        logged("commit no digest", 1, "members of an entry", b'"commit":{}', b'"commit":{"a":"b"}'),
        logged("commit a number", 1, "members of an entry", b'"commit":{}', b'"commit":{"a":1}'),
        logged("a list", 1, "members of an entry", b"", b"[]"),
        logged("a number", 1, "members of an entry", b"", b"7"),
        logged("a bracket", 1, "entry 6", b"", b"["),
        logged("very deep", 1, "entry 6", b"", b"[" * 30_000),
        logged("65,535 bytes", 0, "VALID", n, b'"n":"' + b"x" * (65_535 - len(BYTES[6]) + 1 - 2) + b'"'),
        logged(
            "65,536 bytes",
            3,
            "entries/6.json: is no plain file",
            n,
            b'"n":"' + b"x" * (65_536 - len(BYTES[6]) + 1 - 2) + b'"',
        ),
        logged("of another log", 1, f"entry 6, ledger: expected {ORIGIN}", ORIGIN.encode(), b"other.example"),
        placed("not the leaf", "entry 6, leaf_hash", lambda m, f: f.update({"entries/6.json": BYTES[7]})),
        placed(
            "another leaf", "entry 6, chain_hash", lambda m, f: m["entries"][3].update(leaf_hash=same_length)
        ),
        placed(
            "another chain",
            "entry 6, chain_hash",
            lambda m, f: m["entries"][3].update(chain_hash=same_length),
        ),
        placed("not in the tree", "entry 6, root", _not_in_the_tree),
        placed("not after its neighbour", "entry 2, prev", _relink(2)),
        placed("not from nothing", "entry 0, prev", _relink(0)),
        placed("beyond the size", "entry 12, number: is not below", _beyond),
        proof(
            "of another entry",
            "proof: is not a tlog-proof of this entry",
            lambda data: data.replace(b"index 6", b"index 7"),
        ),
        proof("of another version", "is not a tlog-proof", lambda data: data.replace(b"@v1", b"@v2")),
        proof("no newline", "entry 6, proof", lambda data: data.replace(b"index 6\n", b"index 6")),
        proof("nothing", "does not end in the checkpoint", lambda data: b""),
        proof("in another checkpoint", "does not end in the checkpoint", lambda data: data + b"x"),
        proof(
            "one short",
            "entry 6, proof: a hash is missing",
            lambda data: data.replace(data.split(b"\n")[2] + b"\n", b""),
        ),
        proof(
            "one long",
            "hashes too many",
            lambda data: data.replace(b"\n\n", b"\n" + b64encode(bytes(32)) + b"\n\n", 1),
        ),
        proof(
            "31 bytes",
            "is not 32 bytes",
            lambda data: data.replace(data.split(b"\n")[2], b64encode(bytes(31))),
        ),
        proof(
            "another hash",
            "entry 6, root",
            lambda data: data.replace(data.split(b"\n")[2], b64encode(bytes(32))),
        ),
        proof("hashes swapped", "entry 6, root", lambda data: _swapped(data)),
    ]


def _swapped(data):
    lines = data.split(b"\n")
    lines[2], lines[3] = lines[3], lines[2]
    return b"\n".join(lines)


def _not_in_the_tree(manifest, files):
    data = files["entries/6.json"] = BYTES[6].replace(b":6", b":7")
    place, leaf = manifest["entries"][3], merkle.leaf_hash(data)
    place["leaf_hash"] = leaf.hex()
    place["chain_hash"] = merkle.chain_hash(bytes.fromhex(place["prev"]), leaf).hex()


def _relink(at):
    def change(manifest, files):
        place = manifest["entries"][at]
        place["prev"] = "11" * 32
        link = merkle.chain_hash(bytes.fromhex(place["prev"]), bytes.fromhex(place["leaf_hash"]))
        place["chain_hash"] = link.hex()

    return change


def _beyond(manifest, files):
    place = manifest["entries"][-1] = {**manifest["entries"][-1], "number": 12}
    assert place["number"] == 12
    for name in ("entries/10.json", "proofs/10.tlog-proof"):
        files[name.replace("10", "12")] = files.pop(name).replace(b"index 10", b"index 12")


def _disclosures():
    def opened(name, status, said, **fields):
        def change(manifest, files):
            manifest["openings"][0].update(fields)

        return Case(f"opening: {name}", status, said, report(change=change))

    def erased(name, status, said, **fields):
        def change(manifest, files):
            manifest["erased"][0].update(fields)

        return Case(f"erased: {name}", status, said, report(change=change))

    deep = 1
    for _ in range(100):
        deep = [deep]
    many = {f"f{number:02}": "ab" * 32 for number in range(21)}
    data = [
        *BYTES[:6],
        BYTES[6].replace(b'"commit":{}', b'"commit":' + json.dumps(many, separators=(",", ":")).encode()),
        *BYTES[7:],
    ]
    return [
        opened("another salt", 1, "opening of entry 8, licensee: expected", salt="00" * 32),
        opened("another value", 1, "opening of entry 8, licensee", value="李四"),
        opened(
            "another field",
            1,
            "opening of entry 8, seller: expected a commitment in the entry, found none",
            field="seller",
        ),
        opened("another entry", 1, "opening of entry 6, licensee", entry=6),
        opened("no entry here", 1, "opening of entry 7, licensee: the entry is not in", entry=7),
        opened("a surrogate", 1, "surrogate", value="\ud800"),
        opened("deep", 3, "nested deeper than 100", value=deep),
        opened("of an erased field", 1, "opening of entry 8, address", field="address"),
        Case("opening of a missing entry", 2, "1 files are missing", _without(report(), "entries/8.json")),
        erased("by nothing", 0, "VALID", by=None),
        erased("another field", 1, "erased field of entry 8, seller: expected a commitment", field="seller"),
        erased("what is open", 1, "licensee: is opened as well", field="licensee"),
        erased("by itself", 1, "expected a later entry of this report, found 8", by=8),
        erased("by an earlier one", 1, "found 6", by=6),
        erased("by one not here", 1, "found 9", by=9),
        erased("an entry not here", 1, "erased field of entry 7", entry=7),
        Case(
            "erased twenty-one",
            0,
            "VALID",
            report(
                data=data,
                change=lambda m, f: m.update(
                    openings=[], erased=[{"entry": 6, "field": name, "by": None} for name in many]
                ),
            ),
        ),
    ]


def _facts():
    def facts(name, status, said, document):
        data = document if isinstance(document, bytes) else json.dumps(document).encode()
        return Case(
            f"facts: {name}", status, said, report(change=lambda m, f: f.update({"facts.json": data}))
        )

    def stated(name, status, said, *found):
        return facts(
            name,
            status,
            said,
            {"sections": [{"title": "t", "facts": []}, {"title": "t", "facts": list(found)}]},
        )

    return [
        stated("none", 0, "VALID"),
        stated("proved", 0, "VALID", {"entry": 6}, {"entry": 0, "a": {"b": [1]}}),
        stated("unproved", 0, "VALID", {"entry": None}),
        stated(
            "of an entry not here",
            1,
            "facts.json, fact 2: expected an entry of this report, found 7",
            {"entry": 6},
            {"entry": 7},
        ),
        stated("without an entry", 1, "found nothing", {"a": 1}),
        stated("of a true entry", 1, "found True", {"entry": True}),
        stated("of a text", 1, "found 6", {"entry": "6"}),
        stated("not an object", 3, "facts.json: expected sections", 7),
        facts("a list", 3, "facts.json: expected", []),
        facts("another member", 3, "facts.json: expected", {"sections": [], "more": 1}),
        facts("a section of another shape", 3, "facts.json: expected", {"sections": [{"title": "t"}]}),
        facts("not JSON", 3, "facts.json: cannot be read", b"{"),
        facts("a float", 3, "no short integer", b'{"sections":[1.5]}'),
        Case("no facts", 0, "VALID", report(change=_no_facts)),
    ]


def _policies():
    def bad(name, text):
        return Case(f"policy: {name}", 3, "policy", report(), text)

    def group(name, groups, quorum="g"):
        return bad(name, policy(groups=groups, quorum=quorum))

    def fine(name, text):
        return Case(f"policy: {name}", 0, "VALID", report(), text)

    good, valid = policy(), f"#valid {label(LOG)}"
    same_key = Witness("again.example", 4, 11)
    return [
        bad("empty", ""),
        bad("no quorum", good.replace("quorum two-of-three\n", "")),
        bad("no log", policy(logs=())),
        bad("two quorums", good + "quorum none\n"),
        bad("the same quorum twice", good + "quorum two-of-three\n"),
        bad("an unknown line", good + "whatever\n"),
        bad("log alone", good + "log\n"),
        bad("log of four words", good + f"log {VKEY_NEXT} a b\n"),
        bad("log twice", good + f"log {VKEY}\n"),
        bad(
            "log twice by another name",
            good + f"log {notes.verifier_key(notes.new_key('x', bytes([1]) * 32))}\n",
        ),
        bad("log a witness key", good + f"log {UNKNOWN.vkey}\n"),
        bad("log no key", good + "log x\n"),
        bad("witness alone", good + "witness\n"),
        bad("witness of two words", good + "witness four\n"),
        bad("witness of five words", good + f"witness four {UNKNOWN.vkey} a b\n"),
        bad("witness named twice", good + f"witness one {UNKNOWN.vkey}\n"),
        bad("witness named none", good + f"witness none {UNKNOWN.vkey}\n"),
        bad("witness named as a group", good + f"witness two-of-three {UNKNOWN.vkey}\n"),
        bad("witness key twice", good + f"witness four {ONE.vkey}\n"),
        bad("witness key by another name", good + f"witness four {same_key.vkey}\n"),
        bad("witness a log key", good + f"witness four {VKEY_NEXT}\n"),
        bad("report alone", good + "#report\n"),
        bad("report of three words", good + f"#report {VKEY} x\n"),
        bad("report no key", good + "#report x\n"),
        bad("report twice", good + f"#report {notes.verifier_key(REPORTS)}\n"),
        bad("report a witness key", good + f"#report {UNKNOWN.vkey}\n"),
        bad("quorum alone", good.replace("quorum two-of-three", "quorum")),
        bad("quorum of two", good.replace("quorum two-of-three", "quorum one two")),
        bad("quorum of somebody", good.replace("quorum two-of-three", "quorum somebody")),
        bad(
            "quorum before the group",
            policy(groups="quorum g\ngroup g all one\n").replace("quorum two-of-three\n", ""),
        ),
        group("group alone", "group\n"),
        group("group of nobody", "group g all\n"),
        group("group twice", "group g all one\ngroup g all two\n"),
        group("group named none", "group none all one\n"),
        group("group named as a witness", "group one all two\n", "one"),
        group("threshold 0", "group g 0 one\n"),
        group("threshold 2 of 1", "group g 2 one\n"),
        group("threshold 01", "group g 01 one\n"),
        group("threshold -1", "group g -1 one\n"),
        group("threshold some", "group g some one\n"),
        group("member unknown", "group g all one five\n"),
        group("member none", "group g all one none\n"),
        group("member later", "group g all one h\ngroup h all two\n"),
        group("member itself", "group g all g\n"),
        group("member twice", "group g all one one\n"),
        group("member of two", "group h all one\ngroup g all h one\n"),
        bad("valid alone", good + "#valid\n"),
        bad("valid of three words", good + f"{valid} 0\n"),
        bad("valid of five words", good + f"{valid} 0 9 9\n"),
        bad("valid of no key", good + "#valid x+00000000 0 -\n"),
        bad("valid from a word", good + f"{valid} a -\n"),
        bad("valid to a word", good + f"{valid} 0 b\n"),
        bad("valid from -", good + f"{valid} - 5\n"),
        bad("valid backwards", good + f"{valid} 13 12\n"),
        bad("valid twice", good + f"{valid} 0 -\n{valid} 0 -\n"),
        bad("a carriage return", good.replace("\n", "\r\n")),
        bad("a zero", good + "#\0\n"),
        bad("a delete", good + "#\x7f\n"),
        fine(
            "comments and spaces",
            "\t # keys\n \n" + good.replace("log ", " \t log\t ") + "#reports x\n# report x",
        ),
        fine("octets that are no UTF-8", good + "# \udcff\n"),
        fine("no newline at the end", good[:-1]),
        fine("valid before the log", f"{valid} 0 12\n" + good),
        fine(
            "a group not needed",
            good.replace("quorum", f"witness four {UNKNOWN.vkey}\ngroup h any two-of-three four\nquorum"),
        ),
        fine(
            "more groups",
            policy(
                witnesses=(ONE, TWO, THREE, UNKNOWN), groups="group h any two-of-three four\n", quorum="h"
            ).replace("group h", "group two-of-three 2 one two three\ngroup h"),
        ),
    ]


def _zips():
    def foreign(name, status, said, adjust=lambda member: None, files=None, **more):
        return Case(f"zip: {name}", status, said, zipped(files or report(), adjust=adjust, **more))

    def patched(name, said, edit, method=zipfile.ZIP_STORED):
        data = zipped(report(), method=method)
        return Case(
            f"zip: {name}", 3, said, bytes(edit(bytearray(data), data.index(b"PK\1\2"), len(data) - 22))
        )

    def put(at, *values):
        def edit(data, central, end):
            place = {"local": 0, "central": central, "end": end}
            for (part, offset), value in zip(at, values, strict=True):
                data[place[part] + offset : place[part] + offset + len(value)] = value
            return data

        return edit

    def linked(member):
        if member.filename == "report.json":
            member.external_attr = (stat.S_IFLNK | 0o777) << 16

    def device(member):
        if member.filename == "report.json":
            member.external_attr = (stat.S_IFCHR | 0o777) << 16

    def is_folder(member):
        if member.filename == "report.json":
            member.external_attr = (stat.S_IFDIR | 0o777) << 16

    def folder(member):
        if member.filename == "pages/":
            member.external_attr = (stat.S_IFDIR | 0o755) << 16

    def extra(kind):
        def adjust(member):
            member.extra = struct.pack("<2H", 0x5455, 1) + b"\1" + struct.pack("<2H", kind, 5) + b"\1aaaa"

        return adjust

    whole = zipped(report())
    bomb = {**report(), "bomb": bytes(15 * 2**20)}
    large = {f"x{number}": bytes(2 * 2**20) for number in range(33)}
    ours = packed(report())
    return [
        foreign("folders", 0, "VALID", files={"pages/": b"", **report()}),
        foreign("folders that say so", 0, "VALID", folder, files={"pages/": b"", **report()}),
        foreign("a folder with bytes", 1, "is not in the list", files={"other/": b"x", **report()}),
        foreign("a link", 3, "is a link or a device", linked),
        foreign("a device", 3, "is a link or a device", device),
        foreign("a file called a folder", 3, "is a link or a device", is_folder),
        foreign("a second name", 3, "has a name that a report does not hold", extra(0x7075)),
        foreign("a time more", 0, "VALID", extra(0x7875)),
        foreign("a path upwards", 3, "has a name", files={**report(), "../x": b""}),
        foreign("a path from the root", 3, "has a name", files={**report(), "/x": b""}),
        foreign("a backslash", 3, "has a name", files={**report(), "a\\x": b""}),
        foreign("another script", 3, "has a name", files={**report(), "名": b""}),
        foreign("two of one name", 3, "stands there twice", files={**report(), "Report.json": b"x"}),
        foreign("LZMA", 3, "packed in an unknown way", method=zipfile.ZIP_LZMA),
        foreign("a comment", 3, "zip file", comment=b"hello"),
        foreign("our mark on another's", 3, "not packed as its mark says", comment=b"wenshi-report/2"),
        foreign("a bomb", 3, "'bomb' in the zip file grows more than 200 times", files=bomb),
        foreign("a large one", 3, "holds more than", files=large, method=zipfile.ZIP_STORED),
        Case(
            "zip: ours of a member too large",
            3,
            "x: has more than",
            packed({**report(), "x": bytes(16 * 2**20 + 1)}),
        ),
        foreign("another file", 1, "more: is not in the list", files={**report(), "more": b""}),
        foreign("nothing", 3, "manifest.json", files={"x": b""}),
        Case("zip: half", 3, "neither a folder nor one whole zip", whole[: len(whole) // 2]),
        Case("zip: something before", 3, "zip file", b"x" + whole),
        Case("zip: something after", 3, "zip file", whole + b"x"),
        Case("zip: ours, something before", 3, "zip file", b"x" + ours),
        Case("zip: ours, another mark", 3, "not packed as its mark says", ours[:-1] + b"3"),
        Case("zip: no bytes", 3, "neither a folder nor one whole zip", b""),
        Case("zip: no zip", 3, "neither a folder nor one whole zip", b"x" * 100),
        Case("zip: empty", 3, "manifest.json: there is no such file", b"PK\5\6" + bytes(18)),
        Case("zip: shifted", 3, "neither a folder", b"x" * 5 + b"PK\5\6" + bytes(18)),
        Case("zip: something between", 3, "zip file", _wedge(zipped(report(), method=zipfile.ZIP_STORED))),
        Case("zip: something at the end of the list", 3, "something between", _wedge_list(zipped(report()))),
        Case("zip: something before the list", 3, "something between", _wedge_before(zipped(report()))),
        patched("encrypted", "is encrypted", put([("local", 6), ("central", 8)], b"\1", b"\1")),
        patched("strongly encrypted", "unknown way", put([("local", 6), ("central", 8)], b"\x40", b"\x40")),
        patched("sizes behind", "unknown way", put([("local", 6), ("central", 8)], b"\x08", b"\x08")),
        patched("flags that differ", "unknown way", put([("central", 8)], b"\2")),
        patched("methods that differ", "unknown way", put([("central", 10)], b"\x08")),
        patched("names that differ", "unknown way", put([("local", 30)], b"R")),
        patched("a CRC that differs", "unknown way", put([("local", 14)], b"\0\0\0\0")),
        patched("a size that differs", "unknown way", put([("local", 22)], b"\0")),
        patched(
            "a CRC that is wrong",
            "is damaged in the zip file",
            put([("local", 14), ("central", 16)], b"abcd", b"abcd"),
        ),
        patched(
            "a deflated size that is wrong",
            "is damaged",
            put([("local", 22), ("central", 24)], b"\x09", b"\x09"),
            zipfile.ZIP_DEFLATED,
        ),
        patched(
            "bytes that are not deflated",
            "is damaged",
            put([("local", 41)], b"\xff\xff\xff"),
            zipfile.ZIP_DEFLATED,
        ),
        patched("another local mark", "unknown way", put([("local", 0)], b"pk")),
        patched("another central mark", "unknown way", put([("central", 0)], b"pk")),
        patched("another disk", "unknown way", put([("central", 34)], b"\1")),
        patched("another offset", "unknown way", put([("central", 42)], b"\1")),
        patched("disk one", "neither a folder", put([("end", 4)], b"\1")),
        patched("list on disk one", "neither a folder", put([("end", 6)], b"\1")),
        patched("counts that differ", "neither a folder", put([("end", 8)], b"\1")),
        patched(
            "one member less",
            "something between",
            put([("end", 8), ("end", 10)], bytes([len(report()) - 1]), bytes([len(report()) - 1])),
        ),
        patched("a start too late", "neither a folder", put([("end", 16)], b"\xff")),
        patched("a comment's length", "neither a folder", put([("end", 20)], b"\1")),
        patched("a long name", "", put([("central", 28)], b"\xff\xff")),
        patched("a long extra", "", put([("local", 28)], b"\xff\xff")),
    ]


def _wedge(data):
    """Put bytes between the first two members and make every offset right again."""
    second = data.index(b"PK\3\4", 4)
    return _moved(data[:second] + b"wedge" + data[second:], data.index(b"PK\1\2"), 5, after=second)


def _wedge_before(data):
    central = data.index(b"PK\1\2")
    return _moved(data[:central] + b"wedge" + data[central:], central, 5, after=central)


def _wedge_list(data):
    end = data.rindex(b"PK\5\6")
    size = struct.unpack_from("<L", data, end + 12)[0]
    return data[:end] + b"wedge" + data[end : end + 12] + struct.pack("<L", size + 5) + data[end + 16 :]


def _moved(data, central, by, *, after):
    data, at = bytearray(data), central + by
    while data[at : at + 4] == b"PK\1\2":
        named, extra, remark = struct.unpack_from("<3H", data, at + 28)
        offset = struct.unpack_from("<L", data, at + 42)[0]
        struct.pack_into("<L", data, at + 42, offset + (by if offset >= after else 0))
        at += 46 + named + extra + remark
    struct.pack_into("<L", data, at + 16, central + by)
    return bytes(data)


def _folders():
    def moved(name, status, said, files):
        return Case(f"folder: {name}", status, said, files)

    linked = _without(report(), "report.json")
    return [
        moved(
            "a link",
            1,
            "is not in the list of files",
            {**linked, "elsewhere": report()["report.json"], "report.json@": "elsewhere"},
        ),
        moved("a listed link", 3, "report.json: cannot be read", {**linked, "report.json@": "/etc/hostname"}),
        moved(
            "a listed link to nothing",
            3,
            "report.json: cannot be read",
            {**linked, "report.json@": "nothing"},
        ),
        moved(
            "a linked folder",
            1,
            "is not in the list of files",
            {**_without(report(), "pages/report.html"), "pages@": "/etc"},
        ),
        moved("too deep", 3, "nested too deeply", {**report(), "a/b/c/d/e/f": b""}),
        moved(
            "a large file",
            3,
            "report.json: is no plain file of at most",
            {**report(), "report.json": bytes(16 * 2**20 + 1)},
        ),
    ]


def _commands():
    """Return what is wrong outside of the report: the arguments, and what is not installed."""
    return [
        Case("command: unknown option", 3, "", report(), more=("--what",)),
        Case("command: help", 0, "an older checkpoint that you hold", report(), more=("--help",)),
        Case(
            "command: a policy that is not there",
            3,
            "policy: cannot be read: No such",
            report(),
            None,
            more=("--policy", "/no"),
        ),
        Case(
            "command: a policy that is a folder",
            3,
            "policy: cannot be read: Is a dir",
            report(),
            None,
            more=("--policy", "/"),
        ),
        Case(
            "command: a policy that never ends",
            3,
            "policy: is no plain file",
            report(),
            None,
            more=("--policy", "/dev/zero"),
        ),
        Case(
            "command: a checkpoint that is not there",
            3,
            "/no: cannot be read",
            report(),
            more=("--checkpoint", "/no"),
        ),
        Case("command: no cryptography", 3, "`cryptography` is not installed", report(), cryptography=False),
    ]
