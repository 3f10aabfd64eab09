"""Covers of listings without a picture: the data's own lines, rows, sound or shape beside a slip (题签).

Every cover is inline SVG, 288 x 216, in the tint of its kind, so that it follows the theme; the same data
always gives the same cover. Beside the wide form stands the slip alone, for where there is no room.
"""

import re
from collections.abc import Iterable, Sequence
from itertools import groupby, islice
from typing import Any

from django.utils.html import escape
from django.utils.safestring import SafeString, mark_safe

MARKS = {"text": "文", "table": "表", "nested_records": "表", "audio": "声", "model3d": "器", "image": "图"}
TINTS = {"nested_records": "table", "image": "table"}
_HAN = re.compile(r"[\u2e80-\u9fff\uf900-\ufaff\U00020000-\U0003ffff]")


def draw(*, form: str, title: dict[str, str], data: dict[str, Any], with_slip: bool = True) -> SafeString:
    """Draw the cover of a listing in both widths."""
    tint = TINTS.get(form, form)
    name = slip_title(title)
    wide = _svg(tint, "cover-wide", 288, 216, _slip(name, MARKS.get(form, "文")) + _evidence(data, name))
    return mark_safe(wide + (_svg(tint, "cover-slip", 152, 114, _slip_alone(name)) if with_slip else ""))


def banner(*, name: str, lines: Sequence[str]) -> SafeString:
    """Draw the wide head of a shop: its name on a slip, then the first lines of its own texts."""
    columns = list(islice(verses(lines, 4), 20))
    frame, drawn = _columns(columns, x=136, y=22, width=1040, height=172, count=20, font=20)
    parts = _halves(name[:14]) if len(name) > 5 else [name]
    slip = _slip_box(24, 18, 90, 180) + _vertical(
        parts, right=102 if len(parts) > 1 else 82, top=38, font=25, step=33
    )
    return mark_safe(_svg("text", "", 1200, 216, slip + frame + drawn))


def slip_title(title: dict[str, str]) -> str:
    """Shorten a title to what a slip holds: what stands in 《》, else what stands before the first mark."""
    text = title.get("zh-Hans") or title.get("en") or ""
    if not _HAN.search(text):
        return text
    inside = re.search(r"《(.+?)》", text)
    return (inside[1] if inside else re.split(r"[：（，、:(]", text)[0])[:14]


def verses(lines: Iterable[str], longest: int) -> Iterable[str]:
    """Cut lines at their punctuation, and what is still too long at the foot of a column."""
    for line in lines:
        for verse in re.split(r"[，。；？！、：,.;?!:\s]+", str(line)):
            verse = verse.strip("「」『』“”《》（）")
            for start in range(0, len(verse), longest):
                yield verse[start : start + longest]


def _svg(tint: str, name: str, width: int, height: int, inside: str) -> str:
    return (
        f'<svg class="cover cover-{tint} {name}" viewBox="0 0 {width} {height}" aria-hidden="true">'
        f'<rect class="ground" width="{width}" height="{height}"/>{inside}</svg>'
    )


def _word(name: str, text: str, x: Any, y: Any, font: float, anchor: str = "start") -> str:
    place = f'x="{x}" y="{y}" font-size="{font}" text-anchor="{anchor}"'
    return f'<text class="{name}" {place}>{escape(text)}</text>'


def _slip_box(x: float, y: float, width: float, height: float) -> str:
    return (
        f'<rect class="slip" x="{x}" y="{y}" width="{width}" height="{height}"/>'
        f'<rect class="slip-inner" x="{x + 3.5}" y="{y + 3.5}" width="{width - 7}" height="{height - 7}"/>'
    )


def _halves(name: str) -> list[str]:
    middle = (len(name) + 1) // 2
    return [name[:middle], name[middle:]]


