"""Every fault of a dataset is named by code and field, one clear sentence each; nothing in a catalogue crashes it."""

import copy
import json

import pytest

from marketplace.domain import admission, catalogue
from marketplace.domain.admission import Known, Surroundings
from marketplace.domain.catalogue import CatalogueUnreadable
from marketplace.domain.faults import SENTENCES
from tests.marketplace.catalogues import (
    ALL_USES,
    CC0,
    EDITION,
    IN_COPYRIGHT,
    PROTECTED,
    SELLER,
    WHOLE,
    changed,
)

BY = "https://creativecommons.org/licenses/by/4.0/"
WRONG = [None, True, 0, -1, 2.5, 10**30, "", "x" * 9000, "\x00", "\ud800", [], [[]], [1], {}, {"x": 1}, [{}]]
FILES = {"tables/objects.csv": "a" * 64, "notes.jsonl": "b" * 64, "other.csv": "c" * 64}


def codes(record) -> list[str]:
    """Return the codes of everything that is wrong with a dataset beside the free whole table."""
    read = catalogue.read_dataset(record)
    faults = read.faults or admission.faults_of(read.value, surroundings())
    for fault in faults:
        assert fault.sentence and "%(" not in fault.sentence
    return [f"{fault.code} {fault.field}".strip() for fault in faults]


def surroundings():
    whole = Known("objects", True, frozenset([FILES["tables/objects.csv"]]), True)
    return Surroundings({"hill-museum"}, {"objects": whole}, FILES.get)


def test_the_three_datasets_that_tests_bend_have_no_fault():
    assert codes(WHOLE) == codes(EDITION) == codes(PROTECTED) == []


REFUSED = [
    (
        changed(WHOLE, price={"free": False, "amount_minor": 1, "currency": "CNY"}),
        "public-interest-priced price",
    ),
    (changed(EDITION, public_interest=True), "public-interest-priced price"),
    (changed(WHOLE, rights_uri=""), "no-rights rights_uri"),
    (changed(WHOLE, rights_uri="https://example.org/mine"), "unknown-rights rights_uri"),
    (changed(WHOLE, rights_uri="http://rightsstatements.org/vocab/UND/1.0/"), "rights-unclear rights_uri"),
    (changed(WHOLE, rights_uri=BY, attribution=""), "by-without-attribution attribution"),
    (changed(WHOLE, rights_uri=IN_COPYRIGHT), "in-copyright-without-permission rights_uri"),
    (changed(WHOLE, terms__uses=["read"]), "terms-forbid-licence terms"),
    (changed(PROTECTED, terms__prohibitions=["read"]), "terms-contradict terms.prohibitions"),
    (changed(WHOLE, public_interest=False, terms__territory=["CN"]), "terms-forbid-licence terms"),
    (
        changed(WHOLE, public_interest=False, rights_uri="https://creativecommons.org/licenses/by-nc/4.0/"),
        "terms-exceed-licence terms",
    ),
    (changed(EDITION, price__free=True), "free-and-priced price"),
    (changed(EDITION, price__amount_minor=0), "price-zero price.amount_minor"),
    (changed(EDITION, price__amount_minor=-1), "price-negative price.amount_minor"),
    (changed(EDITION, price__amount_minor=99.0), "price-not-whole price.amount_minor"),
    (changed(EDITION, price__amount_minor=10**13), "price-too-high price.amount_minor"),
    (changed(EDITION, price__amount_minor="99"), "wrong-type price.amount_minor"),
    (changed(EDITION, price__amount_minor=True), "wrong-type price.amount_minor"),
    (changed(EDITION, price__currency="RMB"), "unknown-currency price.currency"),
    (
        changed(EDITION, price={"free": False, "amount_minor": 1005, "currency": "KWD"}),
        "price-step price.amount_minor",
    ),
    (changed(EDITION, edition__of=[]), "edition-without-source edition.of"),
    (changed(EDITION, edition__of=["objects-1650"]), "edition-source-not-free edition.of"),
    (changed(EDITION, edition__of=["nothing"]), "edition-source-not-free edition.of"),
    (changed(EDITION, edition__benefit_plan_zh=" "), "edition-without-benefit-plan edition.benefit_plan_zh"),
    (changed(EDITION, edition__adds_en=""), "edition-without-addition edition.adds_zh"),
    (changed(EDITION, edition__free_for=["education"]), "edition-not-free-for-public edition.free_for"),
    (changed(EDITION, source_files=["other.csv"]), "edition-source-lacks-files edition.of"),
    (changed(WHOLE, source_files=["tables/none.csv"]), "missing-file source_files"),
    (changed(WHOLE, source_files=["../x.csv"]), "path-escape source_files"),
    (changed(WHOLE, source_files=["/etc/passwd"]), "path-escape source_files"),
    (changed(WHOLE, source_files=["a/../../x.csv"]), "path-escape source_files"),
    (changed(WHOLE, source_files=["..\\x.csv"]), "path-escape source_files"),
    (changed(WHOLE, source_files=["C:/x.csv"]), "path-escape source_files"),
    (changed(WHOLE, source_files=[]), "no-files source_files"),
    (changed(WHOLE, source_files=["other.csv", "other.csv"]), "file-twice source_files"),
    (changed(WHOLE, seller="nobody"), "unknown-seller seller"),
    (changed(WHOLE, temporal={"start": 2, "end": 1}), "bad-period temporal"),
    (changed(WHOLE, terms__uses=[*ALL_USES, "eat"]), "unknown-word terms.uses[6]"),
    (changed(PROTECTED, terms__uses=[]), "no-uses terms.uses"),
    (changed(PROTECTED, terms__territory=["XX"]), "unknown-word terms.territory"),
    (changed(PROTECTED, terms__term_days=0), "bad-term terms.term_days"),
    (changed(PROTECTED, price={"free": True}, terms__exclusive=True), "exclusive-and-free terms.exclusive"),
    (changed(PROTECTED, permission__basis="hearsay"), "unknown-word permission.basis"),
    (changed(PROTECTED, permission__evidence="none.pdf"), "missing-file permission.evidence"),
    (changed(WHOLE, colour="red"), "unknown-field colour"),
    (changed(WHOLE, terms__colour="red"), "unknown-field terms.colour"),
]


