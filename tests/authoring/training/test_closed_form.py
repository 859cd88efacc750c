"""Maps that have a closed form, and temperatures that are fitted."""

import numpy as np
import pytest
from training_problems import problem

from zsl_cli.authoring.training import closed_form, scaling
from zsl_cli.authoring.training.methods.ridge import ridge


def test_ridge_is_least_squares_in_either_direction():
    given = problem(images=300)
    wanted, even = given.vectors[given.target], np.full(300, 1 / 300, np.float32)
    there = ridge(given.inputs, wanted, even, 1e-9)
    expected = np.linalg.lstsq(given.inputs, wanted, rcond=None)[0].T
    assert np.allclose(there, expected, atol=1e-3)
    back = ridge(given.inputs, wanted, even, 1e-9, "to-features")
    assert np.allclose(back, np.linalg.lstsq(wanted, given.inputs, rcond=None)[0], atol=1e-3)


def test_a_shift_lowers_the_trained_labels_and_no_others():
    vectors = np.random.default_rng(0).standard_normal((50, 64)).astype(np.float32)
    found = vectors @ closed_form.constant_shift(vectors, np.array([3, 7]), 2.0)
    assert found[[3, 7]] == pytest.approx([-2, -2], abs=0.05)
    assert abs(np.delete(found, [3, 7])).max() < 0.05


def test_fitted_temperature_finds_the_one_that_scores_were_made_with():
    random = np.random.default_rng(0)
    vectors = np.eye(8, dtype=np.float32)
    embeddings = random.standard_normal((4000, 8)).astype(np.float32)
    logits = embeddings @ vectors.T / 0.2
    chances = np.exp(logits - logits.max(1, keepdims=True))
    chances /= chances.sum(1, keepdims=True)
    target = (chances.cumsum(1) > random.random((4000, 1))).argmax(1)
    assert scaling.fitted_temperature(embeddings, vectors, target) == pytest.approx(0.2, rel=0.2)
