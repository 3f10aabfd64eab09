"""The audit report of one asset: who could do what with it, from when to when, with the entries that prove it.

    report.json    the asset, its versions with files, offers, grants, deliveries, and each rule with its finding

Everything beside it is the ledger's own format. Nobody is named in it: licensees stand under commitments.
"""

import json
from datetime import datetime
from pathlib import Path
from typing import Any

from ledger import queries as ledger
from ledger.actions import reports
from ledger.domain.entry import timestamp
from licensing import queries as licensing
from licensing.domain.terms import sentences
from marketplace.gateways import storage
from marketplace.queries import library
from settlement import queries as settlement

MOST_DELIVERIES = 1000


def audit(*, name: str, out: Path, now: datetime) -> dict[str, Any]:
    """Write the report of an asset named by ARK, UUID or its licensor's id, and return its facts.

    Raises licensing's NotFound, and the ledger's CheckpointNotFound and ReportRefused.
    """
    asset = licensing.asset_named(name)
    history = licensing.asset_history(asset.pk)
    delivered = library.asset_deliveries(asset.pk)
    intents = [fact.intent_id for fact in history if fact.intent_id]
    intents += [delivery.intent_id for delivery in delivered[-MOST_DELIVERIES:]]
    numbers = ledger.numbers_of(intents)
    signed = ledger.checkpoint_at().size
    facts = _facts(asset, history, delivered, numbers, now)
    reports.write(
        out=out,
        entry_numbers=[number for number in numbers.values() if number < signed],
        attachments={"report.json": _json(facts)},
        now=now,
    )
    return facts


def _json(facts: dict[str, Any]) -> bytes:
    return (json.dumps(facts, ensure_ascii=False, indent=1, sort_keys=True) + "\n").encode()


def _facts(asset: Any, history: list[Any], delivered: list[Any], numbers: dict[int, int], now: datetime):
    return {
        "made_at": timestamp(now),
        "asset": {
            "ark": asset.ark_id,
            "id": str(asset.pk),
            "form": asset.form,
            "licensor": {"id": str(asset.licensor_id), "name": asset.licensor.name},
            "public_interest": asset.public_interest,
        },
        "edition": _edition(asset.pk),
        "versions": [_version(version) for version in licensing.versions(asset.pk)],
        "history": [_fact(fact, numbers) for fact in history],
        "terms": _terms(history),
        "deliveries": {
            "count": len(delivered),
            "requests": sum(delivery.count.requests for delivery in delivered),
            "entries": sorted(
                numbers[delivery.intent_id] for delivery in delivered if delivery.intent_id in numbers
            ),
        },
        "rules": _rules(asset, delivered),
    }


def _edition(asset_id: Any) -> dict[str, Any] | None:
    edition = licensing.edition_of(asset_id)
    if edition is None:
        return None
    sources = [licensing.asset(source).ark_id for source in licensing.edition_sources(asset_id)]
    said = {"adds": edition.adds, "benefit_plan": edition.benefit_plan, "free_for": edition.free_for}
    return {**said, "sources": sources}


def _version(version: Any) -> dict[str, Any]:
    return {
        "number": version.number,
        "title": version.title,
        "rights": version.rights_uri,
        "attribution": version.attribution,
        "records": version.record_count,
        "published_at": timestamp(version.published_at),
        "files_sha256": version.files_sha256,
        "files": [
            {"name": file.name, "bytes": file.byte_size, "sha256": file.sha256, "source": file.source}
            for file in licensing.files(version.pk)
        ],
    }


def _fact(fact: Any, numbers: dict[int, int]) -> dict[str, Any]:
    """Return one line of the history; `entry` is null while the ledger has not numbered it."""
    line = {"at": timestamp(fact.at), "kind": fact.kind, "entry": numbers.get(fact.intent_id or 0)}
    what = fact.what
    match fact.kind:
        case "version.published":
            line |= {"version": what.number}
        case "offer.published":
            price = {"amount_minor_units": what.price_minor_units, "currency": what.currency}
            line |= {"offer": str(what.pk), "price": price, "terms": what.policy_id}
        case "offer.ended":
            line |= {"offer": str(what.offer_id), "reason": what.reason}
        case "grant.issued":
            line |= {
                "grant": what.number,
                "basis": what.basis,
                "purpose": what.purpose,
                "terms": what.policy_id,
            }
        case "grant.revoked":
            line |= {"grant": what.grant.number, "reason": what.reason}
    return line


def _terms(history: list[Any]) -> dict[str, Any]:
    """Return the plain words of every terms that were ever offered, under their hash."""
    found = {}
    for fact in history:
        if fact.kind == "offer.published":
            terms = licensing.terms_of(fact.what)
            found[terms.sha256] = {
                language: [f"{each.clause}. {each.text}" for each in sentences(terms, language)]
                for language in ("zh-Hans", "en")
            }
    return found


def _rules(asset: Any, delivered: list[Any]) -> list[dict[str, Any]]:
    """Check what must always hold of an asset against the rows as they stand, one finding for each rule."""
    offers = licensing.open_offers(asset.pk)
    grants = list(licensing.grants_on(asset.pk))
    unpaid = [grant.number for grant in grants if grant.basis == "paid" and not _is_paid(grant)]
    not_free = [g.number for g in grants if g.basis != "paid" and g.offer.price_minor_units]
    undecided = [str(delivery.pk) for delivery in delivered if not delivery.decision.get("permit")]
    fenced = [str(offer.pk) for offer in offers if asset.public_interest and not offer.is_for_everybody]
    found = [
        _finding("public-stays-free", fenced),
        _finding("public-has-standing-grant", _without_standing(asset)),
        _finding("edition-rests-on-public-sources", _closed_sources(asset)),
        _finding("paid-grant-has-a-paid-order", unpaid),
        _finding("free-grant-has-a-free-offer", not_free),
        _finding("every-delivery-was-permitted", undecided),
        _finding("files-are-what-was-published", _damaged_files(asset)),
    ]
    return found


def _finding(rule: str, against: list[str]) -> dict[str, Any]:
    return {"rule": rule, "holds": not against, "against": against}


def _is_paid(grant: Any) -> bool:
    line = settlement.line_of_grant(grant.pk)
    payment = settlement.payment_of(line.order_id) if line else None
    return bool(payment and payment.state == "succeeded")


def _without_standing(asset: Any) -> list[str]:
    version = licensing.latest_version(asset.pk)
    needs = asset.public_interest and version is not None
    return [asset.ark_id] if needs and licensing.standing_grant(version.pk) is None else []


def _closed_sources(asset: Any) -> list[str]:
    sources = [licensing.asset(source) for source in licensing.edition_sources(asset.pk)]
    return [
        source.ark_id
        for source in sources
        if not (source.public_interest and licensing.free_offers(source.pk))
    ]


def _damaged_files(asset: Any) -> list[str]:
    """Hash the current version's files anew."""
    version = licensing.latest_version(asset.pk)
    files = licensing.files(version.pk) if version else []
    return [file.name for file in files if storage.digest(file.storage_key) != file.sha256]
