"""What labels look like, as a mixture of classes."""

import numpy as np

from zsl_cli.authoring.vocabularies.classifier_fit.looks import Looks
from zsl_cli.support.vectors import unit_rows

IDS = ["cat", "badger", "raccoon", "skunk", "sofa"]
SEEN = ["skunk", "badger", "cat"]  # in the order of a classifier's outputs


def test_weights_are_shares_of_the_classes_and_classes_look_like_themselves():
    looks = Looks.of({"raccoon": {"badger": 9.0, "skunk": 3.0}, "cat": {"skunk": 1.0},
                      "panda": {"badger": 1.0}}, IDS, SEEN)
    assert looks.rows.tolist() == [2]
    np.testing.assert_allclose(looks.classes, [[.25, .75, 0]])
    rows = unit_rows(np.random.default_rng(0).normal(size=(3, 8)).astype(np.float32))
    np.testing.assert_allclose(looks.vectors(rows), unit_rows((rows[:1] + 3 * rows[1:2]) / 4),
                               atol=1e-6)


def test_a_table_of_no_label_is_of_none():
    looks = Looks.of({"panda": {"badger": 1.0}}, IDS, SEEN)
    assert (looks.rows.shape, looks.classes.shape) == ((0,), (0, 3))
    alike = np.ones((5, 3), np.float32)
    np.testing.assert_array_equal(looks.carried_by(alike, .4), alike)


def test_what_is_carried_turns_toward_looks_and_keeps_its_length():
    looks = Looks.of({"raccoon": {"badger": 1.0}, "sofa": {"skunk": 2.0, "cat": 2.0}}, IDS, SEEN)
    alike = np.random.default_rng(1).random((5, 3)).astype(np.float32)
    mean = alike.mean(axis=0)
    np.testing.assert_allclose(looks.carried_by(alike, 0), alike, atol=1e-6)
    carried = looks.carried_by(alike, 1)
    np.testing.assert_array_equal(carried[[0, 1, 3]], alike[[0, 1, 3]])
    for row, direction in ((2, [0, 1, 0]), (4, [.5 ** .5, 0, .5 ** .5])):
        length = np.linalg.norm(alike[row] - mean)
        np.testing.assert_allclose(carried[row] - mean, length * np.array(direction), atol=1e-6)
    np.testing.assert_allclose(looks.carried_by(alike, .25), .75 * alike + .25 * carried, atol=1e-6)
