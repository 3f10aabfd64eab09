"""Forged reports: everything is recomputed and signed again, but for one thing that does not hold."""

import random
import re
from base64 import b64encode

import pytest

from ledger import queries, verifier
from ledger.actions.reports import packed
from ledger.domain import merkle, notes
from tests.ledger import corpus as made
from tests.ledger.cases import cases
from tests.ledger.forging import opened, place_files, rewrite, sign_list

pytestmark = pytest.mark.django_db


def test_a_report_rewritten_whole_and_signed_with_fresh_keys_is_invalid(report, check, trusted):
    origin = queries.keys().origin
    fresh = notes.new_key(origin, bytes(32))
    rewrite(report, log_key=fresh, report_key=notes.new_key(f"{origin}/reports", bytes(32)))
    assert check()[0] == 2  # it is whole in itself, so only the policy tells
    status, said = check(*trusted)
    assert status == 1
    assert "the policy does not name the key" in said


def test_facts_that_were_changed_and_signed_with_a_fresh_report_key_are_invalid(report, check, trusted):
    keys = queries.keys()
    fresh = notes.new_key(f"{keys.origin}/reports", bytes(32))

    def change(manifest, files):
        files["report.json"] = b'{"fact":2}'

    rewrite(report, log_key=keys.log, report_key=fresh, change=change)
    status, said = check(*trusted)
    assert status == 1
    assert "keys.report: the policy does not name the key" in said


def test_a_report_with_a_fresh_log_key_below_the_real_report_key_is_invalid(report, check, trusted):
    keys = queries.keys()
    rewrite(report, log_key=notes.new_key(keys.origin, bytes(32)), report_key=keys.report)
    assert check(*trusted)[0] == 1


@pytest.mark.parametrize(
    ("change", "said"),
    [  # everything recomputed and signed with the real keys but for one thing
        (lambda m, f: f.update({"entries/6.json": f["entries/6.json"].replace(b":6", b":7", 1)}), "entry 6"),
        (
            lambda m, f: f.update({"entries/6.json": f["entries/6.json"].replace(b'"v":1', b'"v":1.0')}),
            "entry 6",
        ),
        (lambda m, f: m["entries"][3].update(leaf_hash="00" * 32), "entry 6, chain_hash"),
        (lambda m, f: m["entries"][3].update(number=7), "entries/6.json: belongs to no entry"),
        (lambda m, f: m["entries"][2].update(number=3), "entries/2.json: belongs to no entry"),
        (lambda m, f: m["checkpoint"].update(size=13), "checkpoint, size"),
        (lambda m, f: m["checkpoint"].update(root="00" * 32), "checkpoint, root"),
        (lambda m, f: m["openings"][0].update(salt="00" * 32), "opening of entry 8, licensee"),
        (lambda m, f: m["openings"][0].update(value="李四"), "opening of entry 8, licensee"),
        (lambda m, f: m["openings"][0].update(field="seller"), "opening of entry 8, seller"),
        (lambda m, f: m["openings"][0].update(entry=6), "opening of entry 6"),
        (lambda m, f: swap(f, "proofs/1.tlog-proof", "proofs/2.tlog-proof"), "entry 1, proof"),
        (lambda m, f: f.pop("entries/6.json"), "entries/6.json"),
        (lambda m, f: cut_proof(f), "entry 6, proof"),
        (lambda m, f: lengthen_proof(f), "entry 6, proof"),
        (lambda m, f: f.update({"proofs/6.tlog-proof": b"\xff"}), "entry 6, proof"),
    ],
)
def test_a_report_that_the_ledger_itself_would_sign_wrongly_is_invalid(report, check, trusted, change, said):
    manifest, files = opened(report)
    change(manifest, files)
    for name in manifest["files"]:
        (report / name).unlink()
    place_files(report, manifest, files, queries.keys().report)
    status, sentence = check(*trusted)
    assert status == 1
    assert sentence.startswith(f"INVALID  {said}"), sentence


