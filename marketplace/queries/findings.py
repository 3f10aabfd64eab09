"""The audit's rules checked against what was on record: each returns how many it looked at and what breaks it.

The words of the rules stand in `marketplace.domain.audit`; here is one function for each, in the same order.
"""

from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from datetime import timedelta
from typing import Any

from ledger.domain.entry import timestamp
from licensing import queries as licensing
from licensing.domain.files import files_sha256
from licensing.domain.parties import Basis, EndReason
from licensing.queries import Fact
from marketplace.domain import audit
from marketplace.gateways import storage
from marketplace.queries.evidence import AssetThen, Evidence
from settlement import queries as settlement

MOST_BYTES_HASHED = 2**30
PAID_AND_WAITING = timedelta(seconds=60)
Against = list[dict[str, Any]]


def findings(evidence: Evidence, *, size: int) -> tuple[list[dict[str, Any]], dict[Any, bool]]:
    """Return the finding of every rule under a checkpoint's size, and file id to whether its bytes are as published.

    Files beyond the first gigabyte, newest versions first, are not in the latter: nobody hashed them.
    """
    hashed = hash_files(evidence)
    checks: list[Callable[[Evidence], tuple[int, Against]]] = [
        public_stays_free,
        public_has_standing_grant,
        edition_rests_on_public_sources,
        edition_keeps_a_free_path,
        free_order_has_no_payment,
        exclusive_stands_alone,
        grant_is_as_offered,
        paid_grant_has_a_paid_order,
        free_grant_has_a_free_offer,
        paid_is_granted_or_refunded,
        money_adds_up,
        delivery_was_permitted,
        lambda evidence: files_are_what_was_published(evidence, hashed),
        ledger_says_the_same,
        nothing_personal_on_the_ledger,
        lambda evidence: every_fact_has_its_entry(evidence, size),
    ]
    found = [audit.finding(rule, *check(evidence)) for rule, check in zip(audit.RULES, checks, strict=True)]
    return found, hashed


def public_stays_free(evidence: Evidence) -> tuple[int, Against]:
    offers = [offer for each in evidence.assets if each.is_public for offer in each.open_offers]
    fenced = [o for o in offers if not o.is_for_everybody or licensing.terms_of(o).territory]
    return len(offers), [_item("offer", o.pk, evidence, o.intent_id) for o in fenced]


def public_has_standing_grant(evidence: Evidence) -> tuple[int, Against]:
    public = [each for each in evidence.assets if each.is_public and each.current]
    return len(public), [_asset_item(each, evidence) for each in public if not each.has_standing_grant()]


def edition_rests_on_public_sources(evidence: Evidence) -> tuple[int, Against]:
    sources = {source.pk: source for each in evidence.assets for source in each.sources}.values()
    closed = [s for s in sources if not _was_free(s, evidence)]
    return len(sources), [_item("asset", s.ark_id, evidence, s.intent_id) for s in closed]


def edition_keeps_a_free_path(evidence: Evidence) -> tuple[int, Against]:
    editions = [each for each in evidence.assets if each.edition]
    return len(editions), [_asset_item(each, evidence) for each in editions if not _has_free_path(each)]


def free_order_has_no_payment(evidence: Evidence) -> tuple[int, Against]:
    free = {line.order_id for line in evidence.lines if line.order.is_free}
    return len(free), [_item("order", order) for order in settlement.paid_for_nothing(free)]


def exclusive_stands_alone(evidence: Evidence) -> tuple[int, Against]:
    against, looked_at = [], 0
    for each in evidence.assets:
        live = each.live_grants
        exclusive = [grant for grant in live if licensing.terms_of(grant).exclusive]
        looked_at += len(live)
        if exclusive and len(live) > 1:
            against += [_item("grant", grant.number, evidence, grant.intent_id) for grant in live]
    return looked_at, against


def grant_is_as_offered(evidence: Evidence) -> tuple[int, Against]:
    grants, against = _grants(evidence), []
    facts = [fact.what for each in evidence.assets for fact in each.facts if fact.kind == "offer.ended"]
    ends = {end.offer_id: end for end in facts}
    for grant in grants:
        offer, end = grant.offer, ends.get(grant.offer_id)
        late = end and end.reason != EndReason.SUPERSEDED and end.ended_at < grant.issued_at
        early = grant.issued_at < offer.published_at
        same = (grant.version_id, grant.policy_id) == (offer.version_id, offer.policy_id)
        if late or early or not same:
            against.append(_item("grant", grant.number, evidence, grant.intent_id))
    return len(grants), against