@pytest.mark.parametrize(
    ("record", "expected"), REFUSED, ids=[f"{place}-{e}" for place, (_, e) in enumerate(REFUSED)]
)
def test_a_dataset_with_one_fault_is_refused_for_that_fault_alone(record, expected):
    if "exclusive" in expected or "territory" in expected:
        record["terms"].setdefault("exclusive", False)
    assert codes(record) == [expected]


def test_a_priced_selection_of_a_public_table_needs_an_edition_even_under_another_name():
    record = copy.deepcopy(EDITION)
    del record["edition"]
    assert codes(record) == ["priced-selection-of-public-interest price"]
    renamed = {**FILES, "renamed.csv": FILES["tables/objects.csv"]}
    record["source_files"] = ["renamed.csv"]
    read = catalogue.read_dataset(record)
    around = Surroundings({"hill-museum"}, surroundings().known, renamed.get)
    assert [f.code for f in admission.faults_of(read.value, around)] == [
        "priced-selection-of-public-interest"
    ]


@pytest.mark.parametrize("wrong", WRONG, ids=lambda value: repr(value)[:12])
@pytest.mark.parametrize("record", [WHOLE, EDITION, PROTECTED], ids=lambda record: record["id"])
def test_no_wrong_value_in_any_field_crashes_the_reading(record, wrong):
    for path in paths(record):
        bent = changed(record, **{"__".join(path): wrong})
        read = catalogue.read_dataset(bent)
        for fault in read.faults or admission.faults_of(read.value, surroundings()):
            assert fault.code in SENTENCES
            assert fault.sentence.encode()


def paths(record: dict, above: tuple = ()) -> list[tuple]:
    """Return the path of every field, those of inner objects too."""
    found = []
    for name, value in record.items():
        found.append((*above, name))
        if isinstance(value, dict):
            found += paths(value, (*above, name))
    return found


@pytest.mark.parametrize("record", [*WRONG, "text", 3])
def test_a_record_that_is_no_object_is_one_fault(record):
    if not isinstance(record, dict):
        assert catalogue.read_dataset(record).faults[0].code == "not-an-object"


def test_a_required_field_that_is_missing_is_named():
    for name in (
        "id",
        "seller",
        "title_zh",
        "description_en",
        "resource_form",
        "record_count",
        "terms",
        "price",
    ):
        record = {key: value for key, value in WHOLE.items() if key != name}
        assert codes(record) == [f"missing-field {name}"]


def test_a_field_that_stands_twice_is_refused():
    text = json.dumps({"version": 1, "sellers": [SELLER], "datasets": [WHOLE]})
    text = text.replace('"public_interest": true', '"public_interest": true, "public_interest": false')
    (dataset,) = catalogue.read(text.encode()).datasets
    assert [fault.code for fault in dataset.faults] == ["field-twice"]


def test_two_datasets_of_one_id_are_both_refused():
    read = catalogue.read(json.dumps({"version": 1, "datasets": [WHOLE, WHOLE]}).encode())
    assert [[fault.code for fault in dataset.faults] for dataset in read.datasets] == [["id-twice"]] * 2


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"{",
        b"[]",
        b"3",
        b"\xff",
        b"[" * 100_000,
        b'{"version": 2, "datasets": []}',
        b'{"version": true, "datasets": []}',
        b'{"version": 1}',
        b'{"version": 1, "datasets": {}}',
        b'{"version": 1, "datasets": [], "more": 1}',
        b'{"version": 1, "datasets": [], "sellers": 3}',
        b'{"version": 1, "datasets": [{"record_count": ' + b"9" * 5000 + b"}]}",
    ],
)
def test_what_is_no_catalogue_is_one_sentence(data):
    with pytest.raises(CatalogueUnreadable, match=r"[A-Z].*\."):
        catalogue.read(data)


def test_the_digest_of_a_record_does_not_depend_on_spelling_and_changes_with_what_it_says():
    same = json.loads(json.dumps(dict(reversed(WHOLE.items())), ensure_ascii=True))
    assert catalogue.read_dataset(WHOLE).value.digest == catalogue.read_dataset(same).value.digest
    other = changed(WHOLE, title_en="Objects")
    assert catalogue.read_dataset(WHOLE).value.digest != catalogue.read_dataset(other).value.digest


def test_licences_are_known_however_their_address_is_written():
    for uri in (CC0, CC0.replace("https", "http"), CC0.rstrip("/"), CC0 + "deed.en"):
        assert codes(changed(WHOLE, rights_uri=uri)) == []
