"""What every test stands on: long suites only when asked for."""

import pytest


def pytest_addoption(parser):
    """Add the option that `manage.py test --nightly` passes on."""
    parser.addoption("--nightly", action="store_true", help="also run the long suites")


def pytest_collection_modifyitems(config, items):
    """Leave the long suites to the night."""
    if not config.getoption("--nightly"):
        skip = pytest.mark.skip(reason="a long suite: manage.py test --nightly")
        for item in items:
            if "nightly" in item.keywords:
                item.add_marker(skip)
