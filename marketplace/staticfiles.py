"""Serves the front-end libraries of `node_modules/` under /static/lib/<package>/, and of them only the files listed.

A test holds this list and the lock together.
"""

from fnmatch import fnmatch
from pathlib import Path

from django.conf import settings
from django.contrib.staticfiles.finders import BaseFinder
from django.core.checks import Warning
from django.core.files.storage import FileSystemStorage

LIBRARIES = {
    "htmx.org": ["dist/htmx.min.js"],
    "lucide-static": ["sprite.svg"],
    "@fontsource-variable/source-serif-4": ["files/source-serif-4-latin*-wght-*.woff2"],
    "@fontsource/ibm-plex-mono": ["files/ibm-plex-mono-latin*-400-normal.woff2"],
    # The stylesheet names each slice of the font as woff2 and woff; browsers take the first.
    "@fontsource/noto-serif-sc": ["600.css", "files/noto-serif-sc-*-600-normal.woff*"],
}
PREFIX = "lib/"


class LibraryFinder(BaseFinder):
    """Finds the listed files of npm packages."""

    def __init__(self, app_names=None, *args, **kwargs) -> None:
        self.root = Path(settings.BASE_DIR) / "node_modules"

    def check(self, **_):
        """Say so when the packages are not there."""
        missing = [name for name in LIBRARIES if not (self.root / name).is_dir()]
        hint = "Run `npm ci`, or let `manage.py demo` do it."
        return (
            [Warning(f"Front-end packages are missing: {', '.join(missing)}.", hint=hint)] if missing else []
        )

    def find(self, path, find_all=False, **_):
        """Return where a file lies that is asked for as lib/<package>/<file>, if it is listed."""
        found = []
        for name, patterns in LIBRARIES.items():
            inside = path.removeprefix(f"{PREFIX}{name}/")
            listed = inside != path and any(fnmatch(inside, pattern) for pattern in patterns)
            if listed and ".." not in inside and (self.root / name / inside).is_file():
                found.append(str(self.root / name / inside))
        return found[0] if found and not find_all else found

    def list(self, ignore_patterns):
        """Yield every listed file, for collectstatic."""
        for name, patterns in LIBRARIES.items():
            storage = FileSystemStorage(location=self.root / name)
            storage.prefix = f"{PREFIX}{name}"
            for pattern in patterns:
                for path in sorted((self.root / name).glob(pattern)):
                    yield str(path.relative_to(self.root / name)), storage
