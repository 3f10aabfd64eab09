"""Writing a report: whole or not at all."""

import json
import os
from pathlib import Path

import pytest

from ledger import queries
from ledger.actions import reports, sequencer
from ledger.domain import merkle
from ledger.errors import CheckpointNotFound, EntryNotFound, EntryNotSigned, ReportRefused
from tests.ledger.conftest import append, fill

pytestmark = pytest.mark.django_db


def write(out, now, *, entries=(1, 4), attachments=None, **more):
    facts = {"report.json": b"{}"} if attachments is None else attachments
    return reports.write(out=out, entry_numbers=entries, attachments=facts, now=now, **more)


def names(folder):
    return sorted(str(path.relative_to(folder)) for path in folder.rglob("*") if path.is_file())


def test_a_report_holds_each_entry_once_with_its_proof(tmp_path, now):
    fill(6)
    out = write(tmp_path / "deep" / "report", now, entries=[4, 1, 4])
    assert names(out) == [
        "checkpoint",
        "entries/1.json",
        "entries/4.json",
        "manifest.json",
        "manifest.note",
        "proofs/1.tlog-proof",
        "proofs/4.tlog-proof",
        "report.json",
    ]
    assert (out / "entries/4.json").read_bytes() == queries.entry(4).canonical
    manifest = json.loads((out / "manifest.json").read_bytes())
    leaf = merkle.leaf_hash((out / "entries/4.json").read_bytes()).hex()
    assert manifest["entries"][1]["leaf_hash"] == leaf


def test_a_report_written_again_takes_the_place_of_the_old_one(tmp_path, now):
    fill(6)
    write(tmp_path / "report", now, attachments={"old.json": b"{}"})
    out = write(tmp_path / "report", now)
    assert "old.json" not in names(out)
    assert os.listdir(tmp_path) == ["report"]


def test_an_empty_folder_may_stand_there_and_anything_else_may_not(tmp_path, now):
    fill(6)
    (tmp_path / "empty").mkdir()
    assert names(write(tmp_path / "empty", now))
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine" / "letter.txt").write_text("keep me")
    (tmp_path / "file").write_text("keep me")
    (tmp_path / "link").symlink_to(tmp_path / "mine")
    for name in ("mine", "file", "link"):
        with pytest.raises(ReportRefused):
            write(tmp_path / name, now)
    assert names(tmp_path / "mine") == ["letter.txt"]


@pytest.mark.parametrize(
    ("entries", "error"), [([1, 6], EntryNotSigned), ([1, 7], EntryNotFound), ([-1], EntryNotFound)]
)
def test_an_entry_that_cannot_be_proved_makes_no_report(tmp_path, now, entries, error):
    fill(6)
    append(6)
    sequencer.run(now=now)
    with pytest.raises(error):
        write(tmp_path / "report", now, entries=entries)
    assert os.listdir(tmp_path) == []


def test_a_log_without_a_checkpoint_makes_no_report(tmp_path, now):
    with pytest.raises(CheckpointNotFound):
        write(tmp_path / "report", now, entries=[])
    assert os.listdir(tmp_path) == []


@pytest.mark.parametrize(
    "name",
    [
        "manifest.json",
        "manifest.note",
        "checkpoint",
        "entries/9.json",
        "entries",
        "proofs/x",
        "../escape",
        "/etc/x",
        "a//b",
        "a/../b",
        ".hidden",
        "",
        "a" * 200,
        "名.json",
        "a/b/c/d/e",
    ],
)
def test_an_attachment_under_a_name_that_is_ours_or_leads_elsewhere_is_refused(tmp_path, now, name):
    fill(6)
    with pytest.raises(ReportRefused):
        write(tmp_path / "report", now, attachments={name: b""})
    assert os.listdir(tmp_path) == []


def test_a_report_beyond_what_the_verifier_reads_is_refused(tmp_path, now, monkeypatch):
    fill(6)
    monkeypatch.setattr(reports, "LARGEST_FILE", 1000)
    with pytest.raises(ReportRefused, match="1001 bytes"):
        write(tmp_path / "report", now, attachments={"facts.json": b"x" * 1001})
    monkeypatch.setattr(reports, "LARGEST_REPORT", 900)
    with pytest.raises(ReportRefused, match="in all"):
        write(tmp_path / "report", now)
    monkeypatch.setattr(reports, "MOST_ENTRIES", 1)
    with pytest.raises(ReportRefused, match="2 entries"):
        write(tmp_path / "report", now)


@pytest.mark.parametrize("at", range(8))
def test_a_disk_that_fails_at_any_file_leaves_the_old_report_and_nothing_else(tmp_path, now, monkeypatch, at):
    fill(6)
    out = write(tmp_path / "report", now, attachments={"old.json": b"{}"})
    writes, original = iter(range(100)), reports._write_file

    def fail(path, data):
        if next(writes) == at:
            raise OSError(28, "No space left on device")
        original(path, data)

    monkeypatch.setattr(reports, "_write_file", fail)
    with pytest.raises(ReportRefused, match="No space left"):
        write(tmp_path / "report", now)
    assert "old.json" in names(out)
    assert os.listdir(tmp_path) == ["report"]


def test_a_rename_that_fails_puts_the_old_report_back(tmp_path, now, monkeypatch):
    fill(6)
    out = write(tmp_path / "report", now, attachments={"old.json": b"{}"})
    rename = Path.rename

    def fail(self, target):
        if target == out and "replaced" not in str(self):
            raise OSError(5, "Input/output error")
        return rename(self, target)

    monkeypatch.setattr(Path, "rename", fail)
    with pytest.raises(ReportRefused, match="Input/output"):
        write(tmp_path / "report", now)
    assert "old.json" in names(out)
