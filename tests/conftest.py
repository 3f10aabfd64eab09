"""What every test stands on: how a test database is put back, and long suites only when asked for."""

import sys
from contextlib import contextmanager
from uuid import uuid4

import hypothesis
import pytest
from django.conf import settings
from django.db import connections
from django.test import TransactionTestCase, override_settings

from ledger.gateways import tiles
from tests.live_house import live_house  # noqa: F401 (a fixture)

DEPTH = sys.getrecursionlimit()

# How long an example takes says more about the machine than about the code.
QUIET = {"deadline": None, "suppress_health_check": [hypothesis.HealthCheck.too_slow], "print_blob": True}
hypothesis.settings.register_profile("daily", max_examples=100, **QUIET)
hypothesis.settings.register_profile("nightly", max_examples=2000, **QUIET)


def pytest_addoption(parser):
    """Add the option that `manage.py test --nightly` passes on."""
    parser.addoption("--nightly", action="store_true", help="also run the long suites")


def pytest_configure(config):
    """Try as many examples as there is time for."""
    hypothesis.settings.load_profile("nightly" if config.getoption("--nightly") else "daily")


def pytest_runtest_setup():
    """Take back what py-evm does when it is imported: with its depth of recursion, deep JSON crashes Python."""
    sys.setrecursionlimit(DEPTH)


def pytest_collection_modifyitems(config, items):
    """Leave the long suites to the night."""
    if not config.getoption("--nightly"):
        skip = pytest.mark.skip(reason="a long suite: manage.py test --nightly")
        for item in items:
            if "nightly" in item.keywords:
                item.add_marker(skip)


def put_back(self) -> None:
    """Replace Django's flush, which the application's login could not do, after a test that committed."""
    for alias in self._databases_names(include_mirrors=False):
        connections[alias].creation.restore_test_db()


@contextmanager
def files_of_a_log(folder):
    """Keep the files of a log in memory and what its signer remembers in a folder, until the block ends."""
    log = {"BACKEND": "django.core.files.storage.InMemoryStorage"}
    tiles.forget()
    with override_settings(STORAGES={**settings.STORAGES, "ledger": log}, LEDGER_MEMORY=str(folder)):
        yield
    tiles.forget()


@pytest.fixture(autouse=True)
def files_of_the_log(tmp_path_factory):
    """Give each test a log without files, and a signer that remembers nothing."""
    with files_of_a_log(tmp_path_factory.getbasetemp() / "memory" / uuid4().hex):
        yield


TransactionTestCase._fixture_teardown = put_back
