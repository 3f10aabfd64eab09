"""Decide whether a dataset may come in as it is described: its files, its rights, its terms, its price.

What belongs to the public stays free (PRODUCT.md, rule 1), and a price never takes back what a licence gives.
What the records themselves say, their number above all, is found out by reading them and is not decided here.
"""

from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass

from marketplace.domain.catalogue import Dataset
from marketplace.domain.faults import Fault
from marketplace.domain.rights import Rights, Standing, rights_of
from marketplace.domain.selection import Form, form_of


@dataclass(frozen=True, slots=True)
class Known:
    """A dataset that is or will be on show: is it free and public, and which sources does it hold whole."""

    id: str
    is_free_and_public: bool
    sources: frozenset[str]
    whole: bool


@dataclass(frozen=True, slots=True)
class Surroundings:
    """What a dataset is judged against; a source is known by its SHA-256, None where there is no file."""

    sellers: Collection[str]
    known: Mapping[str, Known]
    source_digest: Callable[[str], str | None]


def faults_of(dataset: Dataset, surroundings: Surroundings) -> tuple[Fault, ...]:
    """Return every reason why a dataset may not come in; none means that it may."""
    rights = rights_of(dataset.rights_uri) if dataset.rights_uri else None
    return (
        *_seller(dataset, surroundings),
        *_files(dataset, surroundings),
        *_rights(dataset, rights),
        *(_terms(dataset, rights) if rights else ()),
        *_public_interest(dataset, surroundings),
        *_edition(dataset, surroundings),
    )


def _seller(dataset: Dataset, surroundings: Surroundings) -> Iterator[Fault]:
    if dataset.seller not in surroundings.sellers:
        yield Fault("unknown-seller", "seller", {"seller": dataset.seller})


def _files(dataset: Dataset, surroundings: Surroundings) -> Iterator[Fault]:
    for path in dataset.source_files:
        if surroundings.source_digest(path) is None:
            yield Fault("missing-file", "source_files", {"file": path})
        elif dataset.selection and form_of(path) is Form.WHOLE:
            yield Fault("bad-selection", "selection", {"file": path})
    evidence = dataset.permission.evidence if dataset.permission else ""
    if evidence and surroundings.source_digest(evidence) is None:
        yield Fault("missing-file", "permission.evidence", {"file": evidence})


def _rights(dataset: Dataset, rights: Rights | None) -> Iterator[Fault]:
    if not dataset.rights_uri:
        yield Fault("no-rights", "rights_uri")
    elif rights is None:
        yield Fault("unknown-rights", "rights_uri", {"uri": dataset.rights_uri})
    elif rights.standing is Standing.UNCLEAR:
        yield Fault("rights-unclear", "rights_uri", {"rights": rights.label})
    elif rights.standing is Standing.PERMISSION and dataset.permission is None:
        yield Fault("in-copyright-without-permission", "rights_uri", {"rights": rights.label})
    elif rights.needs_attribution and not dataset.attribution:
        yield Fault("by-without-attribution", "attribution", {"rights": rights.label})


def _terms(dataset: Dataset, rights: Rights) -> Iterator[Fault]:
    """Hold the terms to what everybody may do anyway, and to no more than the seller can give."""
    terms = dataset.terms
    if rights.standing in (Standing.OPEN, Standing.LIMITED):
        taken_back = sorted(rights.allows & (set(terms.prohibitions) | (rights.allows - terms.uses)))
        limits = {"territory": terms.territory, "audience": terms.audience, "exclusive": terms.exclusive}
        taken_back += [name for name, limit in limits.items() if limit]
        if taken_back:
            yield Fault(
                "terms-forbid-licence", "terms", {"rights": rights.label, "what": ", ".join(taken_back)}
            )
    if rights.standing is Standing.LIMITED and dataset.permission is None:
        promised = sorted(terms.uses - rights.allows)
        if dataset.price and "commercial" not in rights.allows:
            promised.append("a price")
        if promised:
            yield Fault(
                "terms-exceed-licence", "terms", {"rights": rights.label, "what": ", ".join(promised)}
            )


def _public_interest(dataset: Dataset, surroundings: Surroundings) -> Iterator[Fault]:
    terms = dataset.terms
    if dataset.public_interest and dataset.price:
        yield Fault("public-interest-priced", "price")
    if is_public(dataset, surroundings) and (terms.exclusive or terms.audience or terms.territory):
        yield Fault("public-interest-limited", "terms")
    if terms.exclusive and not dataset.price:
        yield Fault("exclusive-and-free", "terms.exclusive")


def _edition(dataset: Dataset, surroundings: Surroundings) -> Iterator[Fault]:
    """A priced dataset over public-interest files is an edition of free wholes, or it is not priced."""
    digests = {path: surroundings.source_digest(path) for path in dataset.source_files}
    if dataset.edition is None:
        source = public_source(dataset.id, digests.values(), surroundings)
        if source and dataset.price and not dataset.public_interest:
            yield Fault("priced-selection-of-public-interest", "price", {"source": source})
        return
    if dataset.terms.exclusive or dataset.terms.audience:
        yield Fault("edition-limited", "terms")
    held: set[str] = set()
    for name in dataset.edition.of:
        whole = surroundings.known.get(name)
        if whole is None or not whole.is_free_and_public or name == dataset.id:
            yield Fault("edition-source-not-free", "edition.of", {"source": name})
            return
        held |= whole.sources if whole.whole else set()
    for path, digest in digests.items():
        if digest is not None and digest not in held:
            yield Fault("edition-source-lacks-files", "edition.of", {"file": path})


def is_public(dataset: Dataset, surroundings: Surroundings) -> bool:
    """Tell whether a dataset is public-interest: by its flag, or as a free selection of what is."""
    digests = map(surroundings.source_digest, dataset.source_files)
    is_free = dataset.price is None and dataset.edition is None
    return dataset.public_interest or (
        is_free and public_source(dataset.id, digests, surroundings) is not None
    )


def public_source(own_id: str, digests: Iterable[str | None], surroundings: Surroundings) -> str | None:
    """Return a free public-interest dataset, other than the own one, that holds one of the sources."""
    wanted = {digest for digest in digests if digest}
    for known in surroundings.known.values():
        if known.is_free_and_public and known.id != own_id and wanted & known.sources:
            return known.id
    return None
