"""A file store of its own for every test of the marketplace."""

import pytest


@pytest.fixture(autouse=True)
def file_store(settings, tmp_path):
    """Keep files in a folder that goes with the test."""
    place = tmp_path / "store"
    settings.STORAGES = {
        **settings.STORAGES,
        "default": {
            "BACKEND": "django.core.files.storage.FileSystemStorage",
            "OPTIONS": {"location": str(place)},
        },
    }
    return place
