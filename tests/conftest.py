"""What every test stands on: how a test database is put back, and long suites only when asked for."""

from uuid import uuid4

import hypothesis
import pytest
from django.db import connections
from django.test import TransactionTestCase

from ledger.gateways import tiles
from tests.live_house import live_house  # noqa: F401 (a fixture)

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


@pytest.fixture(autouse=True)
def files_of_the_log(settings, tmp_path_factory):
    """Give each test a log without files, kept in memory, and a signer that remembers nothing."""
    settings.STORAGES = {
        **settings.STORAGES,
        "ledger": {"BACKEND": "django.core.files.storage.InMemoryStorage"},
    }
    settings.LEDGER_MEMORY = str(tmp_path_factory.getbasetemp() / "memory" / uuid4().hex)
    tiles.forget()


TransactionTestCase._fixture_teardown = put_back
