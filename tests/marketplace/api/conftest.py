"""What is on show for all tests of a module: brought in once, and taken back with the module's transaction."""

import pytest
from django.conf import settings as given
from django.db import transaction
from django.test import override_settings

from ledger.clock import now
from marketplace.actions import imports
from tests.marketplace.catalogues import EDITION, PROTECTED, WHOLE, changed, write


@pytest.fixture(scope="module")
def shown(django_db_setup, django_db_blocker, tmp_path_factory):
    """Bring on show a free table, an edition of it, and notes that are limited in one way each."""
    place = tmp_path_factory.mktemp("house")
    storages = {
        **given.STORAGES,
        "default": {**given.STORAGES["default"], "OPTIONS": {"location": place / "store"}},
    }
    path = write(
        place,
        WHOLE,
        EDITION,
        changed(PROTECTED, terms__territory=["CN"]),
        changed(PROTECTED, id="scripts", terms__exclusive=True),
        changed(PROTECTED, id="lessons", price={"free": True}, terms__audience=["education"]),
        changed(PROTECTED, id="penny", price__amount_minor=1),
    )
    with override_settings(STORAGES=storages), django_db_blocker.unblock(), transaction.atomic():
        assert imports.run(catalogue=path, now=now()).refused == []
        yield
        transaction.set_rollback(True)


@pytest.fixture(autouse=True)
def file_store():
    """Keep files where the module's were put."""


@pytest.fixture
def catalogue(shown, db):
    """Begin a test with what is on show."""
