"""The house's own signing keys, from the setting LEDGER_SIGNING_KEY.

Either a `PRIVATE+KEY+…` string, or 64 hexadecimal digits, the seed that a fresh clone made for itself.
Reports are signed by a second key, derived from it, so that no report can pass for a checkpoint.
"""

from hashlib import sha256

from django.conf import settings

from ledger.domain import notes
from ledger.errors import KeyUnusable, NoteInvalid

SETTING = "LEDGER_SIGNING_KEY"


def signing_key() -> str:
    """Return the private key that signs checkpoints. Raises KeyUnusable."""
    given = settings.LEDGER_SIGNING_KEY
    try:
        key = (
            given if given.startswith("PRIVATE+KEY+") else notes.new_key(settings.LEDGER_ORIGIN, _seed(given))
        )
        name = notes.verifier_key(key).partition("+")[0]
    except (NoteInvalid, ValueError) as error:
        raise KeyUnusable(SETTING, "it is neither a PRIVATE+KEY string nor 64 hexadecimal digits") from error
    if name != settings.LEDGER_ORIGIN:
        raise KeyUnusable(SETTING, f"its name is {name}, the ledger's is {settings.LEDGER_ORIGIN}")
    return key


def report_key() -> str:
    """Return the private key that signs the list of files of a report. Raises KeyUnusable."""
    seed = sha256(b"wenshi report key\n" + signing_key().encode()).digest()
    return notes.new_key(report_origin(), seed)


def report_origin() -> str:
    """Return the name that reports are signed by."""
    return f"{settings.LEDGER_ORIGIN}/reports"


def _seed(digits: str) -> bytes:
    seed = bytes.fromhex(digits)
    if len(seed) != 32:
        raise ValueError("a seed has 32 bytes")
    return seed
