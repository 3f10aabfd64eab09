"""Importing a catalogue: whole datasets come in, faulty ones stay out with their reason, and again changes nothing."""

import json
import os
import threading
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from django.core.management import CommandError, call_command

from ledger import queries as ledger
from ledger.models import Intent
from licensing import queries as licensing
from licensing.models import Asset, AssetFile, AssetVersion, Grant, Offer
from marketplace.actions import imports, listings
from marketplace.gateways import storage
from marketplace.local import recount
from marketplace.models import Listing, Shop
from tests.marketplace.catalogues import ALL_USES, EDITION, PROTECTED, WHOLE, changed, csv_bytes, write

NOW = datetime(2026, 11, 23, 12, tzinfo=UTC)
REAL = Path(os.environ.get("WENSHI_DATA") or Path(__file__).parents[4] / "shared" / "data")
OWN = Path(imports.__file__).parents[1] / "local" / "catalogue"

pytestmark = pytest.mark.django_db


def bring_in(path, now=NOW):
    return imports.run(catalogue=path, now=now)


def refusals(report) -> dict[str, list[str]]:
    return {refusal.id: [fault.code for fault in refusal.faults] for refusal in report.refused}


def stored(slug: str) -> list[bytes]:
    """Return the bytes of the files of a listing's current version."""
    from django.core.files.storage import default_storage

    version = Listing.objects.get(slug=slug).version_id
    return [default_storage.open(file.storage_key).read() for file in licensing.files(version)]


def test_a_dataset_is_on_show_with_its_files_offers_and_the_grant_to_everybody(tmp_path):
    report = bring_in(write(tmp_path, WHOLE))
    assert (report.added, report.refused) == (["objects"], [])
    listing = Listing.objects.get(slug="objects")
    assert stored("objects") == [csv_bytes()]
    (offer,) = licensing.open_offers(listing.asset_id)
    assert offer.is_for_everybody
    assert licensing.standing_grant(listing.version_id).offer == offer
    assert listing.asset.public_interest
    assert listing.asset.licensor == Shop.objects.get(slug="hill-museum").party


def test_an_edition_offers_the_chosen_rows_for_a_price_and_free_to_schools_and_public_culture(tmp_path):
    bring_in(write(tmp_path, EDITION, WHOLE))  # the free whole comes first whatever the order in the file
    listing = Listing.objects.get(slug="objects-1650")
    rows = csv_bytes()
    assert stored("objects-1650") == [rows[: rows.index(b"1,Bell")] + rows[rows.index(b"2,") :]]
    free, priced = licensing.open_offers(listing.asset_id)
    assert (free.price_minor_units, set(free.audience)) == (0, {"education", "public_culture"})
    assert (priced.price_minor_units, priced.currency, priced.audience) == (9900, "CNY", [])
    assert licensing.edition_sources(listing.asset_id) == [Listing.objects.get(slug="objects").asset_id]


def test_a_use_that_is_left_out_is_withheld_and_limits_come_into_the_terms(tmp_path):
    limited = changed(
        PROTECTED, terms__territory=["CN"], terms__audience=["education"], terms__exclusive=True
    )
    bring_in(write(tmp_path, limited))
    (offer,) = licensing.open_offers(Listing.objects.get(slug="notes").asset_id)
    terms = licensing.terms_of(offer)
    assert "train_ai" not in terms.uses and "view" in terms.uses
    assert (terms.territory, terms.audience, terms.exclusive) == (("CN",), ("education",), True)
    assert terms.updates_days == 90


def test_importing_again_changes_nothing(tmp_path):
    path = write(tmp_path, WHOLE, EDITION, PROTECTED)
    bring_in(path)
    before = (
        Intent.objects.count(),
        AssetVersion.objects.count(),
        Offer.objects.count(),
        Grant.objects.count(),
    )
    report = bring_in(path, NOW + timedelta(days=1))
    assert sorted(report.unchanged) == ["notes", "objects", "objects-1650"]
    after = (
        Intent.objects.count(),
        AssetVersion.objects.count(),
        Offer.objects.count(),
        Grant.objects.count(),
    )
    assert after == before


def test_a_changed_dataset_becomes_a_new_version_whose_offers_supersede_the_old_ones(tmp_path):
    path = write(tmp_path, WHOLE, EDITION)
    bring_in(path)
    first = {offer.pk for offer in licensing.open_offers(Listing.objects.get(slug="objects-1650").asset_id)}
    write(tmp_path, WHOLE, changed(EDITION, price__amount_minor=12000))
    report = bring_in(path, NOW + timedelta(days=1))
    assert (report.renewed, report.unchanged) == (["objects-1650"], ["objects"])
    listing = Listing.objects.get(slug="objects-1650")
    assert listing.version.number == 2
    offers = licensing.open_offers(listing.asset_id)
    assert [offer.price_minor_units for offer in offers] == [0, 12000]
    assert {offer.supersedes_id for offer in offers} == first


