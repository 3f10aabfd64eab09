"""What the sandbox remembers: tables in memory, and a journal file that brings them back after `kill -9`.

Layout of the journal: one line per change, `[[table, key, value], …]` in JSON, null for a row taken away. A
last line without its end is a change that was never answered, so it is cut off. A line is handed to the kernel
before the answer goes out; a power cut may cost the newest ones, which is fair for play money.
"""

import copy
import json
import threading
from collections import defaultdict
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

Row = dict[str, Any]


class Store:
    """Tables of JSON rows. Rows read are copies; writing happens in a `change`, whole or not at all."""

    def __init__(self, path: Path) -> None:
        self._lock = threading.RLock()
        self._tables: dict[str, dict[str, Row]] = defaultdict(dict)
        self._pending: dict[tuple[str, str], Row | None] | None = None
        path.parent.mkdir(parents=True, exist_ok=True)
        self._file = path.open("ab+", buffering=0)
        self._replay()

    @contextmanager
    def change(self) -> Iterator[None]:
        """Make what is put inside one change; an exception leaves everything as it was."""
        with self._lock:
            if self._pending is not None:  # part of a change that is already going on
                yield
                return
            self._pending = {}
            try:
                yield
                if self._pending:
                    lines = [[table, key, row] for (table, key), row in self._pending.items()]
                    self._file.write(json.dumps(lines, ensure_ascii=False).encode() + b"\n")
                    self._apply(lines)
            finally:
                self._pending = None

    def put(self, table: str, key: str, row: Row | None) -> None:
        """Write a row, or take it away with None."""
        assert self._pending is not None, "put belongs inside a change"
        self._pending[table, key] = copy.deepcopy(row)

    def get(self, table: str, key: str) -> Row | None:
        """Return a copy of the row, or None."""
        with self._lock:
            if self._pending and (table, key) in self._pending:
                return copy.deepcopy(self._pending[table, key])
            return copy.deepcopy(self._tables[table].get(key))

    def all(self, table: str) -> list[Row]:
        """Return copies of the rows of a table, oldest first, with those of the change that is going on."""
        with self._lock:
            rows = dict(self._tables[table])
            for (name, key), row in (self._pending or {}).items():
                if name == table:
                    rows[key] = row
            return [copy.deepcopy(row) for row in rows.values() if row is not None]

    def close(self) -> None:
        self._file.close()

    def _replay(self) -> None:
        self._file.seek(0)
        whole = 0
        for line in self._file.read().splitlines(keepends=True):
            if not line.endswith(b"\n"):
                break
            self._apply(json.loads(line))
            whole += len(line)
        self._file.truncate(whole)

    def _apply(self, lines: list[Any]) -> None:
        for table, key, row in lines:
            if row is None:
                self._tables[table].pop(key, None)
            else:
                self._tables[table][key] = row
