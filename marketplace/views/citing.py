"""A dataset for machines and bibliographies: JSON-LD (schema.org with Croissant's terms), Link header, citations."""

import json
from typing import Any

from django.utils.safestring import SafeString, mark_safe
from django.utils.translation import gettext as _

from ledger.clock import now
from marketplace.models import Listing
from marketplace.queries.catalogue import Card
from marketplace.templatetags.shown import plain
from marketplace.views.cards import absolute, address
from marketplace.views.parts import Fact

CROISSANT = "http://mlcommons.org/croissant/1.0"


def identifier_url(shown: Listing) -> str:
    """Return the address at which the identifier resolves."""
    return absolute(f"/id/{shown.asset.ark_id}")


def json_ld(shown: Listing, files: list, row: Card) -> SafeString:
    """Return the dataset as JSON-LD, safe inside a script element."""
    document = {
        "@context": {
            "@vocab": "https://schema.org/",
            "cr": "http://mlcommons.org/croissant/",
            "sha256": "cr:sha256",
            "conformsTo": "http://purl.org/dc/terms/conformsTo",
        },
        "@type": "Dataset",
        "@id": identifier_url(shown),
        "conformsTo": CROISSANT,
        "identifier": shown.asset.ark_id,
        "name": [{"@value": text, "@language": lang} for lang, text in shown.title.items()],
        "description": [{"@value": text, "@language": lang} for lang, text in shown.summary.items()],
        "url": absolute(address(shown)),
        "license": shown.rights_uri,
        "creditText": shown.version.attribution,
        "version": str(shown.version.number),
        "datePublished": shown.version.published_at.date().isoformat(),
        "inLanguage": shown.languages,
        "isAccessibleForFree": row.is_free,
        "publisher": {"@type": "Organization", "name": plain(shown.shop.name)},
        "keywords": shown.subject_classes,
        "distribution": [distribution(file) for file in files[:40]],
    }
    text = json.dumps(document, ensure_ascii=False, separators=(",", ":")).replace("<", "\\u003c")
    return mark_safe(f'<script type="application/ld+json">{text}</script>')


def distribution(file: Any) -> dict[str, Any]:
    """Return one file as schema.org's DataDownload and Croissant's FileObject."""
    return {
        "@type": ["DataDownload", "cr:FileObject"],
        "name": file.name,
        "encodingFormat": file.media_type,
        "contentSize": f"{file.byte_size} B",
        "sha256": file.sha256,
    }


def link_header(shown: Listing) -> str:
    """Return the Link header: how to cite it, its licence, and what describes it (RFC 8288)."""
    api = absolute(f"/api/v1/listings/{shown.pk}/")
    return ", ".join(
        [
            f'<{identifier_url(shown)}>; rel="cite-as"',
            f'<{shown.rights_uri}>; rel="license"',
            f'<{api}>; rel="describedby"; type="application/json"',
        ]
    )


def citations(shown: Listing) -> list[Fact]:
    """Return the dataset as a reference in three styles."""
    shop, title, year = plain(shown.shop.name), plain(shown.title), shown.version.published_at.year
    url, version, today = identifier_url(shown), shown.version.number, now().date().isoformat()
    key = shown.slug.replace("-", "_")
    bibtex = (
        f"@misc{{{key}_{version},\n  author = {{{{{shop}}}}},\n  title = {{{{{title}}}}},\n  year = {{{year}}},\n"
        f"  version = {{{version}}},\n  url = {{{url}}},\n  note = {{{shown.asset.ark_id}}}\n}}"
    )
    return [
        Fact(
            "GB/T 7714",
            f"{shop}. {title}: {_('version %(number)s') % {'number': version}}[DS/OL]. ({year})[{today}]. {url}.",
        ),
        Fact("APA", f"{shop} ({year}). {title} (Version {version}) [Data set]. Wenshi. {url}"),
        Fact("BibTeX", bibtex),
    ]
