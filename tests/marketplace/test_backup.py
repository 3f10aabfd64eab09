"""A house that was backed up and restored elsewhere: the log verifies, the files are there, the rules hold."""

import json
import os
import shutil
import subprocess
import sys
import tarfile

import pytest

from marketplace.local.house import BASE_DIR

WRITE = """
from uuid import UUID
from django.core.files.base import ContentFile
from django.core.files.storage import default_storage
from django.db import transaction
from ledger import clock
from ledger.actions import log, sequencer
from ledger.domain import entry

default_storage.save("sha256/ab/cd/one", ContentFile("漢字\\n".encode()))
for number in range(3):
    document = entry.document(
        kind="asset.registered", id=UUID(int=number), at=clock.now(), actor="party:1", subject="asset:1"
    )
    with transaction.atomic():
        log.append(document=document, idempotency_key=f"one-{number}", now=clock.now())
sequencer.catch_up(now=clock.now())
"""

LOOK = """
import json
from django.core.files.storage import default_storage
from django.db import connection, DatabaseError
from ledger import queries
from django.conf import settings
checkpoint = queries.latest_checkpoint()
refused = []
for statement in ("UPDATE ledger_entry SET number = 9", "DELETE FROM ledger_entry", "DROP TABLE ledger_entry"):
    try:
        with connection.cursor() as cursor:
            cursor.execute(statement)
    except DatabaseError as error:
        refused.append(statement)
with connection.cursor() as cursor:
    cursor.execute("SELECT count(*) FROM pg_trigger WHERE NOT tgisinternal AND tgenabled <> 'A'")
    off = cursor.fetchone()[0]
found = default_storage.open("sha256/ab/cd/one").read().decode()
print(json.dumps([found, checkpoint.size, checkpoint.root.hex(), len(refused), off, settings.LEDGER_SIGNING_KEY]))
"""


def manage(state, *arguments, stdin=None):
    environment = {"PATH": os.environ["PATH"], "WENSHI_STATE": str(state)}
    command = [sys.executable, "manage.py", *map(str, arguments)]
    return subprocess.run(command, cwd=BASE_DIR, env=environment, input=stdin, capture_output=True, text=True)


def told(done):
    assert done.returncode == 0, done.stderr + done.stdout
    return done.stdout


@pytest.fixture(scope="module")
def houses(tmp_path_factory):
    """Return a folder with a house, its backup, and another house that was restored from it."""
    folder = tmp_path_factory.mktemp("houses")
    told(manage(folder / "first", "migrate", "-v0"))
    told(manage(folder / "first", "shell", "-v0", "-c", WRITE))
    told(manage(folder / "first", "backup", folder / "backup.tar"))
    told(manage(folder / "second", "restore", folder / "backup.tar"))
    return folder


def look(state):
    return json.loads(told(manage(state, "shell", "-v0", "-c", LOOK)).strip().splitlines()[-1])


def test_a_restored_house_is_the_same_and_verifies(houses):
    first, second = look(houses / "first"), look(houses / "second")
    assert first == second
    assert first[:2] == ["漢字\n", 3]
    assert first[3:5] == [3, 0], "its rules hold as before"
    told(manage(houses / "second", "ledger_verify"))


def test_a_backup_is_readable_by_its_owner_alone_and_is_never_overwritten(houses):
    assert (houses / "backup.tar").stat().st_mode & 0o077 == 0
    refused = manage(houses / "first", "backup", houses / "backup.tar")
    assert refused.returncode != 0
    assert "is there already" in refused.stderr
    assert "Traceback" not in refused.stderr


def test_nothing_is_restored_over_a_house_that_has_something(houses):
    refused = manage(houses / "second", "restore", houses / "backup.tar")
    assert refused.returncode != 0
    assert refused.stderr.strip().startswith("The house is not empty")


def test_a_damaged_backup_is_refused_and_nothing_is_restored(houses):
    with tarfile.open(houses / "backup.tar") as archive:
        archive.extractall(houses / "laid-out", filter="data")
    (houses / "laid-out/files/sha256/ab/cd/one").write_bytes("漢子\n".encode())
    with tarfile.open(houses / "damaged.tar", "w") as archive:
        for name in ("house.json", "database.dump", "files"):
            archive.add(houses / "laid-out" / name, name)
    refused = manage(houses / "third", "restore", houses / "damaged.tar")
    assert refused.returncode != 0
    assert "The backup is damaged: sha256/ab/cd/one" in refused.stderr
    told(manage(houses / "third", "restore", houses / "backup.tar"))


def test_a_folder_gets_a_backup_with_the_time_in_its_name(houses):
    (houses / "backups").mkdir()
    said = told(manage(houses / "first", "backup", houses / "backups"))
    written = list((houses / "backups").iterdir())
    assert len(written) == 1
    assert str(written[0]) in said


SAY = """
from uuid import UUID
from django.db import transaction
from ledger import clock
from ledger.actions import log, sequencer
from ledger.domain import entry

document = entry.document(kind="asset.registered", id=UUID(int=9), at=clock.now(), actor="party:1", subject="asset:1")
with transaction.atomic():
    log.append(document=document, personal={"name": "欧阳泠"}, idempotency_key="said", now=clock.now())
sequencer.catch_up(now=clock.now())
"""
SIGN = "from ledger import clock; from ledger.actions import sequencer; sequencer.catch_up(now=clock.now())"
OPENED = "from ledger.models import Opening; print('opened:', list(Opening.objects.values_list('value', flat=True)))"


def test_what_was_erased_after_the_backup_is_erased_again_where_the_logs_files_tell_of_it(houses):
    first = houses / "first"
    told(manage(first, "shell", "-v0", "-c", SAY))
    told(manage(first, "backup", houses / "with-a-name.tar"))
    told(manage(first, "ledger_erase", "--entry", 3, "--ground", "pipl-47"))
    told(manage(first, "shell", "-v0", "-c", SIGN))
    told(manage(houses / "alone", "restore", houses / "with-a-name.tar"))
    assert "opened: ['欧阳泠']" in told(manage(houses / "alone", "shell", "-v0", "-c", OPENED))
    shutil.copytree(first / "log", houses / "beside" / "log")
    told(manage(houses / "beside", "restore", houses / "with-a-name.tar"))
    assert "opened: []" in told(manage(houses / "beside", "shell", "-v0", "-c", OPENED))
    (houses / "list").write_text(told(manage(first, "ledger_erase", "--list")))
    told(manage(houses / "alone", "ledger_erase", "--replay", "--from", houses / "list"))
    assert "opened: []" in told(manage(houses / "alone", "shell", "-v0", "-c", OPENED))
