"""Writing a report: whole or not at all."""

import json
import os
import zipfile
from io import BytesIO
from pathlib import Path

import pytest

from ledger import queries, verifier
from ledger.actions import log, reports, sequencer
from ledger.actions.reports import Erased, Fact, Opening, Section
from ledger.domain import entry, merkle
from ledger.errors import CheckpointNotFound, EntryNotFound, EntryNotSigned, ReportRefused
from tests.ledger.conftest import NAME, SALT, append, document, fill

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
    monkeypatch.setattr(reports, "LARGEST_FILE", 10_000)
    with pytest.raises(ReportRefused, match="10001 bytes"):
        write(tmp_path / "report", now, attachments={"large.json": b"x" * 10_001})
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


# What a report may hold besides -----------------------------------------------------------------------------


def check(report, tmp_path, capsys):
    """Return the status and the lines of the verifier."""
    (tmp_path / "policy").write_text(queries.policy())
    status = verifier.main([str(report), "--policy", str(tmp_path / "policy")])
    return status, capsys.readouterr().out.splitlines()


def test_one_zip_file_holds_what_the_folder_holds_and_gets_the_same_answer(tmp_path, now, capsys):
    fill(6)
    out = write(tmp_path / "report", now)
    made = reports.bundle(entry_numbers=[1, 4], attachments={"report.json": b"{}"}, now=now)
    (tmp_path / "report.zip").write_bytes(made)
    with zipfile.ZipFile(BytesIO(made)) as archive:
        assert archive.namelist() == names(out)
        assert {name: archive.read(name) for name in names(out)} == {
            name: (out / name).read_bytes() for name in names(out)
        }
    assert check(out, tmp_path, capsys) == check(tmp_path / "report.zip", tmp_path, capsys)


def test_the_same_facts_time_and_checkpoint_make_the_same_bytes(now):
    fill(6)
    made = [
        reports.bundle(entry_numbers=numbers, attachments=facts, now=now)
        for numbers, facts in [([1, 4], {"a": b"1", "b": b"2"}), ([4, 1, 1], {"b": b"2", "a": b"1"})]
    ]
    assert made[0] == made[1]


def test_older_checkpoints_are_proved_as_beginnings_of_the_log(tmp_path, now, capsys):
    fill(9, signed_every=3)
    out = write(tmp_path / "report", now, older=[6, 3, 9])
    assert [name for name in names(out) if name.startswith("c")] == [
        "checkpoint", "checkpoints/3", "checkpoints/6", "consistency/3-9", "consistency/6-9",
    ]  # fmt: skip
    status, said = check(out, tmp_path, capsys)
    assert status == 0
    assert "ok  the first 6 entries are those of the older checkpoint" in said
    held = tmp_path / "held"
    held.write_text(queries.checkpoint_at(3).note)
    assert verifier.main([str(out), "--policy", str(tmp_path / "policy"), "--checkpoint", str(held)]) == 0
    plain = write(tmp_path / "plain", now)
    assert verifier.main([str(plain), "--policy", str(tmp_path / "policy"), "--checkpoint", str(held)]) == 2
    assert "consistency/3-9 is missing" in capsys.readouterr().out
    with pytest.raises(CheckpointNotFound):
        write(tmp_path / "report", now, older=[4])


def test_facts_name_their_entries_and_the_verifier_counts_those_that_name_none(tmp_path, now, capsys):
    fill(6)
    facts = [Fact({"grant": 1}, entry=1), Fact({"grant": 2}, entry=4), Fact({"views": 12})]
    out = write(tmp_path / "report", now, sections=[Section("Grants", facts)])
    assert json.loads((out / "facts.json").read_bytes()) == {
        "sections": [
            {
                "title": "Grants",
                "facts": [{"grant": 1, "entry": 1}, {"grant": 2, "entry": 4}, {"views": 12, "entry": None}],
            }
        ]
    }
    status, said = check(out, tmp_path, capsys)
    assert status == 0
    assert "ok  2 facts name an entry of this report" in said
    assert any(line.startswith("note  1 facts name no entry") for line in said)


def test_what_is_erased_is_shown_as_erased_and_not_as_missing(tmp_path, now, capsys):
    fill(6)
    commitments = {"licensee": entry.commitment(SALT, NAME), "address": "ab" * 32}
    log.append(document={**document(6), "commit": commitments}, idempotency_key="personal", now=now)
    sequencer.catch_up(now=now)
    fill(8)
    out = write(
        tmp_path / "report",
        now,
        entries=[6, 7],
        openings=[Opening(entry=6, field="licensee", salt=SALT, value=NAME)],
        erased=[Erased(entry=6, field="address", by=7)],
    )
    status, said = check(out, tmp_path, capsys)
    assert status == 0
    assert f"erased  entry 6, address: commitment {'ab' * 32} stays" in said
    assert "ok  1 values are as committed to, 1 erased, 0 not disclosed" in said


@pytest.mark.parametrize(
    ("more", "reason"),
    [
        ({"sections": [Section("Grants", [Fact({}, entry=5)])]}, "entry 5 is named"),
        ({"openings": [Opening(5, "licensee", SALT, NAME)]}, "entry 5 is named"),
        ({"erased": [Erased(5, "licensee")]}, "entry 5 is named"),
        ({"erased": [Erased(1, "licensee", by=5)]}, "entry 5 is named"),
        ({"sections": [Section("Grants", [Fact({"price": 1.5}, entry=1)])]}, "is not an integer"),
        ({"sections": [Section("Grants", [Fact({"name": "\ud800"}, entry=1)])]}, "non-UTF-8"),
        ({"attachments": {"facts.json": b"{}"}}, "is no name for an attachment"),
        ({"attachments": {"checkpoints/3": b""}}, "is no name for an attachment"),
        ({"attachments": {"consistency/3-6": b""}}, "is no name for an attachment"),
    ],
)
def test_a_report_that_the_verifier_would_refuse_is_not_written(tmp_path, now, more, reason):
    fill(6)
    with pytest.raises(ReportRefused, match=reason):
        write(tmp_path / "report", now, **more)
    assert os.listdir(tmp_path) == []
