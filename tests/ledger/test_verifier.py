"""The offline verifier as a stranger runs it: one file, another process, whatever the report holds."""

import json
import os
import random
import shutil
import subprocess
import sys
import time
from base64 import b64encode
from hashlib import sha256
from pathlib import Path

import pytest

from ledger import queries, verifier
from ledger.actions import log, reports, sequencer
from ledger.actions.reports import Opening
from ledger.domain import canonical, entry, merkle, notes, proofs
from ledger.domain.checkpoint import text as checkpoint_text
from tests.ledger.conftest import NOW, document, fill

pytestmark = pytest.mark.django_db

VERIFIER = Path(verifier.__file__)
SALT = bytes(range(32))
NAME = {"name": "张三", "born": 1970}


@pytest.fixture
def report(db, tmp_path):
    """Return a report of entries 0, 1, 2, 6 and 8 of twelve; entry 8 commits to a name, disclosed."""
    fill(8)
    personal = {**document(8), "commit": {"licensee": entry.commitment(SALT, NAME)}}
    log.append(document=personal, idempotency_key="personal", now=NOW)
    sequencer.catch_up(now=NOW)
    fill(11, signed_every=11)
    (tmp_path / "policy").write_text(queries.policy())
    return reports.write(
        out=tmp_path / "report",
        entry_numbers=[0, 1, 2, 6, 8],
        attachments={"report.json": b'{"fact":1}', "pages/report.html": "<p>事实</p>".encode()},
        openings=[Opening(entry=8, field="licensee", salt=SALT, value=NAME)],
        now=NOW,
    )


@pytest.fixture
def check(report, capsys):
    """Return a function that runs the verifier in this process: status and last line."""

    def run(*arguments):
        status = verifier.main([str(report), *arguments])
        printed = capsys.readouterr()
        assert printed.err == ""
        return status, printed.out.splitlines()[-1]

    return run


@pytest.fixture
def trusted(report):
    return ("--policy", str(report.parent / "policy"))


def test_a_report_verifies_in_a_process_that_has_neither_django_nor_us(report, trusted, tmp_path):
    alone = tmp_path / "alone" / "verifier.py"
    alone.parent.mkdir()
    shutil.copy(VERIFIER, alone)
    started = time.monotonic()
    done = subprocess.run(
        [sys.executable, "-I", str(alone), str(report), *trusted],
        capture_output=True,
        text=True,
        timeout=20,
        cwd="/",
        env={"PATH": os.environ["PATH"]},
    )
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.splitlines()[-1].startswith("VALID  ")
    assert "not checked: anchors" in done.stdout
    assert time.monotonic() - started < 10


def test_without_a_policy_nothing_is_trusted_and_the_keys_found_are_shown(check):
    status, said = check()
    assert status == 2
    assert queries.keys().log_vkey in said
    assert queries.keys().report_vkey in said


def test_a_policy_without_a_report_key_leaves_the_facts_unvouched(check, tmp_path):
    (tmp_path / "plain").write_text(f"log {queries.keys().log_vkey}\nquorum none\n")
    status, said = check("--policy", str(tmp_path / "plain"))
    assert status == 2
    assert "nobody vouches" in said


def test_any_changed_byte_of_any_file_is_invalid_or_unusable(report, check, trusted, request):
    files = [path for path in sorted(report.rglob("*")) if path.is_file()]
    chosen = random.Random(20261123)
    rounds = 20_000 if request.config.getoption("--nightly") else 600
    for turn in range(rounds):
        path = files[turn % len(files)]
        data = path.read_bytes()
        at, bit = chosen.randrange(len(data)), 1 << chosen.randrange(8)
        path.write_bytes(data[:at] + bytes([data[at] ^ bit]) + data[at + 1 :])
        status, said = check(*trusted)
        assert status in (1, 3), (path.name, at, bit, said)
        status, said = check()
        assert status in (1, 3), (path.name, at, bit, said)
        path.write_bytes(data)
    assert check(*trusted)[0] == 0


@pytest.mark.parametrize("change", [lambda data: data[:-1], lambda data: data + b"\n", lambda data: b""])
def test_a_file_that_grew_or_shrank_is_invalid_or_unusable(report, check, trusted, change):
    for path in [each for each in sorted(report.rglob("*")) if each.is_file()]:
        data = path.read_bytes()
        path.write_bytes(change(data))
        assert check(*trusted)[0] in (1, 3), path.name
        path.write_bytes(data)


