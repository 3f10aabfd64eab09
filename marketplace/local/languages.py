"""Compiles the translations that have changed, `.po` to `.mo`, without gettext's own programs."""

import os
from pathlib import Path

from marketplace.local.house import BASE_DIR


def compile_changed() -> None:
    """Compile each catalogue that is newer than what was compiled from it."""
    for source in (BASE_DIR / "locale").glob("*/LC_MESSAGES/*.po"):
        target = source.with_suffix(".mo")
        if not target.exists() or target.stat().st_mtime_ns != source.stat().st_mtime_ns:
            compile_one(source, target)


def compile_one(source: Path, target: Path) -> None:
    """Compile one catalogue, and give the result the source's time, by which a change is seen."""
    from babel.messages import mofile, pofile

    seen = source.stat()
    draft = target.with_suffix(f".{os.getpid()}.new")
    with open(source, "rb") as text, open(draft, "wb") as compiled:
        mofile.write_mo(compiled, pofile.read_po(text))
    os.utime(draft, ns=(seen.st_atime_ns, seen.st_mtime_ns))
    os.replace(draft, target)
