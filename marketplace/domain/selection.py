"""Count the records of a source and copy the chosen ones byte for byte, any number of selections in one pass.

Reads CSV (RFC 4180; UTF-8, GB18030, UTF-16 with byte order mark), JSON lines, and arrays and objects of JSON
(RFC 8259), each plain or gzipped; anything else (pictures, sound, models) is one record, chosen as a whole.
A copy keeps the header, the byte order mark and the order of the source, and is never compressed:

    CSV          header bytes, then each chosen record's bytes, quoted line breaks included
    JSON lines   each chosen line's bytes
    JSON array   the text before the first record, the chosen records' text, the text after the last one;
                 between two records stands the separator that stood before the second one in the source
"""

import codecs
import csv
import gzip
import hashlib
import io
import json
import zlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Any, BinaryIO, Protocol

csv.field_size_limit(1 << 27)
CHUNK = 1 << 18
_BROKEN = "the text breaks off or does not fit its encoding"
_MARK = "\ufeff"
_SPACE = " \t\r\n" + _MARK


class Form(StrEnum):
    """How a source file is read; told from its name."""

    CSV = "csv"
    JSON_LINES = "jsonl"
    JSON = "json"
    WHOLE = "whole"  # one file, one record


class SourceUnreadable(Exception):
    """A source does not read as its name says; `place` is a line or a byte offset."""

    def __init__(self, reason: str, place: str = "") -> None:
        super().__init__(f"{reason} ({place})" if place else reason)
        self.reason, self.place = reason, place


class FieldUnknown(Exception):
    """A condition names a field that no record of the source has."""

    def __init__(self, field: str) -> None:
        super().__init__(field)
        self.field = field


class Sink(Protocol):
    """Whatever the copy is written to."""

    def write(self, data: bytes, /) -> Any: ...


@dataclass(frozen=True, slots=True)
class Condition:
    """One condition on a field; only `contains_any` has several values."""

    field: str
    operator: str
    values: tuple[str, ...]

    def holds(self, value: object) -> bool:
        have = as_text(value)
        match self.operator:
            case "eq":
                return have == self.values[0]
            case "startswith":
                return have.startswith(self.values[0])
            case "contains" | "contains_any":
                return any(part in have for part in self.values)
            case "nonempty":
                return have.strip() != ""
        raise AssertionError(self.operator)


OPERATORS = frozenset({"eq", "startswith", "contains", "contains_any", "nonempty"})
Selection = tuple[Condition, ...]


def as_text(value: object) -> str:
    """Return a field's value as conditions compare it: null is empty, a list is joined with a bar."""
    match value:
        case None:
            return ""
        case str():
            return value
        case bool():
            return "true" if value else "false"
        case list():
            return "|".join(as_text(part) for part in value if part is not None)
        case dict():
            return json.dumps(value, ensure_ascii=False, sort_keys=True)
    return str(value)


def form_of(name: str) -> Form:
    """Tell how a file is read from its name."""
    name = name.lower().removesuffix(".gz")
    for ending, form in ((".csv", Form.CSV), (".jsonl", Form.JSON_LINES), (".ndjson", Form.JSON_LINES)):
        if name.endswith(ending):
            return form
    return Form.JSON if name.endswith(".json") else Form.WHOLE


def delivered_name(name: str, *, selected: bool) -> str:
    """Return the name of the offered file: a selection is not compressed, a whole source stays as it is."""
    base = name.rsplit("/", 1)[-1]
    return base[:-3] if selected and base.lower().endswith(".gz") else base


def opened(stream: BinaryIO, name: str) -> BinaryIO:
    """Return a stream of the plain bytes of a source that may be gzipped."""
    return gzip.GzipFile(fileobj=stream) if name.lower().endswith(".gz") else stream  # type: ignore[return-value]


def encoding_of(stream: BinaryIO) -> str:
    """Return the encoding of a whole text: by its byte order mark, else UTF-8, else GB18030.

    Raises SourceUnreadable where none of them fits.
    """
    head = _read(stream)
    for mark, name in (
        (codecs.BOM_UTF8, "utf-8-sig"),
        (codecs.BOM_UTF16_LE, "utf-16-le"),
        (codecs.BOM_UTF16_BE, "utf-16-be"),
    ):
        if head.startswith(mark):
            return name
    decoders = {name: codecs.getincrementaldecoder(name)() for name in ("utf-8", "gb18030")}
    while decoders:
        chunk, head = head or _read(stream), b""
        for name, decoder in list(decoders.items()):
            try:
                decoder.decode(chunk, final=not chunk)
            except UnicodeDecodeError:
                del decoders[name]
        if not chunk:
            break
    for name in decoders:
        return name
    raise SourceUnreadable("the text is neither UTF-8, UTF-16 with a byte order mark nor GB18030")


