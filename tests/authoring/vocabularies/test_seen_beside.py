"""What stands beside other things, told by the classes that it is seen with."""

import numpy as np
import pytest

from zsl_cli.authoring.vocabularies.classifier_fit.beside import Beside
from zsl_cli.authoring.vocabularies.knowledge import Beside as Known
from zsl_cli.support.vectors import unit_rows

TABLE = {"person": Known(.5, {"ski": .9, "sofa": .2}), "grass": Known(.1, {"ox": .8}),
         "unicorn": Known(.01, {"ox": .1})}
IDS, SEEN = ["grass", "ox", "person", "ski", "sofa"], ["ski", "ox", "sofa"]


def test_a_table_is_read_for_labels_in_the_order_of_their_rows():
    beside = Beside.of(TABLE, IDS, SEEN)
    assert beside.rows.tolist() == [0, 2]
    np.testing.assert_allclose(beside.shares, [[0, .8, 0], [.9, 0, .2]])
    np.testing.assert_allclose(beside.base, [np.log(.1 / .9), 0], atol=1e-6)
    assert Beside.of({}, IDS, SEEN).shares.shape == (0, 3)


def test_the_form_is_the_documented_regression():
    pytest.importorskip("scipy")
    beside = Beside.of(TABLE, IDS, SEEN)
    weights = np.random.default_rng(0).normal(size=(3, 8)).astype(np.float32)
    form = beside.form(weights, ridge=.5, direction=3, probability=2)
    rows = unit_rows(weights).astype(float)
    centred = beside.shares - beside.shares.mean(axis=1, keepdims=True)
    expected = rows.T @ np.linalg.inv(rows @ rows.T + .5 * np.eye(3)) @ centred.T
    np.testing.assert_allclose(form[:, :8], 3 * expected.T, atol=1e-5)
    np.testing.assert_allclose(form[:, 8:], 2 * centred, atol=1e-6)
    odds = form @ np.hstack([unit_rows(weights), np.eye(3)]).T
    assert odds[0].argmax() == 1  # grass, where there is an ox
    assert odds[1].argsort().tolist() == [1, 2, 0]  # people on skis, and some on sofas
