"""Read a catalogue of datasets: JSON in, sellers and datasets out, each fault named by code and field.

The format is that of `marketplace/local/catalogue/README.md`, version 1. Every field is checked
for its type, and unknown fields are refused. Whether what is said may be offered is decided in `admission`.
"""

import hashlib
import json
import re
from dataclasses import dataclass, replace
from typing import Any, Generic, TypeVar

from licensing.domain.money import CURRENCIES, Money
from licensing.domain.vocabulary import AUDIENCES, DUTY_PHRASES, PROHIBITION_PHRASES, is_territory
from marketplace.domain.faults import Fault
from marketplace.domain.fields import Fields, printable
from marketplace.domain.rights import USES
from marketplace.domain.selection import OPERATORS, Condition, Selection

FORMS = frozenset({"table", "nested_records", "text", "image", "audio", "model3d"})
SELLER_KINDS = frozenset(
    {
        "museum",
        "library",
        "archive",
        "school",
        "company",
        "association",
        "opera_troupe",
        "publisher",
        "individual",
    }
)
PROHIBITIONS = USES | set(PROHIBITION_PHRASES)
PERMISSION_BASES = frozenset({"own_work", "licence", "assignment"})
ID = re.compile(r"[a-z0-9][a-z0-9._-]{0,79}")
_CLASS = re.compile(r"[a-z0-9_]{1,60}")
_LANGUAGE = re.compile(r"[a-z]{2,3}(-[A-Za-z0-9]{2,8})*")
_COUNTRY = re.compile(r"[A-Z]{2}")
MOST_MINOR_UNITS = 10**12

Text = dict[str, str]  # by language: zh-Hans, en
T = TypeVar("T")


class CatalogueUnreadable(Exception):
    """The file as a whole is no catalogue."""


@dataclass(frozen=True, slots=True)
class Seller:
    id: str
    kind: str
    name: Text
    about: Text
    region: str
    attribution: str


@dataclass(frozen=True, slots=True)
class Edition:
    """A curated edition: the free sources it is made of, what it adds and what the public gets back."""

    of: tuple[str, ...]
    adds: Text
    benefit_plan: Text
    free_for: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Permission:
    """Why a seller may offer protected material: in a sentence, and perhaps a file that shows it."""

    basis: str
    statement: Text
    evidence: str


@dataclass(frozen=True, slots=True)
class DatasetTerms:
    uses: frozenset[str]
    duties: tuple[str, ...]
    prohibitions: tuple[str, ...]
    term_days: int | None
    territory: tuple[str, ...]
    audience: tuple[str, ...]
    exclusive: bool
    note: str


@dataclass(frozen=True, slots=True)
class Dataset:
    """One dataset as the catalogue describes it; a price of None is free."""

    id: str
    seller: str
    title: Text
    description: Text
    subject_classes: tuple[str, ...]
    form: str
    languages: tuple[str, ...]
    spatial: str
    temporal: tuple[int, int] | None
    source_files: tuple[str, ...]
    selection: Selection
    record_count: int
    rights_uri: str
    attribution: str
    terms: DatasetTerms
    price: Money | None
    public_interest: bool
    edition: Edition | None
    permission: Permission | None
    digest: str


@dataclass(frozen=True)
class Read(Generic[T]):
    """One record as read: its id as far as it has one, and either the value or the faults."""

    id: str
    value: T | None
    faults: tuple[Fault, ...]
    expected_fault: str = ""


@dataclass(frozen=True, slots=True)
class Catalogue:
    sellers: tuple[Read[Seller], ...]
    datasets: tuple[Read[Dataset], ...]


def read(data: bytes) -> Catalogue:
    """Read a catalogue. Raises CatalogueUnreadable when there is nothing to read records from."""
    try:
        document = json.loads(data, object_pairs_hook=Fields.from_pairs)
    except UnicodeDecodeError as error:
        raise CatalogueUnreadable("The catalogue is not UTF-8.") from error
    except RecursionError as error:
        raise CatalogueUnreadable("The catalogue is nested too deep to read.") from error
    except ValueError as error:
        raise CatalogueUnreadable(f"The catalogue is not JSON: {error}.") from error
    if not isinstance(document, dict):
        raise CatalogueUnreadable("A catalogue is a JSON object.")
    if document.get("version") != 1 or isinstance(document.get("version"), bool):
        raise CatalogueUnreadable("The catalogue's version must be 1.")
    if unknown := sorted(set(document) - {"version", "note", "sellers", "datasets"}):
        raise CatalogueUnreadable(f"A catalogue has no field “{unknown[0]}”.")
    sellers, datasets = document.get("sellers", []), document.get("datasets")
    if not isinstance(datasets, list) or not isinstance(sellers, list):
        raise CatalogueUnreadable("The fields “sellers” and “datasets” must be lists.")
    return Catalogue(
        tuple(_each_once([read_seller(record) for record in sellers])),
        tuple(_each_once([read_dataset(record) for record in datasets])),
    )


