"""A visitor without JavaScript: keeps cookies, follows links by their words, fills in forms and sends them."""

import re
from dataclasses import dataclass, field
from html.parser import HTMLParser
from http.cookies import SimpleCookie
from urllib.parse import urlencode, urljoin, urlsplit

from marketplace.local.buyer import Buyer

MOST_REDIRECTS = 8
VOID = {"input", "img", "br", "meta", "link", "hr", "source", "wbr"}


@dataclass
class Form:
    """A form of a page: where it goes, what it would send, its buttons by their words."""

    action: str
    method: str
    fields: list[tuple[str, str]] = field(default_factory=list)
    names: set[str] = field(default_factory=set)
    buttons: list[tuple[str, str, str]] = field(default_factory=list)  # words, name, value


class Page(HTMLParser):
    """A page as somebody who only reads it has it: words, links, forms."""

    def __init__(self, url: str, status: int, html: str, headers: dict[str, str]) -> None:
        super().__init__()
        self.url, self.status, self.html, self.headers = url, status, html, headers
        self.links: list[tuple[str, str]] = []
        self.forms: list[Form] = []
        self.language = ""
        self._words: list[str] = []
        self._open: list[tuple[str, dict, int]] = []
        self.feed(html)

    @property
    def text(self) -> str:
        return re.sub(r"\s+", " ", "".join(self._words)).strip()

    def handle_starttag(self, tag: str, attributes) -> None:
        values = {name: value or "" for name, value in attributes}
        if tag == "html":
            self.language = values.get("lang", "")
        if tag == "form":
            self.forms.append(
                Form(urljoin(self.url, values.get("action") or self.url), values.get("method", "get"))
            )
        if tag == "input" and self._form and values.get("name"):
            self._form.names.add(values["name"])
            checkable = values.get("type") in ("checkbox", "radio")
            if values.get("type") not in ("file", "submit") and (not checkable or "checked" in values):
                self._form.fields.append((values["name"], values.get("value", "")))
            if checkable and "checked" not in values:
                self._form.buttons.append(("", values["name"], values.get("value", "on")))
        if tag in ("textarea", "select") and self._form and values.get("name"):
            self._form.names.add(values["name"])
        if tag not in VOID:
            self._open.append((tag, values, len(self._words)))

    @property
    def _form(self) -> Form | None:
        return self.forms[-1] if any(tag == "form" for tag, _, _ in self._open) else None

    def handle_endtag(self, tag: str) -> None:
        while self._open:
            name, values, start = self._open.pop()
            words = re.sub(r"\s+", " ", "".join(self._words[start:])).strip()
            if name == "a" and "href" in values:
                self.links.append((words, urljoin(self.url, values["href"])))
            if name == "button" and self._form:
                self._form.buttons.append((words, values.get("name", ""), values.get("value", "")))
            if name in ("script", "style", "svg"):
                del self._words[start:]
            if name == tag:
                return

    def handle_data(self, data: str) -> None:
        self._words.append(data)

    def link(self, pattern: str) -> str:
        """Return the address of the first link whose words or address match."""
        for words, address in self.links:
            if re.search(pattern, words) or re.search(pattern, address):
                return address
        raise AssertionError(f"{self.url} has no link like {pattern}: {[w for w, _ in self.links]}")

    def form(self, pattern: str) -> Form:
        """Return the first form whose address or buttons match."""
        for form in self.forms:
            if re.search(pattern, form.action) or any(re.search(pattern, b[0]) for b in form.buttons if b[0]):
                return form
        raise AssertionError(f"{self.url} has no form like {pattern}: {[form.action for form in self.forms]}")


class Visitor:
    """Somebody with a plain browser, in one language."""

    def __init__(self, base: str, language: str) -> None:
        self.base, self.language = base, language
        self.line = Buyer(base)
        self.cookies: dict[str, dict[str, str]] = {}
        self.page: Page

    def path(self, rest: str) -> str:
        """Return an address under the visitor's language."""
        return f"{self.base}/{self.language}/{rest}"

    def open(self, url: str, data: list[tuple[str, str]] | None = None) -> Page:
        """Go to an address, or send a form there, and follow redirects as a browser does."""
        url, method = urljoin(self.base, url), "GET" if data is None else "POST"
        body = None if data is None else urlencode(data).encode()
        for _ in range(MOST_REDIRECTS):
            host = urlsplit(url).netloc
            jar = self.cookies.setdefault(host, {})
            headers = {"Accept": "text/html", "Accept-Language": self.language}
            headers["Cookie"] = "; ".join(f"{name}={value}" for name, value in jar.items())
            if body is not None:
                headers |= {"Content-Type": "application/x-www-form-urlencoded", "Referer": url}
            answer = self.line.ask(method, url, body, headers)
            for cookie in answer.cookies:
                jar |= {name: morsel.value for name, morsel in SimpleCookie(cookie).items()}
            if answer.status not in (301, 302, 303, 307, 308):
                break
            url = urljoin(url, answer.headers["location"])
            if answer.status in (301, 302, 303):
                method, body = "GET", None
        self.page = Page(url, answer.status, answer.body.decode("utf-8", "replace"), answer.headers)
        return self.page

    def follow(self, pattern: str) -> Page:
        """Click the first link that matches."""
        return self.open(self.page.link(pattern))

    def send(self, pattern: str, button: str = "", **values: str) -> Page:
        """Fill in the first form that matches, agree to what has to be agreed to, and press a button."""
        form = self.page.form(pattern)
        unknown = values.keys() - form.names
        assert not unknown, f"{form.action} has no field {unknown}, only {form.names}"
        fields = [(name, value) for name, value in form.fields if name not in values] + list(values.items())
        fields += [(name, value) for words, name, value in form.buttons if name == "agree"]
        pressed = [b for b in form.buttons if b[1] and b[1] != "agree" and button and re.search(button, b[0])]
        fields += [(name, value) for _, name, value in pressed[:1]]
        if form.method.lower() == "post":
            return self.open(form.action, fields)
        return self.open(form.action.split("?")[0] + "?" + urlencode(fields))
