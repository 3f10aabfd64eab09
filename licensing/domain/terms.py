"""Terms: what an offer allows, asks and forbids, as data that is addressed by the hash of its bytes.

    {"v": 1, "template": …, "uses": […], "duties": […], "prohibitions": […], "territory": […],
     "audience": […], "exclusive": false, "updates_days": 365}

In RFC 8785's spelling, lists sorted and without repetition. A use that is not named is withheld.
Left out so far: media, sector, time, counts and seats.
"""

from collections.abc import Iterable
from dataclasses import dataclass, field
from enum import StrEnum
from functools import cached_property, lru_cache
from hashlib import sha256
from typing import Any

from ledger.domain import canonical
from ledger.errors import NotCanonical
from licensing.domain import vocabulary
from licensing.domain.vocabulary import PURPOSES, USES, Action, pick
from licensing.errors import TermsRefused

__all__ = ["PURPOSES", "USES", "Action", "Clause", "Sentence", "Template", "Terms", "actions_of", "clauses"]
__all__ += ["prohibitions_of", "sentences"]

VERSION = 1
MAX_UPDATES_DAYS = 36_500


class Template(StrEnum):
    """The three menus that terms are made from."""

    PUBLIC_ACCESS = "public_access"
    RESEARCH_EDUCATION = "research_education"
    COMMERCIAL_DEVELOPMENT = "commercial_development"


_READING = USES["read"] | USES["analyse"] | USES["adapt"]
_EVERYTHING = frozenset(Action) - {Action.GRANT_USE}

# What each template allows before anything is withheld.
TEMPLATE_USES = {
    Template.PUBLIC_ACCESS: _EVERYTHING,
    Template.RESEARCH_EDUCATION: _READING,
    Template.COMMERCIAL_DEVELOPMENT: _EVERYTHING,
}


@dataclass(frozen=True)
class Terms:
    """One set of terms. No territory is the whole world, no audience is everybody. Raises TermsRefused."""

    template: Template
    uses: frozenset[Action]
    duties: tuple[str, ...] = ()
    prohibitions: tuple[str, ...] = ()
    territory: tuple[str, ...] = ()
    audience: tuple[str, ...] = ()
    exclusive: bool = False
    updates_days: int | None = None

    def __post_init__(self) -> None:
        _check_words(self)
        set_ = object.__setattr__
        set_(self, "template", Template(self.template))
        set_(self, "uses", frozenset(Action(use) for use in self.uses))
        for name in ("duties", "prohibitions", "territory", "audience"):
            set_(self, name, tuple(sorted(set(getattr(self, name)))))
        _check_sense(self)

    @classmethod
    def of(cls, template: Template, *, withheld: Iterable[Action] = (), **limits: Any) -> "Terms":
        """Return a template's terms without the uses that are withheld."""
        return cls(template=template, uses=TEMPLATE_USES[template] - frozenset(withheld), **limits)

    def canonical(self) -> bytes:
        """Return the bytes that stand for these terms everywhere."""
        return self._canonical

    @property
    def sha256(self) -> str:
        """Return the address of these terms."""
        return self._sha256

    @cached_property
    def _canonical(self) -> bytes:
        return canonical.log_bytes(
            {
                "v": VERSION,
                "template": str(self.template),
                "uses": sorted(str(use) for use in self.uses),
                "duties": list(self.duties),
                "prohibitions": list(self.prohibitions),
                "territory": list(self.territory),
                "audience": list(self.audience),
                "exclusive": self.exclusive,
                "updates_days": self.updates_days,
            }
        )

    @cached_property
    def _sha256(self) -> str:
        return sha256(self._canonical).hexdigest()

    @classmethod
    def from_canonical(cls, data: bytes) -> "Terms":
        """Read terms back from their bytes. Raises TermsRefused unless they are those of `canonical`."""
        try:
            value = canonical.decode(bytes(data))
        except NotCanonical as error:
            raise TermsRefused("canonical", error.reason) from error
        if not isinstance(value, dict) or value.pop("v", None) != VERSION:
            raise TermsRefused("v", f"only version {VERSION} is understood")
        try:
            terms = cls(**value)
        except TypeError as error:
            raise TermsRefused("canonical", str(error)) from error
        if terms.canonical() != data:
            raise TermsRefused("canonical", "not the one spelling of these terms")
        return terms


