"""The reader's tokens, taking back one's name, and the mails that a house in test mode would have sent."""

import email
import email.policy
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from uuid import UUID

from django.conf import settings
from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache

from ledger.clock import now
from ledger.domain.openings import GROUND_NAMES, Ground
from licensing import queries as licensing
from licensing.domain.vocabulary import pick
from marketplace.actions import accounts, erasures
from marketplace.errors import Refused
from marketplace.views.picker import language

NEWEST = 20
BETWEEN = b"-" * 79  # what Django's file backend writes between mails


@login_required
@never_cache
def tokens(request: HttpRequest) -> HttpResponse:
    """List, make and revoke the reader's tokens; a new one is shown this once."""
    fresh = ""
    if request.method == "POST" and "revoke" in request.POST:
        try:
            accounts.revoke_token(user=request.user, token_id=UUID(request.POST["revoke"]), now=now())
            messages.success(request, _("The token opens nothing any more."))
        except (Refused, ValueError) as error:
            messages.error(request, str(error))
        return redirect("account-tokens")
    if request.method == "POST" and (label := request.POST.get("name", "").strip()):
        fresh = accounts.make_token(user=request.user, label=label, now=now())
    rows = request.user.api_tokens.filter(revoked_at=None).order_by("-created_at")
    return render(request, "marketplace/tokens.html", {"page": {"fresh": fresh, "tokens": rows}})


OWN_GROUNDS = (Ground.PIPL_47, Ground.GDPR_17, Ground.CONSENT_WITHDRAWN)


@login_required
@never_cache
def erase(request: HttpRequest) -> HttpResponse:
    """Say what goes and what stays; erase the reader's name and words once they have said yes to that."""
    party_id, ground = request.user.party_id, request.POST.get("ground", "")
    if request.method == "POST":
        if "sure" in request.POST and party_id and ground in OWN_GROUNDS:
            erasures.erase_person(party_id=party_id, ground=ground, now=now())
            messages.success(request, _("Your name is erased. Your grants stand as before."))
        else:
            messages.error(
                request, _("Nothing was erased: say first that you have read what cannot come back.")
            )
        return redirect("account-erase")
    held = licensing.grants_of([party_id] if party_id else [])
    page = {
        "numbers": [row.number for row in held if licensing.words_of(row).can_be_erased],
        "grounds": [(str(each), pick(GROUND_NAMES[each], language())) for each in OWN_GROUNDS],
    }
    return render(request, "marketplace/erase.html", {"page": page})


@dataclass(frozen=True)
class Mail:
    """A mail that was not sent."""

    sent_at: datetime
    to: str
    subject: str
    body: str


@never_cache
def mailbox(request: HttpRequest) -> HttpResponse:
    """Show the mails of a house in test mode; any other house has no such page."""
    if not settings.TEST_MODE:
        raise Http404
    folder = Path(getattr(settings, "EMAIL_FILE_PATH", None) or "/nonexistent")
    files = sorted(folder.glob("*.log"), key=lambda path: path.stat().st_mtime, reverse=True)
    mails = [mail for path in files[:NEWEST] for mail in reversed(read(path))]
    return render(request, "marketplace/mailbox.html", {"page": {"mails": mails[:NEWEST]}})


def read(path: Path) -> list[Mail]:
    """Return the mails of one file."""
    sent_at = datetime.fromtimestamp(path.stat().st_mtime, UTC)
    found = []
    for part in path.read_bytes().split(b"\n" + BETWEEN + b"\n"):
        if part.strip():
            parsed = email.message_from_bytes(part.lstrip(), policy=email.policy.default)
            body = parsed.get_body(("plain",))
            text = body.get_content() if body else ""
            found.append(Mail(sent_at, str(parsed["To"]), str(parsed["Subject"]), text))
    return found
