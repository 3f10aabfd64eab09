"""Reports built to hurt whoever checks them: in another process, with little time and memory."""

import os
import resource
import subprocess
import sys
import zlib
from pathlib import Path

import pytest

from ledger import verifier
from ledger.actions.reports import packed
from tests.ledger import corpus

MEMORY, SECONDS = 512 * 2**20, 10
VERIFIER = Path(verifier.__file__)


def limits(seconds):
    resource.setrlimit(resource.RLIMIT_AS, (MEMORY, MEMORY))
    resource.setrlimit(resource.RLIMIT_CPU, (seconds, seconds))


def check(report, tmp_path, *more, seconds=SECONDS):
    """Return status and last line of the verifier, which must print nothing else but its own lines."""
    (tmp_path / "policy").write_text(corpus.policy())
    done = subprocess.run(
        [sys.executable, "-I", str(VERIFIER), str(report), "--policy", str(tmp_path / "policy"), *more],
        capture_output=True,
        text=True,
        preexec_fn=lambda: limits(seconds),
        timeout=300,
    )
    assert done.stderr == ""
    assert len(done.stdout) < 10_000
    return done.returncode, done.stdout.splitlines()[-1]


@pytest.fixture
def report(tmp_path):
    corpus.place(tmp_path / "report", corpus.report())
    return tmp_path / "report"


def test_a_sound_report_needs_no_more_than_that(report, tmp_path):
    assert check(report, tmp_path)[0] == 0


@pytest.mark.parametrize(
    ("name", "data", "status", "said"),
    [
        ("manifest.json", b"[" * 16_000_000, 3, "holds more than 2000000 values"),
        ("manifest.json", b'{"a":' * 600_000, 3, "manifest.json: is nested deeper than 100"),
        ("manifest.json", b"9" * 16_000_000, 3, "no short integer"),
        ("manifest.json", b"[" + b"{}," * 5_000_000 + b"1]", 3, "holds more than"),
        ("manifest.json", b'{"format":1,"format":1}', 3, "a key stands twice"),
        ("manifest.json", b'"' + b"\\ud800" * 2_000_000 + b'"', 3, "manifest.json, format"),
        (
            "manifest.note",
            b"\n" * 100_000 + "\u2014 a AAAA\n".encode() * 10_000,
            1,
            "manifest.note: bears more than",
        ),
        ("manifest.note", "\u2014 a AAAA\n".encode() * 1_000_000, 3, "manifest.note: is no plain file"),
        ("checkpoint", "\u2014 a AAAA\n".encode() * 1_000_000, 1, "checkpoint, bytes"),
        ("entries/6.json", b"[" * 30_000, 1, "entries/6.json, bytes"),
        ("proofs/6.tlog-proof", b"\xff" * 100, 1, "proofs/6.tlog-proof, bytes"),
    ],
    ids=range(11),
)
def test_a_file_built_to_exhaust_is_refused_in_one_line(report, tmp_path, name, data, status, said):
    (report / name).write_bytes(data)
    found, line = check(report, tmp_path)
    assert found == status
    assert said in line


@pytest.mark.parametrize("name", ["manifest.json", "manifest.note", "checkpoint", "report.json"])
def test_a_pipe_a_device_and_a_link_are_not_read(report, tmp_path, name):
    for make in (os.mkfifo, lambda path: path.symlink_to("/dev/zero"), lambda path: path.mkdir()):
        (report / name).unlink()
        make(report / name)
        assert check(report, tmp_path)[0] in (1, 3)
        (report / name).rmdir() if (report / name).is_dir() else (report / name).unlink()
        (report / name).touch()


@pytest.mark.parametrize(
    "make", [os.mkfifo, lambda path: path.symlink_to("/dev/zero")], ids=["pipe", "device"]
)
def test_a_report_that_is_neither_folder_nor_file_is_unusable(tmp_path, make):
    make(tmp_path / "report")
    status, line = check(tmp_path / "report", tmp_path)
    assert status == 3
    assert line.startswith("UNUSABLE  report: ")


def test_a_hundred_megabytes_are_unusable_as_a_folder_and_as_a_zip_file(report, tmp_path):
    with (report / "report.json").open("wb") as file:
        file.truncate(100 * 10**6)
    assert check(report, tmp_path) == (3, "UNUSABLE  report.json: is no plain file of at most 16777216 bytes")
    with (tmp_path / "report.zip").open("wb") as file:
        file.truncate(100 * 10**6)
    status, line = check(tmp_path / "report.zip", tmp_path)
    assert status == 3
    assert line.startswith("UNUSABLE  report: is no plain file of at most")


