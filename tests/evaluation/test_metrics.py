"""Metrics against an independent computation."""

from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from zsl_cli.evaluation import metrics
from zsl_cli.evaluation.metrics import (
    class_mean_hit_at_k,
    class_mean_hit_at_k_of_scores,
    hits,
    recall_at_k,
)
from zsl_cli.vocabulary.hierarchy.hypernyms import Hierarchy

RANKED = np.array([[1, 2, 3], [2, 1, 3], [3, 2, 1], [1, 3, 2]])
TRUTH = np.array([1, 1, 1, 2])


@pytest.mark.parametrize(("k", "images", "classes"), [(1, 1 / 4, 1 / 6), (2, 2 / 4, 1 / 3),
                                                      (3, 1, 1)])
def test_hits_by_image_and_by_class(k, images, classes):
    assert hits(RANKED, TRUTH, k).mean() == pytest.approx(images)
    assert class_mean_hit_at_k(RANKED, TRUTH, k) == pytest.approx(classes)


@pytest.mark.parametrize("k", [1, 2, 3])
def test_hits_of_scores_are_those_of_their_ranking(k):
    random = np.random.default_rng(0)
    scores, truth = random.integers(0, 4, (300, 5)).astype(np.float32), random.integers(0, 5, 300)
    scores[random.random(scores.shape) < 0.05] = np.nan
    scores[0], truth[0] = np.nan, 0
    ranked = np.argsort(-scores, axis=1, kind="stable")  # ties as they come, NaN at the end
    finite = ~np.isnan(scores[np.arange(300), truth])
    assert class_mean_hit_at_k_of_scores(scores, truth, k) == pytest.approx(
        metrics.class_mean(hits(ranked, truth, k) & finite, truth))
    assert class_mean_hit_at_k_of_scores(np.full((300, 5), np.nan), truth, k) == 0
    assert class_mean_hit_at_k_of_scores(np.zeros((300, 5)), truth, k) == pytest.approx(k / 5)


def test_recall_does_not_depend_on_the_order():
    exact = np.array([[1, 2, 3, 4]])
    assert recall_at_k(np.array([[3, 1, 9, 2]]), exact, 2) == pytest.approx(0.5)
    assert recall_at_k(np.array([[2, 1, 9, 9]]), exact, 2) == 1


@pytest.mark.parametrize("seed", range(5))
@pytest.mark.parametrize("k", [1, 2, 5])
def test_hits_agree_with_scikit_learn(seed, k):
    sklearn = pytest.importorskip("sklearn.metrics")
    random = np.random.default_rng(seed)
    truth, scores = random.integers(0, 9, 200), random.random((200, 9))
    ranked = np.argsort(-scores, axis=1)
    assert hits(ranked, truth, k).mean() == pytest.approx(
        sklearn.top_k_accuracy_score(truth, scores, k=k, labels=range(9)))
    if k == 1:
        assert class_mean_hit_at_k(ranked, truth, 1) == pytest.approx(
            sklearn.balanced_accuracy_score(truth, ranked[:, 0]))


def ring_precision(ranked, truth, candidates, parents, k):
    """hp@k of one image, word for word as DeViSE's section 4 has it."""
    around = {row: set() for row in range(len(parents))}
    for row, above in enumerate(parents):
        for parent in above:
            around[row].add(parent)
            around[parent].add(row)
    hops, frontier, distance = {truth: 0}, [truth], 0
    while frontier:
        distance += 1
        frontier = sorted({near for row in frontier for near in around[row]} - hops.keys())
        hops |= dict.fromkeys(frontier, distance)
    correct, radius = {truth}, 0
    while len(correct) < k and radius <= len(parents):
        radius += 1
        correct |= {row for row in candidates if hops.get(row) == radius}
    return len(correct & set(ranked[:k])) / k


@st.composite
def graphs(draw):
    """Parents of up to 25 labels, candidates among these, true labels and rankings."""
    size = draw(st.integers(1, 25))
    parents = [draw(st.lists(st.integers(0, row - 1), max_size=2, unique=True)) if row else []
               for row in range(size)]
    candidates = sorted(draw(st.sets(st.integers(0, size - 1), min_size=1)))
    truth = draw(st.lists(st.sampled_from(candidates), min_size=1, max_size=6))
    ranked = [draw(st.permutations(candidates)) for _ in truth]
    return parents, candidates, truth, ranked


@settings(max_examples=200, deadline=None)
@given(graphs())
def test_hierarchical_precision_agrees_with_a_brute_force_ring(graph):
    parents, candidates, truth, ranked = graph
    ids = [str(row) for row in range(len(parents))]
    hierarchy = Hierarchy(ids, [[str(parent) for parent in above] for above in parents])
    ks = [k for k in (1, 2, 3, 5, 10, 20) if k <= len(candidates)]
    found = metrics.hierarchical_precision(np.array(ranked), np.array(truth),
                                           np.array(candidates), hierarchy, ks)
    expected = [[ring_precision(line, label, candidates, parents, k) for k in ks]
                for line, label in zip(ranked, truth, strict=True)]
    np.testing.assert_allclose(found, expected, rtol=1e-6)
    np.testing.assert_array_equal(found[:, 0], metrics.hits(np.array(ranked), np.array(truth), 1))


@given(st.lists(st.tuples(st.floats(0, 1), st.booleans()), min_size=1, max_size=60),
       st.integers(1, 20))
