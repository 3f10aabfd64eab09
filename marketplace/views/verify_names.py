"""Verification by what a thing is called: a certificate number, a hash, an identifier."""

import re
from dataclasses import dataclass

from django.urls import reverse
from django.utils.translation import gettext as _

from ledger import queries as ledger
from licensing import queries as licensing
from licensing.errors import NotFound
from licensing.errors import Refused as LicensingRefused
from marketplace.errors import Refused
from marketplace.queries import catalogue
from marketplace.templatetags.shown import day_text, plain, short_hash
from marketplace.views import proof_words
from marketplace.views.cards import address
from marketplace.views.parts import Check

MOST_FILES = 5


@dataclass(frozen=True)
class Result:
    """What verification found; `known` is false where the house knows nothing by that name."""

    heading: str
    checks: list[Check]
    known: bool = True


def look_up(asked: str) -> Result:
    """Verify whatever was given, by its shape."""
    if re.fullmatch(r"[0-9a-fA-F]{64}", asked):
        return of_hash(asked.lower())
    if asked.lower().startswith("ark:"):
        return of_identifier(asked)
    return of_certificate(asked)


def is_known(sha256: str) -> bool:
    """Tell whether something published has this hash."""
    return of_hash(sha256).known


def of_hash(sha256: str) -> Result:
    """Say which published file or which terms have this hash."""
    files = list(licensing.files_with(sha256)[:MOST_FILES])
    if files:
        checks = []
        for file in files:
            asset = file.version.asset
            named = {
                "name": file.name,
                "number": file.version.number,
                "title": plain(file.version.title),
                "day": day_text(file.version.published_at),
            }
            entry = ledger.number_of(file.version.intent_id)
            text = _("“%(name)s” of “%(title)s”, version %(number)s, published on %(day)s.") % named
            link = reverse("ledger-entry", args=[entry]) if entry is not None else ""
            checks.append(Check("pass", asset.ark_id, text, link, _("Ledger entry") if link else ""))
        return Result(_("These are the very bytes that were published"), checks)
    try:
        licensing.policy(sha256)
    except NotFound:
        return unknown(
            _("No published file and no terms have this hash. One changed byte gives another hash.")
        )
    text = _("Terms with this hash have been offered here.")
    return Result(_("These are terms of this exchange"), [Check("pass", _("Terms"), text)])


def of_identifier(asked: str) -> Result:
    """Say what an identifier stands for."""
    try:
        listing = catalogue.find(asked)
    except (Refused, LicensingRefused) as error:
        return unknown(str(error))
    text = _("The identifier stands for “%(title)s”.") % {"title": plain(listing.title)}
    return Result(_("A registered dataset"), [Check("pass", asked, text, address(listing), _("See it"))])


def of_certificate(asked: str) -> Result:
    """Check a certificate: the grant, its terms, its entry and everything above it."""
    try:
        grant = licensing.grant_numbered(asked)
    except NotFound:
        return unknown(_("No certificate has this number. Check the digits against the paper."))
    revoked = licensing.revoked_at(grant)
    terms = licensing.terms_of(grant)
    checks = [
        Check(
            "fail" if revoked else "pass",
            _("Grant"),
            _("Revoked on %(day)s.") % {"day": day_text(revoked)}
            if revoked
            else _("Given on %(day)s and not revoked.") % {"day": day_text(grant.issued_at)},
            reverse("certificate", args=[grant.number]),
            _("Certificate"),
        ),
        Check(
            "pass" if terms.sha256 == grant.policy_id else "fail",
            _("Terms"),
            _("The text of the terms hashes to %(hash)s, as the grant says.")
            % {"hash": short_hash(grant.policy_id)},
        ),
    ]
    entry = ledger.number_of(grant.intent_id)
    if entry is None:
        checks.append(Check("wait", _("Ledger"), _("The entry is waiting for its number.")))
    else:
        proved = ledger.proved_entry(entry)
        named = (
            proved.document["subject"] == grant.number
            and proved.document["refs"].get("policy") == grant.policy_id
        )
        checks += proof_words.certificate_checks(entry, proved, named=named)
    failed = any(check.state == "fail" for check in checks)
    heading = _("Certificate %(number)s does not hold") if failed else _("Certificate %(number)s holds")
    return Result(heading % {"number": grant.number}, checks)


def unknown(reason: str) -> Result:
    """Say that nothing is known, and why."""
    return Result(_("Nothing here is known by that"), [Check("fail", _("Not found"), reason)], known=False)
