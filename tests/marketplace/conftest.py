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


@pytest.fixture(autouse=True)
def quick_passwords(settings):
    """Hash passwords quickly: none of them guards anything."""
    settings.PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]
