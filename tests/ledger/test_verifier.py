"""The offline verifier as a stranger runs it: one file, another process, whatever the report holds."""

import json
import os
import random
import shutil
import subprocess
import sys
import time
from base64 import b64decode, b64encode
from hashlib import sha256
from pathlib import Path

import pytest

from ledger import queries, verifier
from ledger.domain import notes

pytestmark = pytest.mark.django_db

VERIFIER = Path(verifier.__file__)


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
    (("entries", 0, "number"), True),
    (("entries", 1, "number"), 0),
    (("entries", 0, "leaf_hash"), 7),
    (("made_at",), None),
    (("entries",), {"0": 1}),
    (("openings",), {}),
    (("openings",), [{"entry": 8, "field": "licensee", "salt": "00", "value": 1}]),
    (("files",), []),
    (("files", "report.json", "bytes"), -1),
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
    data = json.dumps(manifest).encode()  # half a surrogate pair has no canonical bytes
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
        "log {vkey}\nquorum none none\n",
        "log {vkey}\nlog\nquorum none\n",
        "log {key} \nquorum none\n",
        "log {id}\nquorum none\n",
        "log {kind}\nquorum none\n",
        "log {long}\nquorum none\n",
        "log +00000000+AAAA\nquorum none\n",
        "\udcff",
    ],
)
def test_a_policy_that_cannot_be_understood_is_unusable(check, tmp_path, policy):
    vkey = queries.keys().log_vkey
    name, key_id, key = vkey.split("+", 2)
    for word, wrong in {
        "{vkey}": vkey,
        "{key}": f"{name}+{key_id}",
        "{id}": f"{name}+00000000+{key}",
        "{kind}": other_key(name, b"\x02" + b64decode(key)[1:]),
        "{long}": other_key(name, b64decode(key) + b"\x00"),
    }.items():
        policy = policy.replace(word, wrong)
    (tmp_path / "bad").write_bytes(policy.encode("utf-8", "surrogateescape"))
    assert check("--policy", str(tmp_path / "bad"))[0] == 3


def other_key(name, key):
    """Return a key string whose ID is right, whatever the key is."""
    key_id = sha256(name.encode() + b"\n" + key).hexdigest()[:8]
    return f"{name}+{key_id}+{b64encode(key).decode()}"


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
