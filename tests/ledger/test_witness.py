"""C2SP tlog-witness: the statuses one by one, over HTTP, of a witness process; races, kills and split views."""

import socket
import stat
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor

import pytest

from ledger.domain import notes
from tests.ledger.witnessing import ROOT, Log, WitnessProcess, request


@pytest.fixture
def log():
    return Log()


@pytest.fixture
def witness(log, tmp_path):
    running = WitnessProcess(tmp_path / "w", "--name", "witness.example/w1", "--log", log.vkey)
    yield running
    running.kill()


def test_200_a_checkpoint_is_cosigned_with_both_keys(witness, log):
    status, kind, lines = witness.add(log, 5, old=0)
    assert (status, kind) == (200, "text/plain")
    made = notes.verify(log.text(5) + "\n" + lines, witness.vkeys).signatures
    assert [each.name for each in made] == ["witness.example/w1"] * 2
    assert len(lines.splitlines()) == 2 and all(each.timestamp > 1_700_000_000 for each in made)
    assert witness.add(log, 9, old=5)[0] == 200
    assert witness.add(log, 9, old=9)[0] == 200


@pytest.mark.parametrize(
    "change",
    [
        lambda body: body.replace("old 5", "old 05"),
        lambda body: body.replace("old 5", "size 5"),
        lambda body: body.replace("old 5", "old 10"),
        lambda body: body.replace("old 5\n", "old 5\nbm90IDMyIGJ5dGVz\n"),
        lambda body: body.replace("old 5\n", "old 5\n%\n"),
        lambda body: body.replace("old 5\n", "old 5\n" + "A" * 43 + "=\n" * 1 + ("A" * 43 + "=\n") * 63),
        lambda body: body.replace("\n9\n", "\n09\n"),
        lambda body: body[:-1],
        lambda body: body.partition("\n\n")[0],
        lambda body: "",
        lambda body: b"\xff" + body.encode(),
    ],
)
def test_400_what_is_no_request_is_refused(witness, log, change):
    assert witness.add(log, 5, old=0)[0] == 200
    good = request(log.note(9), 5, log.proof(5, 9))
    assert witness.post(change(good))[0] == 400
    assert witness.post(good)[0] == 200


def test_403_a_log_signed_by_another_key_is_refused(witness, log):
    foreign = Log(seed=2)
    assert witness.add(foreign, 5, old=0)[0] == 403
    false = log.note(5).replace(log.text(5), log.text(6))
    assert witness.post(request(false, 0))[0] == 403
    assert witness.add(log, 5, old=0)[0] == 200


def test_404_a_log_of_another_origin_is_not_watched(witness, log):
    assert witness.add(Log(origin="elsewhere.example/log"), 5, old=0)[0] == 404
    assert witness.post("", path="/add-tree-head")[0] == 404
    assert witness.ask("GET", "/nothing")[0] == 404


def test_409_a_stale_old_size_is_told_the_remembered_one(witness, log):
    assert witness.add(log, 5, old=0)[0] == 200
    for old in (0, 4, 6):
        assert witness.add(log, 9, old=old) == (409, "text/x.tlog.size", "5\n")
    assert witness.add(log, 3, old=3) == (409, "text/x.tlog.size", "5\n")
    assert witness.add(log, 9, old=5)[0] == 200


def test_409_a_second_root_for_a_size_is_refused_and_kept_as_evidence(witness, log):
    fork = Log(other="x")
    assert witness.add(log, 5, old=0)[0] == 200
    status, kind, _ = witness.add(fork, 5, old=5, proof=[])
    assert (status, kind) == (409, "text/plain")
    [kept] = (witness.state / "evidence").iterdir()
    assert (kept / "first").read_text() == log.note(5)
    assert (kept / "second").read_text() == fork.note(5)
    for note in ("first", "second"):
        assert notes.verify((kept / note).read_text(), [log.vkey])
    page = witness.ask("GET", "/")[2]
    assert "split views found: 1" in page and kept.name in page
    assert witness.add(log, 9, old=5)[0] == 200


def test_a_split_view_leaves_evidence_though_its_sender_names_a_stale_size(witness, log):
    assert witness.add(log, 5, old=0)[0] == 200
    assert witness.add(Log(other="x"), 5, old=0)[0] == 409
    assert len(list((witness.state / "evidence").iterdir())) == 1


def test_422_a_proof_that_does_not_hold_is_refused(witness, log):
    assert witness.add(log, 5, old=0, proof=[bytes(32)])[0] == 422
    assert witness.add(log, 5, old=0)[0] == 200
    good = log.proof(5, 9)
    for wrong in ([], good[:-1], [*good, bytes(32)], good[::-1], [bytes(32), *good[1:]]):
        assert witness.add(log, 9, old=5, proof=wrong)[0] == 422
    assert witness.add(Log(other="x"), 9, old=5)[0] == 422
    assert witness.add(log, 5, old=5, proof=[bytes(32)])[0] == 422
    assert witness.post(request(log.note(9), 5, good))[0] == 200


