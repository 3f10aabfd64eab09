"""The ledger as a list: what it stands at now, and its entries, newest first, by kind, subject, day or number."""

from dataclasses import dataclass, field
from datetime import UTC, date, datetime, time, timedelta
from typing import Any
from urllib.parse import urlencode

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils.text import capfirst
from django.utils.translation import gettext as _

from ledger import queries
from ledger.clock import now
from ledger.domain.tiles import edge
from ledger.queries import Filter
from marketplace.templatetags.shown import hexed, moment_text, number, span
from marketplace.views import proof_words, sentences
from marketplace.views.parts import Check, Link, Pager

PER_PAGE = 50
MOST_COUNTED = 10_000
LONGEST_SUBJECT = 200


@dataclass(frozen=True)
class Row:
    """One line of the list."""

    number: int
    at: Any
    text: str
    leaf_hash: str


@dataclass
class Asked:
    """What the form asks for, as it was typed and as it was understood, and what was not."""

    kind: str = ""
    subject: str = ""
    since: str = ""
    until: str = ""
    number: str = ""
    before: int | None = None
    faults: list[str] = field(default_factory=list)

    @property
    def typed(self) -> dict[str, str]:
        """The fields that are not empty, by their names in an address."""
        values = {
            "kind": self.kind,
            "q": self.subject,
            "from": self.since,
            "to": self.until,
            "number": self.number,
        }
        return {name: value for name, value in values.items() if value}

    @property
    def filter(self) -> Filter:
        """The entries that are looked for."""
        until = self._day(self.until)
        return Filter(
            kind=self.kind,
            subject=self.subject,
            since=self._day(self.since),
            until=until and until + timedelta(days=1),
            number=int(self.number) if _is_number(self.number) else None,
        )

    def _day(self, typed: str) -> datetime | None:
        try:
            return datetime.combine(date.fromisoformat(typed), time(), UTC) if typed else None
        except ValueError:
            return None


def index(request: HttpRequest) -> HttpResponse:
    """List the entries, newest first."""
    asked = read(request)
    where = asked.filter
    size, signed = queries.size(), queries.latest_checkpoint()
    found = (
        []
        if asked.faults
        else queries.entries(after=asked.before, limit=PER_PAGE, newest_first=True, where=where)
    )
    count = 0 if asked.faults else queries.entry_count(where=where, most=MOST_COUNTED + 1)
    page = {
        "asked": asked,
        "kinds": [
            Link(word, "", chosen=kind == asked.kind, value=kind)
            for kind, word in sentences.kind_names().items()
        ],
        "heading": _("Nothing was looked for") if asked.faults else heading(count, bool(asked.typed)),
        "size": size,
        "checkpoint": signed,
        "age": age(signed),
        "cosigned": cosigned(signed),
        "pending": queries.pending_count(),
        "moving": signed is None or size > signed.size,
        "anchor": proof_words.newest_anchor_words(),
        "inspection": inspection(),
        "tile": edge(signed.size)[0].path.removeprefix("tile/") if signed else "",
        "rows": [row(each) for each in found],
        "pager": pager(found, count, asked),
    }
    return render(request, "marketplace/ledger.html", {"page": page})


def read(request: HttpRequest) -> Asked:
    """Return what the form asks for; what cannot be understood is told, not guessed."""
    given = {
        name: request.GET.get(name, "").replace("\x00", "").strip()
        for name in ("kind", "q", "from", "to", "number")
    }
    asked = Asked(
        given["kind"][:LONGEST_SUBJECT],
        given["q"][:LONGEST_SUBJECT],
        given["from"],
        given["to"],
        given["number"].lstrip("#").replace(",", ""),
    )
    for name, typed in ((_("From"), asked.since), (_("To"), asked.until)):
        if typed and asked._day(typed) is None:
            asked.faults.append(
                _("%(field)s: “%(typed)s” is no day. Write it as 2026-01-31.")
                % {"field": name, "typed": typed[:20]}
            )
    if asked.number and not _is_number(asked.number):
        asked.faults.append(_("Number: “%(typed)s” is no number of an entry.") % {"typed": asked.number[:20]})
    before = request.GET.get("before", "")
    asked.before = int(before) if _is_number(before) else None
    return asked


def row(entry: Any) -> Row:
    """Return one line of the list."""
    text = capfirst(sentences.short(entry.document))
    return Row(entry.number, entry.sequenced_at, text, hexed(entry.leaf_hash))


def heading(count: int, filtered: bool) -> str:
    """Say how many entries are listed."""
    if count > MOST_COUNTED:
        return (
            _("More than %(count)s entries") % {"count": number(MOST_COUNTED)}
            if filtered
            else _("All entries")
        )
    if not filtered:
        return _("All entries")
    return _("1 entry found") if count == 1 else _("%(count)s entries found") % {"count": number(count)}


def pager(found: list[Any], count: int, asked: Asked) -> Pager:
    """Lead on to older entries that fit as well."""
    more = len(found) == PER_PAGE and found[-1].number > 0
    older = urlencode({**asked.typed, "before": found[-1].number}) if more else ""
    named = {"first": number(found[0].number), "last": number(found[-1].number)} if found else {}
    return Pager(
        summary=_("Entries #%(first)s to #%(last)s") % named if found else "",
        extra_url=f"?{older}" if older else "",
        extra_word=_("Older entries"),
    )


def age(signed: Any) -> str:
    """Say how long ago the newest checkpoint was published."""
    return span(now() - signed.published_at) if signed else ""


def cosigned(signed: Any) -> str:
    """Say who stands for the newest checkpoint."""
    if signed is None:
        return ""
    standing = [each for each in queries.signers(signed) if each.holds and each.may]
    outside = [each.name for each in standing if not each.is_ours]
    ours = len(standing) - len(outside)
    if not outside:
        return _("%(count)s own keys; no outside witness yet") % {"count": ours}
    return _("%(count)s own keys, and as witnesses %(names)s") % {"count": ours, "names": ", ".join(outside)}


def inspection() -> Check:
    """Say what the last reading of the whole log found."""
    last = queries.latest_inspection()
    if last is None:
        return Check(
            "wait",
            _("Not read yet"),
            _("The house reads its whole log once a day; this has not happened yet."),
        )
    named = {
        "moment": moment_text(last.started_at),
        "size": number(last.size),
    }
    if last.faults:
        told = "; ".join(
            _("%(layer)s %(number)s: %(reason)s")
            % {
                "layer": fault.get("layer", ""),
                "number": fault.get("number", ""),
                "reason": fault.get("reason", ""),
            }
            for fault in last.faults
        )
        return Check(
            "fail",
            _("It does not hold"),
            _("Read on %(moment)s, %(size)s entries. Found: %(faults)s") % {**named, "faults": told},
        )
    if last.thorough:
        text = _("All %(size)s entries, files and signatures were read on %(moment)s, and hold.")
    else:
        text = _(
            "What came since the last good reading, up to %(size)s entries, was read on %(moment)s, and holds."
        )
    return Check("pass", _("It holds"), text % named)


def _is_number(text: str) -> bool:
    return text.isascii() and text.isdigit() and len(text) < 18
