"""The text of a proof is read as it is written, in its one spelling."""

import pytest

from ledger.domain import proofs
from ledger.errors import ProofInvalid

PATH = [bytes([n]) * 32 for n in range(3)]
NOTE = "example.com/log\n9\nroot\n\n— example.com/log c2lnbmF0dXJl\n"
TEXT = proofs.text(index=7, path=PATH, note=NOTE)


@pytest.mark.parametrize("path", [[], PATH, PATH * 21])
def test_what_was_written_is_read(path):
    found = proofs.parse(proofs.text(index=7, path=path, note=NOTE))
    assert (found.index, list(found.path), found.note) == (7, path, NOTE)


@pytest.mark.parametrize(
    "text",
    [
        "",
        TEXT.replace("@v1", "@v2"),
        TEXT.replace("index 7", "index 07"),
        TEXT.replace("index 7", "index -7"),
        TEXT.replace("index 7\n", ""),
        TEXT.replace("AAAA=", "AAAB="),
        TEXT.replace("AQEB", "AQ EB"),
        TEXT.replace("AQEB", ""),
        TEXT.replace("\n\n", "\n", 1),
        proofs.text(index=7, path=PATH * 22, note=NOTE),
        TEXT + "x" * proofs.MAX_CHARACTERS,
    ],
)
def test_any_other_spelling_is_refused(text):
    with pytest.raises(ProofInvalid):
        proofs.parse(text)
