"""Pairs of an image and a label → temperature, slope and offset of confidences."""

from typing import TYPE_CHECKING

import numpy as np

from zsl_cli.authoring.calibrating import platt
from zsl_cli.authoring.calibrating.platt import Line
from zsl_cli.authoring.calibrating.result import Fit
from zsl_cli.errors import ZslError
from zsl_cli.evaluation.metrics import equal_mass_error

if TYPE_CHECKING:
    from zsl_cli.authoring.calibrating.pairs import Pairs
    from zsl_cli.support.calibration import ConfidenceRule

TEMPERATURES = (0.8, 1.0, 1.25, 1.6, 2.0, 2.5)
"""In units of the temperature of scores; that of the least cross entropy is taken."""

FEWEST = 10
"""Images, at least, that are told something right, and that are told something wrong."""


def temperatures(rule: "ConfidenceRule") -> tuple[float, ...]:
    """Those that ``fit`` wants odds at: TEMPERATURES, and behind them that of the rule."""
    return (*TEMPERATURES, rule.temperature)


def fit(pairs: "Pairs", rule: "ConfidenceRule") -> Fit:
    """The numbers with the least cross entropy; of the temperatures that of the least over all
    pairs, and slope and offset those for what may be told there.

    pairs: their odds at ``temperatures(rule)``; rule: that of before.

    Raises ZslError where too few of the pairs are right, or wrong.
    """
    for what, of_kind in (("right", pairs.true), ("wrong", ~pairs.true)):
        if (count := len(np.unique(pairs.images[of_kind]))) < FEWEST:
            raise ZslError(
                f"confidences cannot be fitted: {count} of the photos are told something that is "
                f"{what}, and it takes {FEWEST}; give more photos"
                + (", of more things" if what == "wrong" else ""))
    at, line = _best(pairs)
    held_out = np.empty(len(pairs))
    for part in pairs.fifths():
        some, rest = pairs.some(part), pairs.some(~part)
        chosen, of_rest = (at, line) if rest.true.all() or not rest.true.any() else _best(rest)
        held_out[part] = of_rest.probabilities(some.odds[chosen])
    before, after = pairs.at(-1), pairs.at(at)
    return Fit(
        line.slope, line.offset, len(np.unique(pairs.images)), len(after), int(after.true.sum()),
        equal_mass_error(Line(rule.slope, rule.offset).probabilities(before.odds[-1]),
                         before.true, before.weights),
        equal_mass_error(held_out if pairs.told is None else held_out[pairs.told[at]],
                         after.true, after.weights), TEMPERATURES[at])


def _best(pairs: "Pairs") -> tuple[int, Line]:
    """The place of the best of TEMPERATURES, and the line for what may be told there."""
    lines = [platt.fit(odds, pairs.true, pairs.weights)
             for odds in pairs.odds[:len(TEMPERATURES)]]
    losses = [platt.loss(line, odds, pairs.true, pairs.weights)
              for line, odds in zip(lines, pairs.odds, strict=False)]
    best = int(np.argmin(losses))
    own = pairs.at(best)
    if own.true.all() or not own.true.any():
        return best, lines[best]
    return best, platt.fit(own.odds[best], own.true, own.weights)
