"""Setting a page for print, by typst: a template and the data it prints make a tagged PDF, PDF/UA-1.

The fonts are those that the set-up brought, so that the same data is the same file on every machine; only where they
are missing are the system's own asked.
"""

import json
from collections.abc import Mapping
from functools import lru_cache
from pathlib import Path
from typing import Any

import typst
from django.conf import settings

SONG = settings.BASE_DIR / "node_modules" / "@expo-google-fonts" / "noto-serif-sc"
WEIGHTS = ("400Regular", "700Bold")


def pdf(template: Path, data: Mapping[str, Any]) -> bytes:
    """Return the document that a template makes of the data, which it reads as `sys.inputs.data`."""
    compiler = typst.Compiler(font_paths=_fonts(), sys_inputs={"data": json.dumps(data, ensure_ascii=False)})
    return compiler.compile(str(template), format="pdf", pdf_standards=["ua-1"])


@lru_cache(maxsize=1)
def _fonts() -> typst.Fonts:
    paths = [SONG / weight for weight in WEIGHTS]
    installed = all(path.is_dir() for path in paths)
    return typst.Fonts(include_system_fonts=not installed, font_paths=paths if installed else [])
