"""One file that holds a whole house: the database as pg_dump writes it, every stored file, and the log's key.

A tar with `house.json` first (what is in it, and the digests), then `database.dump`, then `files/…`. The signing
key of the log is in it where the house made it itself; one that LEDGER_SIGNING_KEY gives is kept elsewhere. The
files of the log are not: they are made anew from the database.
"""

import hashlib
import io
import json
import os
import subprocess
import tarfile
import tempfile
from collections.abc import Iterator
from datetime import datetime
from pathlib import Path

from django.conf import settings
from django.core.files.storage import default_storage
from django.db import connection

from marketplace.local import postgres
from marketplace.local.house import Trouble

FORMAT = "wenshi-house/1"
KEY = "ledger_signing_key"
POLICY = "ledger_policy"


class ArchiveRefused(Trouble):
    """A backup cannot be written or read; the message says why."""


def write(target: Path, *, now: datetime) -> dict:
    """Write the house into a tar file and return what is in it. Raises ArchiveRefused."""
    if target.exists():
        raise ArchiveRefused(f"{target} is there already: name a new file.")
    draft, policy = target.with_name(f"{target.name}.part"), Path(settings.LEDGER_POLICY)
    descriptor = os.open(draft, os.O_CREAT | os.O_WRONLY | os.O_TRUNC, 0o600)
    with tempfile.TemporaryDirectory() as folder, os.fdopen(descriptor, "wb") as file:
        dump = Path(folder) / "database.dump"
        run("pg_dump", "--format=custom", "--no-owner", "--no-privileges", f"--file={dump}")
        # The files come after the dump: a file that a row names was stored before its row.
        about = {
            "format": FORMAT,
            "written_at": now.isoformat(),
            "origin": settings.LEDGER_ORIGIN,
            "files": {name: digest_of(name) for name in sorted(stored_files())},
            POLICY: policy.read_text() if policy.is_file() else None,
            KEY: None if os.environ.get("LEDGER_SIGNING_KEY") else settings.HOUSE.secrets[KEY],
        }
        with tarfile.open(fileobj=file, mode="w") as archive:
            add(archive, "house.json", json.dumps(about, indent=1).encode())
            archive.add(dump, "database.dump")
            for name in about["files"]:
                part = tarfile.TarInfo(f"files/{name}")
                part.size = default_storage.size(name)
                with default_storage.open(name) as content:
                    archive.addfile(part, content)
    os.replace(draft, target)
    return about


def read(source: Path) -> dict:
    """Restore a house from a tar file into an empty one. Raises ArchiveRefused, leaving the database as it was."""
    with tempfile.TemporaryDirectory() as folder:
        about = unpack(source, Path(folder))
        require_empty()
        dump = Path(folder) / "database.dump"
        wanted = Path(folder) / "wanted"
        contents = run("pg_restore", "--list", str(dump), connected=False)
        # Whoever makes an extension may not comment on it, unless they are a superuser.
        wanted.write_text(
            "\n".join(line for line in contents.splitlines() if "COMMENT - EXTENSION" not in line)
        )
        name = f"--dbname={connection.settings_dict['NAME']}"
        run("pg_restore", "--no-owner", "--single-transaction", f"--use-list={wanted}", name, str(dump))
        for name in about["files"]:
            if not default_storage.exists(name):
                with open(Path(folder) / "files" / name, "rb") as file:
                    default_storage.save(name, file)
    policy = Path(settings.LEDGER_POLICY)
    if about.get(POLICY) and not policy.exists():
        policy.parent.mkdir(parents=True, exist_ok=True)
        policy.write_text(about[POLICY])
    if about[KEY]:
        settings.HOUSE.replace_secret(KEY, about[KEY])
    return about


def unpack(source: Path, folder: Path) -> dict:
    """Lay a backup out in a folder and check its files. Raises ArchiveRefused."""
    try:
        with tarfile.open(source) as archive:
            archive.extractall(folder, filter="data")
        about = json.loads((folder / "house.json").read_text())
    except (tarfile.TarError, FileNotFoundError, ValueError) as error:
        raise ArchiveRefused(f"{source} is no backup of a house: {error}") from error
    if about.get("format") != FORMAT:
        raise ArchiveRefused(f"{source} is no backup that this version reads.")
    for name, digest in about["files"].items():
        with open(folder / "files" / name, "rb") as file:
            if hashlib.file_digest(file, "sha256").hexdigest() != digest:
                raise ArchiveRefused(f"The backup is damaged: {name} is not what was stored.")
    return about


def require_empty() -> None:
    """Make sure that the database holds no tables yet. Raises ArchiveRefused."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT count(*) FROM pg_tables WHERE schemaname = 'public'")
        if cursor.fetchone()[0]:
            raise ArchiveRefused(
                "The house is not empty: restore into one whose database holds no tables yet."
            )


def stored_files(folder: str = "") -> Iterator[str]:
    """Yield the name of every stored file."""
    try:
        folders, files = default_storage.listdir(folder)
    except FileNotFoundError:
        return
    yield from (os.path.join(folder, name) for name in files)
    for name in folders:
        if name != "incoming":  # files that are still arriving
            yield from stored_files(os.path.join(folder, name))


def digest_of(name: str) -> str:
    """Return the SHA-256 of a stored file."""
    with default_storage.open(name) as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def add(archive: tarfile.TarFile, name: str, content: bytes) -> None:
    """Put bytes into a tar file."""
    part = tarfile.TarInfo(name)
    part.size = len(content)
    archive.addfile(part, io.BytesIO(content))


def run(program: str, *arguments: str, connected: bool = True) -> str:
    """Run one of PostgreSQL's programs as the owner of the schema. Raises ArchiveRefused with its last words."""
    login = {**connection.settings_dict, **connection.owner}
    environment = {
        **os.environ,
        **{
            variable: str(login[name])
            for variable, name in (
                ("PGHOST", "HOST"),
                ("PGPORT", "PORT"),
                ("PGUSER", "USER"),
                ("PGPASSWORD", "PASSWORD"),
                ("PGDATABASE", "NAME"),
            )
            if connected and login.get(name)
        },
    }
    if connected:
        connection.ensure_connection()  # which starts the embedded server, if it is ours
    command = [str(postgres.programs() / program), *arguments]
    done = subprocess.run(command, env=environment, capture_output=True, text=True)
    if done.returncode:
        words = done.stderr.strip().splitlines() or ["no reason given"]
        raise ArchiveRefused(f"{program} failed: {words[0]}")
    return done.stdout
