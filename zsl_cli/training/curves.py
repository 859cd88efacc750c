"""The course of a training as one HTML page: loss, learning rate, hit@k over the epochs."""

from collections.abc import Mapping, Sequence
from html import escape
from typing import Any

_WIDTH, _HEIGHT, _LEFT, _BOTTOM = 560, 240, 60, 24
_COLOURS = ("#2563eb", "#d97706")

_PAGE = """<!doctype html>
<html lang="en"><meta charset="utf-8"><title>{title}</title>
<style>body{{font:15px system-ui,sans-serif;margin:2em auto;max-width:640px;color:#222}}
svg{{width:100%;height:auto}}text{{font:12px system-ui,sans-serif;fill:#555}}
dt{{font-weight:600}}</style>
<h1>{title}</h1>
<dl>{facts}</dl>
{plots}
</html>
"""


def page(title: str, facts: dict[str, Any],
         histories: Mapping[str, Sequence[dict[str, Any]]]) -> str:
    """The page, without any part that lies elsewhere.

    histories: what was trained, in turn, and what trainer.Training has logged of it.
    """
    plots = []
    for name, history in histories.items():
        if history:
            plots += [f"<h2>{escape(name)}</h2>", _plot(history, ["loss"]),
                      _plot(history, ["hit@1", "hit@5"]), _plot(history, ["learning_rate"])]
    listed = "".join(f"<dt>{escape(name)}</dt><dd>{escape(str(value))}</dd>"
                     for name, value in facts.items())
    return _PAGE.format(title=escape(title), facts=listed, plots="\n".join(filter(None, plots)))


def _plot(history: Sequence[dict[str, Any]], names: list[str]) -> str:
    names = [name for name in names if any(name in record for record in history)]
    if not names:
        return ""
    values = [record[name] for record in history for name in names if name in record]
    low, high = min(0.0, *values), max(values)
    high = high if high > low else low + 1
    last = max(record["epoch"] for record in history)

    def place(epoch: float, value: float) -> str:
        x = _LEFT + (_WIDTH - _LEFT - 10) * (epoch - 1) / max(last - 1, 1)
        y = _HEIGHT - _BOTTOM - (_HEIGHT - _BOTTOM - 24) * (value - low) / (high - low)
        return f"{x:.1f},{y:.1f}"

    lines, keys = [], []
    for colour, name in zip(_COLOURS, names, strict=False):
        points = " ".join(place(record["epoch"], record[name]) for record in history
                          if name in record)
        lines.append(f'<polyline fill="none" stroke="{colour}" stroke-width="2" '
                     f'points="{points}"/>')
        keys.append(f'<tspan fill="{colour}" dx="8">{escape(name.replace("_", " "))}</tspan>')
    return (f'<svg viewBox="0 0 {_WIDTH} {_HEIGHT}" role="img">'
            f'<path d="M{_LEFT} 20V{_HEIGHT - _BOTTOM}H{_WIDTH - 10}" fill="none" stroke="#999"/>'
            f'<text x="{_LEFT}" y="14">{"".join(keys)}</text>'
            f'<text x="4" y="28">{high:.3g}</text>'
            f'<text x="4" y="{_HEIGHT - _BOTTOM}">{low:.3g}</text>'
            f'<text x="{_LEFT}" y="{_HEIGHT - 6}">epoch 1</text>'
            f'<text x="{_WIDTH - 10}" y="{_HEIGHT - 6}" text-anchor="end">{last}</text>'
            f'{"".join(lines)}</svg>')