def test_changed_bytes_of_a_source_make_a_new_version_too(tmp_path):
    path = write(tmp_path, WHOLE)
    bring_in(path)
    (tmp_path / "tables" / "objects.csv").write_bytes(csv_bytes() + b"4,More,1700,\r\n")
    assert refusals(bring_in(path)) == {"objects": ["wrong-record-count"]}
    document = json.loads(path.read_text())
    document["datasets"][0]["record_count"] = 4
    path.write_text(json.dumps(document))
    assert bring_in(path).renewed == ["objects"]
    assert Listing.objects.get(slug="objects").version.number == 2


def test_what_became_public_interest_loses_its_price_and_does_not_go_back(tmp_path):
    mine = {"rights_uri": WHOLE["rights_uri"], "permission": None}
    priced = changed(PROTECTED, **mine, terms__uses=ALL_USES)
    path = write(tmp_path, priced)
    bring_in(path)
    write(tmp_path, changed(priced, price={"free": True}, public_interest=True))
    assert bring_in(path).renewed == ["notes"]
    listing = Listing.objects.get(slug="notes")
    assert [offer.price_minor_units for offer in licensing.open_offers(listing.asset_id)] == [0]
    write(tmp_path, priced)
    assert refusals(bring_in(path)) == {"notes": ["public-stays-public"]}


def test_a_refused_dataset_leaves_nothing_behind_and_the_good_ones_come_in(tmp_path, file_store):
    wrong = changed(WHOLE, id="wrong", record_count=2, title_en="Wrong")
    report = bring_in(write(tmp_path, wrong, changed(PROTECTED, source_files=["none.jsonl"]), WHOLE))
    assert report.added == ["objects"]
    assert refusals(report) == {"wrong": ["wrong-record-count"], "notes": ["missing-file"]}
    assert Asset.objects.count() == AssetVersion.objects.count() == Listing.objects.count() == 1
    assert AssetFile.objects.count() == 1
    kept = [path for path in file_store.rglob("*") if path.is_file()]
    assert len(kept) == 1


def test_a_free_selection_of_public_records_is_public_interest_too_whether_it_says_so_or_not(tmp_path):
    free = changed(EDITION, id="free-1650", price={"free": True})
    del free["edition"]
    bring_in(write(tmp_path, free, WHOLE))
    assert Listing.objects.get(slug="free-1650").asset.public_interest


def test_an_edition_whose_free_whole_is_refused_is_refused_too(tmp_path):
    report = bring_in(write(tmp_path, changed(WHOLE, record_count=99), EDITION))
    assert refusals(report) == {
        "objects": ["wrong-record-count"],
        "objects-1650": ["edition-source-not-free"],
    }
    assert Asset.objects.count() == 0


def test_an_edition_may_rest_on_what_an_earlier_catalogue_brought(tmp_path):
    bring_in(write(tmp_path, WHOLE))
    assert bring_in(write(tmp_path, EDITION, sellers=())).added == ["objects-1650"]


def test_a_selection_on_an_unknown_field_does_not_harm_the_others(tmp_path):
    bad = changed(EDITION, id="bad", selection=[{"field": "colour", "op": "eq", "value": "red"}])
    report = bring_in(write(tmp_path, WHOLE, EDITION, bad))
    assert sorted(report.added) == ["objects", "objects-1650"]
    assert refusals(report) == {"bad": ["unknown-selection-field"]}


def test_a_source_that_is_a_link_out_of_the_folder_is_not_there(tmp_path):
    path = write(tmp_path / "data", WHOLE)
    (tmp_path / "secret.csv").write_bytes(csv_bytes())
    (tmp_path / "data" / "tables" / "objects.csv").unlink()
    (tmp_path / "data" / "tables" / "objects.csv").symlink_to(tmp_path / "secret.csv")
    assert refusals(bring_in(path)) == {"objects": ["missing-file"]}


def test_a_faulty_seller_is_named_and_so_are_its_datasets(tmp_path):
    seller = {"id": "hill-museum", "kind": "spaceship", "name_zh": "山", "name_en": "Hill", "region": "CN"}
    report = bring_in(write(tmp_path, WHOLE, sellers=[seller]))
    assert refusals(report) == {"hill-museum": ["unknown-word"], "objects": ["unknown-seller"]}


def test_the_command_says_each_refusal_and_ends_with_status_1(tmp_path, capsys):
    path = write(tmp_path, WHOLE, changed(EDITION, price__amount_minor=0))
    with pytest.raises(SystemExit) as ended:
        call_command("import_catalogue", str(path), "--files", str(tmp_path))
    assert ended.value.code == 1
    said = capsys.readouterr().out
    assert "1 added, 0 renewed, 0 unchanged, 1 refused" in said
    assert "objects-1650: price.amount_minor [price-zero]" in said


def test_the_command_says_in_one_sentence_what_is_no_catalogue(tmp_path):
    path = tmp_path / "catalogue.json"
    path.write_text("[")
    with pytest.raises(CommandError, match="not JSON"):
        call_command("import_catalogue", str(path))
    with pytest.raises(CommandError, match="no data folder"):
        call_command("import_catalogue", str(path), "--files", str(tmp_path / "nowhere"))


