"""The colours and the size of the stylesheets, as DESIGN.md promises them: every ratio is computed anew."""

import re
from pathlib import Path

import pytest

CSS = Path(__file__).resolve().parents[3] / "marketplace" / "static" / "site.css"
TEXT = CSS.read_text(encoding="utf-8")
REPORT = (CSS.parent / "report.css").read_text(encoding="utf-8")  # which only audit reports load
LEDGER = (CSS.parent / "ledger.css").read_text(encoding="utf-8")  # which pages of the log and of proof load
TOKENS = TEXT[TEXT.index("@layer tokens {") : TEXT.index("@layer base {")]
GROUNDS = ("paper", "paper-2", "card")
READ = ("ink", "ink-2", "ink-3", "accent", "accent-hover", "link", "ok", "warn", "err")
BADGES = (
    "verified",
    "open",
    "paid",
    "gated",
    "disputed",
    "withdrawn",
    "t-text",
    "t-table",
    "t-audio",
    "t-model3d",
)


def tokens(theme: str) -> dict[str, str]:
    """Return the colours of a theme by name."""
    found = dict(re.findall(r"--([a-z0-9-]+): (#[0-9A-F]{6});", TOKENS))
    for name, light, dark in re.findall(r"--([a-z0-9-]+): light-dark\((#\w{6}), (#\w{6})\)", TOKENS):
        found[name] = light if theme == "light" else dark
    return found


def luminance(colour: str) -> float:
    """Return the relative luminance of WCAG 2.2."""
    parts = [int(colour[place : place + 2], 16) / 255 for place in (1, 3, 5)]
    linear = [p / 12.92 if p <= 0.04045 else ((p + 0.055) / 1.055) ** 2.4 for p in parts]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


def ratio(one: str, other: str) -> float:
    light, dark = sorted((luminance(one), luminance(other)), reverse=True)
    return (light + 0.05) / (dark + 0.05)


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_words_stand_out_from_every_ground_by_four_and_a_half(theme):
    colours = tokens(theme)
    low = {
        (name, ground): round(ratio(colours[name], colours[ground]), 2)
        for name in READ
        for ground in GROUNDS
        if ratio(colours[name], colours[ground]) < 4.5
    }
    assert low == {}


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_borders_of_controls_the_focus_ring_and_the_seal_stand_out_by_three(theme):
    colours = tokens(theme)
    low = {
        (name, ground)
        for name in ("line-strong", "focus", "seal")
        for ground in GROUNDS
        if ratio(colours[name], colours[ground]) < 3
    }
    assert low == set()


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_badges_covers_slips_and_buttons_can_be_read(theme):
    colours = tokens(theme)
    pairs = [(name, f"{name}-bg") for name in BADGES]
    pairs += [("on-accent", "accent"), ("on-seal", "seal"), ("on-seal", "seal-hover")]
    pairs += [("slip-text", "slip"), ("slip-mark", "slip"), ("ink-3", "mat")]
    assert {pair: round(ratio(colours[pair[0]], colours[pair[1]]), 2) for pair in pairs} == {
        pair: pytest.approx(ratio(colours[pair[0]], colours[pair[1]]), abs=0.01)
        for pair in pairs
        if ratio(colours[pair[0]], colours[pair[1]]) >= 4.5
    }


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_chart_series_stand_out_from_paper_by_four(theme):
    colours = tokens(theme)
    assert all(ratio(colours[f"chart-{n}"], colours["paper"]) >= 4 for n in range(1, 9))


@pytest.mark.parametrize(
    ("theme", "one", "other", "promised"),
    [
        ("light", "ink", "paper", 16.34),
        ("light", "ink-3", "paper-2", 5.04),
        ("light", "on-seal", "seal", 6.69),
        ("light", "verified", "verified-bg", 6.99),
        ("light", "t-audio", "t-audio-bg", 6.48),
        ("dark", "ink", "paper", 15.75),
        ("dark", "seal", "card", 3.10),
        ("dark", "link", "card", 7.73),
        ("dark", "withdrawn", "withdrawn-bg", 7.95),
    ],
)
def test_the_ratios_are_those_that_the_design_names(theme, one, other, promised):
    colours = tokens(theme)
    assert ratio(colours[one], colours[other]) == pytest.approx(promised, abs=0.006)


def test_only_the_tokens_layer_names_a_colour():
    rest = TEXT.replace(TOKENS, "") + REPORT + LEDGER
    assert re.findall(r"#[0-9a-fA-F]{3,8}\b|rgba?\(|hsla?\(|oklch\(", rest) == []


def test_every_colour_that_is_used_is_a_token():
    used = set(re.findall(r"var\(--([a-z0-9-]+)\)", TEXT + REPORT + LEDGER))
    assert used - set(re.findall(r"--([a-z0-9-]+):", TEXT)) == set()


def test_the_style_sheet_stays_under_forty_kilobytes():
    assert len(TEXT.encode()) <= 40_000 and len(REPORT.encode()) <= 6_000 and len(LEDGER.encode()) <= 6_000


def test_each_script_of_ours_stays_under_eight_kilobytes():
    sizes = {path.name: path.stat().st_size for path in CSS.parent.glob("js/*.js")}
    assert {name: size for name, size in sizes.items() if size > 8_000} == {}


def test_every_class_in_the_templates_is_one_of_the_style_sheet_or_of_the_scripts():
    root = CSS.parents[2]
    used: set[str] = set()
    for path in (root / "templates").rglob("*.html"):
        for value in re.findall(r'class="([^"]*)"', path.read_text(encoding="utf-8")):
            value = re.sub(
                r"[a-z-]+-\{%.*?%\}(?:[a-z]+\{%.*?%\})+", " ", value
            )  # notice-{% if … %}err{% else %}…
            plain = re.sub(r"\{[%{].*?[%}]\}", " ", value)
            used |= {word for word in plain.split() if not word.endswith("-")}
    known = set(re.findall(r"\.([a-z][a-z0-9-]*)", TEXT + REPORT + LEDGER))
    assert used - known - UNSTYLED == set()


# Names for what a thing is, where the elements inside need no rule of their own.
UNSTYLED = {"buy-panel", "facets-form", "library", "refusal-title"}
