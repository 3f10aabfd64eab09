"""Things that tests need before they can begin, made by the same actions as in the house."""

import hashlib
import itertools
from datetime import UTC, datetime

from licensing.actions import assets, grants, offers, parties, shares
from licensing.domain.files import FileSpec
from licensing.domain.money import Money
from licensing.domain.parties import PLATFORM_PARTY_ID
from licensing.domain.terms import Template, Terms

NOW = datetime(2026, 11, 23, 12, tzinfo=UTC)
OPEN = Terms.of(Template.PUBLIC_ACCESS, duties=("attribute",))
COMMERCIAL = Terms.of(Template.COMMERCIAL_DEVELOPMENT, duties=("attribute",))
FOR_EDUCATION = Terms.of(Template.RESEARCH_EDUCATION, audience=("education", "public_culture"))
ZERO = Money(0, "CNY")
PRICE = Money(9900, "CNY")
PLAN = {"zh-Hans": "学校免费使用。", "en": "Free for schools."}

_serial = itertools.count(1)


def party(name="Lin’an Library", kind="organisation", now=NOW):
    """Register a party."""
    return parties.register(kind=kind, name={"zh-Hans": "临安图书馆", "en": name}, region="CN", now=now)


def file(text="row\n", name="rows.csv", **source):
    """Describe a file of these bytes."""
    data = text.encode()
    digest = hashlib.sha256(data).hexdigest()
    return FileSpec(
        name=name,
        media_type="text/csv",
        byte_size=len(data),
        sha256=digest,
        storage_key=f"sha256/{digest}",
        source=source,
    )


def version(asset, *, files=(), number_text="", now=NOW):
    """Publish the next version of an asset; by default with one file that no other version has."""
    return assets.publish_version(
        asset_id=asset.pk,
        title={"zh-Hans": "诗选", "en": "Poems"},
        description={"zh-Hans": "一行一首。", "en": "One poem a row."},
        metadata={"languages": ["zh-Hans"]},
        rights_uri="https://creativecommons.org/publicdomain/zero/1.0/",
        attribution="",
        record_count=1,
        files=list(files) or [file(f"row {next(_serial)}\n")],
        source_digest=f"digest {next(_serial)}",
        now=now,
    )


def asset(licensor=None, *, public=False, files=(), published=True, now=NOW):
    """Register an asset with one published version and shares of 9 to 1 with the platform."""
    licensor = licensor or party(now=now)
    made = assets.register(licensor=licensor, form="table", external_id=f"data-{next(_serial)}", now=now)
    if published:
        version(made, files=files, now=now)
    shares.agree(asset_id=made.pk, weights=[(licensor.pk, 9), (PLATFORM_PARTY_ID, 1)], now=now)
    return assets.set_public_interest(asset_id=made.pk, now=now) if public else made


def offer(on=None, *, terms=COMMERCIAL, price=PRICE, supersedes=None, now=NOW):
    """Publish an offer on an asset's latest version; by default a priced one on a new asset."""
    on = on or asset(now=now)
    return offers.publish(
        asset_id=on.pk,
        version_id=on.versions.latest("number").pk,
        terms=terms,
        price=price,
        share_plan_id=on.share_plans.latest("number").pk,
        supersedes=supersedes and supersedes.pk,
        now=now,
    )


def free_offer(on=None, now=NOW):
    """Publish a free offer to everybody, with its standing grant."""
    return offer(on, terms=OPEN, price=ZERO, now=now)


def edition(*sources, now=NOW):
    """Register an edition of public assets, not yet offered."""
    made = asset(now=now)
    assets.declare_edition(
        asset_id=made.pk,
        sources=[each.pk for each in sources or [asset(public=True, now=now)]],
        adds=PLAN,
        benefit_plan=PLAN,
        free_for=("education", "public_culture"),
        now=now,
    )
    return made


def grant(on=None, *, licensee=None, reference=None, now=NOW):
    """Grant an offer to a person who says little; by default a priced one."""
    on = on or offer(now=now)
    return grants.issue(
        offer_id=on.pk,
        licensee_id=(licensee or party("Li Hua", kind="person", now=now)).pk,
        basis="free" if on.is_free else "paid",
        purpose="study_teach",
        reference=reference or f"reference {next(_serial)}",
        detail={"licensee_name": "Li Hua"},
        now=now,
    )
