"""Bringing a catalogue in: every dataset by itself, whole or not at all, and the reason for each that stays out.

Doing it again changes nothing; a dataset that says something else, or whose files differ, becomes a new version.
"""

import hashlib
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path

from django.db import IntegrityError
from django.utils.translation import gettext

from ledger.errors import LedgerError
from licensing.errors import Refused
from marketplace.actions import covers, listings, shops
from marketplace.actions.intake import Folder, Intake
from marketplace.domain import admission
from marketplace.domain.catalogue import Catalogue, Dataset
from marketplace.domain.catalogue import read as read_catalogue
from marketplace.domain.faults import Fault
from marketplace.domain.selection import SourceUnreadable
from marketplace.errors import SourceNotFree
from marketplace.models import Shop
from marketplace.queries import catalogue as on_show

Progress = Callable[[str], None]


@dataclass(frozen=True, slots=True)
class Refusal:
    """A dataset that stays out: its id, every fault, and for test catalogues the fault that was expected."""

    id: str
    faults: tuple[Fault, ...]
    expected_fault: str = ""

    @property
    def reason(self) -> str:
        """Return the first fault: its code, then its sentence."""
        return f"{self.faults[0].code}: {self.faults[0].translated(gettext)}"


@dataclass(frozen=True, slots=True)
class Waiting:
    """A dataset that may come in, the digest of what it is made from, and whether it belongs to the public."""

    dataset: Dataset
    source_digest: str
    is_public: bool


@dataclass(slots=True)
class Report:
    """What came of an import, by the ids of the datasets."""

    added: list[str] = field(default_factory=list)
    renewed: list[str] = field(default_factory=list)
    unchanged: list[str] = field(default_factory=list)
    refused: list[Refusal] = field(default_factory=list)


def run(
    *, catalogue: Path, files: Path | None = None, now: datetime, progress: Progress = lambda _: None
) -> Report:
    """Import a catalogue, with files from a folder or else its own. Raises CatalogueUnreadable, OSError."""
    read = read_catalogue(catalogue.read_bytes())
    report, folder = Report(), Folder(files or catalogue.parent)
    sellers = _open_shops(read, report, now)
    progress(f"{len(read.datasets)} datasets, {len(sellers)} sellers")
    waiting = _admitted(read, folder, report)
    intake = Intake(folder)
    try:
        intake.prepare([each.dataset for each in waiting], lambda name: progress(f"read {name}"))
        for each in waiting:
            _bring_in(each, intake, report, now)
            progress(f"{each.dataset.id} {_outcome(each.dataset, report)}")
    finally:
        intake.close()
    return report


def _outcome(dataset: Dataset, report: Report) -> str:
    if dataset.id in report.added:
        return "is on show"
    return "has a new version" if dataset.id in report.renewed else "is refused"


def _open_shops(read: Catalogue, report: Report, now: datetime) -> list[str]:
    opened = []
    for seller in read.sellers:
        if seller.value is None:
            report.refused.append(Refusal(seller.id, seller.faults))
            continue
        shops.open_for_seller(seller=seller.value, now=now)
        opened.append(seller.value.id)
    return opened


def _admitted(read: Catalogue, files: Folder, report: Report) -> list[Waiting]:
    """Return the datasets that are new or changed, what is free first, since editions rest on it."""
    known = dict(on_show.known_datasets())
    for record in read.datasets:
        if record.value:
            known[record.id] = _known(record.value, files)
    around = admission.Surroundings(frozenset(on_show.seller_slugs()), known, files.digest)
    waiting = []
    for record in read.datasets:
        dataset = record.value
        faults = record.faults or (admission.faults_of(dataset, around) if dataset else ())
        if dataset and not faults and on_show.is_public(dataset.seller, dataset.id):
            faults = _stays_public(dataset)
        if faults or dataset is None:
            report.refused.append(Refusal(record.id, faults, record.expected_fault))
            continue
        digest = _source_digest(dataset, files)
        if on_show.source_digest(dataset.seller, dataset.id) == digest:
            report.unchanged.append(dataset.id)
        else:
            waiting.append(Waiting(dataset, digest, admission.is_public(dataset, around)))
    return sorted(waiting, key=lambda each: each.dataset.edition is not None)


def _known(dataset: Dataset, files: Folder) -> admission.Known:
    digests = frozenset(filter(None, map(files.digest, dataset.source_files)))
    free = dataset.price is None and dataset.public_interest
    return admission.Known(dataset.id, free, digests, not dataset.selection)


def _stays_public(dataset: Dataset) -> tuple[Fault, ...]:
    return () if dataset.public_interest else (Fault("public-stays-public", "public_interest"),)


def _source_digest(dataset: Dataset, files: Folder) -> str:
    """Return a digest of everything that a version is made from: the record and its source files."""
    evidence = [dataset.permission.evidence] if dataset.permission and dataset.permission.evidence else []
    parts = [dataset.digest, *(files.digest(name) or "" for name in [*dataset.source_files, *evidence])]
    return hashlib.sha256("\n".join(parts).encode()).hexdigest()


def _bring_in(each: Waiting, intake: Intake, report: Report, now: datetime) -> None:
    dataset = each.dataset
    faults = intake.faults(dataset)
    is_new = on_show.source_digest(dataset.seller, dataset.id) is None
    if not faults:
        try:
            listings.publish(
                dataset=dataset,
                shop=Shop.objects.get(slug=dataset.seller),
                files=intake.files(dataset),
                cover=covers.make(
                    form=dataset.form, files=intake.files(dataset), is_free=dataset.price is None
                ),
                source_digest=each.source_digest,
                public_interest=each.is_public,
                now=now,
            )
        except SourceNotFree as error:
            faults = [Fault("edition-source-not-free", "edition.of", {"source": error.source})]
        except (Refused, LedgerError, SourceUnreadable) as error:
            faults = [Fault("refused-by-rule", "", {"reason": error})]
        except IntegrityError as error:  # a rule that only the database holds
            faults = [Fault("refused-by-rule", "", {"reason": str(error).splitlines()[0]})]
    if faults:
        report.refused.append(Refusal(dataset.id, tuple(faults)))
    else:
        (report.added if is_new else report.renewed).append(dataset.id)
