"""Records come out of a source as they stand in it, byte for byte, whatever encoding, quoting and compression."""

import codecs
import csv
import gzip
import io
import json

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from marketplace.domain import selection
from marketplace.domain.selection import Condition, Counted, FieldUnknown, Form, SourceUnreadable

ANYTHING = ()
TEXTS = st.text(st.characters(blacklist_categories=("Cs",), blacklist_characters="\x00"), max_size=8)


def copy(data: bytes, name: str, *conditions: Condition) -> tuple[bytes, int]:
    encoding = selection.encoding_of(selection.opened(io.BytesIO(data), name))
    out = io.BytesIO()
    plain = selection.opened(io.BytesIO(data), name)
    (count,) = selection.copy_records(
        plain, form=selection.form_of(name), encoding=encoding, wanted=[(tuple(conditions), out)]
    )
    return out.getvalue(), count


def eq(field: str, value: str) -> Condition:
    return Condition(field, "eq", (value,))


TABLE = 'a,b\r\n1,"x ""y"",\r\nz"\r\n2,𠀋\r\n1,松・\r\n'


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "gb18030", "utf-16"])
def test_chosen_rows_are_the_bytes_of_the_source_in_every_encoding(encoding):
    data = TABLE.encode(encoding)
    chosen, count = copy(data, "t.csv", eq("a", "1"))
    assert count == 2
    assert chosen == 'a,b\r\n1,"x ""y"",\r\nz"\r\n1,松・\r\n'.encode(encoding)


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "gb18030", "utf-16"])
def test_a_copy_of_every_row_is_the_source_itself(encoding):
    data = TABLE.encode(encoding)
    assert copy(data, "t.csv") == (data, 3)


@pytest.mark.parametrize("end", ["\n", "\r\n", "\r"])
def test_line_ends_stay_as_they_are_and_the_last_one_may_be_missing(end):
    data = end.join(["a,b", "1,x", "2,y", "1,z"]).encode()
    assert copy(data, "t.csv", eq("a", "1"))[0] == end.join(["a,b", "1,x", "1,z"]).encode()


def test_separators_that_only_unicode_knows_are_no_line_ends():
    data = "a,b\n1,x\u2028y\x85z\x0b\n".encode()
    assert copy(data, "t.csv", eq("b", "x\u2028y\x85z\x0b")) == (data, 1)


def test_a_gzipped_source_is_delivered_uncompressed_when_selected_from():
    packed = gzip.compress(TABLE.encode())
    assert copy(packed, "t.csv.gz", eq("a", "2"))[0] == "a,b\r\n2,𠀋\r\n".encode()
    assert selection.delivered_name("x/t.csv.gz", selected=True) == "t.csv"
    assert selection.delivered_name("x/t.csv.gz", selected=False) == "t.csv.gz"


def test_chosen_lines_keep_the_spelling_of_their_json():
    lines = ['{"a": "1",  "b": "\\u677e"}', '{"a":"2"}', '{"a":"1"}']
    data = "\n".join(lines).encode()
    assert copy(data, "t.jsonl", eq("a", "1")) == ((lines[0] + "\n" + lines[2]).encode(), 2)


def test_an_array_stays_an_array_with_its_own_opening_separators_and_closing():
    data = '\ufeff[\n  {"a":"1"} ,\n  {"a" : "2"},\n  {"a":"1", "é": [1,2]}\n]\n\n'.encode()
    chosen, count = copy(data, "t.json", eq("a", "1"))
    assert count == 2
    assert chosen == '\ufeff[\n  {"a":"1"},\n  {"a":"1", "é": [1,2]}\n]\n\n'.encode()
    assert len(json.loads(chosen.decode("utf-8-sig"))) == 2


def test_an_array_from_which_nothing_is_chosen_is_an_empty_array():
    assert json.loads(copy(b'[{"a":"1"},{"a":"2"}]', "t.json", eq("a", "3"))[0]) == []


def test_a_long_array_is_read_in_pieces(monkeypatch):
    monkeypatch.setattr(selection, "CHUNK", 7)
    records = [{"a": str(number % 3), "text": "词" * number} for number in range(40)]
    data = json.dumps(records, ensure_ascii=False, indent=1).encode()
    chosen, count = copy(data, "t.json", eq("a", "1"))
    assert json.loads(chosen) == [record for record in records if record["a"] == "1"]
    assert count == 13