def _read(stream: BinaryIO) -> bytes:
    try:
        return stream.read(CHUNK)
    except (EOFError, OSError, zlib.error) as error:
        raise SourceUnreadable(_BROKEN) from error


def copy_records(
    stream: BinaryIO, *, form: Form, encoding: str, wanted: Sequence[tuple[Selection, Sink | None]]
) -> list[int]:
    """Read a source once, write each wanted selection to its sink, and return the number of records of each.

    Raises SourceUnreadable, and FieldUnknown for a condition on a field that no record has.
    """
    counts = [0] * len(wanted)
    missing = {(place, c.field) for place, (selection, _) in enumerate(wanted) for c in selection}
    for piece in _READERS[form](stream, encoding):
        if piece.record is None:  # header, opening and closing text belong to every copy
            for _, sink in wanted:
                if sink:
                    sink.write(piece.data)
            missing = {m for m in missing if m[1] not in piece.fields}
            continue
        if missing:
            missing = {m for m in missing if m[1] not in piece.record}
        for place, (selection, sink) in enumerate(wanted):
            if all(condition.holds(piece.record.get(condition.field)) for condition in selection):
                if sink:
                    sink.write(piece.separator + piece.data if counts[place] else piece.data)
                counts[place] += 1
    if missing:
        raise FieldUnknown(min(missing)[1])
    return counts


def records(stream: BinaryIO, *, form: Form, encoding: str) -> Iterator[dict[str, Any]]:
    """Yield the records of a source. Raises SourceUnreadable."""
    for piece in _READERS[form](stream, encoding):
        if piece.record is not None:
            yield piece.record


@dataclass(slots=True)
class _Piece:
    """A stretch of the source: a record, or text that frames the records (record None)."""

    data: bytes
    record: dict[str, Any] | None = None
    separator: bytes = b""
    fields: Sequence[str] = ()


def _lines(stream: BinaryIO, encoding: str) -> Iterator[tuple[bytes, str]]:
    """Yield each line as its bytes and its text, line end kept, the byte order mark only in the bytes.

    In UTF-8 and GB18030 the bytes 0A and 0D are line ends and nothing else; UTF-16 is split as text.
    """
    codec, number = encoding.removesuffix("-sig"), 0
    try:
        if encoding.startswith("utf-16"):
            wide = io.TextIOWrapper(stream, encoding=codec, newline="")
            try:
                for number, line in enumerate(wide, 1):
                    yield line.encode(codec), line.removeprefix(_MARK) if number == 1 else line
            finally:
                wide.detach()
            return
        for chunk in stream:
            for data in chunk.splitlines(keepends=True) if b"\r" in chunk else (chunk,):
                number += 1
                yield data, data.decode(encoding if number == 1 else codec)
    except (UnicodeDecodeError, EOFError, OSError, zlib.error) as error:
        raise SourceUnreadable(_BROKEN, f"line {number + 1}") from error


def _csv_pieces(stream: BinaryIO, encoding: str) -> Iterator[_Piece]:
    """Let the reader of the standard library say where a record ends: it has then taken exactly its lines."""
    taken: list[bytes] = []

    def feed() -> Iterator[str]:
        for data, line in _lines(stream, encoding):
            taken.append(data)
            yield line

    reader = csv.reader(feed(), strict=True)
    header: list[str] | None = None
    try:
        for row in reader:
            data = b"".join(taken)
            taken.clear()
            if header is None:
                header = row
                yield _Piece(data, fields=header)
            elif row:
                if len(row) != len(header):
                    raise SourceUnreadable(
                        f"a row of {len(row)} fields under a header of {len(header)}",
                        f"line {reader.line_num}",
                    )
                yield _Piece(data, dict(zip(header, row, strict=True)))
    except csv.Error as error:
        raise SourceUnreadable(str(error), f"line {reader.line_num}") from error
    if header is None:
        raise SourceUnreadable("the table has no header")


def _line_pieces(stream: BinaryIO, encoding: str) -> Iterator[_Piece]:
    for number, (data, line) in enumerate(_lines(stream, encoding), 1):
        if line.strip():
            try:
                record = json.loads(line)
            except (ValueError, RecursionError) as error:
                raise SourceUnreadable("not a JSON value", f"line {number}") from error
            if not isinstance(record, dict):
                raise SourceUnreadable("a line that is not a JSON object", f"line {number}")
            yield _Piece(data, record)


