"""The webhook of the payment provider: check the signature, store the event, answer; nothing else."""

from django.http import HttpRequest, HttpResponse
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.http import require_POST

from ledger import clock
from settlement.actions import inbox
from settlement.errors import BadSignature

LARGEST_PAYLOAD = 256 * 1024


@csrf_exempt
@require_POST
def stripe_webhook(request: HttpRequest) -> HttpResponse:
    """Take one event. Nothing is stored before its signature is known to be the provider's."""
    if int(request.headers.get("Content-Length") or 0) > LARGEST_PAYLOAD:
        return HttpResponse(status=413)
    try:
        inbox.receive(
            payload=request.body, signature=request.headers.get("Stripe-Signature", ""), now=clock.now()
        )
    except BadSignature:
        return HttpResponse(status=400)
    return HttpResponse(status=200)
