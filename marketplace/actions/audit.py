"""Audit reports: who could do what with an asset or a shop's assets at an instant, with the entries that prove it.

    report.json              the facts, as the one RFC 8785 spelling; its SHA-256 is the report's digest
    report.<language>.html   the same facts to read, zh-Hans and en, made from report.json alone
    report.<language>.pdf    and to print, PDF/UA-1

Everything beside them is the ledger's own format. Nobody is named in it: licensees stand under commitments.
"""

import json
import logging
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from hashlib import sha256
from pathlib import Path
from typing import Any

from django.conf import settings
from django.db import connection, transaction
from django.template.loader import render_to_string
from django.utils import translation

from ledger import queries as ledger
from ledger.actions import reports
from ledger.domain import canonical
from ledger.domain.entry import timestamp
from ledger.errors import CheckpointNotFound, ReportRefused
from licensing import queries as licensing
from licensing.domain.parties import Basis, PartyKind
from licensing.domain.terms import sentences
from licensing.queries import Fact
from marketplace import seals
from marketplace.domain import audit, audit_layout
from marketplace.errors import TooManyReports
from marketplace.gateways import storage, typesetting
from marketplace.models import Report, Shop, User
from marketplace.queries import evidence as records
from marketplace.queries import findings
from marketplace.queries.evidence import AssetThen, Evidence

FORMAT = "wenshi-rights-audit/1"
FACTS = "report.json"
LANGUAGES = ("zh-Hans", "en")
REPORTS_A_DAY = 10
DAY = timedelta(days=1)
PATIENCE = timedelta(seconds=30)  # how long a report waits for its facts to be numbered and signed
AT_ONCE = 5  # reports that one look of the worker makes
TEMPLATE = settings.BASE_DIR / "templates" / "marketplace" / "report.typ"
log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Written:
    """A report as it lies in its folder."""

    facts: dict[str, Any]
    digest: str


def subject_of(*, asset: str = "", shop: str = "") -> Any:
    """Return what a report is to be about: an asset by ARK, UUID or its licensor's id, or a shop.

    Raises NotFound, licensing's or ours.
    """
    return records.of_asset(asset) if asset else records.of_shop(shop)


def ask(*, user: User, asset: str = "", shop: str = "", at: str = "", now: datetime) -> Report:
    """Queue a report; without a time it looks at this moment. The worker makes it within seconds.

    Raises NotFound, TimeRefused, TooManyReports.
    """
    subject = subject_of(asset=asset, shop=shop)
    as_of = audit.instant(at, now=now) if at.strip() else now
    audit.check_began(as_of, records.began_at(subject))
    with transaction.atomic():
        _check_share(User.objects.select_for_update().get(pk=user.pk), now)
        is_shop = isinstance(subject, Shop)
        return Report.objects.create(
            number=_next_number(now),
            subject_kind=Report.Subject.SHOP if is_shop else Report.Subject.ASSET,
            subject_id=subject.pk,
            subject_name=subject.slug if is_shop else subject.ark_id,
            as_of=as_of,
            asked_by=user,
            asked_at=now,
        )


def make_waiting(*, now: datetime) -> int:
    """Make the reports that wait, the earliest asked for first, and return how many are settled."""
    settled = 0
    for key in Report.objects.filter(state=Report.State.QUEUED).order_by("asked_at", "pk")[:AT_ONCE]:
        with transaction.atomic():
            rows = Report.objects.select_for_update(skip_locked=True, of=("self",))
            row = rows.filter(pk=key.pk, state=Report.State.QUEUED).first()
            settled += bool(row and _settle(row, now))
    return settled


def write(*, subject: Any, as_of: datetime, out: Path, number: str | None = None, now: datetime) -> Written:
    """Write the report of an asset or a shop into a folder.

    Raises TimeRefused, and the ledger's CheckpointNotFound and ReportRefused.
    """
    audit.check_began(as_of, records.began_at(subject))
    written, contents = _contents(records.gather(subject, as_of), subject, number, now)
    reports.write(out=out, **contents)
    return written


def _check_share(user: User, now: datetime) -> None:
    recent = Report.objects.filter(asked_by=user, asked_at__gt=now - DAY).order_by("-asked_at")
    asked = list(recent.values_list("asked_at", flat=True)[:REPORTS_A_DAY])
    if len(asked) == REPORTS_A_DAY and not user.is_staff:
        raise TooManyReports(REPORTS_A_DAY, int((asked[-1] + DAY - now).total_seconds()) + 1)


def _next_number(now: datetime) -> str:
    with connection.cursor() as cursor:
        cursor.execute("SELECT nextval('marketplace_report_number')")
        return f"R-{now.year}-{cursor.fetchone()[0]:06d}"


