"""What a version's files are, before they are rows, and the hash that stands for all of them.

sha256(RFC 8785 of [{"bytes": size, "name": name, "sha256": hexadecimal}, …])      in the order of the version
"""

import re
from collections.abc import Iterable
from dataclasses import dataclass, field
from hashlib import sha256
from typing import Any

from ledger.domain import canonical
from licensing.errors import AssetRefused

_DIGEST = re.compile(r"[0-9a-f]{64}")


@dataclass(frozen=True, slots=True)
class FileSpec:
    """One file to be published: its name, kind, size, hash, where it is kept and what it was made from."""

    name: str
    media_type: str
    byte_size: int
    sha256: str
    storage_key: str
    source: dict[str, Any] = field(default_factory=dict)

    def __post_init__(self) -> None:
        if not self.name or "/" in self.name or "\\" in self.name or "\x00" in self.name:
            raise AssetRefused("files", f"not a file name: {self.name!r}")
        if not _DIGEST.fullmatch(self.sha256):
            raise AssetRefused("files", f"{self.name}: not a SHA-256 in lower-case hexadecimal")
        if type(self.byte_size) is not int or self.byte_size < 0:
            raise AssetRefused("files", f"{self.name}: not a size in bytes")


def files_sha256(files: Iterable[FileSpec]) -> str:
    """Return the hash that stands for a list of files."""
    listed = [{"name": each.name, "bytes": each.byte_size, "sha256": each.sha256} for each in files]
    return sha256(canonical.encode(listed)).hexdigest()