@dataclass(frozen=True, slots=True)
class Clause:
    """One numbered rule of the terms: what it decides, for which actions, and its words in both languages."""

    number: str
    kind: str  # may | must | may_not
    rule: str
    words: tuple[str, str]
    phrases: tuple[str, str]
    actions: frozenset[Action] = field(default_factory=frozenset)


@dataclass(frozen=True, slots=True)
class Sentence:
    """A clause in one language: `text` is the whole sentence, `phrase` the part behind the modal verb."""

    clause: str
    kind: str
    text: str
    phrase: str
    rule: str


def actions_of(words: Iterable[str]) -> frozenset[Action]:
    """Return the actions of the catalogue's words, which may also be actions. Raises TermsRefused."""
    found: set[Action] = set()
    for word in words:
        if word in USES:
            found |= USES[word]
        elif word in Action.__members__.values():
            found.add(Action(word))
        else:
            raise TermsRefused("uses", f"unknown use {word!r}")
    return frozenset(found)


def prohibitions_of(words: Iterable[str]) -> tuple[str, ...]:
    """Return the catalogue's prohibitions, each of its use words turned into actions. Raises TermsRefused."""
    found: set[str] = set()
    for word in words:
        found |= {word} if word in vocabulary.PROHIBITION_PHRASES else actions_of([word])
    return tuple(sorted(found))


def sentences(terms: Terms, language: str) -> list[Sentence]:
    """Return the terms in plain words, one numbered sentence for each rule."""
    return [
        Sentence(each.number, each.kind, pick(each.words, language), pick(each.phrases, language), each.rule)
        for each in clauses(terms)
    ]


@lru_cache(maxsize=1024)
def clauses(terms: Terms) -> tuple[Clause, ...]:
    """Return the rules in the order of their numbers: what may be done, what must, what may not."""
    drafts = [*_permissions(terms), *_scope(terms), *_duties(terms), *_refusals(terms)]
    return tuple(Clause(str(number), *draft) for number, draft in enumerate(drafts, start=1))


Draft = tuple[str, str, tuple[str, str], tuple[str, str], frozenset[Action]]
_NOTHING: frozenset[Action] = frozenset()


def _permissions(terms: Terms) -> Iterable[Draft]:
    for rule, phrases, actions in _grouped(terms.uses):
        yield _modal("may", rule, phrases, actions)


def _refusals(terms: Terms) -> Iterable[Draft]:
    for rule, phrases, actions in _grouped(frozenset(Action) - terms.uses):
        yield _modal("may_not", rule, phrases, actions)
    for word in terms.prohibitions:
        if word in vocabulary.PROHIBITION_PHRASES:
            yield _modal("may_not", word, vocabulary.PROHIBITION_PHRASES[word])
    if terms.territory:
        chinese, english = (_listed(terms.territory, language) for language in ("zh", "en"))
        phrases = (f"在{chinese}以外使用", f"use it outside {english}")
        yield _modal("may_not", "territory", phrases)


def _duties(terms: Terms) -> Iterable[Draft]:
    if terms.audience:
        pairs = [vocabulary.AUDIENCES[word] for word in terms.audience]
        phrases = (
            f"属于{'或'.join(pair[0] for pair in pairs)}，并写明机构名称",
            f"belong to {' or '.join(pair[1] for pair in pairs)}, and name it",
        )
        yield _modal("must", "audience", phrases)
    for word in terms.duties:
        yield _modal("must", word, vocabulary.DUTY_PHRASES[word])