def _vertical(columns: Sequence[str], *, right: float, top: float, font: float, step: float) -> str:
    """Set columns of Han characters from the right, each character on its own line."""
    drawn = []
    for index, column in enumerate(columns):
        x = right - font / 2 - index * step
        spots = " ".join(f"{top + font * (0.88 + 1.13 * row):.1f}" for row in range(len(column)))
        middle = " ".join([f"{x:.1f}"] * len(column))
        drawn.append(_word("slip-title", column, middle, spots, font, "middle"))
    return "".join(drawn)


def _slip(name: str, mark: str) -> str:
    if not _HAN.search(name):
        text = _fitted(name, 230, 15)
        return _slip_box(20, 16, 248, 38) + _word("slip-title", text, 144, 40, 15, "middle")
    columns = _halves(name) if len(name) > 7 else [name]
    width = 58 if len(columns) > 1 else 46
    font, step = (18, 22) if len(columns) > 1 else (20 if len(name) < 7 else 18, 0)
    right = 20 + width / 2 + (font / 2 if len(columns) == 1 else (font + step) / 2)
    foot = 20 + width / 2
    return (
        _slip_box(20, 16, width, 184)
        + _vertical(columns, right=right, top=26, font=font, step=step)
        + f'<rect class="mark" x="{foot - 9}" y="173" width="18" height="18" rx="1"/>'
        + f'<text class="mark-text" font-size="12" x="{foot}" y="186.4" text-anchor="middle">{mark}</text>'
    )


def _slip_alone(name: str) -> str:
    if not _HAN.search(name):
        text = _fitted(name, 118, 12)
        return _slip_box(10, 38, 132, 38) + _word("slip-title", text, 76, 61, 12, "middle")
    name = name[:10]
    columns = _halves(name) if len(name) > 4 else [name]
    width = 30 if len(columns) == 1 else 54
    font = 17 if len(columns[0]) < 5 else 14
    step = font + 4
    right = 76 + (font / 2 if len(columns) == 1 else (font + step) / 2)
    return _slip_box(76 - width / 2, 10, width, 94) + _vertical(
        columns, right=right, top=18, font=font, step=step
    )


def _evidence(data: dict[str, Any], name: str) -> str:
    """Draw what the data itself shows, to the right of the slip, or under it where the title is Latin."""
    latin = not _HAN.search(name)
    left = 28 if latin else 98 if len(name) > 7 else 86
    box = {
        "x": left,
        "y": 66 if latin else 16,
        "width": (260 if latin else 268) - left,
        "height": 134 if latin else 184,
    }
    match data.get("kind"):
        case "text":
            return _text(data.get("lines", []), **box)
        case "table":
            return _rows(data.get("rows", []), **box)
        case "audio":
            return _wave(data.get("peaks", []), data.get("seconds", 0), **box)
        case "model" | "model3d":
            return _model(data.get("triangles", []), **box)
        case _:
            return ""