def test_calibration_error_agrees_with_its_definition(answers, bins):
    confidence = np.array([score for score, _ in answers])
    correct = np.array([right for _, right in answers])
    found = metrics.reliability(confidence, correct, bins)
    ends = np.linspace(0, 1, bins + 1)
    error = 0.0
    for low, high in pairwise(ends):
        inside = (confidence > low) & (confidence <= high) | ((low == 0) & (confidence == 0))
        if inside.any():
            error += inside.mean() * abs(correct[inside].mean() - confidence[inside].mean())
    assert found.error == pytest.approx(error)
    assert found.count.sum() == len(answers)


def test_a_bin_contains_its_upper_end():
    found = metrics.reliability(np.array([0.0, 0.5, 0.6, 1.0]), np.array([True] * 4), 2)
    assert found.count.tolist() == [2, 2]


def test_the_bootstrap_draws_images_that_weigh_what_their_class_makes_them():
    truth = np.array([5, 7, 5, 7, 7, 9])
    values = np.array([[1.0, 0.0], [0.5, 1.0], [0.0, 0.0], [0.0, 1.0], [0.0, 1.0], [1.0, 1.0]])
    of_images, of_classes = metrics.bootstrap(truth, values, resamples=50,
                                              random=np.random.default_rng(3))
    weights = np.array([1 / 2, 1 / 3, 1 / 2, 1 / 3, 1 / 3, 1])
    for line, chosen in enumerate(np.random.default_rng(3).integers(0, 6, (50, 6))):
        np.testing.assert_allclose(of_images[line], values[chosen].mean(axis=0))
        np.testing.assert_allclose(of_classes[line], np.average(
            values[chosen], axis=0, weights=weights[chosen]))


@pytest.mark.parametrize("size", [1, 20])
def test_with_classes_of_one_size_the_intervals_of_both_means_are_the_same(size):
    values = (np.random.default_rng(0).random((200, 1)) < 0.7).astype(float)
    samples = metrics.bootstrap(np.arange(200) // size, values, resamples=300,
                                random=np.random.default_rng(1))
    np.testing.assert_allclose(*samples)


def test_the_bootstraps_interval_is_that_of_the_mean():
    random = np.random.default_rng(0)
    values = (random.random(400) < 0.3).astype(float)
    samples, _ = metrics.bootstrap(np.zeros(400, int), values[:, None], resamples=4000,
                                   random=random)
    low, high = metrics.interval(samples[:, 0])
    spread = 1.96 * values.std() / 20
    assert low == pytest.approx(values.mean() - spread, abs=0.006)
    assert high == pytest.approx(values.mean() + spread, abs=0.006)


def test_a_large_set_is_drawn_in_parts_with_the_same_result(monkeypatch):
    truth = np.arange(40) % 7
    values = np.random.default_rng(0).random((40, 2))
    whole = metrics.bootstrap(truth, values, resamples=30, random=np.random.default_rng(1))
    monkeypatch.setattr(metrics, "_DRAWN", 100)
    parts = metrics.bootstrap(truth, values, resamples=30, random=np.random.default_rng(1))
    np.testing.assert_allclose(whole, parts)


@pytest.mark.parametrize(("seen", "unseen", "mean"), [(1, 1, 1), (0.5, 0.25, 1 / 3), (0.9, 0, 0),
                                                      (0, 0, 0)])
def test_the_harmonic_mean_is_low_where_one_of_the_two_is(seen, unseen, mean):
    assert metrics.harmonic_mean(seen, unseen) == pytest.approx(mean)


@given(st.lists(st.tuples(st.integers(0, 6), st.booleans()), min_size=1, max_size=40))
def test_average_precision_is_that_of_scikit_learn(items):
    sklearn = pytest.importorskip("sklearn.metrics")
    scores, relevant = np.array([score / 6 for score, _ in items]), np.array(
        [is_it for _, is_it in items])
    found = metrics.average_precision(scores, relevant)
    if not relevant.any():
        assert np.isnan(found)
    else:
        assert found == pytest.approx(sklearn.average_precision_score(relevant, scores))


def test_average_precision_by_hand():
    assert metrics.average_precision(np.array([0.9, 0.8, 0.7, 0.6]), np.array(
        [True, False, True, False])) == pytest.approx((1 + 2 / 3) / 2)
    assert metrics.average_precision(np.ones(4), np.array([True, False, False, False])) == 0.25


def test_calibration_error_over_bins_of_equal_mass():
    confidence = np.repeat([0.2, 0.8], 10)
    correct = np.array([True] * 2 + [False] * 8 + [True] * 8 + [False] * 2)
    assert metrics.equal_mass_error(confidence, correct) == pytest.approx(0)
    assert metrics.equal_mass_error(confidence, ~correct) == pytest.approx(0.6)
    # The second ten count three times as much as the first.
    weights = np.repeat([1.0, 3.0], 10)
    assert metrics.equal_mass_error(confidence, np.ones(20, bool), weights) == pytest.approx(
        (0.8 + 3 * 0.2) / 4)


def test_answers_of_equal_confidence_share_a_bin_in_whatever_order_they_come():
    correct = np.arange(60) < 30
    assert metrics.equal_mass_error(np.full(60, 0.5), correct) == pytest.approx(0)
    assert metrics.equal_mass_error(np.full(60, 0.5), correct[::-1]) == pytest.approx(0)


def test_errors_of_different_bins_do_not_make_up_for_each_other():
    confidence = np.linspace(0.4, 0.6, 300)
    assert 0.4 < metrics.equal_mass_error(confidence, confidence > 0.5) < 0.45
    assert metrics.equal_mass_error(confidence, confidence > 0.5, bins=1) < 0.01
    assert np.isnan(metrics.equal_mass_error(np.empty(0), np.empty(0, bool)))