def test_a_zip_bomb_is_refused_by_its_ratio_and_by_what_it_says_of_itself(tmp_path):
    bomb = corpus.zipped({**corpus.report(), "bomb": bytes(200 * 2**20)})
    (tmp_path / "bomb.zip").write_bytes(bomb)
    status, line = check(tmp_path / "bomb.zip", tmp_path)
    assert status == 3
    assert "grows more than 200 times" in line
    true = (200 * 2**20).to_bytes(4, "little")
    assert bomb.count(true) == 2
    (tmp_path / "liar.zip").write_bytes(bomb.replace(true, (15 * 2**19).to_bytes(4, "little")))
    assert check(tmp_path / "liar.zip", tmp_path)[0] in (1, 3)


def test_a_zip_file_of_a_million_members_is_unusable(tmp_path):
    member = b"PK\1\2" + bytes(42)
    end = b"PK\5\6" + bytes(4) + b"\xff\xff\xff\xff" + (46 * 1_000_000).to_bytes(4, "little") + bytes(6)
    (tmp_path / "report.zip").write_bytes(member * 1_000_000 + end)
    assert check(tmp_path / "report.zip", tmp_path)[0] == 3


@pytest.mark.parametrize(
    "policy",
    [b"#" * 2_000_000, b"\n" * 1_000_000, b"a " * 499_000, b"log x\n" * 100_000, b"quorum none\n" * 80_000],
)
def test_a_policy_built_to_exhaust_is_unusable(report, tmp_path, policy):
    (tmp_path / "bad").write_bytes(policy)
    status, line = check(report, tmp_path, "--policy", str(tmp_path / "bad"))
    assert status == 3
    assert line.startswith("UNUSABLE  policy: ")


def test_a_policy_of_three_thousand_groups_one_in_the_other_is_read(report, tmp_path):
    groups = "".join(f"group g{n} any {f'g{n - 1}' if n else 'one'}\n" for n in range(3000))
    (tmp_path / "long").write_text(corpus.policy(groups=groups, quorum="g2999"))
    assert check(report, tmp_path, "--policy", str(tmp_path / "long"))[0] == 0


def test_the_largest_report_that_is_read_takes_bounded_time_and_memory(tmp_path, request):
    """A signer who wants to hurt: as many values as the limits let through, in entries of the full length."""
    count = 900 if request.config.getoption("--nightly") else 60
    value = b'"n":[' + b"1," * 32_000 + b"1]"
    data = [made.replace(b'"n":6', value, 1) for made in [corpus.BYTES[6]] * count]
    files = corpus.report(data=data, size=count, numbers=range(count), older=(), change=_plain)
    (tmp_path / "report.zip").write_bytes(packed(files))
    assert check(tmp_path / "report.zip", tmp_path, seconds=90)[0] == 0


def _plain(manifest, files):
    manifest.update(openings=[], erased=[])
    del files["facts.json"]


def test_a_link_to_the_reader_s_own_policy_is_followed(report, tmp_path):
    (tmp_path / "link").symlink_to(tmp_path / "policy")
    assert check(report, tmp_path, "--policy", str(tmp_path / "link"))[0] == 0


def test_a_reader_who_leaves_gets_no_traceback(report, tmp_path):
    (tmp_path / "policy").write_text(corpus.policy())
    read, write = os.pipe()
    os.close(read)
    command = [sys.executable, "-I", str(VERIFIER), str(report), "--policy", str(tmp_path / "policy")]
    done = subprocess.run(command, stdout=write, stderr=subprocess.PIPE, timeout=20)
    os.close(write)
    assert (done.returncode, done.stderr) == (3, b"")


def test_a_member_that_is_deflated_twice_over_is_damaged(tmp_path):
    data = corpus.zipped({**corpus.report(), "more": b"x" * 1000})
    packed_member = zlib.compressobj(wbits=-15)
    found = packed_member.compress(b"x" * 1000) + packed_member.flush()
    at = data.index(found)
    (tmp_path / "report.zip").write_bytes(data[:at] + b"\x00" * len(found) + data[at + len(found) :])
    assert check(tmp_path / "report.zip", tmp_path)[0] in (1, 3)