def _settle(row: Report, now: datetime) -> bool:
    """Make one report or note why not; False while it waits for its facts to be signed."""
    try:
        with transaction.atomic():
            return _make(row, now)
    except CheckpointNotFound:
        failure = Report.Failure.NO_CHECKPOINT
        if now - row.asked_at < PATIENCE:
            return False
    except ReportRefused as error:
        failure = Report.Failure.TOO_LARGE
        log.warning("report %s: %s", row.number, error)
    except Exception:
        failure = Report.Failure.FAULT
        log.exception("report %s", row.number)
    row.state, row.failure, row.made_at = Report.State.FAILED, failure, now
    row.save(update_fields=["state", "failure", "made_at"])
    return True


def _make(row: Report, now: datetime) -> bool:
    is_shop = row.subject_kind == Report.Subject.SHOP
    subject = subject_of(**{"shop" if is_shop else "asset": row.subject_name})
    evidence = records.gather(subject, row.as_of)
    if now - row.asked_at < PATIENCE and not evidence.is_covered(ledger.checkpoint_at().size):
        return False
    written, contents = _contents(evidence, subject, row.number, now)
    row.storage_key = storage.keep_bytes(reports.bundle(**contents))
    row.state, row.made_at, row.digest = Report.State.MADE, now, written.digest
    row.checkpoint_size = written.facts["ledger"]["checkpoint"]["size"]
    row.save(update_fields=["state", "made_at", "digest", "checkpoint_size", "storage_key"])
    return True


def _contents(evidence: Evidence, subject: Any, number: str | None, now: datetime) -> tuple[Written, dict]:
    """Return what is written, and what the ledger makes a report of."""
    signed = ledger.checkpoint_at()
    facts = _facts(evidence, subject, number, signed, now)
    data = canonical.encode(facts)
    numbers = {entry for entry in evidence.numbers.values() if entry < signed.size}
    erased = _erased(numbers, signed.size)
    contents = {
        "entry_numbers": numbers | {each.by for each in erased if each.by is not None},
        "attachments": {FACTS: data, **_renditions(data)},
        "erased": erased,
        "sections": [
            _section("history", facts["history"], signed.size),
            _section("deliveries", facts["deliveries"]["listed"], signed.size),
        ],
        "size": signed.size,  # the one that the facts name, whatever is published meanwhile
        "now": now,
    }
    return Written(facts, sha256(data).hexdigest()), contents


def _erased(numbers: Iterable[int], size: int) -> list[reports.Erased]:
    """Return what these entries committed to and nothing opens any more, with the entries that say so."""
    return [
        reports.Erased(each.entry, each.field, each.erased_by if (each.erased_by or size) < size else None)
        for each in ledger.openings_of(numbers)
        if each.is_erased
    ]


def _section(title: str, lines: list[dict[str, Any]], size: int) -> reports.Section:
    """Return facts in the ledger's frame: each with the entry that proves it, unless that is still to be signed."""
    facts = []
    for line in lines:
        entry = line["entry"] if isinstance(line["entry"], int) and line["entry"] < size else None
        facts.append(reports.Fact({name: line[name] for name in line if name != "entry"}, entry))
    return reports.Section(title, facts)


def _renditions(data: bytes) -> dict[str, bytes]:
    """Return the report to read and to print, in both languages, from its facts and nothing else."""
    facts, digest, found = json.loads(data), sha256(data).hexdigest(), {}
    for language in LANGUAGES:
        page = audit_layout.lay_out(facts, digest=digest, language=language)
        found[f"report.{language}.html"] = _html(page, language)
        found[f"report.{language}.pdf"] = typesetting.pdf(
            TEMPLATE, {**page, "seal_svg": seals.drawing(seals.AUDIT)}
        )
    return found


def _html(page: Mapping[str, Any], language: str) -> bytes:
    """Return the report as one file that needs nothing beside it."""
    static = settings.BASE_DIR / "marketplace" / "static"
    site = (static / "site.css").read_text(encoding="utf-8")
    style = site[site.index("@layer tokens {") :] + (static / "report.css").read_text(encoding="utf-8")
    with translation.override(language):
        return render_to_string("marketplace/report_file.html", {"report": page, "style": style}).encode()


# The facts


