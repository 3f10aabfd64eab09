"""The house's own catalogue on show for all tests of a module, with its entries on the ledger."""

from pathlib import Path

import pytest
from django.conf import settings as given
from django.db import transaction
from django.test import override_settings

from ledger.actions import sequencer
from ledger.clock import now
from marketplace.actions import imports

CATALOGUE = Path(imports.__file__).parents[1] / "local" / "catalogue" / "demo-catalogue.json"


@pytest.fixture(scope="module")
def shown(django_db_setup, django_db_blocker, tmp_path_factory):
    """Bring the catalogue on show, and take it back with the module's transaction."""
    place = tmp_path_factory.mktemp("house")
    storages = {
        **given.STORAGES,
        "default": {**given.STORAGES["default"], "OPTIONS": {"location": place / "store"}},
    }
    with override_settings(STORAGES=storages), django_db_blocker.unblock(), transaction.atomic():
        assert imports.run(catalogue=CATALOGUE, now=now()).refused == []
        sequencer.catch_up(now=now())
        yield
        transaction.set_rollback(True)


@pytest.fixture(autouse=True)
def file_store():
    """Keep files where the module's were put."""


@pytest.fixture
def catalogue(shown, db):
    """Begin a test with what is on show."""
