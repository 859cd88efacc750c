"""Temperature, slope and offset of pairs of an image and a label."""

from dataclasses import replace

import numpy as np
import pytest

from zsl_cli.authoring.calibrating import main_rule
from zsl_cli.authoring.calibrating.pairs import Pairs
from zsl_cli.errors import ZslError
from zsl_cli.support.calibration import ConfidenceRule

RULE = ConfidenceRule()


def pairs(count=3000, slope=0.5, offset=-0.5, best=1.6):
    """Odds that are noise but at the best temperature, with four pairs an image."""
    random = np.random.default_rng(0)
    good = random.normal(0, 2, count)
    true = random.random(count) < 1 / (1 + np.exp(-slope * good - offset))
    odds = np.stack([good if at == best else good + random.normal(0, 3, count)
                     for at in main_rule.temperatures(RULE)])
    return Pairs(np.arange(count) // 4, odds, true, np.ones(count))


def test_the_temperature_and_the_line_that_made_the_pairs_are_found():
    fit = main_rule.fit(pairs(), RULE)
    assert fit.temperature == 1.6
    assert (fit.slope, fit.offset) == (pytest.approx(0.5, abs=0.1), pytest.approx(-0.5, abs=0.15))
    assert (fit.images, fit.pairs) == (750, 3000)
    assert fit.error_after < 0.03 < fit.error_before


def test_slope_and_offset_are_of_what_may_be_told_at_the_temperature():
    """Elsewhere as many more pairs are all wrong, and each image keeps its weight."""
    some = pairs()
    false = Pairs(some.images, some.odds + 1, np.zeros(len(some), bool), some.weights)
    both = Pairs(*(np.concatenate(part, axis=-1) for part in zip(
        *((one.images, one.odds, one.true, one.weights) for one in (some, false)), strict=True)))
    at = main_rule.TEMPERATURES.index(1.6)
    told = np.ones(both.odds.shape, bool)
    told[at, len(some):] = False
    fit, alone = main_rule.fit(replace(both, told=told), RULE), main_rule.fit(some, RULE)
    assert fit.temperature == 1.6
    assert (fit.pairs, fit.right) == (alone.pairs, alone.right)
    assert fit.slope == pytest.approx(alone.slope, rel=1e-6)
    assert fit.offset == pytest.approx(alone.offset, rel=1e-6)
    assert replace(both, told=told).at(at).weights.sum() == pytest.approx(both.weights.sum())


def test_the_error_is_of_photos_that_the_fit_has_not_seen(monkeypatch):
    """Whatever a fit has seen is told without an error here, and nothing else is."""
    class Remembering(main_rule.Line):
        def probabilities(self, odds):
            return np.where(np.isin(odds, seen[self.slope]), some.true[:len(odds)], 0.5)

    def fit(odds, _true, _weights):
        seen[float(len(seen))] = odds
        return Remembering(float(len(seen) - 1))

    seen, some = {}, pairs(100)
    monkeypatch.setattr(main_rule.platt, "fit", fit)
    held_out = main_rule.fit(some, RULE).error_after
    assert held_out == pytest.approx(abs(some.true.mean() - 0.5))


def test_the_error_before_is_that_of_the_rule_of_before():
    rule = ConfidenceRule(1.6, 0.5, -0.5)
    of_rule = pairs()
    fit = main_rule.fit(
        Pairs(of_rule.images, np.concatenate([of_rule.odds[:-1], of_rule.odds[3:4]]), of_rule.true,
              of_rule.weights), rule)
    assert fit.error_before == pytest.approx(fit.error_after, abs=0.01)


@pytest.mark.parametrize(("true", "what"), [(True, "wrong, and it takes 10; give more photos, of"),
                                            (False, "right, and it takes 10")])
def test_too_few_right_or_wrong_ones_are_an_error(true, what):
    one_sided = pairs(400)
    some = np.full(400, true)
    some[:36] = not true  # nine images
    with pytest.raises(ZslError, match=f"9 of the photos are told something that is {what}"):
        main_rule.fit(Pairs(one_sided.images, one_sided.odds, some, one_sided.weights), RULE)


def test_an_image_is_in_one_fifth_whole():
    some = pairs(100)
    parts = [set(some.images[mask].tolist()) for mask in some.fifths()]
    assert [len(part) for part in parts] == [5] * 5
    assert len(set.union(*parts)) == 25
