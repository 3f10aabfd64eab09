"""The client that is not ours, built from reader.go, and servers for it: of a folder, and of the whole site."""

import json
import os
import shutil
import subprocess
from contextlib import contextmanager
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread
from wsgiref.simple_server import WSGIRequestHandler, make_server

import pytest
from django.core.wsgi import get_wsgi_application

SUMDB = Path("/usr/share/gocode/src/golang.org/x/mod/sumdb")  # Debian's golang-golang-x-mod-dev, unmodified


@pytest.fixture(scope="session")
def go(tmp_path_factory):
    """Return a function that runs the Go program: whether it was content, and what it printed."""
    if not shutil.which("go") or not SUMDB.is_dir():
        pytest.skip("no Go client: apt-get install golang-go golang-golang-x-mod-dev")
    program = tmp_path_factory.mktemp("go") / "reader"
    settings = {"GO111MODULE": "off", "GOPATH": "/usr/share/gocode", "GOCACHE": str(program.parent / "cache")}
    build = ["go", "build", "-o", str(program), str(Path(__file__).with_name("reader.go"))]
    subprocess.run(build, check=True, env={**os.environ, **settings}, timeout=300)

    def run(*words):
        done = subprocess.run([program, *map(str, words)], capture_output=True, text=True, timeout=60)
        return done.returncode == 0, json.loads(done.stdout)

    return run


@pytest.fixture
def log_folder(settings, tmp_path):
    """Return the folder in which the files of the log lie during the test."""
    folder = tmp_path / "log"
    settings.STORAGES = {
        **settings.STORAGES,
        "ledger": {"BACKEND": "ledger.gateways.storage.LogFiles", "OPTIONS": {"location": folder}},
    }
    return folder


@contextmanager
def serving_folder(folder):
    """Serve a folder as a static server would; give its URL."""
    with serving(ThreadingHTTPServer(("127.0.0.1", 0), partial(Files, directory=folder))) as url:
        yield url


@contextmanager
def serving_site():
    """Serve the log as the site does; give the log's URL."""
    server = make_server("127.0.0.1", 0, get_wsgi_application(), handler_class=Requests)
    with serving(server) as url:
        yield f"{url}/ledger/log"


@contextmanager
def serving(server):
    """Run a server until the block ends."""
    thread = Thread(target=server.serve_forever, args=(0.01,), daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}"
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


class Quiet:
    """A request handler that says nothing."""

    def log_message(self, *_):
        """Leave the test's output to the test."""


class Files(Quiet, SimpleHTTPRequestHandler):
    """Answers with files."""


class Requests(Quiet, WSGIRequestHandler):
    """Answers with what the site says."""