def paid_grant_has_a_paid_order(evidence: Evidence) -> tuple[int, Against]:
    paid = {line.grant_id for line in evidence.lines if line.order_id in evidence.sold_at}
    grants = [grant for grant in _grants(evidence) if grant.basis == Basis.PAID]
    unpaid = [grant for grant in grants if grant.pk not in paid]
    return len(grants), [_item("grant", g.number, evidence, g.intent_id) for g in unpaid]


def free_grant_has_a_free_offer(evidence: Evidence) -> tuple[int, Against]:
    grants = [grant for grant in _grants(evidence) if grant.basis != Basis.PAID]
    priced = [grant for grant in grants if not grant.offer.is_free]
    return len(grants), [_item("grant", g.number, evidence, g.intent_id) for g in priced]


def paid_is_granted_or_refunded(evidence: Evidence) -> tuple[int, Against]:
    issued = {grant.pk for grant in _grants(evidence)}
    refunded = {refund.line_id for refund in evidence.refunds}
    paid = [
        line
        for line in evidence.lines
        if line.price_minor_units
        and line.order_id in evidence.sold_at
        and evidence.sold_at[line.order_id] <= evidence.at - PAID_AND_WAITING
    ]
    owed = [line for line in paid if line.grant_id not in issued and line.pk not in refunded]
    return len(paid), [_item("order-line", line.pk) for line in owed]


def money_adds_up(evidence: Evidence) -> tuple[int, Against]:
    against: Against = []
    refunded: Counter[Any] = Counter()
    for refund in evidence.refunds:
        refunded[refund.line_id] += refund.amount_minor_units
    for line in evidence.lines:
        shared = sum(share.amount_minor_units for share in line.shares.all())
        if shared != line.price_minor_units or refunded[line.pk] > line.price_minor_units:
            against.append(_item("order-line", line.pk))
    orders = {line.order_id for line in evidence.lines}
    against += [_item("order", order) for order in settlement.out_of_balance(orders)]
    return len(evidence.lines), against


def delivery_was_permitted(evidence: Evidence) -> tuple[int, Against]:
    revoked = {grant: at for each in evidence.assets for grant, at in each.revoked.items()}
    against = []
    for delivery in evidence.deliveries:
        grant, at = delivery.grant, delivery.opened_at
        live = grant.issued_at <= at and not (grant.pk in revoked and revoked[grant.pk] <= at)
        opens = grant.version_id == delivery.file.version_id
        if not (delivery.decision.get("permit") and live and opens):
            against.append(_item("delivery", delivery.pk, evidence, delivery.intent_id))
    return len(evidence.deliveries), against


def files_are_what_was_published(evidence: Evidence, hashed: dict[Any, bool]) -> tuple[int, Against]:
    against = []
    for version, files in _versions(evidence):
        for file in files:
            if hashed.get(file.pk) is False:
                name = f"{version.asset.ark_id} v{version.number} {file.name}"
                against.append(_item("file", name, evidence, version.intent_id))
        if files_sha256(files) != version.files_sha256:
            against.append(_item("version", version.pk, evidence, version.intent_id))
    return len(hashed), against


def ledger_says_the_same(evidence: Evidence) -> tuple[int, Against]:
    against: Against = []
    facts = [fact for each in evidence.assets for fact in each.facts if fact.intent_id]
    for fact in facts:
        document = evidence.documents[fact.intent_id]
        if not _says(document, fact):
            against.append(_item(fact.kind, document["subject"], evidence, fact.intent_id))
    for delivery in evidence.deliveries:
        document = evidence.documents[delivery.intent_id]
        said = (document["id"], document["at"], document["refs"].get("grant"), document["body"].get("sha256"))
        file = delivery.file
        if said != (
            str(delivery.pk),
            timestamp(delivery.opened_at),
            delivery.grant.number,
            file.sha256,
        ):
            against.append(_item("delivery", delivery.pk, evidence, delivery.intent_id))
    return len(facts) + len(evidence.deliveries), against


def nothing_personal_on_the_ledger(evidence: Evidence) -> tuple[int, Against]:
    named = [grant for grant in _grants(evidence) if grant.basis != Basis.STANDING]
    against = []
    for grant in named:
        document = evidence.documents[grant.intent_id]
        if not licensing.licensee_commitment(document) or str(grant.licensee_id) in str(document):
            against.append(_item("grant", grant.number, evidence, grant.intent_id))
    return len(named), against