def _json_pieces(stream: BinaryIO, encoding: str) -> Iterator[_Piece]:
    if encoding == "gb18030":
        raise SourceUnreadable("JSON is written in UTF-8 (RFC 8259, section 8.1)")
    text = _JsonText(stream, encoding.removesuffix("-sig"))
    if text.peek() == "{":
        for work in works_in(text.value()):
            yield _Piece(b"", work)
        return
    if text.peek() != "[":
        raise SourceUnreadable("neither a JSON array nor an object")
    text.skip()
    if text.peek() == "]":
        text.skip()
        yield _Piece(text.take() + text.rest())
        return
    yield _Piece(text.take())
    separator = b""
    while True:
        if text.peek() != "{":
            raise SourceUnreadable("an array whose records are not all objects")
        record = text.value()
        yield _Piece(text.take(), record, separator)
        following = text.peek()
        text.skip()
        if following == "]":
            yield _Piece(text.take() + text.rest())
            return
        if following != ",":
            raise SourceUnreadable("a JSON array that breaks off")
        text.peek()
        separator = text.take()


class _JsonText:
    """A JSON text read as it comes; what was passed over is kept until it is taken."""

    def __init__(self, stream: BinaryIO, codec: str) -> None:
        self._stream, self._codec = stream, codec
        self._decoder = codecs.getincrementaldecoder(codec)()
        self._parser = json.JSONDecoder()
        self._buffer, self._start, self._place, self._chunk = "", 0, 0, CHUNK

    def _more(self) -> bool:
        try:
            data = self._stream.read(self._chunk)
            text = self._decoder.decode(data, final=not data)
        except (UnicodeDecodeError, EOFError, OSError, zlib.error) as error:
            raise SourceUnreadable(_BROKEN) from error
        self._buffer = self._buffer[self._start :] + text
        self._place -= self._start
        self._start = 0
        return bool(data)

    def peek(self) -> str:
        """Pass over white space and return the next character without passing it; empty at the end."""
        while True:
            while self._place < len(self._buffer):
                if self._buffer[self._place] not in _SPACE:
                    return self._buffer[self._place]
                self._place += 1
            if not self._more():
                return ""

    def skip(self) -> None:
        self._place += 1

    def take(self) -> bytes:
        """Return the bytes of everything passed since the last take."""
        taken = self._buffer[self._start : self._place].encode(self._codec)
        self._start = self._place
        return taken

    def value(self) -> Any:
        """Pass over one JSON value and return it; a longer one is given ever more text to end in."""
        while True:
            try:
                value, self._place = self._parser.raw_decode(self._buffer, self._place)
                return value
            except json.JSONDecodeError as error:
                self._chunk *= 2
                if not self._more():
                    raise SourceUnreadable(f"not a JSON value: {error.msg}") from error
            except RecursionError as error:
                raise SourceUnreadable("a JSON value nested too deep to read") from error

    def rest(self) -> bytes:
        """Return the closing text. Raises SourceUnreadable where it is more than white space."""
        if self.peek():
            raise SourceUnreadable("text after the end of the JSON array")
        return self.take()


def works_in(document: dict[str, Any]) -> list[dict[str, Any]]:
    """Return the works of one JSON object: its parts that name an author of their own, else itself as one.

    An anthology counts its pieces this way, and a primer, whose lessons have no author, is one.
    """

    def parts(value: Any) -> Iterator[dict[str, Any]]:
        if isinstance(value, dict):
            inner = [work for part in value.values() for work in parts(part)]
            if inner:
                yield from inner
            elif value is not document and value.get("author"):
                yield value
        elif isinstance(value, list):
            for part in value:
                yield from parts(part)

    return list(parts(document)) or [document]


_READERS = {Form.CSV: _csv_pieces, Form.JSON_LINES: _line_pieces, Form.JSON: _json_pieces}


def text_digest(stream: BinaryIO, encoding: str) -> str:
    """Return the SHA-256 of a text apart from its encoding and byte order mark."""
    digest = hashlib.sha256()
    for _, line in _lines(stream, encoding):
        digest.update(line.encode("utf-8"))
    return digest.hexdigest()


@dataclass(frozen=True, slots=True)
class Counted:
    """A source file as it counts: its form, its chosen records, and for tables the digest of the text."""

    form: Form
    records: int
    text_digest: str = ""


def record_count(sources: Sequence[Counted]) -> int:
    """Return how many records files hold together.

    One table in several encodings counts once; beside pictures, sound or models their table does not count.
    """
    if whole := sum(source.form is Form.WHOLE for source in sources):
        return whole
    once = {source.text_digest or str(place): source.records for place, source in enumerate(sources)}
    return sum(once.values())