@pytest.mark.parametrize(
    ("operator", "values", "chosen"),
    [
        ("eq", ["b|c"], ["2"]),
        ("startswith", ["b"], ["2"]),
        ("contains", ["c"], ["2", "3"]),
        ("contains_any", ["x", "d"], ["3"]),
        ("nonempty", [""], ["2", "3"]),
    ],
)
def test_each_condition_reads_a_list_as_its_parts_with_bars_between(operator, values, chosen):
    records = [{"n": "1", "v": None}, {"n": "2", "v": ["b", None, "c"]}, {"n": "3", "v": "cd"}, {"n": "4"}]
    data = "\n".join(map(json.dumps, records)).encode()
    out, _ = copy(data, "t.jsonl", Condition("v", operator, tuple(values)))
    assert [json.loads(line)["n"] for line in out.splitlines()] == chosen


def test_all_conditions_must_hold():
    assert copy(TABLE.encode(), "t.csv", eq("a", "1"), eq("b", "松・"))[1] == 1


@pytest.mark.parametrize("name", ["t.csv", "t.jsonl", "t.json"])
def test_a_condition_on_a_field_that_no_record_has_is_refused(name):
    data = {"t.csv": b"a\n1\n", "t.jsonl": b'{"a":1}\n', "t.json": b'[{"a":1}]'}[name]
    with pytest.raises(FieldUnknown):
        copy(data, name, eq("nothing", "1"))


@pytest.mark.parametrize(
    ("name", "data"),
    [
        ("t.csv", b""),
        ("t.csv", b"a,b\n1\n"),
        ("t.csv", b'a,b\n1,"open\n'),
        ("t.csv", b"a\n\x81\n"),
        ("t.jsonl", b"{\n"),
        ("t.jsonl", b"[1]\n"),
        ("t.jsonl", b"[" * 100_000),
        ("t.json", b""),
        ("t.json", b"3"),
        ("t.json", b"[1]"),
        ("t.json", b'[{"a":1}'),
        ("t.json", b'[{"a":1} {"a":2}]'),
        ("t.json", b'[{"a":1}] x'),
        ("t.json", b'[{"a":' + b"[" * 100_000),
        ("t.csv.gz", b"not gzip"),
        ("t.csv.gz", gzip.compress(b"a\n" + bytes(range(65, 91)) * 5000)[:-20]),
    ],
)
def test_a_source_that_does_not_read_as_its_name_says_is_refused(name, data):
    with pytest.raises(SourceUnreadable):
        copy(data, name)


def test_a_primer_is_one_record_and_an_anthology_counts_its_pieces():
    primer = {"title": "三字經", "author": "王應麟", "paragraphs": ["人之初", "性本善"]}
    lessons = {"title": "聲律", "author": "車萬育", "content": [{"chapter": "一東", "paragraphs": []}] * 3}
    pieces = {"title": "古文", "content": [{"title": "卷一", "content": [{"author": "左丘明"}] * 4}]}
    assert [len(selection.works_in(each)) for each in (primer, lessons, pieces)] == [1, 1, 4]


def test_one_table_in_several_encodings_counts_once():
    def counted(encoding):
        data = TABLE.encode(encoding)
        found = selection.encoding_of(io.BytesIO(data))
        return Counted(Form.CSV, 3, selection.text_digest(io.BytesIO(data), found))

    assert selection.record_count([counted(e) for e in ("utf-8", "utf-8-sig", "gb18030", "utf-16")]) == 3
    assert selection.record_count([counted("utf-8"), Counted(Form.CSV, 2, "other")]) == 5


def test_pictures_count_and_the_table_that_names_them_does_not():
    assert selection.record_count([Counted(Form.WHOLE, 1), Counted(Form.WHOLE, 1), Counted(Form.CSV, 2)]) == 2


@settings(max_examples=150, deadline=None, derandomize=True)
@given(
    rows=st.lists(st.tuples(st.sampled_from("12"), TEXTS), max_size=6),
    encoding=st.sampled_from(["utf-8", "utf-8-sig", "gb18030", "utf-16"]),
)
def test_whatever_a_table_holds_its_chosen_rows_are_what_a_reader_of_it_would_choose(rows, encoding):
    text = io.StringIO(newline="")
    csv.writer(text).writerows([("key", "value"), *rows])
    data = text.getvalue().encode(encoding)
    if encoding == "gb18030" and _reads_as_utf8(data):
        return
    chosen, count = copy(data, "t.csv", eq("key", "1"))
    wanted = [list(row) for row in rows if row[0] == "1"]
    decoded = chosen.decode("utf-16" if encoding == "utf-16" else encoding)
    assert list(csv.reader(io.StringIO(decoded, newline="")))[1:] == wanted
    assert count == len(wanted)


def _reads_as_utf8(data: bytes) -> bool:
    try:
        codecs.decode(data, "utf-8")
    except UnicodeDecodeError:
        return False
    return True
