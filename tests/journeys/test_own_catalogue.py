"""The repository's own catalogue: what a clone alone has to sell, to give away and to deny."""

import csv
import io
import json

import pytest

from marketplace.domain.catalogue import read
from marketplace.local import recount, sale
from marketplace.local.house import BASE_DIR

FOLDER = BASE_DIR / "marketplace/local/catalogue"
DATASETS = sale.datasets(FOLDER)
INVALID = json.loads((FOLDER / "demo-catalogue-invalid.json").read_text())["datasets"]
LARGEST_BYTES = 1_500_000


def test_it_holds_at_least_eight_datasets_of_four_forms_by_three_sellers_in_both_languages():
    assert len(DATASETS) >= 8
    assert len({dataset["resource_form"] for dataset in DATASETS}) >= 4
    assert len({dataset["seller"] for dataset in DATASETS}) == 3
    assert all(dataset[f"{field}_{language}"] for dataset in DATASETS for field in ("title", "description")
               for language in ("zh", "en"))  # fmt: skip


def test_it_withholds_training_limits_to_education_and_to_one_territory_and_offers_one_exclusively():
    terms = {dataset["id"]: dataset["terms"] for dataset in DATASETS}
    assert [i for i, t in terms.items() if "commercial" in t["uses"] and "machine_learning" not in t["uses"]]
    assert [i for i, t in terms.items() if t.get("audience") == ["education"]]
    assert [i for i, t in terms.items() if t.get("territory") == ["CN"]]
    assert [i for i, t in terms.items() if t.get("exclusive")]


def test_every_listing_reads_without_a_fault():
    catalogue = read((FOLDER / "demo-catalogue.json").read_bytes())
    assert [(one.id, one.faults) for one in (*catalogue.sellers, *catalogue.datasets) if one.faults] == []


def test_every_source_file_is_listed_once_and_all_together_stay_small():
    on_disk = {str(path.relative_to(FOLDER)) for path in FOLDER.glob("*/*")}
    assert on_disk == {name for dataset in DATASETS for name in dataset["source_files"]}
    assert sum(path.stat().st_size for path in FOLDER.rglob("*") if path.is_file()) < LARGEST_BYTES


def test_each_refused_listing_names_its_fault_and_no_good_one_does():
    assert all(dataset["expected_fault"] for dataset in INVALID)
    assert len({dataset["expected_fault"] for dataset in INVALID}) == len(INVALID) == 7
    assert not any("expected_fault" in dataset for dataset in DATASETS)


def test_what_is_sold_is_a_selection_that_the_provider_charges_and_what_is_given_is_whole():
    assert sale.to_sell(DATASETS)["id"] == "cg-bronze"
    assert sale.to_give(DATASETS)["public_interest"]


def test_a_selection_keeps_the_header_the_line_ends_and_quoted_line_breaks():
    [bronze] = [dataset for dataset in DATASETS if dataset["id"] == "cg-bronze"]
    source = (FOLDER / bronze["source_files"][0]).read_bytes()
    chosen = recount.selected(FOLDER / bronze["source_files"][0], bronze["selection"])
    rows = list(csv.DictReader(io.StringIO(chosen.decode(), newline="")))
    assert len(rows) == bronze["record_count"]
    assert {row["material"] for row in rows} == {"青铜"}
    assert chosen.split(b"\r\n")[0] == source.split(b"\r\n")[0]
    assert all(line in source for line in chosen.split(b"\r\n"))


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "gb18030", "utf-16"])
def test_a_selection_comes_through_whole_in_every_encoding(tmp_path, encoding):
    text = 'name,kind\r\n𬬻,"a\r\nb"\r\n鼎,c\r\n'
    (tmp_path / "t.csv").write_bytes(text.encode(encoding))
    chosen = recount.selected(tmp_path / "t.csv", [{"field": "name", "op": "eq", "value": "𬬻"}])
    assert chosen == 'name,kind\r\n𬬻,"a\r\nb"\r\n'.encode(encoding)


def test_the_members_of_an_array_keep_their_own_text(tmp_path):
    (tmp_path / "t.json").write_text('[\n  {"a": 1.0},\n  {"a": 2},\n  {"a": 1.0, "b": "\\u00e9"}\n]\n')
    chosen = recount.selected(tmp_path / "t.json", [{"field": "a", "op": "startswith", "value": "1"}])
    assert chosen == b'[\n  {"a": 1.0},\n  {"a": 1.0, "b": "\\u00e9"}\n]\n'
