"""What is drawn on the server: title-slips, seals, the way of a proof."""

import re

import pytest

from ledger.domain import merkle
from ledger.queries import Proof
from marketplace import covers, seals
from marketplace.views import path_drawing


@pytest.mark.parametrize(
    ("title", "slip"),
    [
        ("全唐诗全文语料（繁体）", "全唐诗全文语料"),
        ("柴可夫斯基《糖果仙子之舞》", "糖果仙子之舞"),
        ("元曲全文：杂剧曲词与散曲", "元曲全文"),
        ("蒙学三种：百家姓、千字文、三字经", "蒙学三种"),
        ("花间集", "花间集"),
    ],
)
def test_a_slip_keeps_what_names_the_work(title, slip):
    assert covers.slip_title({"zh-Hans": title, "en": "x"}) == slip


def test_long_titles_stand_in_two_columns_the_right_one_longer_or_equal():
    drawn = covers.draw(form="text", title={"zh-Hans": "海外所藏中国文物目录甲"}, data={}, with_slip=False)
    columns = re.findall(r'class="slip-title"[^>]*>([^<]+)<', drawn)
    assert columns == ["海外所藏中国", "文物目录甲"]


def test_the_same_data_gives_the_same_cover():
    data = {"kind": "table", "rows": [["dragon medallion", "c. 1100"], ["axe cap", ""]]}
    title = {"zh-Hans": "青铜器", "en": "Bronzes"}
    assert covers.draw(form="table", title=title, data=data) == covers.draw(
        form="table", title=title, data=data
    )


def test_a_cover_shows_the_verses_and_escapes_what_it_shows():
    data = {"kind": "text", "lines": ["<b>床前明月光，疑是地上霜。", "舉頭望山月"]}
    drawn = covers.draw(form="text", title={"zh-Hans": "诗<集>"}, data=data)
    assert "疑是地上霜" in drawn
    assert "<b>" not in drawn
    assert "诗&lt;集&gt;" in drawn


@pytest.mark.parametrize("data", [{}, {"kind": "audio", "peaks": []}, {"kind": "model", "triangles": []}])
def test_a_cover_without_evidence_is_a_slip_alone(data):
    assert "slip-title" in covers.draw(form="audio", title={"zh-Hans": "声"}, data=data)


def test_a_wave_has_as_many_bars_as_asked():
    assert covers.wave_path([0.1, 0.9, 0.5], x=0, y=0, width=90, height=40, bars=30).count("M") == 30


def test_a_latin_title_lies_on_its_slip():
    drawn = covers.draw(form="table", title={"en": "Artist authority list"}, data={}, with_slip=False)
    assert "Artist authority list" in drawn


def test_every_seal_has_its_four_characters():
    assert seals.seal(seals.VERIFIED, solid=False).count("<path") == 4
    assert "aria-hidden" in seals.seal()
    assert 'role="img"' in seals.seal(title="Wenshi")


@pytest.mark.parametrize("size", [1, 2, 3, 7, 8, 13, 64, 100])
def test_the_steps_cover_every_other_entry_once(size):
    for index in range(size):
        places = path_drawing.siblings(index, size)
        covered = [n for _left, first, last in places for n in range(first, last + 1)]
        assert sorted([*covered, index]) == list(range(size))


@pytest.mark.parametrize("index", [0, 5, 12])
def test_the_drawing_has_one_bar_for_each_hash_of_the_proof(index):
    leaves = [merkle.leaf_hash(bytes([n])) for n in range(13)]
    path = merkle.inclusion_proof(leaves, index)
    proof = Proof(leaves[index], index, 13, merkle.root(leaves), path, "")
    steps = path_drawing.steps(proof)
    assert path_drawing.draw(proof, steps).count('class="bar"') == len(path)
    assert [step.left for step in steps] == [step.last < index for step in steps]
