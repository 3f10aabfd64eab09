"""Logs of a few entries, signed as ours is, and witness processes that tests start, ask and kill."""

import http.client
import subprocess
import sys
from base64 import b64encode
from pathlib import Path

from ledger.domain import checkpoint, merkle, notes

ROOT = Path(__file__).resolve().parents[2]
ORIGIN = "museum.example/log"


class Log:
    """A log that grows at will; `other` makes its later entries differ, so that it is a split view."""

    def __init__(self, origin=ORIGIN, seed=1, other=""):
        self.origin, self.other = origin, other
        self.key = notes.new_key(origin, bytes([seed]) * 32)
        self.vkey = notes.verifier_key(self.key)

    def hashes(self, size):
        return [merkle.leaf_hash(f"{n}{self.other if n >= 3 else ''}".encode()) for n in range(size)]

    def root(self, size):
        return merkle.root(self.hashes(size))

    def text(self, size):
        return checkpoint.text(origin=self.origin, size=size, root=self.root(size))

    def note(self, size):
        return notes.sign(self.text(size), [self.key])

    def proof(self, old, size):
        return merkle.consistency_proof(self.hashes(size), old) if 0 < old <= size else []

    def consistency(self, size):
        return lambda old: self.proof(old, size)


class WitnessProcess:
    """A running witness, and what it printed at its start."""

    def __init__(self, state, *options):
        self.state, self.options, self.port = Path(state), options, 0
        self.start()

    def start(self):
        command = [sys.executable, "-m", "ledger.witness", "--state", str(self.state)]
        command += ["--port", str(self.port), *self.options]
        self.process = subprocess.Popen(
            command, cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
        )
        first = self.process.stdout.readline()
        assert first, self.process.stderr.read()
        self.name, self.url = first.split()[1:]
        self.port = int(self.url.rsplit(":", 1)[1])
        self.ml_dsa, self.ed25519 = (self.process.stdout.readline().split()[1] for _ in range(2))
        self.process.stdout.readline()
        self.policy_lines = [self.process.stdout.readline() for _ in range(2)]

    @property
    def vkeys(self):
        return [self.ml_dsa, self.ed25519]

    def post(self, body, path="/add-checkpoint"):
        """Return the status, content type and text of the answer."""
        return self.ask("POST", path, body.encode() if isinstance(body, str) else body)

    def ask(self, method, path, body=None):
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=20)
        connection.request(method, path, body)
        answer = connection.getresponse()
        text = answer.read().decode()
        connection.close()
        return answer.status, answer.headers.get_content_type(), text

    def add(self, log, size, old, proof=None):
        """Post a checkpoint of a log as its own client would."""
        return self.post(request(log.note(size), old, log.proof(old, size) if proof is None else proof))

    def kill(self):
        """End it as a power cut would."""
        self.process.kill()
        self.process.communicate()


def request(note, old, proof=()):
    """Return the body of a request."""
    return f"old {old}\n" + "".join(f"{b64encode(each).decode()}\n" for each in proof) + "\n" + note
