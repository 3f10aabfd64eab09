"""Small answers for machines that read pages."""

from django.http import HttpRequest, HttpResponse

from marketplace.views.cards import absolute

ROBOTS = """User-agent: *
Disallow: /*/cart/
Disallow: /*/checkout/
Disallow: /*/orders/
Disallow: /*/library/
Disallow: /*/account/
Disallow: /*/download/
Disallow: /files/
Allow: /
# Everything public here is free to read. The catalogue for programs: {api}
"""


def robots(request: HttpRequest) -> HttpResponse:
    """Say what crawlers need not fetch."""
    return HttpResponse(
        ROBOTS.format(api=absolute("/api/v1/listings/")), content_type="text/plain; charset=utf-8"
    )
