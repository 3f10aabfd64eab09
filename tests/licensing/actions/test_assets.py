"""Registering, publishing and sharing: the numbers that grow, and the requests that are refused."""

import pytest

from licensing import queries
from licensing.actions import assets, parties, shares
from licensing.domain.files import FileSpec, files_sha256
from licensing.domain.parties import PLATFORM_PARTY_ID
from licensing.errors import AssetRefused, NotFound, SharesRefused
from tests import factories as make

pytestmark = pytest.mark.django_db


def test_versions_are_numbered_from_one_and_the_newest_is_the_latest():
    asset = make.asset()
    second = make.version(asset, files=[make.file("new\n"), make.file("more\n", name="more.csv")])
    assert [each.number for each in queries.versions(asset.pk)] == [2, 1]
    assert queries.latest_version(asset.pk) == second
    assert [each.name for each in queries.files(second.pk)] == ["rows.csv", "more.csv"]
    assert second.file_count == 2


def test_the_hash_of_the_files_changes_with_any_of_them():
    one, two = make.file("a\n"), make.file("b\n", name="b.csv")
    assert len({files_sha256(files) for files in ([one], [two], [one, two], [two, one])}) == 4


def test_an_external_id_is_registered_once_by_its_licensor_and_freely_by_another():
    asset = make.asset()
    again = {"form": "table", "external_id": asset.external_id, "now": make.NOW}
    with pytest.raises(AssetRefused, match=asset.external_id):
        assets.register(licensor=asset.licensor_id, **again)
    assert assets.register(licensor=make.party(), **again).ark_id != asset.ark_id


def test_an_unknown_form_or_licensor_registers_nothing():
    with pytest.raises(AssetRefused):
        assets.register(licensor=make.party(), form="smell", now=make.NOW)
    with pytest.raises(NotFound):
        assets.register(licensor=make.asset().pk, form="table", now=make.NOW)


@pytest.mark.parametrize("files", [[], [make.file("a"), make.file("b")]], ids=["none", "two of one name"])
def test_a_version_has_files_and_each_its_own_name(files):
    asset = make.asset(published=False)
    with pytest.raises(AssetRefused):
        assets.publish_version(
            asset_id=asset.pk,
            title=make.PLAN,
            description={},
            metadata={},
            rights_uri="",
            attribution="",
            record_count=0,
            files=files,
            source_digest="",
            now=make.NOW,
        )


@pytest.mark.parametrize(
    "changed",
    [
        {"name": "../up"},
        {"name": ""},
        {"name": "a\x00b"},
        {"sha256": "ABC"},
        {"byte_size": -1},
        {"byte_size": 1.0},
    ],
)
def test_a_file_that_is_badly_described_is_refused(changed):
    good = {"name": "a", "media_type": "", "byte_size": 1, "sha256": "0" * 64, "storage_key": ""}
    with pytest.raises(AssetRefused):
        FileSpec(**{**good, **changed})


def test_the_same_shares_are_the_same_plan_and_others_the_next():
    asset = make.asset()
    holder = asset.licensor_id
    same = shares.agree(asset_id=asset.pk, weights=[(holder, 9), (PLATFORM_PARTY_ID, 1)], now=make.NOW)
    assert same.number == 1
    other = shares.agree(asset_id=asset.pk, weights=[(holder, 8), (PLATFORM_PARTY_ID, 2)], now=make.NOW)
    assert (other.number, queries.latest_share_plan(asset.pk)) == (2, other)


@pytest.mark.parametrize("weights", [[], [0], [-1, 2], [1.5], ["twice", "twice"], ["stranger"]])
def test_shares_that_divide_nothing_are_refused(weights):
    asset = make.asset()
    parts = {
        "twice": (asset.licensor_id, 1),
        "stranger": (asset.pk, 1),
    }
    listed = [parts.get(each, (asset.licensor_id, each)) for each in weights]
    with pytest.raises(SharesRefused):
        shares.agree(asset_id=asset.pk, weights=listed, now=make.NOW)


def test_nobody_registers_a_second_public_or_platform():
    with pytest.raises(ValueError):
        parties.register(kind="platform", name=make.PLAN, now=make.NOW)
