"""Verification: a number, a hash, an identifier or a file in; one line for each check out.

With JavaScript a file is hashed and a proof is checked in the browser (static/js/verify.js), and only the hash is
asked here. Without it a file is sent, looked at and forgotten.
"""

import hashlib
from pathlib import Path

from django.core.files.uploadedfile import UploadedFile
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.views.decorators.http import require_safe

from ledger import queries as ledger
from ledger import verifier as offline
from marketplace.views import errors, verify_files, verify_names
from marketplace.views.cards import absolute
from marketplace.views.verify_names import Result

LARGEST = 100_000_000


def verify(request: HttpRequest) -> HttpResponse:
    """Verify what was asked for; a file that is sent is looked at and forgotten."""
    upload = request.FILES.get("file") if request.method == "POST" else None
    if upload is not None:
        return sent(request, upload)
    asked = request.GET.get("q", "").replace("\x00", "").strip()[:200]
    return show(request, asked, verify_names.look_up(asked) if asked else None)


def number(request: HttpRequest, number: str) -> HttpResponse:
    """Verify a certificate by its number."""
    return show(request, number, verify_names.of_certificate(number))


def sent(request: HttpRequest, upload: UploadedFile) -> HttpResponse:
    """Verify a file that was sent: as a proof, a certificate or a report, else by its hash."""
    if (upload.size or 0) > LARGEST:
        return errors.page(request, 413)
    sha256 = digest(upload)
    result = None if verify_names.is_known(sha256) else verify_files.of(upload)
    if result is None:
        return redirect(f"{reverse('verify')}?q={sha256}")
    return show(request, "", result)


def show(request: HttpRequest, asked: str, result: Result | None) -> HttpResponse:
    """Show the form and what was found, or the finding alone to a script."""
    template = "_verify_result.html" if request.htmx else "verify.html"
    page = {"asked": asked, "result": result, "policy_url": absolute(reverse("tlog-policy"))}
    response = render(request, f"marketplace/{template}", {"page": page})
    response["Vary"] = "HX-Request"
    return response


def digest(upload: UploadedFile) -> str:
    """Return the SHA-256 of an uploaded file."""
    hashed = hashlib.sha256()
    for chunk in upload.chunks():
        hashed.update(chunk)
    return hashed.hexdigest()


@require_safe
def verifier(request: HttpRequest) -> HttpResponse:
    """Answer with the offline verifier, one file."""
    response = HttpResponse(Path(offline.__file__).read_bytes(), content_type="text/x-python; charset=utf-8")
    response["Content-Disposition"] = 'attachment; filename="verifier.py"'
    return response


@require_safe
def policy(request: HttpRequest) -> HttpResponse:
    """Answer with the public keys to trust, a C2SP tlog-policy."""
    response = HttpResponse(ledger.policy(), content_type="text/plain; charset=utf-8")
    response["Access-Control-Allow-Origin"] = "*"
    return response
