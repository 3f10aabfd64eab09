"""The house's own catalogue on show for all tests of a module, with its entries on the ledger."""

from copy import deepcopy
from pathlib import Path
from shutil import copytree

import pytest
from django.conf import settings as given
from django.core.files.storage import storages
from django.db import transaction
from django.test import override_settings

from ledger.actions import sequencer
from ledger.clock import now
from ledger.gateways import tiles
from marketplace.actions import imports
from tests.conftest import files_of_a_log

CATALOGUE = Path(imports.__file__).parents[1] / "local" / "catalogue" / "demo-catalogue.json"


@pytest.fixture(scope="module")
def shown(django_db_setup, django_db_blocker, tmp_path_factory):
    """Bring the catalogue on show, and take it back with the module's transaction."""
    place = tmp_path_factory.mktemp("house")
    storages = {
        **given.STORAGES,
        "default": {**given.STORAGES["default"], "OPTIONS": {"location": place / "store"}},
    }
    with (
        override_settings(STORAGES=storages),
        files_of_a_log(place / "memory"),
        django_db_blocker.unblock(),
        transaction.atomic(),
    ):
        assert imports.run(catalogue=CATALOGUE, now=now()).refused == []
        sequencer.catch_up(now=now())
        yield
        transaction.set_rollback(True)


@pytest.fixture(autouse=True)
def file_store():
    """Keep files where the module's were put."""


@pytest.fixture(autouse=True)
def files_of_the_log(tmp_path):
    """Begin with the files that the module's log has, and take back what a test adds, as its transaction is."""
    store, memory = storages["ledger"], Path(given.LEDGER_MEMORY)
    before = deepcopy(store._root)
    if memory.exists():
        copytree(memory, tmp_path / "memory")
    with override_settings(LEDGER_MEMORY=str(tmp_path / "memory")):
        yield
    store._root = before
    tiles.forget()


@pytest.fixture
def catalogue(shown, db):
    """Begin a test with what is on show."""
