"""Draws proofs. Inclusion (RFC 6962, section 2.1.1): the entry at the foot, the signed root on top.

Every sibling hash is a bar to the left or right of the way up; its length is log2 of the entries it covers.
Consistency (section 2.1.2): the newer log as one line, cut into the subtrees whose hashes the proof names.
"""

import math
from dataclasses import dataclass

from django.utils.html import escape
from django.utils.safestring import SafeString, mark_safe
from django.utils.translation import gettext as _

from ledger.queries import Comparison, Proof
from marketplace.templatetags.shown import number

ROW = 36
MIDDLE = 405


@dataclass(frozen=True)
class Step:
    """One sibling on the way from the entry to the root."""

    left: bool
    first: int
    last: int
    hash: str

    @property
    def side(self) -> str:
        """The side on which the sibling stands."""
        return _("left") if self.left else _("right")

    @property
    def holder(self) -> str:
        """Which of two logs has the subtree."""
        return _("both") if self.left else _("the newer only")

    @property
    def covers(self) -> str:
        """The entries below the sibling."""
        if self.first == self.last:
            return f"#{number(self.first)}"
        return f"#{number(self.first)}–{number(self.last)}"


def siblings(index: int, size: int, start: int = 0) -> list[tuple[bool, int, int]]:
    """Return side, first and last entry of each sibling subtree, from the leaf up."""
    if size <= 1:
        return []
    split = 1 << (size - 1).bit_length() - 1
    if index < split:
        return [*siblings(index, split, start), (False, start + split, start + size - 1)]
    return [*siblings(index - split, size - split, start + split), (True, start, start + split - 1)]


def steps(proof: Proof) -> list[Step]:
    """Return the proof's hashes with what each of them covers."""
    places = siblings(proof.index, proof.size)
    return [
        Step(left, first, last, digest.hex())
        for (left, first, last), digest in zip(places, proof.path, strict=True)
    ]


def draw(proof: Proof, path: list[Step]) -> SafeString:
    """Draw the way from the entry up to the root."""
    height = 70 + ROW * len(path)
    parts = [
        f'<circle class="ring" cx="{MIDDLE}" cy="22" r="5"/>',
        _text(MIDDLE + 16, 20, _("Root of checkpoint %(size)s") % {"size": number(proof.size)}, "strong"),
        _text(MIDDLE + 16, 35, proof.root.hex()[:16] + "…", "hash"),
    ]
    for place, step in enumerate(reversed(path)):
        parts.append(_sibling(step, 40 + ROW * place))
    foot = 40 + ROW * len(path)
    title = _("This entry, #%(number)s") % {"number": number(proof.index)}
    parts += [
        f'<path class="stem" d="M{MIDDLE} 27V{foot}"/><circle class="ring" cx="{MIDDLE}" cy="{foot}" r="5"/>',
        _text(MIDDLE - 10, foot + 22, title, "strong", "end"),
        _text(MIDDLE, foot + 22, proof.leaf_hash.hex()[:16] + "…", "hash"),
    ]
    words = _("The way from entry %(number)s to the root, in %(count)s steps") % {
        "number": number(proof.index),
        "count": len(path),
    }
    return mark_safe(
        f'<svg role="img" viewBox="0 0 810 {height}"><title>{escape(words)}</title>{"".join(parts)}</svg>'
    )


def subtrees(old_size: int, size: int, start: int = 0, whole: bool = True) -> list[tuple[int, int]]:
    """Return first and last entry below each hash of a consistency proof, in the order of the proof."""
    if old_size == size:
        return [] if whole else [(start, start + size - 1)]
    split = 1 << (size - 1).bit_length() - 1
    if old_size <= split:
        return [*subtrees(old_size, split, start, whole), (start + split, start + size - 1)]
    return [*subtrees(old_size - split, size - split, start + split, False), (start, start + split - 1)]


def consistency_steps(found: Comparison) -> list[Step]:
    """Return the hashes of a consistency proof with what each of them covers; `left` is what both logs have."""
    places = subtrees(found.old.size, found.new.size)
    return [
        Step(last < found.old.size, first, last, digest.hex())
        for (first, last), digest in zip(places, found.proof, strict=True)
    ]


def draw_consistency(found: Comparison, path: list[Step]) -> SafeString:
    """Draw the newer log as a line, what the older one had above it, and the proof's subtrees below."""
    old, new = found.old.size, found.new.size
    scale = 806 / new
    mark = 2 + old * scale
    parts = [
        f'<rect class="bar" x="2" y="24" width="{old * scale:.1f}" height="17"/>',
        f'<rect class="rest" x="{mark:.1f}" y="24" width="{(new - old) * scale:.1f}" height="17"/>',
        _text(2, 15, _("the log of %(size)s entries") % {"size": number(old)}, "strong"),
        _text(808, 15, _("now %(size)s") % {"size": number(new)}, "strong", "end"),
    ]
    for step in path:
        left, right = 2 + step.first * scale, 2 + (step.last + 1) * scale
        side = "old" if step.left else "new"
        parts.append(f'<path class="span {side}" d="M{left:.1f} 52V58H{max(right, left + 1):.1f}V52"/>')
    words = _("Consistency of %(old)s entries with %(new)s") % {"old": number(old), "new": number(new)}
    return mark_safe(
        f'<svg role="img" viewBox="0 0 810 64"><title>{escape(words)}</title>{"".join(parts)}</svg>'
    )


def _sibling(step: Step, top: int) -> str:
    length = 10 + 12.5 * math.log2(step.last - step.first + 1)
    sign = -1 if step.left else 1
    near = MIDDLE + sign * 26
    far = near + sign * length
    bar = min(near, far)
    anchor = "end" if step.left else "start"
    edge = (0, "start") if step.left else (810, "end")
    return (
        f'<path class="arm" d="M{MIDDLE} {top + 10}H{near}"/>'
        f'<rect class="bar" x="{bar:.1f}" y="{top + 1}" width="{length:.1f}" height="17"/>'
        f'<circle class="dot" cx="{MIDDLE}" cy="{top + 28}" r="3.5"/>'
        + _text(far + sign * 10, top + 14, step.covers, "", anchor)
        + _text(edge[0], top + 14, step.hash[:8], "hash", edge[1])
    )


def _text(x: float, y: float, text: str, name: str, anchor: str = "start") -> str:
    return f'<text class="{name}" x="{x:.1f}" y="{y}" text-anchor="{anchor}">{escape(text)}</text>'
