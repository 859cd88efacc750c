"""Metrics against an independent computation."""

import numpy as np
import pytest

from zsl_cli.metrics import class_mean_hit_at_k, hit_at_k, recall_at_k

RANKED = np.array([[1, 2, 3], [2, 1, 3], [3, 2, 1], [1, 3, 2]])
TRUTH = np.array([1, 1, 1, 2])


@pytest.mark.parametrize(("k", "images", "classes"), [(1, 1 / 4, 1 / 6), (2, 2 / 4, 1 / 3),
                                                      (3, 1, 1)])
def test_hits_by_image_and_by_class(k, images, classes):
    assert hit_at_k(RANKED, TRUTH, k) == pytest.approx(images)
    assert class_mean_hit_at_k(RANKED, TRUTH, k) == pytest.approx(classes)


def test_recall_does_not_depend_on_the_order():
    exact = np.array([[1, 2, 3, 4]])
    assert recall_at_k(np.array([[3, 1, 9, 2]]), exact, 2) == pytest.approx(0.5)
    assert recall_at_k(np.array([[2, 1, 9, 9]]), exact, 2) == 1