def _facts(
    evidence: Evidence, subject: Any, number: str | None, signed: Any, now: datetime
) -> dict[str, Any]:
    found, hashed = findings.findings(evidence, size=signed.size)
    return {
        "format": FORMAT,
        "number": number,
        "made_at": timestamp(now),
        "as_of": timestamp(evidence.at),
        "verdict": {**audit.verdict(found), "then": _counts(evidence)},
        "findings": found,
        "coverage": _coverage(evidence, hashed, signed.size),
        "limits": [audit.both(words) for words in audit.LIMITS],
        "scope": _scope(evidence, subject),
        "method": {"version": audit.METHOD_VERSION, "text": audit.both(audit.METHOD)},
        "ledger": {
            "origin": settings.LEDGER_ORIGIN,
            "checkpoint": {"size": signed.size, "root": bytes(signed.root).hex()},
        },
        "permissions": _permissions(evidence),
        "assets": [_asset(each, evidence, hashed) for each in evidence.assets],
        "history": [
            _fact(each, fact, evidence)
            for each, fact in sorted(
                ((each, fact) for each in evidence.assets for fact in each.facts),
                key=lambda pair: (pair[1].at, pair[1].intent_id or 0),
            )
        ],
        "deliveries": {
            "count": evidence.delivery_count,
            "listed": [_delivery(delivery, evidence) for delivery in evidence.deliveries],
        },
        "sales": _sales(evidence),
    }


def _counts(evidence: Evidence) -> dict[str, int]:
    live = [grant for each in evidence.assets for grant in each.live_grants]
    standing = sum(grant.basis == Basis.STANDING for grant in live)
    return {
        "open_offers": sum(len(each.open_offers) for each in evidence.assets),
        "standing_grants": standing,
        "named_grants": len(live) - standing,
    }


def _coverage(evidence: Evidence, hashed: Mapping[Any, bool], size: int) -> dict[str, Any]:
    facts = [fact for each in evidence.assets for fact in each.facts]
    entries = [evidence.numbers.get(fact.intent_id or 0, size) for fact in facts]
    files = [file for each in evidence.assets for listed in each.files.values() for file in listed]
    return {
        "facts": len(facts),
        "facts_with_entry_and_proof": sum(entry < size for entry in entries),
        "deliveries": evidence.delivery_count,
        "deliveries_listed": len(evidence.deliveries),
        "files": len(files),
        "files_hashed_again": len(hashed),
        "bytes_hashed_again": sum(file.byte_size for file in files if file.pk in hashed),
    }


def _scope(evidence: Evidence, subject: Any) -> dict[str, Any]:
    if evidence.shop:
        return {"kind": "shop", "id": subject.slug, "title": subject.name, "assets": len(evidence.assets)}
    (then,) = evidence.assets
    title = then.current.title if then.current else {}
    return {"kind": "asset", "id": subject.ark_id, "title": title, "assets": 1}


def _permissions(evidence: Evidence) -> dict[str, Any]:
    """Return what anybody could do and take, and what each live grant permitted, with the words of their terms."""
    offers = [(each, offer) for each in evidence.assets for offer in each.open_offers]
    grants = [(each, grant) for each in evidence.assets for grant in each.live_grants]
    used = {what.policy_id: what for _each, what in [*offers, *grants]}
    return {
        "everybody": [_held(each, g, evidence) for each, g in grants if g.basis == Basis.STANDING],
        "offers": [_open_offer(each, offer) for each, offer in offers],
        "grants": [_held(each, g, evidence) for each, g in grants if g.basis != Basis.STANDING],
        "terms": [_terms(used[key]) for key in sorted(used)],
    }


def _held(each: AssetThen, grant: Any, evidence: Evidence) -> dict[str, Any]:
    return {
        "grant": grant.number,
        "asset": each.asset.ark_id,
        "version": _number(each, grant.version_id),
        "basis": grant.basis,
        "purpose": grant.purpose,
        "since": timestamp(grant.issued_at),
        "licensee": _licensee(grant, evidence),
        "terms": grant.policy_id,
    }


def _open_offer(each: AssetThen, offer: Any) -> dict[str, Any]:
    terms = licensing.terms_of(offer)
    return {
        "offer": str(offer.pk),
        "asset": each.asset.ark_id,
        "version": _number(each, offer.version_id),
        "price_minor_units": offer.price_minor_units,
        "currency": offer.currency,
        "exclusive": offer.exclusive,
        "audience": list(offer.audience),
        "territory": list(terms.territory),
        "terms": offer.policy_id,
    }


def _terms(what: Any) -> dict[str, Any]:
    terms = licensing.terms_of(what)
    chinese, english = (sentences(terms, language) for language in LANGUAGES)
    clauses = [
        {"clause": zh.clause, "kind": zh.kind, "text": {"zh-Hans": zh.text, "en": en.text}}
        for zh, en in zip(chinese, english, strict=True)
    ]
    return {"terms": what.policy_id, "template": str(terms.template), "clauses": clauses}


