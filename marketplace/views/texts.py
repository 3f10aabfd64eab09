"""The words of help and about pages."""

from dataclasses import dataclass, field

from django.conf import settings
from django.urls import reverse
from django.utils.translation import get_language
from django.utils.translation import gettext as _

from licensing.domain.terms import Sentence, Template, Terms, sentences
from licensing.domain.vocabulary import TEMPLATE_NAMES, pick
from marketplace.views.parts import Link


@dataclass(frozen=True)
class Part:
    """One section of a page of words."""

    heading: str = ""
    texts: list[str] = field(default_factory=list)
    items: list[str] = field(default_factory=list)
    code: str = ""
    links: list[Link] = field(default_factory=list)


@dataclass(frozen=True)
class Words:
    """A page of words."""

    section: str
    title: str
    parts: list[Part]


@dataclass(frozen=True)
class LicenceTemplate:
    """One term template with its clauses."""

    code: str
    name: str
    sha256: str
    sentences: list[Sentence]


def help_topics() -> dict[str, Words]:
    """Return the help, by topic."""
    section = _("Help")
    return {
        "start": Words(
            section,
            _("Help"),
            [
                Part(
                    "",
                    [
                        _(
                            "Wenshi is a place where museums, libraries, troupes and persons put cultural data on "
                            "show under clear terms. You say what you want it for, and see what you may, must and "
                            "may not do, and the price."
                        )
                    ],
                ),
                Part(
                    _("To use data"),
                    items=[
                        _("Search, open a dataset and choose a purpose on its page."),
                        _("What is free for everybody is downloaded at once, with no account."),
                        _(
                            "What is free for schools and public cultural institutions asks for the institution's name."
                        ),
                        _(
                            "What has a price goes through the cart; after the payment the files are in your library."
                        ),
                        _("Every grant has a certificate that anybody can verify."),
                    ],
                ),
                Part(
                    _("More"),
                    links=[
                        Link(_("Open a shop"), reverse("help", args=["sell"])),
                        Link(_("Verify"), reverse("help", args=["verify"])),
                        Link(_("Object to a listing"), reverse("help", args=["claim"])),
                        Link(_("Contact"), reverse("help", args=["contact"])),
                        Link(_("The interface for programs"), "/api/docs/"),
                    ],
                ),
            ],
        ),
        "contact": Words(
            section,
            _("Contact"),
            [
                Part(
                    "",
                    [
                        _(
                            "This is a demonstration: its sellers are invented, and there is no desk behind it that "
                            "answers. Whoever runs this software writes their address here."
                        )
                    ],
                )
            ],
        ),
        "report": Words(
            section,
            _("Report a problem"),
            [
                Part(
                    "",
                    [
                        _(
                            "Every error page shows a reference number. Name it, the address of the page and what you "
                            "were doing; with these three we find the line in our records."
                        )
                    ],
                ),
                Part(
                    _("A listing looks wrong"),
                    [
                        _(
                            "If a record, a licence or a credit line is wrong, name the dataset by its identifier."
                        )
                    ],
                    links=[Link(_("Object to a listing"), reverse("help", args=["claim"]))],
                ),
            ],
        ),
        "sell": Words(
            section,
            _("How a shop opens"),
            [
                Part(
                    "",
                    [
                        _(
                            "A shop and its datasets come in as a catalogue: one JSON file beside the files it "
                            "describes. Each dataset is taken in whole or refused with the field and the reason; "
                            "nothing is left half done."
                        )
                    ],
                    code="python3 manage.py import_catalogue catalogue.json --files FOLDER",
                ),
                Part(
                    _("What is asked of each dataset"),
                    items=[
                        _("titles and descriptions in Chinese and English"),
                        _("the rights statement of the material and the credit line it asks for"),
                        _("what may be done with it, for whom and where, and the price"),
                        _(
                            "whether it belongs to the public: then it is free, for good, and the database holds to it"
                        ),
                    ],
                ),
            ],
        ),
        "claim": Words(
            section,
            _("Object to a listing"),
            [
                Part(
                    "",
                    [
                        _(
                            "Claims, public notice and objections are not yet part of this exchange. What is on the "
                            "ledger today is what was registered, offered, granted and delivered; that somebody holds "
                            "the right was stated by the shop and not examined."
                        ),
                        _("Write to the exchange with the dataset's identifier and what shows your right."),
                    ],
                    links=[Link(_("Contact"), reverse("help", args=["contact"]))],
                )
            ],
        ),
        "request": Words(
            section,
            _("Ask for data"),
            [
                Part(
                    "",
                    [
                        _(
                            "There is no demand board yet. Look at the shops that hold similar things and write to "
                            "them; a request names the thing, the use and the date by which you need it."
                        )
                    ],
                    links=[Link(_("Shops"), reverse("shops"))],
                )
            ],
        ),
        "verify": Words(
            section,
            _("How to verify without us"),
            [
                Part(
                    "",
                    [
                        _(
                            "A report holds entries of the ledger, their proofs and a signed checkpoint. One file of "
                            "Python checks it with the network off; it needs nothing of ours but the public key."
                        )
                    ],
                    code="python ledger/verifier.py report/ --policy policy.txt",
                ),
                Part(
                    _("What is checked"),
                    items=[
                        _("each entry's bytes hash to its leaf hash"),
                        _("the path from the leaf hash ends in the signed root (RFC 6962)"),
                        _("the checkpoint is signed with the log's key (Ed25519)"),
                        _("each file of the report has the digest that the report names"),
                    ],
                ),
                Part(
                    _("Where the key comes from"),
                    code="python3 manage.py ledger_policy --out policy.txt\n"
                    "python3 manage.py audit_report --asset ARK --at 2026-11-23 --out report/",
                    links=[
                        Link(_("Offline verifier, one file"), reverse("verifier")),
                        Link(_("Policy: the keys to trust"), reverse("tlog-policy")),
                    ],
                ),
            ],
        ),
    }


