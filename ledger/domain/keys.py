"""The house's own signing keys: those of the log, and two derived from each, for cosignatures and for reports.

Kept apart, so that no report can ever pass for a checkpoint. A log key is given as a `PRIVATE+KEY+…` string, or
as 64 hexadecimal digits, the seed that a fresh clone makes for itself; several, separated by commas, while one
takes over from another: all of them sign.
"""

from collections.abc import Collection
from dataclasses import dataclass, field
from hashlib import sha256

from ledger.domain import notes
from ledger.domain.cosignatures import ML_DSA_44
from ledger.domain.policy import Group, Log, Policy, Witness
from ledger.errors import KeyUnusable, NoteInvalid

OWN = "own-ml-dsa"


@dataclass(frozen=True)
class Keys:
    """The private keys of one log. They stay out of `repr`."""

    origin: str
    logs: tuple[str, ...] = field(repr=False)
    ml_dsas: tuple[str, ...] = field(repr=False)
    reports: tuple[str, ...] = field(repr=False)

    @classmethod
    def read(cls, given: str, *, origin: str) -> "Keys":
        """Return the keys of the log with this origin. Raises KeyUnusable."""
        try:
            logs = [_log_key(each.strip(), origin) for each in given.split(",")]
            names = [notes.verifier_key(log).partition("+")[0] for log in logs]
            ml_dsas = [
                notes.new_key(origin, _derive(b"wenshi ml-dsa key\n", log), kind=ML_DSA_44) for log in logs
            ]
            reports = [
                notes.new_key(report_origin(origin), _derive(b"wenshi report key\n", log)) for log in logs
            ]
        except (NoteInvalid, ValueError) as error:
            reason = "it is neither a PRIVATE+KEY string nor 64 hexadecimal digits"
            raise KeyUnusable(origin, reason) from error
        for name in names:
            if name != origin:
                raise KeyUnusable(origin, f"its name is {name}, and the ledger's is {origin}")
        if len(set(logs)) != len(logs):
            raise KeyUnusable(origin, "it names a key twice")
        return cls(origin, tuple(logs), tuple(ml_dsas), tuple(reports))

    @property
    def log(self) -> str:
        """The first log key, which reports name."""
        return self.logs[0]

    @property
    def report(self) -> str:
        """The key that signs reports."""
        return self.reports[0]

    @property
    def log_vkey(self) -> str:
        """The public key of the first log key."""
        return notes.verifier_key(self.log)

    @property
    def log_vkeys(self) -> tuple[str, ...]:
        """The public keys that checkpoints are verified with."""
        return tuple(map(notes.verifier_key, self.logs))

    @property
    def ml_dsa_vkeys(self) -> tuple[str, ...]:
        """The public keys that the house's own cosignatures are verified with."""
        return tuple(map(notes.verifier_key, self.ml_dsas))

    @property
    def report_vkey(self) -> str:
        """The public key that new reports are verified with."""
        return notes.verifier_key(self.report)

    @property
    def report_vkeys(self) -> tuple[str, ...]:
        """The public keys that reports are verified with."""
        return tuple(map(notes.verifier_key, self.reports))

    def starting_with(self, vkeys: Collection[str]) -> "Keys":
        """Return the keys from the first on that has one of these public keys. Raises KeyUnusable if none has."""
        for at, vkey in enumerate(self.log_vkeys):
            if vkey in vkeys:
                return Keys(self.origin, self.logs[at:], self.ml_dsas[at:], self.reports[at:])
        raise KeyUnusable(self.origin, "the policy lets none of its keys sign")

    def policy(self) -> Policy:
        """Return the policy that names these keys and asks for a cosignature by the house's own."""
        witnesses = tuple(
            Witness(OWN if number == 1 else f"{OWN}-{number}", vkey)
            for number, vkey in enumerate(self.ml_dsa_vkeys, start=1)
        )
        names = tuple(each.name for each in witnesses)
        groups = (Group("own", 1, names),) if len(names) > 1 else ()
        return Policy(
            logs=tuple(map(Log, self.log_vkeys)),
            witnesses=witnesses,
            groups=groups,
            quorum="own" if groups else OWN,
            reports=self.report_vkeys,
        )

    @property
    def heading(self) -> str:
        """What a policy file of this log begins with."""
        return f"Keys of the log {self.origin}. Keep this file where the log's operator cannot change it."


def report_origin(origin: str) -> str:
    """Return the name that the reports of a log are signed by."""
    return f"{origin}/reports"


def _log_key(given: str, origin: str) -> str:
    if not given.startswith("PRIVATE+KEY+"):
        return notes.new_key(origin, bytes.fromhex(given))
    if notes.read_vkey(notes.verifier_key(given)).kind != notes.ED25519:
        raise NoteInvalid("a log key is an Ed25519 key")
    return given


def _derive(purpose: bytes, log: str) -> bytes:
    return sha256(purpose + log.encode()).digest()
