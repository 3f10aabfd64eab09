"""Asking witnesses: what is taken from an answer, how a failure is named, and museums that witness each other."""

import socket
import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

from ledger.actions import witnessing
from ledger.domain import checkpoint, notes
from ledger.domain.cosignatures import ED25519_COSIGNATURE, ML_DSA_44
from ledger.domain.keys import Keys
from ledger.domain.policy import Group, Policy, Witness
from ledger.errors import NoteInvalid, WitnessFailed
from ledger.gateways import witnesses
from ledger.gateways.memory import Memory
from tests.ledger.witnessing import Log, WitnessProcess

KEY = notes.new_key("w.example", bytes(32), kind=ED25519_COSIGNATURE)
VKEY = notes.verifier_key(KEY)
OTHER = notes.new_key("w.example", bytes([1]) * 32, kind=ED25519_COSIGNATURE)
NOW = 1_800_000_000


@pytest.fixture
def log():
    return Log()


@pytest.fixture
def witness(log, tmp_path):
    running = WitnessProcess(tmp_path / "w", "--log", log.vkey)
    yield running
    running.kill()


def ask(log, size, *, url, vkeys, old=0, timeout_seconds=5):
    return witnesses.cosign(
        name="w",
        url=url,
        vkeys=vkeys,
        note=log.note(size),
        old_size=old,
        consistency=log.consistency(size),
        timeout_seconds=timeout_seconds,
    )


class Answering:
    """A server that answers each request with the next of its answers; it keeps the old sizes it was told."""

    def __init__(self, *answers):
        told = self.told = []
        left = list(answers)

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self):
                told.append(self.rfile.read(int(self.headers["Content-Length"])).split(b"\n")[0].decode())
                status, kind, body = left.pop(0)
                self.send_response(status)
                self.send_header("Content-Type", kind)
                self.send_header("Location", "/elsewhere")
                self.end_headers()
                self.wfile.write(body if isinstance(body, bytes) else body.encode())

            def log_message(self, *args):
                pass

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self.server.server_port}/prefix"

    def __enter__(self):
        threading.Thread(target=self.server.serve_forever, kwargs={"poll_interval": 0.02}).start()
        return self

    def __exit__(self, *_):
        self.server.shutdown()
        self.server.server_close()


def test_a_witness_is_asked_from_whatever_size_it_remembers(witness, log):
    def check(size, old):
        lines = ask(log, size, url=witness.url, vkeys=witness.vkeys, old=old)
        assert len(notes.verify(notes.add_lines(log.note(size), lines), witness.vkeys).signatures) == 2

    check(5, old=4)
    check(9, old=0)
    check(9, old=9)
    check(12, old=9)
    with pytest.raises(WitnessFailed, match="it has seen 12 entries, and this checkpoint is of 11"):
        ask(log, 11, url=witness.url, vkeys=witness.vkeys, old=9)


def test_signatures_of_unknown_keys_are_ignored(log):
    text = log.text(5)
    known, unknown = (notes.cosign(text, key, timestamp=NOW) for key in (KEY, OTHER))
    with Answering((200, "text/plain", unknown + known)) as server:
        assert ask(log, 5, url=server.url, vkeys=[VKEY]) == [known]


def test_a_witness_that_has_forgotten_is_asked_from_nothing(log):
    answer = notes.cosign(log.text(9), KEY, timestamp=NOW)
    with Answering((409, "text/x.tlog.size", "0\n"), (200, "text/plain", answer)) as server:
        assert ask(log, 9, url=server.url, vkeys=[VKEY], old=5) == [answer]
        assert server.told == ["old 5", "old 0"]


FAILURES = [
    ([(200, "text/plain", "")], "does not hold"),
    ([(200, "text/plain", b"\xff")], "does not hold"),
    ([(200, "text/plain", "{unknown}")], "no signature by a known key"),
    ([(200, "text/plain", "{false}")], "invalid signature"),
    ([(200, "text/plain", "{timeless}")], "bears no time"),
    ([(200, "text/plain", "x" * 70_000)], "more than 65536 bytes"),
    ([(302, "text/plain", "")], "it answered 302"),
    ([(403, "text/plain", "no\x1b[2J")], "it answered 403: \\?"),
    ([(409, "text/plain", "5\n")], "it answered 409"),
    ([(409, "text/x.tlog.size", "05\n")], "it answered 409"),
    ([(409, "text/x.tlog.size", "5\n")] * 2, "it answered 409: 5"),
    ([(409, "text/x.tlog.size", "10\n")], "it has seen 10 entries"),
]


@pytest.mark.parametrize(("answers", "reason"), FAILURES)
def test_an_answer_that_is_no_cosignature_is_one_named_failure(log, answers, reason):
    text = log.text(9)
    made = {
        "unknown": notes.cosign(text, OTHER, timestamp=NOW),
        "false": notes.cosign(log.text(8), KEY, timestamp=NOW),
        "timeless": notes.cosign(text, KEY, timestamp=0),
    }
    filled = [
        (status, kind, body.format(**made) if isinstance(body, str) else body)
        for status, kind, body in answers
    ]
    with Answering(*filled) as server, pytest.raises(WitnessFailed, match=reason):
        ask(log, 9, url=server.url, vkeys=[VKEY])


@pytest.mark.parametrize(
    "url", ["ftp://x/", "x", "http://", "http://h:99999/", "http://127.0.0.1:1/", "http://\udcff/"]
)
def test_an_address_where_nobody_answers_is_one_named_failure(log, url):
    with pytest.raises(WitnessFailed):
        ask(log, 9, url=url, vkeys=[VKEY])


