"""The documents: every variable that the settings read, and every command of ours, is explained somewhere."""

import ast
import re
from pathlib import Path

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
