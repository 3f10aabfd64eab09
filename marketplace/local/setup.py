"""Brings a fresh clone to where its commands can run: a virtual environment with the pinned packages.

Standard library only, and syntax old enough for an old Python to read it and say that it is too old.
"""

import os
import sys
from pathlib import Path

BASE_DIR = Path(__file__).resolve().parent.parent.parent
VENV = BASE_DIR / ".venv"


def enter():
    """Continue inside the virtual environment of the house. One that the caller has entered is left as it is."""
    if sys.prefix != sys.base_prefix:
        return
    python = VENV / "bin" / "python"
    os.execv(str(python), [str(python)] + sys.argv)