def every_fact_has_its_entry(evidence: Evidence, size: int) -> tuple[int, Against]:
    facts = [fact for each in evidence.assets for fact in each.facts]
    waiting = [
        _item(fact.kind, timestamp(fact.at), evidence, fact.intent_id)
        for fact in facts
        if not _covered(evidence, fact.intent_id, size)
    ]
    waiting += [
        _item("delivery", delivery.pk, evidence, delivery.intent_id)
        for delivery in evidence.deliveries
        if not _covered(evidence, delivery.intent_id, size)
    ]
    return len(facts) + len(evidence.deliveries), waiting


def hash_files(evidence: Evidence) -> dict[Any, bool]:
    """Hash the files anew, newest versions first, up to a gigabyte; return file id to whether they are as published."""
    found: dict[Any, bool] = {}
    left = MOST_BYTES_HASHED
    newest_first = sorted(_versions(evidence), key=lambda pair: pair[0].published_at, reverse=True)
    for _version, files in newest_first:
        for file in files:
            if file.byte_size <= left:
                left -= file.byte_size
                found[file.pk] = storage.digest(file.storage_key) == file.sha256
    return found


def _item(kind: str, key: Any, evidence: Evidence | None = None, intent: int | None = None) -> dict[str, Any]:
    return {
        "kind": kind,
        "id": str(key),
        "entry": evidence.numbers.get(intent or 0) if evidence else None,
    }


def _asset_item(each: AssetThen, evidence: Evidence) -> dict[str, Any]:
    return _item("asset", each.asset.ark_id, evidence, each.asset.intent_id)


def _grants(evidence: Evidence) -> list[Any]:
    return [grant for each in evidence.assets for grant in each.grants]


def _versions(evidence: Evidence) -> Iterator[tuple[Any, list[Any]]]:
    for each in evidence.assets:
        for version in each.versions:
            yield version, each.files[version.pk]


def _was_free(source: Any, evidence: Evidence) -> bool:
    since = source.public_interest_at if source.public_interest else None
    offers = licensing.offers_open_at(source.pk, evidence.at)
    return bool(since and since <= evidence.at) and any(
        offer.is_for_everybody and not licensing.terms_of(offer).territory for offer in offers
    )


def _has_free_path(each: AssetThen) -> bool:
    """Tell whether each priced offer stands beside a free one for everybody whom the edition promised it."""
    assert each.edition is not None
    promised = set(each.edition.free_for)

    def reaches(offer: Any) -> bool:
        to_all = not offer.audience or promised <= set(offer.audience)
        return offer.is_free and to_all and not offer.exclusive and not licensing.terms_of(offer).territory

    free = {offer.version_id for offer in each.open_offers if reaches(offer)}
    return all(offer.is_free or offer.version_id in free for offer in each.open_offers)


def _covered(evidence: Evidence, intent: int | None, size: int) -> bool:
    return intent is not None and evidence.numbers.get(intent, size) < size


def _says(document: dict[str, Any], fact: Fact) -> bool:
    """Tell whether a ledger entry says what the row beside it says."""
    if (document["kind"], document["at"]) != (fact.kind, timestamp(fact.at)):
        return False
    what: Any = fact.what
    refs, body = document["refs"], document["body"]
    said: Iterable[tuple[Any, Any]] = ()
    match fact.kind:
        case "asset.registered":
            said = [(document["id"], what.pk), (document["subject"], what.ark_id)]
        case "asset.public_interest":
            said = [(document["subject"], what.ark_id)]
        case "version.published":
            said = [(document["id"], what.pk), (body["files_sha256"], what.files_sha256)]
            said = [*said, (body["number"], what.number), (body["records"], what.record_count)]
        case "offer.published":
            said = [
                (document["id"], what.pk),
                (refs["policy"], what.policy_id),
                (refs["version"], what.version_id),
            ]
            said = [
                *said,
                (body["price_minor_units"], what.price_minor_units),
                (body["currency"], what.currency),
            ]
        case "offer.ended":
            said = [(refs["offer"], what.offer_id), (body["reason"], what.reason)]
        case "grant.issued":
            said = [
                (document["id"], what.pk),
                (document["subject"], what.number),
                (refs["offer"], what.offer_id),
            ]
            said = [*said, (refs["policy"], what.policy_id), (body["basis"], what.basis)]
        case "grant.revoked":
            said = [(refs["grant"], what.grant_id), (document["subject"], what.grant.number)]
    return all(str(logged) == str(held) for logged, held in said)