def test_413_a_large_body_is_not_read(witness, log):
    body = request(log.note(5), 0)
    assert witness.post(body + "x" * (64 * 1024))[0] == 413
    assert witness.post(body)[0] == 200


def test_a_connection_is_kept_for_the_next_request(witness, log):
    with socket.create_connection(("127.0.0.1", witness.port), timeout=10) as line:
        file = line.makefile("rb")
        for size, old in ((5, 0), (9, 5)):
            body = request(log.note(size), old, log.proof(old, size)).encode()
            line.sendall(
                b"POST /add-checkpoint HTTP/1.1\r\nHost: w\r\nContent-Length: %d\r\n\r\n" % len(body) + body
            )
            assert file.readline() == b"HTTP/1.1 200 OK\r\n"
            length = 0
            while (header := file.readline()) != b"\r\n":
                if header.lower().startswith(b"content-length"):
                    length = int(header.split()[1])
            assert file.read(length).startswith("— witness.example/w1 ".encode())


def test_two_checkpoints_at_once_never_roll_the_witness_back(witness, log):
    assert witness.add(log, 5, old=0)[0] == 200
    remembered = 5
    with ThreadPoolExecutor(8) as pool:
        for step in range(8):
            sizes = [remembered + 1 + step, remembered + 3 + step] * 4
            answers = list(pool.map(lambda size, old=remembered: witness.add(log, size, old=old), sizes))
            assert sorted(status for status, _, _ in answers) == [200] + [409] * 7
            status, _, said = witness.add(log, remembered, old=remembered)
            assert status == 409 and int(said) > remembered
            remembered = int(said)


def test_a_killed_witness_remembers_and_keeps_its_key(witness, log):
    assert witness.add(log, 5, old=0)[0] == 200
    name, vkeys = witness.name, witness.vkeys
    assert stat.S_IMODE((witness.state / "key").stat().st_mode) == 0o600
    witness.kill()
    witness.start()
    assert (witness.name, witness.vkeys) == (name, vkeys)
    assert witness.add(log, 9, old=0) == (409, "text/x.tlog.size", "5\n")
    assert f"{log.origin} 5" in witness.ask("GET", "/")[2]


def test_a_witness_whose_memory_is_unreadable_cosigns_nothing(witness, log):
    assert witness.add(log, 5, old=0)[0] == 200
    [kept] = [path for path in (witness.state / "memory").iterdir() if "." not in path.name]
    kept.write_text("")
    assert witness.add(log, 9, old=0)[0] == 500


def test_a_key_is_not_taken_for_sizes_it_may_not_sign(log, tmp_path):
    key = "+".join(log.vkey.split("+")[:2])
    (tmp_path / "policy").write_text(f"log {log.vkey}\n#valid {key} 0 6\nquorum none\n")
    witness = WitnessProcess(tmp_path / "w", "--policy", str(tmp_path / "policy"))
    try:
        assert witness.add(log, 6, old=0)[0] == 200
        assert witness.add(log, 7, old=6)[0] == 403
    finally:
        witness.kill()


@pytest.mark.parametrize("case", ["no log", "taken", "other name", "bad key"])
def test_a_witness_that_cannot_start_says_why(witness, log, tmp_path, case):
    options = {
        "no log": ["--state", str(tmp_path / "x")],
        "taken": ["--state", str(witness.state), "--log", log.vkey],
        "other name": ["--state", str(tmp_path / "y"), "--log", log.vkey, "--name", "witness.example/w2"],
        "bad key": ["--state", str(tmp_path / "x"), "--log", "nonsense"],
    }[case]
    (tmp_path / "y").mkdir()
    (tmp_path / "y" / "key").write_text((witness.state / "key").read_text())
    command = [sys.executable, "-m", "ledger.witness", "--port", "0", *options]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=30)
    assert done.returncode == 1
    assert len(done.stderr.splitlines()) == 1
    expected = {
        "no log": "it watches no log",
        "taken": "another witness runs there",
        "other name": "its key is named witness.example/w1",
        "bad key": "line 1: not a key string",
    }[case]
    assert expected in done.stderr


def test_manage_py_runs_the_same_witness(log, tmp_path):
    command = [sys.executable, "manage.py", "witness", "--state", str(tmp_path / "w"), "--log", log.vkey]
    with subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, text=True) as running:
        assert running.stdout.readline().startswith("witness witness.example/")
        running.terminate()
        running.communicate(timeout=20)
        assert running.returncode == 0