def test_a_missing_file_is_named_and_leaves_the_report_incomplete(report, check, trusted):
    for name in ("entries/6.json", "proofs/6.tlog-proof", "checkpoint", "report.json"):
        data = (report / name).read_bytes()
        (report / name).unlink()
        status, said = check(*trusted)
        assert status == 2
        assert name in said
        (report / name).write_bytes(data)
    for name in ("manifest.json", "manifest.note"):
        data = (report / name).read_bytes()
        (report / name).unlink()
        assert check(*trusted)[0] == 3
        (report / name).write_bytes(data)


def test_a_file_too_many_is_invalid(report, check, trusted):
    (report / "pages" / "more.html").write_text("also true")
    assert check(*trusted) == (1, "INVALID  pages/more.html: is not in the list of files")


# A report rewritten by somebody who recomputes everything --------------------------------------------------


def rewrite(report, *, log_key, report_key, change=lambda manifest, files: None):
    """Make every digest, hash, proof and signature of a report right again after a change."""
    manifest = json.loads((report / "manifest.json").read_bytes())
    files = {name: (report / name).read_bytes() for name in manifest["files"]}
    change(manifest, files)
    numbers = [each["number"] for each in manifest["entries"]]
    size = manifest["checkpoint"]["size"]
    leaves = [merkle.leaf_hash(files.get(f"entries/{n}.json", b"%d" % n)) for n in range(size)]
    origin, root = manifest["origin"], merkle.root(leaves)
    note = notes.sign(checkpoint_text(origin=origin, size=size, root=root), [log_key])
    link, manifest["entries"] = merkle.GENESIS, []
    for number, leaf in enumerate(leaves):
        prev, link = link, merkle.chain_hash(link, leaf)
        if number in numbers:
            proof = proofs.text(index=number, path=merkle.inclusion_proof(leaves, number), note=note)
            files[f"proofs/{number}.tlog-proof"] = proof.encode()
            place = {"leaf_hash": leaf.hex(), "prev": prev.hex(), "chain_hash": link.hex()}
            manifest["entries"].append({"number": number, **place})
    files["checkpoint"] = note.encode()
    manifest["checkpoint"] = {"size": size, "root": root.hex()}
    manifest["keys"] = {"log": notes.verifier_key(log_key), "report": notes.verifier_key(report_key)}
    place_files(report, manifest, files, report_key)


def place_files(report, manifest, files, report_key):
    """Write the files with a list of them that is signed by the key."""
    manifest["files"] = {
        name: {"bytes": len(data), "sha256": sha256(data).hexdigest()} for name, data in files.items()
    }
    data = canonical.encode(manifest)
    text = f"{manifest['origin']}/reports\n{sha256(data).hexdigest()}\n"
    files = {**files, "manifest.json": data, "manifest.note": notes.sign(text, [report_key]).encode()}
    for name, data in files.items():
        (report / name).write_bytes(data)


def test_a_report_rewritten_whole_and_signed_with_fresh_keys_is_invalid(report, check, trusted):
    origin = queries.keys().origin
    fresh = notes.new_key(origin, bytes(32))
    rewrite(report, log_key=fresh, report_key=notes.new_key(f"{origin}/reports", bytes(32)))
    assert check()[0] == 2  # it is whole in itself, so only the policy tells
    status, said = check(*trusted)
    assert status == 1
    assert "the policy does not name the key" in said


def test_a_report_with_a_fresh_log_key_below_the_real_report_key_is_invalid(report, check, trusted):
    keys = queries.keys()
    rewrite(report, log_key=notes.new_key(keys.origin, bytes(32)), report_key=keys.report)
    assert check(*trusted)[0] == 1


