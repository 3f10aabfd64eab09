"""Take typed values out of a JSON object, collecting a fault for each one that is not as the format says.

A reader goes on after a fault, so one pass names all of them; a value at fault is replaced by an empty one.
"""

import re
import unicodedata
from collections.abc import Iterable
from typing import Any, Self

from marketplace.domain.faults import Fault

LANGUAGES = {"zh": "zh-Hans", "en": "en"}
_TOO_LARGE = 2**53


class _Object(dict[str, Any]):
    """A JSON object that remembers names it was given twice."""

    twice: tuple[str, ...] = ()


class Fields:
    """The fields of one JSON object; `finish` names those that nobody asked for."""

    def __init__(self, record: Any, path: str = "", faults: list[Fault] | None = None) -> None:
        self._path = path
        self._asked: set[str] = set()
        self.faults: list[Fault] = []
        self._shared = self.faults if faults is None else faults
        self._record: dict[str, Any] = record if isinstance(record, dict) else {}
        self._readable = isinstance(record, dict)
        if not self._readable:
            self.fault("not-an-object", "")
        for name in getattr(record, "twice", ()):
            self.fault("field-twice", name)

    @staticmethod
    def from_pairs(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
        """Build an object from its pairs as json.loads hands them over."""
        built = _Object(pairs)
        names = [name for name, _ in pairs]
        built.twice = tuple(dict.fromkeys(name for name in names if names.count(name) > 1))
        return built

    def fault(self, code: str, name: str, **values: object) -> None:
        """Note a fault, in this object and in all that hold it."""
        found = Fault(code, ".".join(part for part in (self._path, name) if part), values)
        self.faults.append(found)
        if self._shared is not self.faults:
            self._shared.append(found)

    def faulty(self, name: str) -> bool:
        """Tell whether a fault was noted for a field."""
        path = ".".join(part for part in (self._path, name) if part)
        return any(f.field == path or f.field.startswith((path + ".", path + "[")) for f in self.faults)

    def finish(self) -> None:
        """Note each field that the format does not know."""
        for name in self._record:
            if name not in self._asked:
                self.fault("unknown-field", name[:80].encode("ascii", "backslashreplace").decode())

    def raw(self, name: str) -> Any:
        """Return a field as it stands; None where there is none."""
        self._asked.add(name)
        return self._record.get(name)

    def _value(self, name: str, kind: type, expected: str, *, required: bool) -> Any:
        value = self.raw(name)
        if value is None:
            if required and self._readable:
                self.fault(
                    "missing-field" if name not in self._record else "wrong-type", name, expected=expected
                )
            return None
        if not isinstance(value, kind) or (isinstance(value, bool) and kind is not bool):
            self.fault("wrong-type", name, expected=expected)
            return None
        return value

    def text(self, name: str, *, required: bool = True, most: int = 500, strip: bool = True) -> str:
        """Return a text; empty where it is not required and missing or null."""
        value = self._value(name, str, "a text", required=required)
        if value is None:
            return ""
        value = value.strip() if strip else value
        if (required and not value) or not is_storable(value, most):
            self.fault("bad-text", name)
            return ""
        return str(value)

    def identifier(self, name: str, pattern: re.Pattern[str]) -> str:
        """Return a text of the pattern, as it stands."""
        value = self._value(name, str, "a text", required=True)
        if value is not None and not pattern.fullmatch(value):
            self.fault("bad-id", name)
        return value or ""

    def languages(self, name: str, *, required: bool = True, most: int = 2000) -> dict[str, str]:
        """Return a text in each language, from the fields `name_zh` and `name_en`."""
        return {
            tag: self.text(f"{name}_{short}", required=required, most=most)
            for short, tag in LANGUAGES.items()
        }

    def word(self, name: str, known: Iterable[str]) -> str:
        """Return a text that is one of the known words."""
        value = self._value(name, str, "a text", required=True)
        return "" if value is None else self._known(name, value, known)

    def _known(self, name: str, value: str, known: Iterable[str]) -> str:
        if value in known:
            return value
        self.fault("unknown-word", name, word=printable(value), known=", ".join(sorted(known)))
        return ""

    def flag(self, name: str, *, required: bool = True) -> bool:
        """Return true or false."""
        return bool(self._value(name, bool, "true or false", required=required))

    def integer(
        self,
        name: str,
        *,
        required: bool = True,
        least: int = 0,
        most: int = _TOO_LARGE,
        code: str = "wrong-type",
    ) -> Any:
        """Return a whole number within its bounds; None where it is not required and missing."""
        expected = f"a whole number from {least:,} to {most:,}"
        value = self._value(name, int, expected, required=required)
        if value is not None and not least <= value <= most:
            self.fault(code, name, expected=expected)
            return least
        return least if value is None and required else value

    def _list(self, name: str, *, required: bool = False) -> list[Any]:
        return self._value(name, list, "a list", required=required) or []

    def texts(self, name: str, pattern: re.Pattern[str] | None) -> tuple[str, ...]:
        """Return a list of texts, each of the pattern where there is one."""
        found = []
        for place, value in enumerate(self._list(name)):
            if not isinstance(value, str):
                self.fault("wrong-type", f"{name}[{place}]", expected="a text")
            elif not is_storable(value, 500) or not value or (pattern and not pattern.fullmatch(value)):
                self.fault("bad-text", f"{name}[{place}]")
            else:
                found.append(value)
        return tuple(found)

    def words(self, name: str, known: Iterable[str], *, required: bool = False) -> tuple[str, ...]:
        """Return a list of known words, each of them once."""
        found: dict[str, None] = {}
        for place, value in enumerate(self._list(name, required=required)):
            if not isinstance(value, str):
                self.fault("wrong-type", f"{name}[{place}]", expected="a text")
            elif word := self._known(f"{name}[{place}]", value, known):
                found[word] = None
        return tuple(found)

    def inner(self, name: str, *, required: bool = True) -> Self | None:
        """Return the fields of an object in this one."""
        value = self._value(name, dict, "an object", required=required)
        return None if value is None else self._below(value, name)

    def objects(self, name: str) -> list[Self]:
        """Return the fields of each object of a list."""
        return [self._below(value, f"{name}[{place}]") for place, value in enumerate(self._list(name))]

    def _below(self, value: Any, name: str) -> Self:
        return type(self)(value, f"{self._path}.{name}" if self._path else name, self._shared)


def is_storable(value: str, most: int) -> bool:
    """Tell whether a text can be stored and shown: no controls, no half characters, not too long."""
    return len(value) <= most and all(
        c in "\n\t" or unicodedata.category(c) not in {"Cc", "Cs"} for c in value
    )


def printable(value: str) -> str:
    """Return the beginning of any text so that it can be shown."""
    return value[:40].encode("utf-8", "backslashreplace").decode()
