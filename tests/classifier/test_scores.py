"""Scores of candidates are those of the nearest thousand, however these are found."""

import numpy as np
import pytest

from zsl_cli.classifier import scores
from zsl_cli.support.calibration import Calibration
from zsl_cli.support.vectors import unit_rows
from zsl_cli.vocabulary.names.label import Label
from zsl_cli.vocabulary.search.subset import Subset


@pytest.mark.parametrize("bias", [None, -10.0])
@pytest.mark.parametrize("candidates", [1, 7, 1000, 1001, 3000])
@pytest.mark.parametrize("top", [1, 20])
def test_the_best_of_candidates_share_with_the_nearest_thousand(candidates, bias, top):
    random = np.random.default_rng(candidates)
    vectors = unit_rows(random.standard_normal((candidates, 32), np.float32))
    queries = unit_rows(random.standard_normal((40, 32), np.float32))
    nearest = Subset(lambda row: Label(str(row), str(row)), 9000, np.arange(candidates) * 2,
                     vectors, ())
    calibration = Calibration(0.1, 100, bias)
    rows, found = scores.of_candidates(queries, nearest, top, calibration)
    products = (queries @ vectors.T).astype(np.float64)
    order = np.argsort(-products, axis=1)
    products = np.take_along_axis(products, order, 1)
    weights = np.exp(products[:, :1000] / 0.1)
    expected = (1 / (1 + np.exp(-products / 0.1 - bias)) if bias else
                weights / weights.sum(axis=1, keepdims=True))
    assert rows.shape == (40, min(top, candidates))
    np.testing.assert_array_equal(rows, 2 * order[:, :top])
    np.testing.assert_allclose(found, expected[:, :top], rtol=2e-5)