@pytest.mark.parametrize(
    ("change", "said"),
    [  # everything recomputed and signed with the real keys but for one thing
        (lambda m, f: f.update({"entries/6.json": f["entries/6.json"].replace(b":6", b":7", 1)}), "entry 6"),
        (
            lambda m, f: f.update({"entries/6.json": f["entries/6.json"].replace(b'"v":1', b'"v":1.0')}),
            "entry 6",
        ),
        (lambda m, f: m["entries"][3].update(leaf_hash="00" * 32), "entry 6, chain_hash"),
        (lambda m, f: m["entries"][3].update(number=7), "entries/7.json"),
        (lambda m, f: m["entries"][2].update(number=3), "entries/3.json"),
        (lambda m, f: m["checkpoint"].update(size=13), "checkpoint, size"),
        (lambda m, f: m["checkpoint"].update(root="00" * 32), "checkpoint, root"),
        (lambda m, f: m["openings"][0].update(salt="00" * 32), "opening of entry 8, licensee"),
        (lambda m, f: m["openings"][0].update(value="李四"), "opening of entry 8, licensee"),
        (lambda m, f: m["openings"][0].update(field="seller"), "opening of entry 8, seller"),
        (lambda m, f: m["openings"][0].update(entry=6), "opening of entry 6"),
        (lambda m, f: swap(f, "proofs/1.tlog-proof", "proofs/2.tlog-proof"), "entry 1, proof"),
        (lambda m, f: f.pop("entries/6.json"), "entries/6.json"),
        (lambda m, f: cut_proof(f), "entry 6, proof"),
        (lambda m, f: lengthen_proof(f), "entry 6, proof"),
        (lambda m, f: f.update({"proofs/6.tlog-proof": b"\xff"}), "entry 6, proof"),
    ],
)
def test_a_report_that_the_ledger_itself_would_sign_wrongly_is_invalid(report, check, trusted, change, said):
    manifest = json.loads((report / "manifest.json").read_bytes())
    files = {name: (report / name).read_bytes() for name in manifest["files"]}
    change(manifest, files)
    for name in manifest["files"]:
        (report / name).unlink()
    place_files(report, manifest, files, queries.keys().report)
    status, sentence = check(*trusted)
    assert status == 1
    assert sentence.startswith(f"INVALID  {said}"), sentence


def test_a_broken_chain_between_neighbours_is_named(report, check, trusted):
    manifest = json.loads((report / "manifest.json").read_bytes())
    files = {name: (report / name).read_bytes() for name in manifest["files"]}
    place = manifest["entries"][2]
    place["prev"] = "11" * 32
    place["chain_hash"] = merkle.chain_hash(
        bytes.fromhex(place["prev"]), bytes.fromhex(place["leaf_hash"])
    ).hex()
    place_files(report, manifest, files, queries.keys().report)
    assert check(*trusted)[1].startswith("INVALID  entry 2, prev: expected")


def test_a_report_of_another_log_is_invalid_even_when_that_log_is_trusted(report, check, tmp_path):
    other = notes.new_key("other.example/log", bytes(32))
    reports_key = notes.new_key("other.example/log/reports", bytes(32))

    def to_other(manifest, files):
        manifest["origin"] = "other.example/log"

    rewrite(report, log_key=other, report_key=reports_key, change=to_other)
    (tmp_path / "both").write_text(
        queries.policy() + f"log {notes.verifier_key(other)}\n#report {notes.verifier_key(reports_key)}\n"
    )
    status, said = check("--policy", str(tmp_path / "both"))
    assert status == 1
    assert "entry 0, ledger" in said


def swap(files, one, other):
    files[one], files[other] = files[other], files[one]


def cut_proof(files):
    head, note = files["proofs/6.tlog-proof"].split(b"\n\n", 1)
    files["proofs/6.tlog-proof"] = head.rpartition(b"\n")[0] + b"\n\n" + note


def lengthen_proof(files):
    head, note = files["proofs/6.tlog-proof"].split(b"\n\n", 1)
    files["proofs/6.tlog-proof"] = head + b"\n" + b64encode(bytes(32)) + b"\n\n" + note


# Hostile input --------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "manifest",
    [
        b"",
        b"null",
        b"[]",
        b"{}",
        b'{"format":"wenshi-report/1"}',
        b"[" * 1_000_000,
        b'{"a":' * 200_000,
        b'{"format":1,"format":1}',
        b"9" * 5000,
        b"1e999",
        b"NaN",
        b'"\\ud800"',
        b"\xff\xfe",
        b"\x00" * 100,
        b" " * (17 * 2**20),
    ],
    ids=range(15),
)
def test_a_list_of_files_that_is_none_is_unusable_in_one_line(report, trusted, manifest):
    (report / "manifest.json").write_bytes(manifest)
    started = time.monotonic()
    done = subprocess.run(
        [sys.executable, str(VERIFIER), str(report), *trusted], capture_output=True, text=True, timeout=20
    )
    assert (done.returncode, done.stderr, len(done.stdout.splitlines())) == (3, "", 1)
    assert time.monotonic() - started < 10


