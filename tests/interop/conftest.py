"""The client that is not ours, built from reader.go, and a plain server for a log that lies in a folder."""

import json
import os
import shutil
import subprocess
from contextlib import contextmanager
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread

import pytest

SUMDB = Path("/usr/share/gocode/src/golang.org/x/mod/sumdb")  # Debian's golang-golang-x-mod-dev, unmodified


@pytest.fixture(scope="session")
def go(tmp_path_factory):
    """Return a function that runs the Go program: whether it was content, and what it printed."""
    if not shutil.which("go") or not SUMDB.is_dir():
        pytest.skip("no Go client: apt-get install golang-go golang-golang-x-mod-dev")
    program = tmp_path_factory.mktemp("go") / "reader"
    settings = {"GO111MODULE": "off", "GOPATH": "/usr/share/gocode", "GOCACHE": str(program.parent / "cache")}
    build = ["go", "build", "-o", str(program), str(Path(__file__).with_name("reader.go"))]
    subprocess.run(build, check=True, env={**os.environ, **settings}, timeout=120)

    def run(*words):
        done = subprocess.run([program, *map(str, words)], capture_output=True, text=True, timeout=60)
        return done.returncode == 0, json.loads(done.stdout)

    return run


class Quiet(SimpleHTTPRequestHandler):
    """Serve files and say nothing."""

    def log_message(self, *_):
        """Leave the test's output to the test."""


@contextmanager
def serving(folder):
    """Serve a folder on a free port until the block ends; give its URL."""
    server = ThreadingHTTPServer(("127.0.0.1", 0), partial(Quiet, directory=folder))
    thread = Thread(target=server.serve_forever, args=(0.01,), daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}"
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