def test_a_witness_that_answers_byte_by_byte_is_cut_off(log):
    with socket.create_server(("127.0.0.1", 0)) as listener:

        def drip():
            line, _ = listener.accept()
            with line:
                for byte in b"HTTP/1.1 200 OK\r\nX: " + b"x" * 1000:
                    try:
                        line.sendall(bytes([byte]))
                    except OSError:
                        return
                    time.sleep(0.05)

        threading.Thread(target=drip, daemon=True).start()
        begun = time.monotonic()
        with pytest.raises(WitnessFailed, match="in time"):
            ask(
                log, 9, url=f"http://127.0.0.1:{listener.getsockname()[1]}", vkeys=[VKEY], timeout_seconds=0.5
            )
        assert time.monotonic() - begun < 2


# Several witnesses ----------------------------------------------------------------------------------------


def test_two_of_three_are_enough_when_one_is_dead(log, tmp_path):
    running = [WitnessProcess(tmp_path / f"w{n}", "--log", log.vkey) for n in range(3)]
    try:
        names = tuple(f"w{n}" for n in range(3))
        policy = Policy(
            logs=Policy.parse(f"log {log.vkey}\nquorum none\n".encode()).logs,
            witnesses=tuple(Witness(n, w.ml_dsa, w.url) for n, w in zip(names, running, strict=True)),
            groups=(Group("g", 2, names),),
            quorum="g",
        )
        running[1].kill()
        lines, failures = gather(log, 5, policy)
        assert [failure.name for failure in failures] == ["w1"]
        verified = policy.verify_checkpoint(notes.add_lines(log.note(5), lines))
        assert verified.witnesses == ("w0", "w2")
        running[2].kill()
        lines, failures = gather(log, 9, policy, last={"w0": 5})
        assert sorted(failure.name for failure in failures) == ["w1", "w2"]
        with pytest.raises(NoteInvalid, match="g is not met"):
            policy.verify_checkpoint(notes.add_lines(log.note(9), lines))
    finally:
        for each in running:
            each.kill()


def test_a_witness_that_never_answers_holds_nobody_up(witness, log):
    with socket.create_server(("127.0.0.1", 0)) as silent:
        policy = Policy(
            witnesses=(
                Witness("a", VKEY, f"http://127.0.0.1:{silent.getsockname()[1]}"),
                Witness("b", witness.ml_dsa, witness.url),
                Witness("c", witness.ed25519, witness.url),
                Witness("d", notes.verifier_key(OTHER)),
            )
        )
        begun = time.monotonic()
        lines, failures = gather(log, 5, policy, seconds=1)
        assert time.monotonic() - begun < 2
    assert len(lines) == 2
    assert [(each.name, each.reason) for each in failures] == [("a", "it did not answer in time")]


def gather(log, size, policy, last=None, seconds=10):
    return witnessing.gather(
        note=log.note(size),
        policy=policy,
        last_cosigned=last or {},
        consistency=log.consistency(size),
        seconds=seconds,
    )


class Museum:
    """A node: a log with the house's keys, a signer's memory, and a witness for its neighbour."""

    def __init__(self, folder, name, seed):
        self.log = Log(f"{name}.example/log")
        self.keys = Keys.read(seed * 64, origin=self.log.origin)
        self.memory, self.folder = Memory(folder / name), folder / f"{name}-witness"

    def watch(self, other):
        self.witness = WitnessProcess(self.folder, "--log", other.keys.log_vkey)

    def publish(self, size, policy):
        """Sign, cosign and have cosigned, as a node does."""
        last = self.memory.last(self.log.origin)
        old = last[0] if last else 0
        self.memory.advance(
            origin=self.log.origin, size=size, root=self.log.root(size), proof=self.log.proof(old, size)
        )
        text = checkpoint.text(origin=self.log.origin, size=size, root=self.log.root(size))
        note = notes.add_lines(
            notes.sign(text, self.keys.logs), [notes.cosign(text, self.keys.ml_dsas[0], timestamp=NOW)]
        )
        lines, failures = witnessing.gather(
            note=note, policy=policy, last_cosigned={}, consistency=self.log.consistency(size), seconds=10
        )
        assert failures == []
        return notes.add_lines(note, lines)


def test_two_museums_witness_each_other(tmp_path):
    one, two = Museum(tmp_path, "one", "1"), Museum(tmp_path, "two", "2")
    one.watch(two)
    two.watch(one)
    try:
        for museum, neighbour in ((one, two), (two, one)):
            own = museum.keys.policy()
            policy = Policy.parse(
                own.render().replace(b"quorum own-ml-dsa\n", b"")
                + neighbour.witness.policy_lines[0].encode()
                + f"group both all own-ml-dsa {neighbour.witness.policy_lines[0].split()[1]}\nquorum both\n".encode()
            )
            for size in (4, 11):
                verified = policy.verify_checkpoint(museum.publish(size, policy))
                assert (verified.size, len(verified.witnesses)) == (size, 2)
            assert notes.read_vkey(neighbour.witness.ml_dsa).kind == ML_DSA_44
            split = Log(museum.log.origin, other="x")
            split.key = museum.keys.log
            assert neighbour.witness.add(split, 11, old=11, proof=[])[0] == 409
            assert len(list((neighbour.folder / "evidence").iterdir())) == 1
    finally:
        one.witness.kill()
        two.witness.kill()