def test_a_broken_chain_between_neighbours_is_named(report, check, trusted):
    manifest, files = opened(report)
    place = manifest["entries"][2]
    place["prev"] = "11" * 32
    place["chain_hash"] = merkle.chain_hash(
        bytes.fromhex(place["prev"]), bytes.fromhex(place["leaf_hash"])
    ).hex()
    place_files(report, manifest, files, queries.keys().report)
    assert check(*trusted)[1].startswith("INVALID  entry 2, prev: expected")


def test_a_report_of_another_log_is_invalid_even_when_that_log_is_trusted(report, check, tmp_path):
    other = notes.new_key("other.example/log", bytes(32))
    reports_key = notes.new_key("other.example/log/reports", bytes(32))

    def to_other(manifest, files):
        manifest["origin"] = "other.example/log"

    rewrite(report, log_key=other, report_key=reports_key, change=to_other)
    (tmp_path / "both").write_text(
        queries.policy().replace("quorum own-ml-dsa", "quorum none")
        + f"log {notes.verifier_key(other)}\n#report {notes.verifier_key(reports_key)}\n"
    )
    status, said = check("--policy", str(tmp_path / "both"))
    assert status == 1
    assert "entry 0, ledger" in said


def swap(files, one, other):
    files[one], files[other] = files[other], files[one]


def cut_proof(files):
    head, note = files["proofs/6.tlog-proof"].split(b"\n\n", 1)
    files["proofs/6.tlog-proof"] = head.rpartition(b"\n")[0] + b"\n\n" + note


def lengthen_proof(files):
    head, note = files["proofs/6.tlog-proof"].split(b"\n\n", 1)
    files["proofs/6.tlog-proof"] = head + b"\n" + b64encode(bytes(32)) + b"\n\n" + note


# A log that signs what it should never have taken -----------------------------------------------------------


def signs(report, **forged):
    """Make the real log, and its own witness, sign a report with these bytes in the place of entry 6."""
    keys = queries.keys()

    def change(manifest, files):
        files["entries/6.json"] = forged["entry"](files["entries/6.json"])

    rewrite(report, log_key=keys.log, report_key=keys.report, cosigner=keys.ml_dsas[0], change=change)


@pytest.mark.parametrize(
    "entry",
    [
        lambda data: data.replace(b'"n":6', b'"n":6.0'),
        lambda data: data.replace(b'"n":6', b'"n":6e0'),
        lambda data: data.replace(b'"n":6', b'"n":-0'),
        lambda data: data.replace(b'"n":6', b'"n":9007199254740992'),
        lambda data: data.replace(b'"n":6', b'"n":NaN'),
        lambda data: data.replace(b'"n":6', b'"n":6,"n":6'),
        lambda data: data.replace(b'"n":6', b'"n":6,"a":1'),
        lambda data: data.replace(b'"n":6', b'"n": 6'),
        lambda data: data.replace(b'"n":6', b'"n":"\\u0041"'),
        lambda data: data.replace(b'"n":6', b'"n":"e\xcc\x81"'),
        lambda data: data.replace(b'"n":6', b'"n":["e\xcc\x81"]'),
        lambda data: data.replace(b'"n":6', b'"e\xcc\x81":6'),
        lambda data: data.replace(b'"n":6', b'"n":"\\ud800"'),
        lambda data: data.replace(b'"n":6', b'"n":' + b"[" * 7 + b"]" * 7),
        lambda data: data.replace(b'"n":6', b'"\xef\xac\xb3":1,"\xf0\x9f\x98\x80":2'),
        lambda data: data.replace(b'"v":1', b'"v":1,"w":1'),
        lambda data: data.replace(b'"v":1', b'"x":1'),
        lambda data: re.sub(rb'"commit":{}', b'"commit":[]', data),
        lambda data: b"[]",
        lambda data: b"7",
        lambda data: b"[" * 30_000,
        lambda data: data.replace(b'"n":6', b'"n":"' + b"x" * 65_536 + b'"'),
    ],
    ids=range(22),
)
def test_an_entry_that_is_not_canonical_is_invalid_even_when_the_log_signed_it(report, check, trusted, entry):
    signs(report, entry=entry)
    status, said = check(*trusted)
    assert status in (1, 3)
    assert "6" in said


