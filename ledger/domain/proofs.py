"""The text of an inclusion proof, C2SP tlog-proof without extra data.

    c2sp.org/tlog-proof@v1
    index <decimal>
    <hash, base64>        none, one or more
    (empty line)
    <checkpoint, a signed note>

The hashes go from the leaf's sibling up.
"""

from base64 import b64encode
from collections.abc import Sequence


def text(*, index: int, path: Sequence[bytes], note: str) -> str:
    """Return the proof that an entry stands under a checkpoint."""
    hashes = "".join(f"{b64encode(each).decode()}\n" for each in path)
    return f"c2sp.org/tlog-proof@v1\nindex {index}\n{hashes}\n{note}"
