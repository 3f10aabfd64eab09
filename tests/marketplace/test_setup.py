"""What stands in the way of a first start is told in one sentence, with the remedy."""

import errno
import importlib.util
import os
import subprocess
import sys

import pytest
from django.db import OperationalError

from marketplace.local import languages, setup, unprivileged
from marketplace.local.house import BASE_DIR, House


def test_an_old_python_is_told_to_be_too_old(monkeypatch):
    monkeypatch.setattr(sys, "version_info", (3, 9, 2, "final", 0))
    with pytest.raises(SystemExit, match=r"needs Python 3\.11 or newer, and this is Python 3\.9"):
        setup.enter()


def test_the_set_up_is_written_so_that_an_old_python_can_read_it():
    import ast

    for name in ("manage.py", "marketplace/local/setup.py"):
        ast.parse((BASE_DIR / name).read_text(), feature_version=(3, 7))


@pytest.mark.parametrize("module", ["venv", "ensurepip"])
def test_a_python_without_venv_is_told_what_to_install(module, monkeypatch, tmp_path):
    found = importlib.util.find_spec
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None if name == module else found(name))
    monkeypatch.setattr(setup, "PYTHON", str(tmp_path / "python"))
    with pytest.raises(setup.SetupFailed) as refused:
        setup.make_environment()
    assert "apt install python3-venv" in setup.remedy(str(refused.value))


@pytest.mark.parametrize(
    ("said", "told"),
    [
        ("OSError: [Errno 28] No space left on device", "The disk is full"),
        ("npm error code ENOSPC", "The disk is full"),
        ("Temporary failure in name resolution", "No package index answers"),
        ("ERROR: No matching distribution found for uv==0.13.9", "No package index answers"),
        ("PermissionError: [Errno 13] Permission denied: '.venv'", "cannot be written to by this user"),
    ],
)
def test_what_programs_say_becomes_one_sentence(said, told, monkeypatch, tmp_path):
    monkeypatch.setattr(setup, "STATE", str(tmp_path))
    with pytest.raises(setup.SetupFailed, match=told) as refused:
        setup.run([sys.executable, "-c", f"import sys; print({said!r}); sys.exit(1)"])
    assert "\n" not in str(refused.value)


def test_what_is_not_known_is_told_with_its_last_words_and_where_to_read_on(monkeypatch, tmp_path):
    monkeypatch.setattr(setup, "STATE", str(tmp_path))
    (tmp_path / "logs").mkdir()
    with pytest.raises(setup.SetupFailed, match=r"failed \(the end\).*setup\.log"):
        setup.run([sys.executable, "-c", "print('begin'); print('the end'); raise SystemExit(3)"])
    assert "begin" in (tmp_path / "logs/setup.log").read_text()


def test_a_full_disk_is_told_in_one_sentence_wherever_it_shows():
    assert setup.explain(OSError(errno.ENOSPC, "No space left on device")) == setup.DISK_FULL
    assert (
        setup.explain(OperationalError("could not extend file: No space left on device")) == setup.DISK_FULL
    )
    assert setup.explain(ValueError("a fault of ours")) == ""


def test_a_start_that_finds_all_installed_does_nothing(monkeypatch):
    monkeypatch.setattr(setup, "installed", lambda: setup.digest() + " with tests")
    monkeypatch.setattr(setup, "step", lambda *_: pytest.fail("nothing is to be done"))
    setup.install(everything=True)
    setup.install(everything=False)


def test_the_tests_need_more_than_a_house_does(monkeypatch, tmp_path):
    done = []
    monkeypatch.setattr(setup, "STATE", str(tmp_path))
    monkeypatch.setattr(setup, "INSTALLED", str(tmp_path / "installed"))
    monkeypatch.setattr(setup, "installed", lambda: setup.digest())
    monkeypatch.setattr(setup, "step", lambda seconds, name, work: done.append(name))
    setup.install(everything=False)
    assert done == []
    setup.install(everything=True)
    assert done == ["virtual environment", "Python packages", "front-end packages"]


@pytest.mark.skipif(os.geteuid() != 0, reason="only root has to become somebody else")
def test_root_without_namespaces_below_a_closed_folder_is_told_what_to_do(tmp_path, monkeypatch):
    (tmp_path / "closed").mkdir(mode=0o700)
    house = House(tmp_path / "closed" / "state")
    monkeypatch.setattr(unprivileged, "enter_user_namespace", lambda folders: False)
    with pytest.raises(unprivileged.StillRoot, match="allows no user namespaces"):
        unprivileged.give_up_root(folders=[house.folder("postgres")], through=house.state, reads=BASE_DIR)


@pytest.mark.skipif(os.geteuid() != 0, reason="only root has to become somebody else")
def test_root_becomes_somebody_else_and_owns_the_folder_as_that(tmp_path):
    ask = (
        "import os, sys; from pathlib import Path; from marketplace.local import unprivileged as u;"
        "folder = Path(sys.argv[1]);"
        "u.give_up_root(folders=[folder], through=folder.parent, reads=Path('/bin/sh'));"
        "print(os.geteuid() != 0 and folder.stat().st_uid == os.geteuid())"
    )
    (tmp_path / "state").mkdir()
    done = subprocess.run(
        [sys.executable, "-c", ask, tmp_path / "state"], cwd=BASE_DIR, capture_output=True, text=True
    )
    assert done.stdout.strip() == "True", done.stderr


def test_a_translation_that_changed_is_compiled_once(tmp_path, monkeypatch):
    monkeypatch.setattr(languages, "BASE_DIR", tmp_path)
    source = tmp_path / "locale/zh_Hans/LC_MESSAGES/django.po"
    source.parent.mkdir(parents=True)
    source.write_text(
        'msgid ""\nmsgstr "Content-Type: text/plain; charset=UTF-8\\n"\n\nmsgid "shop"\nmsgstr "店铺"\n'
    )
    languages.compile_changed()
    compiled = source.with_suffix(".mo")
    assert "店铺".encode() in compiled.read_bytes()
    first = compiled.stat().st_ino
    languages.compile_changed()
    assert compiled.stat().st_ino == first
    source.write_text(source.read_text().replace("店铺", "商店"))
    languages.compile_changed()
    assert "商店".encode() in compiled.read_bytes()