def test_everything_that_an_import_does_stands_on_the_ledger(tmp_path):
    bring_in(write(tmp_path, WHOLE, EDITION))
    for listing in Listing.objects.all():
        kinds = {fact.kind for fact in licensing.asset_history(listing.asset_id)}
        assert {"asset.registered", "version.published", "offer.published"} <= kinds
        assert all(fact.intent_id for fact in licensing.asset_history(listing.asset_id))
    assert ledger.pending_count() == Intent.objects.count()


@pytest.mark.parametrize("folder", [OWN, REAL], ids=["own", "real"])
def test_a_whole_catalogue_comes_in_and_every_invalid_dataset_is_refused(folder):
    if not (folder / "demo-catalogue.json").is_file():
        pytest.skip(f"There is no catalogue in {folder}: name a folder with WENSHI_DATA.")
    report = bring_in(folder / "demo-catalogue.json")
    datasets = json.loads((folder / "demo-catalogue.json").read_text())["datasets"]
    assert report.refused == []
    assert len(report.added) == len(datasets)
    for dataset in datasets:
        listing = Listing.objects.get(slug=dataset["id"])
        assert listing.record_count == dataset["record_count"]
        found = [file.sha256 for file in licensing.files(listing.version_id)]
        assert found == recount.digests(dataset, folder), dataset["id"]
        assert listing.cover, dataset["id"]
    before = Intent.objects.count()
    invalid = bring_in(folder / "demo-catalogue-invalid.json")
    expected = json.loads((folder / "demo-catalogue-invalid.json").read_text())["datasets"]
    assert len(invalid.refused) == len(expected)
    assert Intent.objects.count() == before
    for refusal, dataset in zip(invalid.refused, expected, strict=True):
        assert EXPECTED_FAULTS[dataset["expected_fault"]] == [fault.code for fault in refusal.faults], refusal


EXPECTED_FAULTS = {
    "a public-interest dataset must be free": ["public-interest-priced"],
    "no rights statement or licence": ["no-rights"],
    "CC BY material without an attribution text": ["by-without-attribution"],
    "terms forbid what the licence of the material already allows": ["terms-forbid-licence"],
    "marked free and priced at once": ["free-and-priced"],
    "a price of zero that is not marked free": ["price-zero"],
    "a negative amount": ["price-negative"],
    "an amount that is not a whole number of minor units": ["price-not-whole"],
    "a currency code that does not exist": ["unknown-currency"],
    "a source file that does not exist": ["missing-file"],
    "a source path that leaves the data folder": ["path-escape"],
    "in-copyright material without evidence of permission": ["in-copyright-without-permission"],
    "a curated edition that names no free source dataset": ["edition-without-source"],
    "a curated edition without a benefit plan": ["edition-without-benefit-plan"],
    "a curated edition that does not stay free for education and public cultural institutions": [
        "edition-not-free-for-public"
    ],
    "a priced plain selection of a public-interest dataset": ["priced-selection-of-public-interest"],
    "a record count that the selection does not give": ["wrong-record-count"],
}


def test_the_duties_of_a_licence_are_in_the_terms_although_the_dataset_leaves_them_out(tmp_path):
    bring_in(write(tmp_path, changed(WHOLE, rights_uri="https://spdx.org/licenses/MIT.html")))
    (offer,) = licensing.open_offers(Listing.objects.get(slug="objects").asset_id)
    assert licensing.terms_of(offer).duties == ("keep_licence_notice",)


def test_an_import_that_breaks_off_leaves_whole_datasets_and_goes_on_when_run_again(
    tmp_path, monkeypatch, file_store
):
    path, show = write(tmp_path, WHOLE, PROTECTED, EDITION), listings._show

    def break_off(listing, dataset, *rest):
        if dataset.id == "notes":
            raise KeyboardInterrupt
        return show(listing, dataset, *rest)

    monkeypatch.setattr(listings, "_show", break_off)
    with pytest.raises(KeyboardInterrupt):
        bring_in(path)
    assert [asset.external_id for asset in Asset.objects.all()] == ["objects"]
    assert list((file_store / "incoming").iterdir()) == []
    monkeypatch.undo()
    report = bring_in(path)
    assert (report.unchanged, sorted(report.added)) == (["objects"], ["notes", "objects-1650"])


def test_one_file_kept_by_many_at_once_is_kept_once_and_whole(file_store):
    data, start = os.urandom(300_000), threading.Barrier(8)

    def keep(_number):
        with storage.draft() as draft:
            draft.write(data)
            start.wait()
            return draft.keep()

    with ThreadPoolExecutor(8) as pool:
        keys = set(pool.map(keep, range(8)))
    kept = [path for path in file_store.rglob("*") if path.is_file()]
    assert len(keys) == len(kept) == 1
    assert kept[0].read_bytes() == data
