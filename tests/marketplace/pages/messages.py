"""Finds every message for people in code and templates, as the .po file must hold it."""

import ast
import re
from collections.abc import Iterator
from pathlib import Path

from django.utils.translation.template import templatize

ROOT = Path(__file__).resolve().parents[3]
APPS = ("marketplace", "settlement", "licensing", "ledger")
SINGLE = {"_", "T", "gettext", "gettext_lazy", "gettext_noop"}
PLURAL = {"ngettext", "ngettext_lazy"}
CONTEXT = {"pgettext", "pgettext_lazy"}
CALL = re.compile(r"\b(pgettext|ngettext|npgettext|gettext)\((.*?)\)\s", re.S)
LITERAL = re.compile(r"""u?("(?:[^"\\]|\\.)*"|'(?:[^'\\]|\\.)*')""", re.S)
Message = tuple[str, str, str]  # context, message, plural


def all_messages() -> set[Message]:
    """Return every message that is marked in our own code and templates."""
    found: set[Message] = set()
    for app in APPS:
        for path in (ROOT / app).rglob("*.py"):
            if "migrations" not in path.parts:
                found |= set(in_code(path.read_text(encoding="utf-8")))
    for path in (ROOT / "templates").rglob("*.*"):
        found |= set(in_template(path.read_text(encoding="utf-8")))
    return found


def in_code(source: str) -> Iterator[Message]:
    """Yield the messages of a Python file."""
    for node in ast.walk(ast.parse(source)):
        if not isinstance(node, ast.Call):
            continue
        name = getattr(node.func, "id", getattr(node.func, "attr", ""))
        texts = [
            arg.value for arg in node.args if isinstance(arg, ast.Constant) and isinstance(arg.value, str)
        ]
        if name in SINGLE and len(texts) == 1 and len(node.args) == 1:
            yield "", texts[0], ""
        elif name in PLURAL and len(texts) == 2:
            yield "", texts[0], texts[1]
        elif name in CONTEXT and len(texts) == 2:
            yield texts[0], texts[1], ""


def in_template(source: str) -> Iterator[Message]:
    """Yield the messages of a template."""
    for name, inside in CALL.findall(templatize(source) + " "):
        texts = [ast.literal_eval(literal) for literal in LITERAL.findall(inside)]
        if name == "gettext" and texts:
            yield "", texts[0], ""
        elif name == "ngettext" and len(texts) >= 2:
            yield "", texts[0], texts[1]
        elif name == "pgettext" and len(texts) >= 2:
            yield texts[0], texts[1], ""
