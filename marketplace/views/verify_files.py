"""Verification of a file that was sent: a proof, a certificate, or a report of the ledger. Nothing of it is kept."""

import json
import subprocess
import sys
import tempfile
from hashlib import sha256
from pathlib import Path
from typing import Any

from django.core.files.uploadedfile import UploadedFile
from django.utils.translation import gettext as _

from ledger import queries as ledger
from ledger import verifier
from ledger.domain import canonical, proofs
from ledger.errors import LedgerError, NotCanonical, NoteInvalid, ProofInvalid
from marketplace.templatetags.shown import number, short_hash
from marketplace.views import proof_words, sentences
from marketplace.views.parts import Check
from marketplace.views.verify_names import Result

LARGEST_TEXT = 2_000_000
SECONDS = 30
MOST_LINES = 40
STATES = {"ok": "pass", "VALID": "pass", "INVALID": "fail", "UNUSABLE": "fail"}  # the verifier's first words


def of(upload: UploadedFile) -> Result | None:
    """Verify a file by what it is; None where it is neither a proof, a certificate nor a report."""
    upload.seek(0)
    if upload.read(4) == b"PK\x03\x04":
        return of_report(upload)
    if (upload.size or 0) > LARGEST_TEXT:
        return None
    upload.seek(0)
    try:
        text = upload.read().decode()
    except UnicodeDecodeError:
        return None
    if text.startswith(proofs.HEADER.partition("@")[0]):
        return of_proof(text)
    try:
        facts = json.loads(text)
    except (ValueError, RecursionError):
        return None
    return of_certificate(facts) if isinstance(facts, dict) and isinstance(facts.get("proof"), dict) else None


def of_proof(text: str) -> Result:
    """Check the text of an inclusion proof against our entry, its own checkpoint and our policy."""
    try:
        given = proofs.parse(text)
        checks = [_told(given), *map(proof_words.check_words, ledger.proof_checks(given))]
    except (ProofInvalid, NoteInvalid, LedgerError) as error:
        checks = [
            Check(
                "fail",
                _("Proof"),
                _("It cannot be read as a proof of this ledger: %(reason)s") % {"reason": error},
            )
        ]
    return _result(checks, _("The proof holds"), _("The proof does not hold"))


def of_certificate(facts: dict[str, Any]) -> Result:
    """Check a certificate in JSON: its proof, and that it says what its entry says."""
    try:
        given = _proof_in(facts["proof"])
        document = ledger.entry(given.index).document
        checks = [_told(given), *map(proof_words.check_words, ledger.proof_checks(given))]
    except (KeyError, TypeError, ValueError, LedgerError) as error:
        checks = [
            Check(
                "fail",
                _("Proof"),
                _("It cannot be read as a proof of this ledger: %(reason)s") % {"reason": error},
            )
        ]
        return _result(checks, "", _("The certificate does not hold"))
    checks += [_facts_check(facts, document), _terms_check(facts)]
    return _result(checks, _("The certificate holds"), _("The certificate does not hold"))


def of_report(upload: UploadedFile) -> Result:
    """Check a report with the offline verifier itself, in a process of its own."""
    with tempfile.TemporaryDirectory() as folder:
        report, policy = Path(folder, "report.zip"), Path(folder, "policy")
        upload.seek(0)
        report.write_bytes(upload.read())
        policy.write_text(ledger.policy())
        command = [sys.executable, "-I", verifier.__file__, str(report), "--policy", str(policy)]
        try:
            done = subprocess.run(command, capture_output=True, timeout=SECONDS, check=False)
        except subprocess.TimeoutExpired:
            text = _("The check took more than %(seconds)s seconds and was stopped.") % {"seconds": SECONDS}
            return _result([Check("fail", _("Report"), text)], "", _("The report could not be checked"))
    checks = [_line(line) for line in done.stdout.decode(errors="replace").splitlines()[:MOST_LINES]]
    headings = {
        0: _("The report holds"),
        2: _("Nothing wrong was found, but not everything could be checked"),
    }
    return Result(headings.get(done.returncode, _("The report does not hold")), checks)


def _told(given: proofs.ProofText) -> Check:
    document = ledger.entry(given.index).document
    text = _("It is about entry %(number)s: %(sentence)s") % {
        "number": number(given.index),
        "sentence": sentences.short(document),
    }
    return Check("pass", _("Proof"), text)


def _proof_in(given: dict[str, Any]) -> proofs.ProofText:
    path = [bytes.fromhex(step) for step in given["path"]]
    return proofs.parse(proofs.text(index=int(given["index"]), path=path, note=str(given["checkpoint"])))


def _facts_check(facts: dict[str, Any], document: dict[str, Any]) -> Check:
    said = {
        "number": document["subject"],
        "terms_sha256": document["refs"].get("policy"),
        "asset": document["refs"].get("asset"),
        "purpose": document["body"].get("purpose", ""),
        "basis": document["body"].get("basis"),
    }
    differing = [name for name, value in said.items() if (facts.get(name) or "") != (value or "")]
    if differing:
        text = _("The certificate differs from its entry in: %(fields)s.") % {"fields": ", ".join(differing)}
        return Check("fail", _("Facts"), text)
    text = _("Number, dataset, purpose, ground and terms are those of the entry.")
    return Check("pass", _("Facts"), text)


def _terms_check(facts: dict[str, Any]) -> Check:
    try:
        found = sha256(canonical.encode(facts.get("terms"))).hexdigest()
    except NotCanonical:
        found = ""
    if found != facts.get("terms_sha256"):
        return Check(
            "fail", _("Terms"), _("The text of the terms does not have the hash that the certificate names.")
        )
    text = _("The text of the terms hashes to %(hash)s, as the grant says.") % {"hash": short_hash(found)}
    return Check("pass", _("Terms"), text)


def _line(line: str) -> Check:
    """Return a line of the verifier, which speaks English, under a word of the page."""
    word, _space, text = line.partition("  ")
    words = {
        "ok": _("Checked"),
        "erased": _("Erased"),
        "note": _("Note"),
        "not checked:": _("Not checked"),
    }
    return Check(STATES.get(word, "wait"), words.get(word, _("Verdict")), text)


def _result(checks: list[Check], holds: str, fails: str) -> Result:
    return Result(fails if any(check.state == "fail" for check in checks) else holds, checks)
