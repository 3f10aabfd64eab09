"""Pages of words: help, about, problem types, licences. The words stand in `texts`, in English, and in the .po file."""

from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import render

from marketplace.views import texts


def help_page(request: HttpRequest, topic: str) -> HttpResponse:
    """Show one topic of the help."""
    return show(request, texts.help_topics(), topic)


def about(request: HttpRequest, topic: str) -> HttpResponse:
    """Show one page about the house itself."""
    return show(request, texts.about_topics(), topic)


def problem(request: HttpRequest, kind: str) -> HttpResponse:
    """Explain one type of error that the API answers with."""
    return render(request, "marketplace/words.html", {"page": texts.problem(kind)})


def licences(request: HttpRequest) -> HttpResponse:
    """Show the three term templates in plain words."""
    return render(request, "marketplace/licences.html", {"page": texts.licence_templates()})


def show(request: HttpRequest, pages: dict[str, texts.Words], topic: str) -> HttpResponse:
    if topic not in pages:
        raise Http404
    return render(request, "marketplace/words.html", {"page": pages[topic]})
