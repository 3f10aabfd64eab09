"""The licence picker: from a purpose to a price and to what one may, must and may not do, or why not."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from uuid import UUID

from django.urls import reverse
from django.utils.translation import get_language
from django.utils.translation import gettext as _

from licensing.domain.decision import explain
from licensing.domain.money import CURRENCIES, Money
from licensing.domain.terms import PURPOSES, Sentence, Terms, sentences
from marketplace.domain.purposes import INSTITUTION_KINDS, Choice, Offered, choose
from marketplace.models import Listing
from marketplace.templatetags.shown import money
from marketplace.views.cards import address, territory
from marketplace.views.parts import Link


@dataclass(frozen=True)
class Purpose:
    """One line of the picker."""

    word: str
    hint: str
    price: str
    url: str
    chosen: bool


@dataclass(frozen=True)
class Refusal:
    """Why a purpose cannot be had here, and what would change the answer."""

    title: str
    lines: list[str]


@dataclass(frozen=True)
class Picker:
    """The whole panel."""

    purposes: list[Purpose]
    audiences: list[Link]
    purpose: str
    audience: str
    listing_id: UUID
    offer_id: UUID | None = None
    sentences: list[Sentence] = field(default_factory=list)
    scope: str = ""
    price: str = ""
    terms_url: str = ""
    refusal: Refusal | None = None
    is_free_to_all: bool = False
    asks_institution: bool = False
    addable: bool = False
    notes: list[str] = field(default_factory=list)


def language() -> str:
    """Return the language of terms on this page."""
    return "zh-Hans" if (get_language() or "").startswith("zh") else "en"


def pick(
    listing: Listing, offers: Sequence[Offered], *, purpose: str, audience: str, is_edition: bool
) -> Picker:
    """Return the picker of a listing with a purpose chosen."""
    audience = audience if audience in INSTITUTION_KINDS else ""
    choices = {each: choose(offers, purpose=each, audience=audience or None) for each in PURPOSES}
    purpose = purpose if purpose in PURPOSES else default_purpose(choices)
    choice = choices[purpose]
    url = address(listing)
    shown = {
        "purposes": [purpose_line(url, each, choices[each], audience, each == purpose) for each in PURPOSES],
        "audiences": audiences(url, offers, purpose, audience),
        "purpose": purpose,
        "audience": audience,
        "listing_id": listing.pk,
    }
    offered = choice.offer
    if offered is None:
        return Picker(**shown, refusal=refusal(choice))
    return Picker(
        **shown,
        offer_id=offered.offer_id,
        sentences=sentences(offered.terms, language()),
        scope=scope(offered.terms),
        price=price(offered.price),
        terms_url=reverse("listing-tab", args=[listing.shop.slug, listing.slug, "licences"]),
        refusal=exclusive_refusal() if offered.terms.exclusive else None,
        is_free_to_all=not offered.price and not offered.terms.audience,
        asks_institution=bool(offered.terms.audience),
        addable=not offered.terms.exclusive,
        notes=notes(listing, offered, is_edition),
    )


def default_purpose(choices: dict[str, Choice]) -> str:
    """Return the purpose shown first: publishing where it is offered, else the first that is."""
    offered = [purpose for purpose, choice in choices.items() if choice.offer]
    return "publish" if "publish" in offered else (offered or ["study_teach"])[0]


def price(amount: Money) -> str:
    """Return a price, where nothing is free."""
    return money(amount) if amount else _("Free")


def purpose_word(purpose: str) -> tuple[str, str]:
    """Return the name of a purpose and what it covers."""
    words = {
        "study_teach": (_("Read and teach"), _("own study, class, thesis")),
        "publish": (_("Publish"), _("books, press, web, broadcast")),
        "product": (_("Make a product"), _("games, film, goods; with adaptation")),
        "train_model": (_("Train a model"), _("named as a use, generative models too")),
        "other": (_("Something else"), _("reading and keeping; more as the terms say")),
    }
    return words[purpose]


def purpose_line(url: str, purpose: str, choice: Choice, audience: str, chosen: bool) -> Purpose:
    """Return one line of the picker; its address chooses it."""
    word, hint = purpose_word(purpose)
    if choice.offer:
        said = price(choice.offer.price)
        if choice.offer.terms.exclusive:
            hint = _("exclusive: shown, not sold yet")
    elif choice.asks_institution and choice.nearest:
        said, hint = price(choice.nearest.price), _("for schools and public culture only")
    else:
        said, hint = _("not offered"), _("withheld by the terms")
    query = f"?purpose={purpose}" + (f"&as={audience}" if audience else "") + "#licence"
    return Purpose(word, hint, said, url + query, chosen)


def audiences(url: str, offers: Sequence[Offered], purpose: str, audience: str) -> list[Link]:
    """Return as whom one can ask, where some offer is for an audience."""
    kinds = [kind for kind in INSTITUTION_KINDS if any(kind in offer.terms.audience for offer in offers)]
    if not kinds:
        return []
    words = {"": _("Anybody"), "education": _("A school"), "public_culture": _("Public culture")}
    return [
        Link(
            words[kind],
            f"{url}?purpose={purpose}" + (f"&as={kind}" if kind else "") + "#licence",
            kind == audience,
        )
        for kind in ("", *kinds)
    ]


def scope(terms: Terms) -> str:
    """Say where, for whom and how long, in short sentences."""
    said = [
        _("Only in %(places)s.") % {"places": territory(terms.territory)}
        if terms.territory
        else _("Worldwide."),
        _("Any number of copies, for one licensee."),
    ]
    if terms.updates_days:
        said.append(
            _("Updates and support for %(days)s days; your copies stay yours.") % {"days": terms.updates_days}
        )
    else:
        said.append(_("For good; no updates promised."))
    return ("" if language() == "zh-Hans" else " ").join(said)


def refusal(choice: Choice) -> Refusal:
    """Say why no offer fits, clause by clause, and what would change the answer."""
    if choice.nearest is None:
        return Refusal(_("Nothing is offered here now"), [_("No offer of this dataset is open.")])
    lines = []
    for reason in choice.reasons:
        text = explain(reason, choice.nearest.terms, language())
        lines.append(
            _("Clause %(clause)s: %(text)s") % {"clause": reason.clause, "text": text}
            if reason.clause
            else text
        )
    if choice.asks_institution:
        title = _("For schools and public cultural institutions")
        lines.append(_("Choose above as whom you ask; the institution's name goes into the grant."))
    else:
        title = _("The terms do not allow this")
        lines.append(_("Choose another purpose, or ask the licensor for other terms."))
    return Refusal(title, list(dict.fromkeys(lines)))


def exclusive_refusal() -> Refusal:
    """Say why an exclusive offer is not sold."""
    return Refusal(
        _("Exclusive: shown, not sold"),
        [
            _(
                "An exclusive licence may be sold only while nobody else holds an overlapping one. The exchange "
                "does not yet keep such reservations, so it does not sell what it could not keep."
            )
        ],
    )


def notes(listing: Listing, offered: Offered, is_edition: bool) -> list[str]:
    """Return why the price is what it is."""
    said = []
    if listing.asset.public_interest:
        said.append(
            _(
                "Public cultural resources are open by law: nobody may charge for them or lock them; "
                "the database refuses it."
            )
        )
    elif is_edition and offered.price:
        said.append(
            _("The material belongs to the public: you pay for preparation and updates, not for permission.")
        )
    if offered.price.is_below_minimum:
        least = Money(CURRENCIES[offered.price.currency].provider_minimum, offered.price.currency)
        said.append(
            _(
                "This is less than a payment provider charges at least: it sells only in a cart of %(least)s or more."
            )
            % {"least": money(least)}
        )
    return said
