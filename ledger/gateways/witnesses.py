"""Asking a witness for its cosignature, C2SP tlog-witness. Times and answers are bounded, no redirect is followed."""

import http.client
import re
import socket
import threading
import time
from base64 import b64encode
from collections.abc import Callable, Sequence
from contextlib import contextmanager, suppress
from urllib.parse import urlsplit

from ledger.domain import checkpoint, notes
from ledger.errors import NoteInvalid, WitnessFailed

LARGEST_ANSWER = 64 * 1024
SIZE = "text/x.tlog.size"
_SIZE = re.compile(rb"(0|[1-9][0-9]{0,18})\n")


def cosign(
    *,
    name: str,
    url: str,
    vkeys: Sequence[str],
    note: str,
    old_size: int,
    consistency: Callable[[int], list[bytes]],
    timeout_seconds: float,
) -> list[str]:
    """Return the lines by which a witness cosigns a note, each verified against one of its keys.

    `consistency` gives the proof from an older size to the note's. A witness that remembers another size than
    `old_size` says so and is asked once more, from there. Raises WitnessFailed.
    """
    until = time.monotonic() + timeout_seconds
    head = checkpoint.read(notes.text_of(note))
    start = old_size
    for _ in range(2):
        if start > head.size:
            raise WitnessFailed(name, f"it has seen {start} entries, and this checkpoint is of {head.size}")
        proof = consistency(start) if 0 < start < head.size else []
        status, kind, body = _post(name, url, _request(start, proof, note), until)
        remembered = _SIZE.fullmatch(body) if status == 409 and kind == SIZE else None
        if remembered is None:
            break
        start = int(remembered[1])
    if status != 200:
        said = body[:200].decode("utf-8", "replace").strip()
        raise WitnessFailed(name, f"it answered {status}: {said if said.isprintable() else '?'}")
    return _verified(name, notes.text_of(note), body, vkeys)


def _request(old_size: int, proof: Sequence[bytes], note: str) -> bytes:
    hashes = "".join(f"{b64encode(each).decode()}\n" for each in proof)
    return f"old {old_size}\n{hashes}\n{note}".encode()


def _verified(name: str, text: str, body: bytes, vkeys: Sequence[str]) -> list[str]:
    """Return the lines of known keys; others are ignored, a false one spoils the answer."""
    try:
        found = notes.verify(f"{text}\n{body.decode()}", vkeys).signatures
    except (NoteInvalid, UnicodeDecodeError) as error:
        raise WitnessFailed(name, f"its answer does not hold: {error}") from error
    if not all(each.timestamp for each in found):
        raise WitnessFailed(name, "its cosignature bears no time")
    return [each.line for each in found]


def _post(name: str, url: str, body: bytes, until: float) -> tuple[int, str, bytes]:
    """Return the status, the content type and the body of the answer. Raises WitnessFailed."""
    left = until - time.monotonic()
    if left <= 0:
        raise WitnessFailed(name, "it did not answer in time")
    try:
        connection, path = _connection(url, left)
        with _cut_after(connection, left):
            connection.request("POST", path, body, {"Content-Type": "text/plain; charset=utf-8"})
            answer = connection.getresponse()
            data = answer.read(LARGEST_ANSWER + 1)
        if len(data) > LARGEST_ANSWER:
            raise WitnessFailed(name, f"its answer has more than {LARGEST_ANSWER} bytes")
        return answer.status, answer.headers.get_content_type(), data
    except (OSError, http.client.HTTPException, ValueError) as error:
        if time.monotonic() >= until:
            raise WitnessFailed(name, "it did not answer in time") from error
        raise WitnessFailed(name, f"{type(error).__name__}: {error}") from error


def _connection(url: str, timeout_seconds: float) -> tuple[http.client.HTTPConnection, str]:
    parts = urlsplit(url)
    kinds = {"http": http.client.HTTPConnection, "https": http.client.HTTPSConnection}
    if parts.scheme not in kinds or not parts.hostname or parts.query or parts.fragment:
        raise ValueError(f"{url[:100]!r} is not the address of a witness")
    connection = kinds[parts.scheme](parts.hostname, parts.port, timeout=timeout_seconds)
    return connection, f"{parts.path.rstrip('/')}/add-checkpoint"


@contextmanager
def _cut_after(connection: http.client.HTTPConnection, seconds: float):
    """Cut the line when the time is up: a socket's own limit starts again with every byte."""

    def cut() -> None:
        with suppress(OSError):
            if connection.sock:
                connection.sock.shutdown(socket.SHUT_RDWR)

    timer = threading.Timer(seconds, cut)
    timer.daemon = True
    timer.start()
    try:
        yield
    finally:
        timer.cancel()
        connection.close()
