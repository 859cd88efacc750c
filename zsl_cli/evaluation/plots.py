"""Plots as SVG, to stand inside a page: what they look like is in the page's style sheet."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from zsl_cli.support.html_page import escaped
from zsl_cli.support.line_plot import Frame, drawing

if TYPE_CHECKING:
    from zsl_cli.evaluation.metrics import Reliability

COLOURS = 8
"""The style sheet has so many colours, ``s0`` to ``s7``; then they begin again, dashed."""

_FRAME = Frame(460, 320, left=52, right=24, top=14, bottom=44)
_x, _y = _FRAME.x, _FRAME.y


@dataclass(frozen=True)
class Line:
    """A line of a plot: its name and its points, from 0 to 1 each. ``colour`` is its number in
    the legend."""

    name: str
    points: Sequence[tuple[float, float]]
    colour: int
    marked: bool = False


def lines(title: str, chart: Sequence[Line], *, across: str, up: str,
          ticks: Sequence[tuple[float, str]] | None = None) -> str:
    """Lines over a square from 0 to 1.

    across, up: what the axes show. ticks: places and names along the horizontal axis; percent
        where there are none.
    """
    parts = [_axes(across, up, ticks)]
    for line in chart:
        kind = colour_class(line.colour)
        parts.append(_FRAME.polyline(line.points, f'class="line {kind}"'))
        if line.marked:
            parts += [f'<circle class="dot {kind}" cx="{_x(x):.1f}" cy="{_y(y):.1f}" r="3.5">'
                      f"<title>{escaped(line.name)}: {y:.1%}</title></circle>"
                      for x, y in line.points]
    return _FRAME.drawing(title, "".join(parts))


def reliability(title: str, measured: "Reliability") -> str:
    """A reliability diagram: accuracy in each bin of confidence, against the diagonal."""
    bins = len(measured.count)
    parts = [_axes("score of the first answer", "share that is right", None)]
    for at in np.flatnonzero(measured.count).tolist():
        left, right, top = _x(at / bins), _x((at + 1) / bins), _y(float(measured.accuracy[at]))
        parts.append(
            f'<rect class="bar" x="{left + 1:.1f}" y="{top:.1f}" width="{right - left - 2:.1f}" '
            f'height="{max(_y(0) - top, 1):.1f}"><title>{measured.count[at]:,} images, mean score '
            f"{measured.confidence[at]:.3f}, right {measured.accuracy[at]:.3f}</title></rect>")
    parts.append(f'<line class="guide" x1="{_x(0)}" y1="{_y(0)}" x2="{_x(1)}" y2="{_y(1)}"/>')
    return _FRAME.drawing(title, "".join(parts))


def shares(title: str, of_kinds: Sequence[tuple[str, float]]) -> str:
    """Shares that add up to 1 as one bar, with a legend below."""
    parts, start = [], 0.0
    for colour, (name, share) in enumerate(of_kinds):
        left, width = start * _FRAME.width, max(share * _FRAME.width - 1, 0)
        parts.append(f'<rect class="part {colour_class(colour)}" x="{left:.1f}" y="0" '
                     f'width="{width:.1f}" height="26"><title>'
                     f"{escaped(name)}: {share:.1%}</title></rect>")
        start += share
    return drawing(title, "".join(parts), _FRAME.width, 26)


def swatch(colour: int) -> str:
    """A piece of a line, for a legend."""
    return ('<svg class="swatch" viewBox="0 0 24 10" aria-hidden="true"><line class="line '
            f'{colour_class(colour)}" x1="1" y1="5" x2="23" y2="5"/></svg>')


def colour_class(colour: int) -> str:
    """The classes of a line of this number."""
    return f"s{colour % COLOURS}" + (" dashed" if colour >= COLOURS else "")


def _axes(across: str, up: str, ticks: Sequence[tuple[float, str]] | None) -> str:
    parts = []
    for step in range(6):
        at = step / 5
        parts.append(f'<line class="grid" x1="{_x(0)}" y1="{_y(at)}" x2="{_x(1)}" y2="{_y(at)}"/>'
                     f'<text class="tick end" x="{_FRAME.left - 8}" y="{_y(at) + 4}">{at:.0%}'
                     "</text>")
    named = [(step / 5, f"{step / 5:.0%}") for step in range(6)] if ticks is None else ticks
    parts += [f'<text class="tick middle" x="{_x(at):.1f}" y="{_y(0) + 17}">{escaped(name)}</text>'
              for at, name in named]
    middle = (_y(0) + _y(1)) / 2
    parts.append(f'<text class="axis middle" x="{(_x(0) + _x(1)) / 2}" y="{_FRAME.height - 6}">'
                 f"{escaped(across)}</text>"
                 f'<text class="axis middle" transform="rotate(-90 12 {middle})" x="12" '
                 f'y="{middle}">{escaped(up)}</text>')
    return "".join(parts)
