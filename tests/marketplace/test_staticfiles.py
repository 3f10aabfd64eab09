"""The front-end libraries that are served, the packages that are locked, and the files that exist."""

import json

import pytest
from django.conf import settings
from django.contrib.staticfiles import finders

from marketplace.staticfiles import LIBRARIES, LibraryFinder

MANIFEST = json.loads((settings.BASE_DIR / "package.json").read_text())
LOCK = json.loads((settings.BASE_DIR / "package-lock.json").read_text())


# What is no page's: the test chain, and the face that reports are printed with.
PROGRAMS = ("@foundry-rs/anvil", "@expo-google-fonts/noto-serif-sc")


def test_what_is_served_is_what_is_locked():
    assert {*LIBRARIES, *PROGRAMS} == set(MANIFEST["dependencies"])
    locked = {path.removeprefix("node_modules/"): part for path, part in LOCK["packages"].items() if path}
    assert set(locked) >= {*MANIFEST["dependencies"], *MANIFEST["devDependencies"]}
    for name, version in {**MANIFEST["dependencies"], **MANIFEST["devDependencies"]}.items():
        assert locked[name]["version"] == version, "versions are pinned"
        assert locked[name]["integrity"].startswith("sha512-")


def test_the_lock_names_no_address_to_download_from():
    assert not [path for path, part in LOCK["packages"].items() if "resolved" in part]


@pytest.mark.parametrize("name", LIBRARIES)
def test_every_pattern_of_the_list_finds_a_file(name):
    for pattern in LIBRARIES[name]:
        assert list((settings.BASE_DIR / "node_modules" / name).glob(pattern)), pattern


def test_a_listed_file_is_found_and_others_are_not():
    assert finders.find("lib/htmx.org/dist/htmx.min.js")
    assert not finders.find("lib/htmx.org/package.json")
    assert not finders.find("lib/htmx.org/dist/../package.json")
    assert not finders.find("lib/axe-core/axe.min.js")


def test_collectstatic_sees_the_same_files():
    listed = {f"{storage.prefix}/{path}" for path, storage in LibraryFinder().list([])}
    assert "lib/htmx.org/dist/htmx.min.js" in listed
    assert all(finders.find(path) for path in listed)
