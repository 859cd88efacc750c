"""The course of a training as one HTML page: loss, learning rate, hit@k or recall over the
epochs."""

from collections.abc import Mapping, Sequence
from typing import Any

from zsl_cli.support import html_page
from zsl_cli.support.html_page import escaped
from zsl_cli.support.line_plot import Frame

_FRAME = Frame(560, 240, left=60, right=10, top=24, bottom=24)
_COLOURS = ("#2563eb", "#d97706")


def page(title: str, facts: dict[str, Any],
         histories: Mapping[str, Sequence[dict[str, Any]]]) -> str:
    """The page, without any part that lies elsewhere.

    histories: what was trained, in turn, and what trainer.Training has logged of it.
    """
    plots = []
    for name, history in histories.items():
        if history:
            plots += [f"<h2>{escaped(name)}</h2>", _plot(history, ["loss"]),
                      _plot(history, ["hit@1", "hit@5"]), _plot(history, ["recall"]),
                      _plot(history, ["learning_rate"])]
    listed = "".join(f"<dt>{escaped(name)}</dt><dd>{html_page.isolated(str(value))}</dd>"
                     for name, value in facts.items())
    before, behind = html_page.around(__package__, "curves", title=escaped(title))
    return "\n".join([f"{before}<h1>{escaped(title)}</h1>", f"<dl>{listed}</dl>",
                      *filter(None, plots)]) + behind


def _plot(history: Sequence[dict[str, Any]], names: list[str]) -> str:
    names = [name for name in names if any(name in record for record in history)]
    if not names:
        return ""
    values = [record[name] for record in history for name in names if name in record]
    low, high = min(0.0, *values), max(values)
    high = high if high > low else low + 1
    last = max(record["epoch"] for record in history)

    frame, foot, end = _FRAME, _FRAME.y(0), _FRAME.x(1)
    lines, keys = [], []
    for colour, name in zip(_COLOURS, names, strict=False):
        points = [((record["epoch"] - 1) / max(last - 1, 1), (record[name] - low) / (high - low))
                  for record in history if name in record]
        lines.append(frame.polyline(points, f'fill="none" stroke="{colour}" stroke-width="2"'))
        keys.append(f'<tspan fill="{colour}" dx="8">{escaped(name.replace("_", " "))}</tspan>')
    return frame.drawing(f"{' and '.join(names)} over the epochs", (
        f'<path d="M{frame.left} 20V{foot}H{end}" fill="none" stroke="#999"/>'
        f'<text x="{frame.left}" y="14">{"".join(keys)}</text>'
        f'<text x="4" y="28">{high:.3g}</text>'
        f'<text x="4" y="{foot}">{low:.3g}</text>'
        f'<text x="{frame.left}" y="{frame.height - 6}">epoch 1</text>'
        f'<text x="{end}" y="{frame.height - 6}" text-anchor="end">{last}</text>'
        f'{"".join(lines)}'))
