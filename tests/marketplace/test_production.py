"""The documented production settings, as a process of its own reads them."""

import json
import os
import re
import subprocess
import sys
from urllib.parse import quote

import pytest

from marketplace.local import servers
from marketplace.local.house import BASE_DIR, House

DOCUMENT = (BASE_DIR / "docs/settings.md").read_text()


def production(**changes):
    """Return the environment that the document shows, its ellipses filled in."""
    block = re.search(r"is clean with:\n\n((?:    .*\n)+)", DOCUMENT)[1]
    shown = dict(part.split("=", 1) for part in block.split())
    filled = {name: value.replace("…", "x" * 12) for name, value in shown.items()}
    filled |= {"SECRET_KEY": "a-long-key-" * 6 + "0123456789", "LEDGER_SIGNING_KEY": "ab" * 32, **changes}
    path = {name: os.environ[name] for name in ("PATH", "HOME") if name in os.environ}
    return {**path, **{name: value for name, value in filled.items() if value is not None}}


def manage(*arguments, environment):
    command = [sys.executable, "manage.py", *arguments]
    return subprocess.run(command, cwd=BASE_DIR, env=environment, capture_output=True, text=True)


def read(expression, environment):
    code = f"import json; from marketplace import settings as s; print(json.dumps({expression}))"
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=BASE_DIR, env=environment, capture_output=True, text=True
    )
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


def test_check_deploy_is_clean_with_the_documented_settings(tmp_path):
    done = manage(
        "check",
        "--deploy",
        "--fail-level",
        "WARNING",
        environment=production(WENSHI_STATE=str(tmp_path / "no")),
    )
    assert done.returncode == 0, done.stderr
    assert "no issues" in done.stdout
    assert done.stderr == ""
    assert not (tmp_path / "no").exists(), "nothing embedded, and no secret made"


def test_check_deploy_warns_of_a_weak_key():
    done = manage("check", "--deploy", "--fail-level", "WARNING", environment=production(SECRET_KEY="short"))
    assert "security.W009" in done.stderr
    assert done.returncode != 0


def test_with_one_login_the_start_says_which_rules_it_cannot_promise():
    done = manage("check", environment=production(DATABASE_OWNER_URL=None))
    told = [line for line in done.stderr.splitlines() if "cannot promise" in line]
    assert len(told) == 1
    assert told[0].endswith("that hold these rules.")
    assert "DATABASE_OWNER_URL" in told[0]


def test_production_is_not_in_test_mode_and_sends_browsers_to_https():
    seen = read(
        "[s.TEST_MODE, s.DEBUG, s.CLOCK_FILE, s.SECURE_SSL_REDIRECT, s.SESSION_COOKIE_SECURE, s.STRIPE_TEST_MODE]",
        production(),
    )
    assert seen == [False, False, "", True, True, False]


def test_addresses_are_taken_apart():
    environment = production(
        DATABASE_URL="postgres://app:p%40ss@db.example:6432/wenshi?sslmode=require",
        DATABASE_OWNER_URL="postgres://owner:o%2Fp@direct.example:5432/wenshi",
        POOL_SIZE="8",
    )
    database = read("s.DATABASES['default']", environment)
    assert (database["USER"], database["PASSWORD"], database["HOST"], database["PORT"]) == (
        "app",
        "p@ss",
        "db.example",
        "6432",
    )
    assert database["OWNER"] == {"USER": "owner", "PASSWORD": "o/p", "HOST": "direct.example", "PORT": "5432"}
    assert database["OPTIONS"]["sslmode"] == "require"
    assert database["OPTIONS"]["pool"] == {"min_size": 1, "max_size": 8, "timeout": 5}
    store = read(
        "s.STORAGES['default']",
        production(STORAGE_URL="s3://key:se%2Fcret@bucket/a/b?endpoint_url=https://o.example"),
    )
    assert store["OPTIONS"]["bucket_name"] == "bucket"
    assert store["OPTIONS"]["secret_key"] == "se/cret"
    assert store["OPTIONS"]["location"] == "a/b"
    assert store["OPTIONS"]["endpoint_url"] == "https://o.example"
    folder = read("s.STORAGES['default']['OPTIONS']['location']", production(STORAGE_URL="file:///srv/files"))
    assert folder == "/srv/files"


@pytest.mark.parametrize(
    ("url", "tls", "ssl"), [("smtp://u:p@mail:25", True, False), ("smtps://u:p@mail:465", False, True)]
)
def test_mails_are_sent_encrypted(url, tls, ssl):
    assert read("[s.EMAIL_USE_TLS, s.EMAIL_USE_SSL, s.EMAIL_HOST_USER]", production(EMAIL_URL=url)) == [
        tls,
        ssl,
        "u",
    ]


def test_a_fresh_clone_is_in_test_mode(tmp_path):
    environment = {"PATH": os.environ["PATH"], "WENSHI_STATE": str(tmp_path / "state")}
    assert read("[s.TEST_MODE, s.DEBUG, s.STRIPE_TEST_MODE, s.BROKER_EMBEDDED]", environment) == [
        True,
        False,
        True,
        True,
    ]
    assert (tmp_path / "state/secrets.json").stat().st_mode & 0o077 == 0


def test_with_addresses_given_nothing_embedded_starts_and_the_two_logins_do_their_parts(tmp_path):
    there = House(tmp_path / "There")  # stands for a server of production
    servers.hold("postgres", house=there)
    place = quote(str(there.sockets("postgres")), safe="")
    environment = {
        "PATH": os.environ["PATH"],
        "WENSHI_STATE": str(tmp_path / "here"),
        "DATABASE_URL": f"postgres://wenshi_app:{there.secrets['application_password']}@{place}/wenshi",
        "DATABASE_OWNER_URL": f"postgres://wenshi_owner:{there.secrets['owner_password']}@{place}/wenshi",
        "CELERY_BROKER_URL": "redis://127.0.0.1:9/0",
    }
    assert manage("migrate", "-v0", environment=environment).returncode == 0
    ask = "SELECT current_user, has_table_privilege('ledger_entry', 'UPDATE'), count(*) FROM ledger_entry"
    asked = manage("dbshell", "--", "-Atc", ask, environment=environment)
    assert asked.stdout.strip() == "wenshi_app|f|0", asked.stderr
    assert not (tmp_path / "here/postgres").exists()
    one_login = {**environment, "DATABASE_URL": environment["DATABASE_OWNER_URL"], "DATABASE_OWNER_URL": ""}
    done = manage("migrate", "-v0", environment=one_login)
    assert done.returncode == 0
    assert done.stderr.count("cannot promise") == 1
    servers.let_go("postgres", house=there)