def _asset(each: AssetThen, evidence: Evidence, hashed: Mapping[Any, bool]) -> dict[str, Any]:
    licensor, edition = each.asset.licensor, each.edition
    return {
        "asset": each.asset.ark_id,
        "id": str(each.asset.pk),
        "form": each.asset.form,
        "licensor": {
            "id": str(licensor.pk),
            "name": None if licensor.kind == PartyKind.PERSON else licensor.name,
        },
        "public_interest": each.is_public,
        "edition": edition
        and {
            "declared_at": timestamp(edition.declared_at),
            "sources": [source.ark_id for source in each.sources],
            "free_for": list(edition.free_for),
        },
        "versions": [
            {
                "version": version.number,
                "id": str(version.pk),
                "title": version.title,
                "rights": version.rights_uri,
                "records": version.record_count,
                "published_at": timestamp(version.published_at),
                "entry": _entry(version.intent_id, evidence),
                "files_sha256": version.files_sha256,
                "files": [
                    {
                        "name": file.name,
                        "bytes": file.byte_size,
                        "sha256": file.sha256,
                        "as_published": hashed.get(file.pk),
                    }
                    for file in each.files[version.pk]
                ],
            }
            for version in each.versions
        ],
    }


def _fact(each: AssetThen, fact: Fact, evidence: Evidence) -> dict[str, Any]:
    """Return one line of the history; `entry` is "pending" while it waits for its number, null if it never gets one."""
    what: Any = fact.what
    line = {"at": timestamp(fact.at), "kind": fact.kind, "asset": each.asset.ark_id}
    line["entry"] = _entry(fact.intent_id, evidence)
    match fact.kind:
        case "version.published":
            return {**line, "version": what.number, "files_sha256": what.files_sha256}
        case "offer.published":
            price = {"price_minor_units": what.price_minor_units, "currency": what.currency}
            version = _number(each, what.version_id)
            return {**line, "offer": str(what.pk), "version": version, **price, "terms": what.policy_id}
        case "offer.ended":
            return {**line, "offer": str(what.offer_id), "reason": what.reason}
        case "grant.issued":
            said = {"grant": what.number, "offer": str(what.offer_id), "basis": what.basis}
            licensee = _licensee(what, evidence)
            return {**line, **said, "purpose": what.purpose, "licensee": licensee, "terms": what.policy_id}
        case "grant.revoked":
            return {**line, "grant": what.grant.number}
    return line


def _licensee(grant: Any, evidence: Evidence) -> str:
    """Return who holds a grant: everybody, or the commitment that stands for somebody on the ledger."""
    if grant.basis == Basis.STANDING:
        return "everybody"
    return licensing.licensee_commitment(evidence.documents[grant.intent_id])


def _delivery(delivery: Any, evidence: Evidence) -> dict[str, Any]:
    return {
        "at": timestamp(delivery.opened_at),
        "entry": _entry(delivery.intent_id, evidence),
        "id": str(delivery.pk),
        "grant": delivery.grant.number,
        "file": delivery.file.name,
        "bytes": delivery.file.byte_size,
        "sha256": delivery.file.sha256,
    }


def _sales(evidence: Evidence) -> dict[str, Any]:
    paid = [line for line in evidence.lines if line.order_id in evidence.sold_at and line.price_minor_units]
    gross = _sums(line.price for line in paid)
    back = _sums(refund.amount for refund in evidence.refunds if _is_back(refund, evidence.at))
    owed = _sums(refund.amount for refund in evidence.refunds)
    lines = Counter(line.currency for line in paid)
    return {
        "by_currency": [
            {
                "currency": currency,
                "lines": lines[currency],
                "gross_minor_units": gross[currency],
                "refunded_minor_units": back[currency],
                "refund_under_way_minor_units": owed[currency] - back[currency],
            }
            for currency in sorted(gross)
        ],
        "refunds": [
            {
                "refund": str(refund.pk),
                "requested_at": timestamp(refund.requested_at),
                "settled_at": timestamp(refund.settled_at) if _is_back(refund, evidence.at) else None,
                "amount_minor_units": refund.amount_minor_units,
                "currency": refund.currency,
                "reason": refund.reason,
            }
            for refund in evidence.refunds
        ],
    }


def _sums(amounts: Iterable[Any]) -> Counter[str]:
    found: Counter[str] = Counter()
    for amount in amounts:
        found[amount.currency] += amount.amount_minor_units
    return found


def _is_back(refund: Any, at: datetime) -> bool:
    return refund.settled_at is not None and refund.settled_at <= at


def _entry(intent_id: int | None, evidence: Evidence) -> int | str | None:
    return None if intent_id is None else evidence.numbers.get(intent_id, "pending")


def _number(each: AssetThen, version_id: Any) -> int:
    return next(version.number for version in each.versions if version.pk == version_id)