SHAPES = [
    (("origin",), 7),
    (("origin",), "\ud800"),
    (("keys",), {}),
    (("keys", "log"), "x"),
    (("keys", "log"), "\x1b[2J+00000000+AAAA"),
    (("checkpoint", "size"), -1),
    (("checkpoint", "size"), True),
    (("checkpoint", "root"), "AA"),
    (("entries",), {}),
    (("entries",), [{}]),
    (("entries",), [None] * 20_001),
    (("entries", 0, "number"), 10**30),
    (("openings",), [{"entry": 8}]),
    (("openings", 0, "value"), {"x": [[[[[[[[[[1]]]]]]]]]]}),
    (("files", "../../etc/passwd"), {"bytes": 1, "sha256": "00" * 32}),
    (("files", "/etc/passwd"), {"bytes": 1, "sha256": "00" * 32}),
    (("files", "a" * 5000), {"bytes": 1, "sha256": "00" * 32}),
    (("files", "report.json"), None),
    (("more",), 1),
]


@pytest.mark.parametrize(("path", "value"), SHAPES, ids=range(len(SHAPES)))
def test_a_signed_list_of_files_of_another_shape_is_never_valid(report, check, trusted, path, value):
    manifest = json.loads((report / "manifest.json").read_bytes())
    inner = manifest
    for step in path[:-1]:
        inner = inner[step]
    inner[path[-1]] = value
    data = json.dumps(manifest).encode()
    text = f"{queries.keys().origin}/reports\n{sha256(data).hexdigest()}\n"
    (report / "manifest.json").write_bytes(data)
    (report / "manifest.note").write_text(notes.sign(text, [queries.keys().report]))
    status, said = check(*trusted)
    assert status in (1, 3)
    assert said.isprintable()


@pytest.mark.parametrize("kind", ["link", "folder", "pipe", "large", "linked folder"])
def test_what_is_no_plain_file_of_a_fair_size_is_not_read(report, check, trusted, kind, tmp_path):
    target = report / "entries" / "6.json"
    data = target.read_bytes()
    target.unlink()
    if kind == "link":
        (tmp_path / "elsewhere").write_bytes(data)
        target.symlink_to(tmp_path / "elsewhere")
    elif kind == "folder":
        target.mkdir()
    elif kind == "pipe":
        os.mkfifo(target)
    elif kind == "large":
        with target.open("wb") as file:
            file.truncate(100 * 2**20)
    else:
        target.write_bytes(data)
        shutil.move(report / "entries", tmp_path / "entries")
        (report / "entries").symlink_to(tmp_path / "entries")
    assert check(*trusted)[0] in (1, 3)


@pytest.mark.parametrize(
    "policy",
    [
        "",
        "quorum none\n",
        "log x\nquorum none\n",
        "log {vkey}\n",
        "log {vkey}\nquorum none\nquorum none\n",
        "log {vkey}\nlog {vkey}\nquorum none\n",
        "log {vkey}\nquorum w\n",
        "log {vkey}\nwhatever\nquorum none\n",
        "log {vkey}\n#report x\nquorum none\n",
        "log {vkey} a b c\nquorum none\n",
        "\udcff",
    ],
)
def test_a_policy_that_cannot_be_understood_is_unusable(check, tmp_path, policy):
    (tmp_path / "bad").write_bytes(
        policy.replace("{vkey}", queries.keys().log_vkey).encode("utf-8", "surrogateescape")
    )
    assert check("--policy", str(tmp_path / "bad"))[0] == 3


def test_a_command_line_that_names_nothing_is_unusable(tmp_path):
    for arguments in (
        [],
        ["--what"],
        [str(tmp_path / "nowhere")],
        [__file__],
        [str(tmp_path), "--policy", "/no"],
    ):
        done = subprocess.run([sys.executable, str(VERIFIER), *arguments], capture_output=True, text=True)
        assert done.returncode == 3
        assert "Traceback" not in done.stderr
