"""The answer to "may I?": pure, with every reason and the clause that gave it. No clock, no database.

Reason codes: REVOKED, PROHIBITED, NO_PERMISSION, CONSTRAINT_TERRITORY, CONSTRAINT_AUDIENCE,
MISSING_CONTEXT:x, UNKNOWN_OPERAND. What is not known is never taken for allowed.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime

from licensing.domain import vocabulary
from licensing.domain.terms import PURPOSES, Action, Clause, Terms, clauses
from licensing.domain.vocabulary import pick


@dataclass(frozen=True, slots=True)
class Request:
    """What somebody wants to do: single actions or a purpose, and where, as whom and when."""

    actions: frozenset[Action] = frozenset()
    purpose: str | None = None
    territory: str | None = None
    audience: str | None = None
    at: datetime | None = None


@dataclass(frozen=True, slots=True)
class Reason:
    """Why not: a code, the clause's number, and what it was about: an action, a place, a kind of body."""

    code: str
    clause: str
    detail: str


@dataclass(frozen=True, slots=True)
class Obligation:
    """What must be done by whoever makes use of a permission."""

    code: str
    clause: str


@dataclass(frozen=True, slots=True)
class Decision:
    """The answer, all reasons against it, and what a yes obliges to."""

    permit: bool
    reasons: tuple[Reason, ...]
    obligations: tuple[Obligation, ...]

    @property
    def is_only_missing_context(self) -> bool:
        """Tell whether nothing speaks against it but questions that were not answered."""
        return bool(self.reasons) and all(each.code.startswith("MISSING_CONTEXT:") for each in self.reasons)


def may(request: Request, terms: Terms, *, revoked_at: datetime | None = None) -> Decision:
    """Decide a request under one set of terms, and say everything that stands against it."""
    rules = clauses(terms)
    reasons = (
        *_revocation(request, revoked_at),
        *_uses(request, terms, rules),
        *_limit("territory", request.territory, terms.territory, rules),
        *_limit("audience", request.audience, terms.audience, rules),
    )
    obligations = tuple(Obligation(each.rule, each.number) for each in rules if each.kind == "must")
    return Decision(permit=not reasons, reasons=reasons, obligations=obligations)


def explain(reason: Reason, terms: Terms, language: str) -> str:
    """Return a reason in plain words: the clause it rests on, or what is not known."""
    for each in clauses(terms):
        if each.number == reason.clause and not reason.code.startswith("MISSING_CONTEXT:"):
            return pick(each.words, language)
    return pick(_QUESTIONS[reason.code], language)


_QUESTIONS = {
    "REVOKED": ("这项授权已被撤销。", "This grant has been revoked."),
    "UNKNOWN_OPERAND": ("不认识这种用途。", "This purpose is not known here."),
    "MISSING_CONTEXT:use": ("请说明用来做什么。", "Say what you want to use it for."),
    "MISSING_CONTEXT:at": ("请说明使用的时间。", "Say when you want to use it."),
    "MISSING_CONTEXT:territory": ("请说明在哪里使用。", "Say where you want to use it."),
    "MISSING_CONTEXT:audience": ("请说明代表哪家机构。", "Say which institution you act for."),
}


def _revocation(request: Request, revoked_at: datetime | None) -> Iterable[Reason]:
    if revoked_at is None:
        return
    if request.at is None:
        yield Reason("MISSING_CONTEXT:at", "", revoked_at.isoformat())
    elif request.at >= revoked_at:
        yield Reason("REVOKED", "", revoked_at.isoformat())


def _uses(request: Request, terms: Terms, rules: tuple[Clause, ...]) -> Iterable[Reason]:
    wanted = request.actions
    if request.purpose is not None:
        if request.purpose not in PURPOSES:
            yield Reason("UNKNOWN_OPERAND", "", request.purpose)
            return
        wanted |= PURPOSES[request.purpose]
    if not wanted:
        yield Reason("MISSING_CONTEXT:use", "", "")
    for action in vocabulary.Action:
        if action in wanted and action not in terms.uses:
            code = "PROHIBITED" if action in terms.prohibitions else "NO_PERMISSION"
            yield Reason(code, _clause_of(action, rules), action)


def _limit(
    name: str, asked: str | None, allowed: tuple[str, ...], rules: tuple[Clause, ...]
) -> Iterable[Reason]:
    if not allowed or asked in allowed:
        return
    clause = next(each.number for each in rules if each.rule == name)
    code = f"MISSING_CONTEXT:{name}" if asked is None else f"CONSTRAINT_{name.upper()}"
    yield Reason(code, clause, asked or "")


def _clause_of(action: Action, rules: tuple[Clause, ...]) -> str:
    return next(each.number for each in rules if action in each.actions)