def about_topics() -> dict[str, Words]:
    """Return the pages about the house, by topic."""
    section = _("About")
    return {
        "accessibility": Words(
            section,
            _("Accessibility statement"),
            [
                Part(
                    "",
                    [
                        _("These pages are made to meet WCAG 2.2 at level AA."),
                        _(
                            "Everything works with the keyboard and without JavaScript; text can be enlarged to 200 %; "
                            "colours follow the device or your choice at the foot of the page, and their contrast is "
                            "measured by a test."
                        ),
                    ],
                ),
                Part(
                    _("What is known to be missing"),
                    items=[
                        _("recordings have no transcripts yet"),
                        _("pictures are described by their title, maker and date only"),
                    ],
                ),
                Part(
                    "",
                    [_("Tell us what does not work for you.")],
                    links=[Link(_("Report a problem"), reverse("help", args=["report"]))],
                ),
            ],
        ),
        "source": Words(
            section,
            _("Source and version"),
            [
                Part(
                    "",
                    [
                        _("Wenshi is free software under the Apache License 2.0."),
                        _(
                            "The offline verifier is one file of the source, ledger/verifier.py; "
                            "it imports nothing else of ours."
                        ),
                    ],
                ),
                Part(
                    _("Works of others"),
                    items=[
                        _(
                            "Django, Django REST Framework, Celery, PostgreSQL "
                            "and the packages named in requirements.txt"
                        ),
                        _(
                            "htmx (0BSD), Lucide icons (ISC), Source Serif, Noto Serif SC and IBM Plex Mono (OFL 1.1)"
                        ),
                        _("the glyphs of the seals are drawn from Noto Serif CJK SC (OFL 1.1)"),
                    ],
                ),
            ],
        ),
        "figures": Words(
            section,
            _("How each figure is counted"),
            [
                Part(
                    "",
                    [
                        _(
                            "All figures are counted at the moment the page is made, from the tables named here."
                        )
                    ],
                    items=[
                        _("Ledger entries: how many entries have a number; the first is number 0."),
                        _(
                            "Datasets on show: listings that are listed. "
                            "Free: those with an open offer of price 0 to everybody."
                        ),
                        _(
                            "Records: the sum of the record counts of the listings on show; "
                            "a whole and its selections both count."
                        ),
                        _("Grants issued: named grants; the standing grants to everybody are left out."),
                    ],
                    code="python3 manage.py dbshell",
                )
            ],
        ),
        "status": Words(
            section,
            _("Status"),
            [
                Part(
                    "",
                    [
                        _("Test mode: payments go to a sandbox and no real money moves.")
                        if settings.STRIPE_TEST_MODE
                        else _("Payments are real."),
                        _("These addresses answer for programs whether the house is open and ready:"),
                    ],
                    links=[Link("/healthz", "/healthz"), Link("/readyz", "/readyz")],
                )
            ],
        ),
    }


def problem(kind: str) -> Words:
    """Return the page of one error type of the API."""
    return Words(
        _("Error types of the API"),
        kind,
        [
            Part(
                "",
                [
                    _(
                        "The API answers errors as problem details (RFC 9457): type is this page's address, title and "
                        "detail say what happened in the language you asked for, errors names the fields, and "
                        "instance carries the reference number to quote."
                    )
                ],
                links=[Link(_("The interface for programs"), "/api/docs/")],
            )
        ],
    )


def licence_templates() -> list[LicenceTemplate]:
    """Return the term templates with the clauses they have before anything is withheld."""
    language = "zh-Hans" if (get_language() or "").startswith("zh") else "en"
    limits = {Template.RESEARCH_EDUCATION: {"audience": ("education", "public_culture")}}
    found = []
    for template in Template:
        terms = Terms.of(template, **limits.get(template, {}))
        name = pick(TEMPLATE_NAMES[template], language)
        found.append(LicenceTemplate(template, name, terms.sha256, sentences(terms, language)))
    return found