def _each_once(read_records: list[Read[T]]) -> list[Read[T]]:
    """Refuse every record whose id another one has: it is not clear which one counts."""
    ids = [record.id for record in read_records if record.value]
    return [
        replace(record, value=None, faults=(Fault("id-twice", "id"),))
        if record.value and ids.count(record.id) > 1
        else record
        for record in read_records
    ]


def read_seller(record: Any) -> Read[Seller]:
    """Read one seller."""
    fields = Fields(record)
    seller = Seller(
        id=fields.identifier("id", ID),
        kind=fields.word("kind", SELLER_KINDS),
        name=fields.languages("name"),
        about=fields.languages("about", required=False),
        region=fields.text("region", most=20),
        attribution=fields.text("attribution", required=False),
    )
    fields.finish()
    return Read(_id_of(record), None if fields.faults else seller, tuple(fields.faults))


def read_dataset(record: Any) -> Read[Dataset]:
    """Read one dataset."""
    fields = Fields(record)
    expected = fields.text("expected_fault", required=False)
    dataset = Dataset(
        id=fields.identifier("id", ID),
        seller=fields.identifier("seller", ID),
        title=fields.languages("title", most=200),
        description=fields.languages("description", most=5000),
        subject_classes=fields.texts("subject_classes", _CLASS),
        form=fields.word("resource_form", FORMS),
        languages=fields.texts("languages", _LANGUAGE),
        spatial=fields.text("spatial", required=False, most=80),
        temporal=_temporal(fields),
        source_files=_source_files(fields),
        selection=_selection(fields),
        record_count=fields.integer("record_count", least=1),
        rights_uri=fields.text("rights_uri", required=False),
        attribution=fields.text("attribution", required=False, most=2000),
        terms=_terms(fields.inner("terms")),
        price=_price(fields.inner("price")),
        public_interest=fields.flag("public_interest"),
        edition=_edition(fields.inner("edition", required=False)),
        permission=_permission(fields.inner("permission", required=False)),
        digest=_digest(record),
    )
    fields.finish()
    return Read(_id_of(record), None if fields.faults else dataset, tuple(fields.faults), expected)


def _id_of(record: Any) -> str:
    name = record.get("id") if isinstance(record, dict) else None
    return name if isinstance(name, str) and ID.fullmatch(name) else "?"


def _digest(record: Any) -> str:
    """Return the SHA-256 of what the record says, so that the same record is known again."""
    said = {k: v for k, v in record.items() if k != "expected_fault"} if isinstance(record, dict) else record
    return hashlib.sha256(json.dumps(said, sort_keys=True).encode()).hexdigest()


def _temporal(fields: Fields) -> tuple[int, int] | None:
    period = fields.inner("temporal", required=False)
    if period is None:
        return None
    start, end = period.integer("start", least=-100_000), period.integer("end", least=-100_000)
    period.finish()
    if not period.faults and start > end:
        fields.fault("bad-period", "temporal")
    return start, end


def _source_files(fields: Fields) -> tuple[str, ...]:
    paths = fields.texts("source_files", None)
    if not paths and not fields.faulty("source_files"):
        fields.fault("no-files", "source_files")
    for path in {path for path in paths if paths.count(path) > 1}:
        fields.fault("file-twice", "source_files", file=path)
    for path in paths:
        if leaves_folder(path):
            fields.fault("path-escape", "source_files", file=path)
    return paths


def leaves_folder(path: str) -> bool:
    """Tell whether a path is anything but a plain way down from the data folder."""
    parts = path.split("/")
    return "\\" in path or ":" in parts[0] or any(part in ("", ".", "..") for part in parts)


