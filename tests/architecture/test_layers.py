"""The shape of the code, as the tools see it: who imports whom, how it is written, what types say."""

import ast
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
APPS = ("marketplace", "settlement", "licensing", "ledger")
TOOLS = Path(sys.executable).parent


def run(*command):
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout[-5000:] + done.stderr[-5000:]


def sources(*patterns):
    return [path for app in APPS for pattern in patterns for path in sorted((ROOT / app).glob(pattern))]


def imports(path):
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            yield from (name.name for name in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module:
            yield node.module


def test_imports_point_down():
    run(str(TOOLS / "lint-imports"))


def test_the_code_is_written_as_ruff_asks():
    run(str(TOOLS / "ruff"), "check", ".")


def test_the_code_is_laid_out_as_ruff_does_it():
    run(str(TOOLS / "ruff"), "format", "--check", ".")


def test_the_domains_are_typed_strictly():
    folders = [f"{app}/domain" for app in APPS if (ROOT / app / "domain").is_dir()]
    run(str(TOOLS / "mypy"), "--strict", *folders)


VENDORS = {"stripe", "web3", "boto3", "botocore", "storages", "requests", "redis"}


def test_only_gateways_know_a_vendor():
    knowing = {
        str(path.relative_to(ROOT))
        for path in sources("**/*.py")
        if any(name.split(".")[0] in VENDORS for name in imports(path))
    }
    assert {path for path in knowing if "/gateways/" not in path} == set()


HTTP = ("django.http", "rest_framework", "django.shortcuts")


def test_actions_queries_models_and_domains_know_no_http():
    inner = sources(
        *(
            f"{folder}{end}"
            for folder in ("actions", "queries", "models", "domain")
            for end in ("/**/*.py", ".py")
        )
    )
    assert [path for path in inner if any(name.startswith(HTTP) for name in imports(path))] == []


CLOCKS = {
    ("datetime", "now"),
    ("datetime", "utcnow"),
    ("timezone", "now"),
    ("clock", "now"),
    ("time", "time"),
    ("date", "today"),
}


def reads_clock(path):
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute):
            owner = node.func.value
            name = owner.attr if isinstance(owner, ast.Attribute) else getattr(owner, "id", "")
            if (name, node.func.attr) in CLOCKS:
                return True
    return False


def test_only_the_edges_read_the_clock():
    inner = sources(
        *(
            f"{folder}{end}"
            for folder in ("actions", "queries", "domain", "gateways")
            for end in ("/**/*.py", ".py")
        )
    )
    assert [str(path.relative_to(ROOT)) for path in inner if reads_clock(path)] == []


def test_no_module_is_called_by_a_name_that_says_nothing():
    bad = {"utils", "common", "misc", "helpers", "manager", "util"}
    assert [path for path in sources("**/*.py") if path.stem in bad] == []


@pytest.mark.parametrize("app", APPS)
def test_every_module_opens_by_saying_what_it_is(app):
    silent = [
        str(path.relative_to(ROOT))
        for path in sorted((ROOT / app).rglob("*.py"))
        if "migrations" not in path.parts
        and path.read_text().strip()
        and not ast.get_docstring(ast.parse(path.read_text()))
    ]
    assert silent == []