@pytest.mark.parametrize(
    "entry",
    [
        lambda data: data,
        lambda data: data.replace(b'"n":6', b'"n":' + b"[" * 6 + b"]" * 6),
        lambda data: data.replace(b'"n":6', b'"n":-9007199254740991'),
        lambda data: data.replace(b'"n":6', b'"n":[null,true,"\xf0\x9f\x98\x80\\n\\u000f"]'),
        lambda data: data.replace(b'"n":6', '"ö":1,"€":2,"😀":3,"\uff21":4'.encode()),
    ],
    ids=range(5),
)
def test_an_entry_at_the_edge_of_the_profile_is_valid(report, check, trusted, entry):
    signs(report, entry=entry)
    assert check(*trusted)[0] == 0


def forge(report, change, **replaced):
    """Sign a report again with the real report key, after a change of its list of files and files."""
    manifest, files = opened(report)
    change(manifest, files)
    place_files(report, manifest, {**files, **replaced}, queries.keys().report)


def test_an_entry_that_is_not_in_the_tree_is_invalid_with_every_other_hash_right(report, check, trusted):
    def change(manifest, files):
        data = files["entries/6.json"] = files["entries/6.json"].replace(b'"n":6', b'"n":7')
        place, leaf = manifest["entries"][3], merkle.leaf_hash(data)
        place["leaf_hash"] = leaf.hex()
        place["chain_hash"] = merkle.chain_hash(bytes.fromhex(place["prev"]), leaf).hex()

    forge(report, change)
    assert check(*trusted)[1].startswith("INVALID  entry 6, root: expected")


def test_a_chain_that_does_not_start_from_nothing_is_invalid(report, check, trusted):
    def change(manifest, files):
        place = manifest["entries"][0]
        place["prev"] = "11" * 32
        link = merkle.chain_hash(bytes.fromhex(place["prev"]), bytes.fromhex(place["leaf_hash"]))
        place["chain_hash"] = link.hex()

    forge(report, change)
    assert check(*trusted)[1].startswith("INVALID  entry 0, prev: expected")


@pytest.mark.parametrize(
    "text",
    [
        "{origin}\n{size}\n{root}\nextension\n",
        "{origin}\n{size}\n",
        "{origin}\n0{size}\n{root}\n",
        "{origin}\n{size}.0\n{root}\n",
        "{origin}\n{size}\n{root}\n\n",
        "other.example\n{size}\n{root}\n",
        "{origin}\n{size}\nAAAA\n",
        "{origin}/reports\n{size}\n{root}\n",
    ],
)
def test_a_signed_text_that_is_no_checkpoint_of_this_log_is_invalid(report, check, trusted, text):
    manifest, _files = opened(report)
    size = manifest["checkpoint"]["size"]
    root = b64encode(bytes.fromhex(manifest["checkpoint"]["root"])).decode()
    signed = notes.sign(
        text.format(origin=manifest["origin"], size=size, root=root), [queries.keys().log]
    ).encode()

    def change(manifest, files):
        old = files["checkpoint"]
        for name in files:
            if name == "checkpoint" or name.startswith("proofs/"):
                files[name] = files[name].replace(old, signed)

    forge(report, change)
    status, said = check(*trusted)
    assert status == 1
    assert said.startswith("INVALID  checkpoint")


@pytest.mark.parametrize(
    "change",
    [
        lambda note: note.replace("\n\n", "\n"),
        lambda note: note.rstrip("\n"),
        lambda note: note.rpartition("\u2014")[0],
        lambda note: note.replace("\u2014 ", "- "),
        lambda note: re.sub("\u2014 [^ ]+ ", "\u2014 other.example ", note),
        lambda note: re.sub("(\u2014 [^ ]+ )....", r"\1AAAA", note),
        lambda note: re.sub("(\u2014 [^ ]+ ).*", r"\1!!", note),
        lambda note: note + "\n",
        lambda note: "",
    ],
    ids=range(9),
)
@pytest.mark.parametrize("name", ["checkpoint", "manifest.note"])
def test_a_note_that_is_not_signed_by_its_key_is_invalid(report, check, trusted, name, change):
    note = change((report / name).read_text()).encode()
    if name == "checkpoint":
        old = (report / name).read_bytes()

        def replaced(manifest, files):
            for each in files:
                files[each] = files[each].replace(old, note) if each.startswith("proofs/") else files[each]
            files["checkpoint"] = note

        forge(report, replaced)
    else:
        (report / name).write_bytes(note)
    status, said = check(*trusted)
    assert status == 1
    assert said.startswith(f"INVALID  {name}")