def _text(lines: Sequence[str], *, x: float, y: float, width: float, height: float) -> str:
    joined = "".join(map(str, lines))
    if len(_HAN.findall(joined)) * 2 < len(joined):
        return _rows([[line, ""] for line in lines], x=x, y=y, width=width, height=height)
    longest = int((height - 16) // 20)
    count = int(width // 25)
    frame, drawn = _columns(
        list(islice(verses(lines, longest), count)),
        x=x,
        y=y,
        width=width,
        height=height,
        count=count,
        font=15,
    )
    return frame + drawn


def _columns(
    columns: Sequence[str], *, x: float, y: float, width: float, height: float, count: int, font: float
) -> tuple[str, str]:
    """Return the ruled frame and the columns of characters in it, from the right."""
    step = width / count
    lines = "".join(f"M{x + step * index:.1f} {y}v{height}" for index in range(count + 1))
    frame = f'<path class="rule" fill="none" d="{lines}M{x} {y}h{width}M{x} {y + height}h{width}"/>'
    drawn = []
    leading = font * 1.35
    for index, column in enumerate(columns):
        middle = " ".join([f"{x + width - step * (index + 0.5):.1f}"] * len(column))
        spots = " ".join(f"{y + 8 + font * 0.9 + leading * row:.1f}" for row in range(len(column)))
        drawn.append(_word("ink", column, middle, spots, font, "middle"))
    return frame, "".join(drawn)


def _wide(text: str, font: float) -> float:
    return sum(
        font if _HAN.match(character) or ord(character) > 0x2E7F else font * 0.54 for character in text
    )


def _fitted(text: str, room: float, font: float) -> str:
    """Cut a text to the room that it has."""
    if _wide(text, font) <= room:
        return text
    while text and _wide(text, font) + font > room:
        text = text[:-1]
    return text.rstrip() + "…"


def _rows(rows: Sequence[Sequence[Any]], *, x: float, y: float, width: float, height: float) -> str:
    step = height / (4 if height < 150 else 6)
    drawn, rules = [], f"M{x} {y}h{width}"
    for index, row in enumerate(rows[: round(height / step)]):
        foot = y + step * (index + 1)
        value = _fitted(str(row[1]), 64, 11) if len(row) > 1 and row[1] else ""
        label = _fitted(str(row[0]), width - _wide(value, 11) - 10, 11)
        rules += f"M{x} {foot:.1f}h{width}"
        middle = f"{foot - step / 2 + 4:.1f}"
        drawn.append(_word("ink row", label, x + 2, middle, 11))
        if value:
            drawn.append(_word("ink row", value, x + width - 2, middle, 11, "end"))
    return f'<path class="rule" fill="none" d="{rules}"/>' + "".join(drawn)


def wave_path(peaks: Sequence[float], *, x: float, y: float, width: float, height: float, bars: int) -> str:
    """Return the path of a waveform drawn as upright bars around a middle line."""
    if not peaks:
        return ""
    highest = max(peaks) or 1
    path = []
    for index in range(bars):
        part = peaks[
            len(peaks) * index // bars : max(len(peaks) * (index + 1) // bars, len(peaks) * index // bars + 1)
        ]
        tall = max(2.0, height * max(part) / highest)
        path.append(f"M{x + width * (index + 0.5) / bars:.1f} {y + (height - tall) / 2:.1f}v{tall:.1f}")
    return "".join(path)


def clock(seconds: float) -> str:
    """Return a length of time as minutes and seconds."""
    return f"{int(seconds) // 60}:{int(seconds) % 60:02d}"


def _wave(peaks: Sequence[float], seconds: float, *, x: float, y: float, width: float, height: float) -> str:
    foot = y + height - 16
    wave = wave_path(peaks, x=x, y=y, width=width, height=height - 26, bars=int(width // 3))
    return (
        f'<path class="wave" fill="none" d="{wave}"/><path class="rule" fill="none" d="M{x} {foot}h{width}"/>'
        + _word("ink row", "0:00", x, foot + 14, 11)
        + _word("ink row", clock(seconds), x + width, foot + 14, 11, "end")
    )


def _model(triangles: Sequence[Sequence[float]], *, x: float, y: float, width: float, height: float) -> str:
    """Draw triangles (x1 y1 x2 y2 x3 y3 shade, farthest first) fitted into the box; shade is 0 to 1."""
    if not triangles:
        return ""
    across = [value for triangle in triangles for value in triangle[0:6:2]]
    down = [value for triangle in triangles for value in triangle[1:6:2]]
    scale = min(width / ((max(across) - min(across)) or 1), height / ((max(down) - min(down)) or 1))
    left = x + (width - scale * (max(across) - min(across))) / 2 - scale * min(across)
    top = y + (height - scale * (max(down) - min(down))) / 2 - scale * min(down)

    def shade(triangle: Sequence[float]) -> int:
        return round(5 * (triangle[6] if len(triangle) > 6 else 0.6))

    drawn = []
    for level, group in groupby(triangles, key=shade):
        path = "".join(
            "M"
            + "L".join(
                f"{left + scale * a:.0f} {top + scale * b:.0f}"
                for a, b in zip(t[0:6:2], t[1:6:2], strict=True)
            )
            + "z"
            for t in group
        )
        drawn.append(f'<path class="face-{level}" d="{path}"/>')
    return "".join(drawn)
