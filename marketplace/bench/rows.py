"""What a bench prints: one row per figure, with the yardstick it is read against."""

import os
from collections.abc import Sequence
from dataclasses import asdict, dataclass


@dataclass(frozen=True)
class Row:
    """A figure, what the same machine does without us, how they stand, and how low that may fall."""

    name: str
    figure: float
    unit: str
    yardstick: float
    ratio: float
    floor: float
    load: float

    @property
    def holds(self) -> bool:
        return self.ratio >= self.floor


def rate(name: str, figure: float, unit: str, *, yardstick: float, floor: float) -> Row:
    """Return a row where more is better: the ratio is our figure for one of the yardstick's."""
    return Row(name, rounded(figure), unit, rounded(yardstick), rounded(figure / yardstick), floor, load())


def latency(name: str, figure: float, unit: str, *, yardstick: float, floor: float) -> Row:
    """Return a row where less is better: the ratio is the yardstick's time for one of ours."""
    return Row(name, rounded(figure), unit, rounded(yardstick), rounded(yardstick / figure), floor, load())


def load() -> float:
    """Return how many processes wanted the processor in the last minute."""
    return round(os.getloadavg()[0], 2)


def rounded(value: float) -> float:
    """Keep four digits that mean something."""
    return float(f"{value:.4g}")


def median(values: Sequence[float]) -> float:
    """Return the value in the middle."""
    return percentile(values, 50)


def percentile(values: Sequence[float], part: int) -> float:
    """Return the value that `part` percent stay below."""
    ordered = sorted(values)
    return ordered[min(len(ordered) - 1, len(ordered) * part // 100)]


def document(bench: str, rows: Sequence[Row]) -> dict:
    """Return what the last line says in JSON."""
    return {"bench": bench, "rows": [asdict(row) for row in rows]}
