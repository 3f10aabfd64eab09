"""The documents: every variable, command, address and error type of ours is explained, and none that is not there."""

import ast
import re
from pathlib import Path

from django.urls import get_resolver
from django.urls.resolvers import LocalePrefixPattern

from marketplace.api import problems

ROOT = Path(__file__).resolve().parents[2]
APPS = ("marketplace", "settlement", "licensing", "ledger")


def documents():
    files = [ROOT / "README.md", ROOT / "ARCHITECTURE.md", *sorted((ROOT / "docs").rglob("*.md"))]
    return "\n".join(path.read_text() for path in files if path.exists())


def variables():
    """Yield the names that settings.py and the local house look up in the environment."""
    for path in (ROOT / "marketplace/settings.py", ROOT / "marketplace/local/house.py"):
        for node in ast.walk(ast.parse(path.read_text())):
            named = isinstance(node, ast.Call) and node.args and isinstance(node.args[0], ast.Constant)
            if named and ast.unparse(node.func) in ("os.environ.get", "listed", "switched"):
                yield node.args[0].value


def commands():
    for app in APPS:
        for path in (ROOT / app / "management/commands").glob("[a-z]*.py"):
            yield path.stem


def test_every_variable_is_explained():
    text = documents()
    found = set(variables())
    assert {"DATABASE_URL", "STRIPE_SECRET_KEY", "WENSHI_STATE"} <= found
    assert [name for name in sorted(found) if f"`{name}`" not in text] == []


def test_every_command_is_explained():
    text = documents()
    assert [name for name in sorted(set(commands())) if not re.search(rf"manage\.py {name}\b", text)] == []


def test_no_document_names_a_variable_that_nothing_reads():
    rows = re.findall(r"^\| `([A-Z_]+)`", (ROOT / "docs/settings.md").read_text(), re.MULTILINE)
    sources = "\n".join(path.read_text() for path in (ROOT / "marketplace").rglob("*.py"))
    assert [name for name in rows if f'"{name}"' not in sources] == []


def routes(patterns, prefix="/"):
    """Yield every address that we answer, without those of the admin and of django-allauth."""
    for each in patterns:
        if not hasattr(each, "url_patterns"):
            yield re.sub(r"<(?:\w+:)?(\w+)>", r"<\1>", prefix + str(each.pattern))
        elif "allauth" not in getattr(each.urlconf_module, "__name__", "") and str(each.pattern) != "admin/":
            localised = isinstance(each.pattern, LocalePrefixPattern)
            yield from routes(each.url_patterns, prefix if localised else prefix + str(each.pattern))


def documented(pattern):
    return set(re.findall(pattern, (ROOT / "docs/routes.md").read_text(), re.MULTILINE))


def test_every_route_is_explained_and_no_other():
    explained = documented(r"^\| `(/[^`]*)` \|") - {"/admin/", "/account/…"}
    assert explained == set(routes(get_resolver().url_patterns))


def test_every_error_type_is_explained_and_no_other():
    used = {(kind, status) for _, status, kind in problems.TABLE}
    used |= {("range-not-satisfiable", 416), ("internal-error", 500)}
    explained = documented(r"^\| `([a-z-]+)` \| ([0-9]{3}) \|$")
    assert {(kind, int(status)) for kind, status in explained} == used
    assert {kind for kind, _ in used} == set(problems.TITLES)


def test_every_refusal_stands_in_the_tree_of_its_app():
    for app in APPS:
        tree = ast.parse((ROOT / app / "errors.py").read_text())
        names = [node.name for node in tree.body if isinstance(node, ast.ClassDef)]
        drawn = ast.get_docstring(tree) or ""
        assert [name for name in names if not re.search(rf"\b{name}\b", drawn)] == [], app