def _selection(fields: Fields) -> Selection:
    conditions = []
    for condition in fields.objects("selection"):
        operator = condition.word("op", OPERATORS)
        if operator == "contains_any":
            values = condition.texts("value", None)
            if not values and not condition.faulty("value"):
                condition.fault("missing-field", "value")
        else:
            values = (condition.text("value", required=operator != "nonempty", strip=False),)
        conditions.append(Condition(condition.text("field"), operator, values))
        condition.finish()
    return tuple(conditions)


def _terms(terms: Fields | None) -> DatasetTerms:
    if terms is None:
        return DatasetTerms(frozenset(), (), (), None, (), (), False, "")
    result = DatasetTerms(
        uses=frozenset(terms.words("uses", USES, required=True)),
        duties=terms.words("duties", DUTY_PHRASES),
        prohibitions=terms.words("prohibitions", PROHIBITIONS),
        term_days=terms.integer("term_days", required=False, least=1, most=36_500, code="bad-term"),
        territory=terms.texts("territory", _COUNTRY),
        audience=terms.words("audience", AUDIENCES),
        exclusive=terms.flag("exclusive", required=False),
        note=terms.text("note", required=False, most=1000),
    )
    for code in result.territory:
        if not is_territory(code):
            terms.fault("unknown-word", "territory", word=code, known="ISO 3166-1")
    if not result.uses and not terms.faulty("uses"):
        terms.fault("no-uses", "uses")
    if both := sorted(result.uses & set(result.prohibitions)):
        terms.fault("terms-contradict", "prohibitions", what=", ".join(both))
    terms.finish()
    return result


def _price(price: Fields | None) -> Money | None:
    if price is None:
        return None
    free, amount, currency = price.flag("free"), price.raw("amount_minor"), price.raw("currency")
    price.finish()
    if price.faults:
        return None
    if free:
        if amount is not None or currency is not None:
            price.fault("free-and-priced", "")
        return None
    if fault := _price_fault(amount, currency):
        code, name, values = fault
        price.fault(code, name, **values)
        return None
    return Money(amount, currency)


def _price_fault(amount: Any, currency: Any) -> tuple[str, str, dict[str, object]] | None:
    """Return the first thing wrong with an amount and its currency."""
    if amount is None:
        return "missing-field", "amount_minor", {}
    if isinstance(amount, float):
        return "price-not-whole", "amount_minor", {}
    if not isinstance(amount, int) or isinstance(amount, bool):
        return "wrong-type", "amount_minor", {"expected": "a whole number"}
    if amount < 0:
        return "price-negative", "amount_minor", {}
    if amount == 0:
        return "price-zero", "amount_minor", {}
    if amount > MOST_MINOR_UNITS:
        return "price-too-high", "amount_minor", {}
    if currency is None:
        return "missing-field", "currency", {}
    if not isinstance(currency, str):
        return "wrong-type", "currency", {"expected": "a text"}
    if currency not in CURRENCIES:
        return "unknown-currency", "currency", {"currency": printable(currency)}
    if amount % CURRENCIES[currency].step:
        return "price-step", "amount_minor", {"currency": currency, "step": CURRENCIES[currency].step}
    return None


def _edition(edition: Fields | None) -> Edition | None:
    if edition is None:
        return None
    result = Edition(
        of=edition.texts("of", ID),
        adds=edition.languages("adds", required=False),
        benefit_plan=edition.languages("benefit_plan", required=False),
        free_for=edition.words("free_for", AUDIENCES),
    )
    edition.finish()
    if edition.faults:
        return None
    if not result.of:
        edition.fault("edition-without-source", "of")
    if not all(result.adds.values()):
        edition.fault("edition-without-addition", "adds_zh")
    if not all(result.benefit_plan.values()):
        edition.fault("edition-without-benefit-plan", "benefit_plan_zh")
    if set(result.free_for) != set(AUDIENCES):
        edition.fault("edition-not-free-for-public", "free_for")
    return result


def _permission(permission: Fields | None) -> Permission | None:
    if permission is None:
        return None
    result = Permission(
        basis=permission.word("basis", PERMISSION_BASES),
        statement=permission.languages("statement"),
        evidence=permission.text("evidence", required=False),
    )
    if result.evidence and leaves_folder(result.evidence):
        permission.fault("path-escape", "evidence", file=result.evidence)
    permission.finish()
    return result