def _scope(terms: Terms) -> Iterable[Draft]:
    if not terms.territory:
        yield _modal("may", "worldwide", ("在世界各地使用", "use it anywhere in the world"))
    if terms.exclusive:
        words = (
            "本授权为独占授权：授权有效期间，授权方不再向他人授予同样的使用。",
            "This licence is exclusive: while it stands, the licensor gives nobody else the same uses.",
        )
        phrases = (
            "独占使用，授权方不再向他人授予同样的使用",
            "have these uses to yourself; the licensor gives them to nobody else",
        )
        yield "may", "exclusive", words, phrases, _NOTHING
    days = terms.updates_days
    kept = ("一直使用已交付的副本", "keep using delivered copies for good")
    if days is None:
        words = (
            "已交付的副本可以一直使用；不承诺更新与支持。",
            "You may keep using delivered copies for good; no updates or support are promised.",
        )
    else:
        words = (
            f"自交付起 {days} 天内提供更新与支持；已交付的副本可以一直使用，不受此期限影响。",
            f"Updates and support last {days} days from delivery; copies delivered stay usable for good.",
        )
        kept = (
            f"在 {days} 天内获得更新与支持，并一直使用已交付的副本",
            f"get updates and support for {days} days, and keep using delivered copies for good",
        )
    yield "may", "updates", words, kept, _NOTHING


_MODALS = {"may": ("可以", "You may "), "must": ("须", "You must "), "may_not": ("不得", "You may not ")}


def _modal(kind: str, rule: str, phrases: tuple[str, str], actions: frozenset[Action] = _NOTHING) -> Draft:
    chinese, english = _MODALS[kind]
    return kind, rule, (f"{chinese}{phrases[0]}。", f"{english}{phrases[1]}."), phrases, actions


def _grouped(actions: frozenset[Action]) -> Iterable[tuple[str, tuple[str, str], frozenset[Action]]]:
    """Return one rule for each word of the catalogue that is whole, and one for each other action."""
    rest = set(actions)
    for word, members in USES.items():
        if members <= actions:
            rest -= members
            yield f"use:{word}", vocabulary.USE_PHRASES[word], members
    for action in Action:
        if action in rest:
            yield action, vocabulary.ACTION_PHRASES[action], frozenset({action})


def _listed(territory: Iterable[str], language: str) -> str:
    names = [vocabulary.territory_name(code, language) for code in territory]
    if language == "zh":
        return "、".join(names)
    return names[0] if len(names) == 1 else f"{', '.join(names[:-1])} and {names[-1]}"


def _check_words(terms: Terms) -> None:
    known: dict[str, Any] = {
        "uses": set(Action),
        "duties": vocabulary.DUTY_PHRASES,
        "prohibitions": {*vocabulary.PROHIBITION_PHRASES, *Action},
        "audience": vocabulary.AUDIENCES,
    }
    if terms.template not in set(Template):
        raise TermsRefused("template", f"unknown template {terms.template!r}")
    for name, words in known.items():
        for word in _texts(terms, name):
            if word not in words:
                raise TermsRefused(name, f"unknown word {word!r}")
    for code in _texts(terms, "territory"):
        if not vocabulary.is_territory(code):
            raise TermsRefused("territory", f"not an ISO 3166 code: {code!r}")
    if type(terms.exclusive) is not bool:
        raise TermsRefused("exclusive", "must be true or false")
    days = terms.updates_days
    if days is not None and (type(days) is not int or not 0 < days <= MAX_UPDATES_DAYS):
        raise TermsRefused("updates_days", f"must be 1 to {MAX_UPDATES_DAYS}, or nothing")


def _texts(terms: Terms, name: str) -> list[str]:
    value = getattr(terms, name)
    if isinstance(value, str) or not isinstance(value, list | tuple | set | frozenset):
        raise TermsRefused(name, "must be a list")
    if not all(isinstance(each, str) for each in value):
        raise TermsRefused(name, "must be a list of words")
    return list(value)


def _check_sense(terms: Terms) -> None:
    if not terms.uses:
        raise TermsRefused("uses", "terms that allow nothing are no terms")
    both = sorted(terms.uses & set(terms.prohibitions))
    if both:
        raise TermsRefused("prohibitions", f"allowed and forbidden at once: {', '.join(both)}")
    if terms.template is Template.PUBLIC_ACCESS and terms.exclusive:
        raise TermsRefused("exclusive", "public access is not exclusive")
