"""Logistic regression on log-odds."""

import numpy as np
import pytest

from zsl_cli.authoring.calibrating import platt


@pytest.fixture
def odds():
    return np.random.default_rng(0).normal(0, 2, 40_000)


def drawn(odds, slope, offset):
    return np.random.default_rng(1).random(len(odds)) < 1 / (1 + np.exp(-slope * odds - offset))


def test_the_line_that_made_the_data_is_found(odds):
    line = platt.fit(odds, drawn(odds, 0.6, -1), np.ones(len(odds)))
    assert (line.slope, line.offset) == (pytest.approx(0.6, abs=0.03), pytest.approx(-1, abs=0.05))


def test_weights_count_like_repetitions(odds):
    odds = odds[:400]
    true, times = drawn(odds, 1, 0.5), np.where(np.arange(400) % 2, 3, 1)
    weighted = platt.fit(odds, true, times.astype(float))
    # Not the same: the targets of more pairs are nearer to 0 and 1.
    repeated = platt.fit(np.repeat(odds, times), np.repeat(true, times), np.ones(times.sum()))
    assert weighted.slope == pytest.approx(repeated.slope, abs=0.03)
    assert weighted.offset == pytest.approx(repeated.offset, abs=0.03)


def test_the_order_is_never_turned_around(odds):
    """The right ones have the lower odds; no slope above 0 is better than a flat one."""
    line = platt.fit(odds, drawn(odds, -2, 0), np.ones(len(odds)))
    assert line.slope == platt.SLOPES[0]
    assert line.offset == pytest.approx(0, abs=0.05)


def test_pairs_that_are_told_apart_without_error_make_no_step_of_it():
    line = platt.fit(np.array([-2.0, -1, 1, 2]), np.array([False, False, True, True]), np.ones(4))
    assert line.probabilities(np.array([2.0]))[0] < 0.95


def test_extremes_stay_finite():
    odds = platt.log_odds(np.array([0, 1, 0.5, 0, 1], np.float32))
    assert np.isfinite(odds).all()
    line = platt.fit(odds, np.array([False, True, True, False, False]), np.ones(5))
    assert platt.SLOPES[0] <= line.slope <= platt.SLOPES[1]
    assert np.isfinite(platt.loss(line, odds, np.array([True] * 5), np.ones(5)))


def test_loss_is_the_mean_cross_entropy():
    probabilities, true = np.array([0.9, 0.4]), np.array([True, False])
    found = platt.loss(platt.Line(), platt.log_odds(probabilities), true, np.array([3.0, 1]))
    assert found == pytest.approx(-(3 * np.log(0.9) + np.log(0.6)) / 4)