def test_a_proof_with_a_hash_of_another_length_is_invalid(report, check, trusted):
    def change(manifest, files):
        lines = files["proofs/6.tlog-proof"].split(b"\n")
        lines[2] = b64encode(bytes(31))
        files["proofs/6.tlog-proof"] = b"\n".join(lines)

    forge(report, change)
    assert check(*trusted)[1].startswith("INVALID  entry 6, proof")


def test_an_opening_of_an_entry_that_is_not_there_leaves_the_report_incomplete(report, check, trusted):
    (report / "entries" / "8.json").unlink()
    assert check(*trusted)[0] == 2


def test_a_report_larger_than_is_read_is_unusable_before_it_is_read(report, check, trusted):
    def change(manifest, files):
        files.update({f"large{number}": b"" for number in range(5)})

    forge(report, change)
    manifest, _files = opened(report)
    for number in range(5):
        manifest["files"][f"large{number}"]["bytes"] = 15 * 2**20
    sign_list(report, manifest, queries.keys().report)
    status, said = check(*trusted)
    assert status == 3
    assert "bytes in all" in said


# The corpus, made without a database ------------------------------------------------------------------------


@pytest.fixture(scope="module")
def corpus():
    return {case.name: case for case in cases()}


def test_every_report_of_the_corpus_gets_its_verdict(corpus, tmp_path):
    for number, case in enumerate(corpus.values()):
        status, printed = case.run(verifier, case.place(tmp_path / str(number)))
        assert status == case.status, (case.name, printed)
        assert case.said in "".join(printed[-1:]), (case.name, printed)
    assert len(corpus) > 400


def test_a_report_rewritten_with_the_stolen_keys_of_log_and_reports_fails_against_a_witness(corpus, tmp_path):
    case = corpus["stolen keys"]
    status, printed = case.run(verifier, case.place(tmp_path / "stolen"))
    assert status == 1
    assert printed[-1].startswith("INVALID  checkpoint, quorum: expected")
    case.policy = made.policy(quorum="none")
    assert case.run(verifier, case.place(tmp_path / "blind"))[0] == 0  # so it is the witnesses that tell


@pytest.mark.parametrize("as_zip", [False, True], ids=["folder", "zip"])
def test_any_flipped_byte_of_a_witnessed_report_is_invalid_or_unusable(tmp_path, request, as_zip):
    files = made.report(numbers=[0, 8, 10], change=lambda manifest, files: files.pop("facts.json"))
    held = {"report.zip": packed(files)} if as_zip else files
    places = [(name, at) for name, data in held.items() for at in range(len(data))]
    chosen = random.Random(20261123)
    if not request.config.getoption("--nightly"):
        places = chosen.sample(places, 1500)
    folder = tmp_path / "report"
    made.place(folder, held)
    (tmp_path / "policy").write_text(made.policy())
    path = str(folder / "report.zip" if as_zip else folder)
    sound = made.Case("", 0, "", {})
    for name, at in places:
        data = held[name]
        changed = bytes([data[at] ^ (1 << chosen.randrange(8))])
        (folder / name).write_bytes(data[:at] + changed + data[at + 1 :])
        for policy in ([], ["--policy", str(tmp_path / "policy")]):
            status, printed = sound.run(verifier, [path, *policy])
            assert status in (1, 3), (name, at, printed)
        (folder / name).write_bytes(data)
    assert sound.run(verifier, [path, "--policy", str(tmp_path / "policy")])[0] == 0
