"""The house's own signing keys: one for checkpoints, and one derived from it for reports.

Two, so that no report can ever pass for a checkpoint. The log's key is given as a `PRIVATE+KEY+…`
string, or as 64 hexadecimal digits, the seed that a fresh clone makes for itself.
"""

from dataclasses import dataclass, field
from hashlib import sha256

from ledger.domain import notes
from ledger.errors import KeyUnusable, NoteInvalid


@dataclass(frozen=True)
class Keys:
    """The private keys of one log. They stay out of `repr`."""

    origin: str
    log: str = field(repr=False)
    report: str = field(repr=False)

    @classmethod
    def read(cls, given: str, *, origin: str) -> "Keys":
        """Return the keys of the log with this origin. Raises KeyUnusable."""
        try:
            log = given if given.startswith("PRIVATE+KEY+") else notes.new_key(origin, _seed(given))
            name = notes.verifier_key(log).partition("+")[0]
            seed = sha256(b"wenshi report key\n" + log.encode()).digest()
            report = notes.new_key(report_origin(origin), seed)
        except (NoteInvalid, ValueError) as error:
            reason = "it is neither a PRIVATE+KEY string nor 64 hexadecimal digits"
            raise KeyUnusable(origin, reason) from error
        if name != origin:
            raise KeyUnusable(origin, f"its name is {name}, and the ledger's is {origin}")
        return cls(origin, log, report)

    @property
    def log_vkey(self) -> str:
        """The public key that checkpoints are verified with."""
        return notes.verifier_key(self.log)

    @property
    def report_vkey(self) -> str:
        """The public key that reports are verified with."""
        return notes.verifier_key(self.report)

    def policy(self) -> str:
        """Return both public keys as a C2SP tlog-policy; that of reports stands in a comment line of ours."""
        return (
            f"# Keys of the log {self.origin}. Keep this file where the log's operator cannot change it.\n"
            f"log {self.log_vkey}\n"
            f"#report {self.report_vkey}\n"
            "quorum none\n"
        )


def report_origin(origin: str) -> str:
    """Return the name that the reports of a log are signed by."""
    return f"{origin}/reports"


def _seed(digits: str) -> bytes:
    seed = bytes.fromhex(digits)
    if len(seed) != 32:
        raise ValueError("a seed has 32 bytes")
    return seed
