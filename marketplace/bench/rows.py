"""What a bench prints: one row per figure, with the yardstick it is read against."""

import os
from collections.abc import Sequence
from dataclasses import asdict, dataclass


@dataclass(frozen=True)
class Row:
    """A figure, what the same machine does without us, how they stand, how low that may fall, how high we aim."""

    name: str
    figure: float
    unit: str
    yardstick: float
    ratio: float
    floor: float
    load: float
    moonshot: float | None = None

    @property
    def holds(self) -> bool:
        return self.ratio >= self.floor


def rate(
    name: str, figure: float, unit: str, *, yardstick: float, floor: float, moonshot: float | None = None
) -> Row:
    """Return a row where more is better: the ratio is our figure for one of the yardstick's."""
    ratio = rounded(figure / yardstick)
    return Row(name, rounded(figure), unit, rounded(yardstick), ratio, floor, load(), moonshot)


def latency(
    name: str, figure: float, unit: str, *, yardstick: float, floor: float, moonshot: float | None = None
) -> Row:
    """Return a row where less is better: the ratio is the yardstick's time for one of ours."""
    ratio = rounded(yardstick / figure)
    return Row(name, rounded(figure), unit, rounded(yardstick), ratio, floor, load(), moonshot)


def limit(name: str, figure: float, unit: str, *, most: float, moonshot: float | None = None) -> Row:
    """Return a row that must stay below a number, which stands as its yardstick; the moonshot is a number too."""
    ratio = rounded(most / figure)
    aim = rounded(most / moonshot) if moonshot else None
    return Row(name, rounded(figure), unit, most, ratio, 1.0, load(), aim)


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
