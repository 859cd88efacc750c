"""Ranks of images and captions, Recall@k, the median rank and chance."""

import numpy as np
import pytest

from zsl_cli.evaluation.captions import ranks


def unit(rows):
    rows = np.array(rows, np.float32)
    return rows / np.linalg.norm(rows, axis=1, keepdims=True)


def test_an_image_counts_by_the_best_of_its_captions_and_a_caption_by_its_image():
    images = unit([[1, 0, 0], [0, 1, 0], [0, 0, 1]])
    sentences = unit([[3, 2, 1], [1, 3, 2], [1, 3, 0], [3, 1, 2], [2, 3, 1]])
    owner = np.array([0, 0, 1, 1, 2])
    found = ranks.rank(images, sentences, owner)
    np.testing.assert_array_equal(found.of_sentences, [1, 3, 1, 3, 3])
    # The first image: its .80 is one of two; the second: its .95 is the best; the third: its .27
    # is behind .53 and .53 of others, and equal to the first caption's.
    np.testing.assert_array_equal(found.of_images, [1.5, 1, 3.5])


def test_a_model_that_tells_nothing_apart_is_no_better_than_chance():
    found = ranks.rank(unit(np.ones((9, 4))), unit(np.ones((18, 4))), np.repeat(np.arange(9), 2))
    assert set(found.of_sentences) == {5}
    assert set(found.of_images) == {1 + 16 / 2}


def test_blocks_of_images_change_nothing(monkeypatch):
    random = np.random.default_rng(0)
    images, sentences = unit(random.normal(size=(7, 5))), unit(random.normal(size=(20, 5)))
    owner = np.sort(np.append(np.arange(7), random.integers(0, 7, 13)))
    whole = ranks.rank(images, sentences, owner)
    told = []
    monkeypatch.setattr(ranks, "_BLOCK", 40)
    parts = ranks.rank(images, sentences, owner, told.append)
    np.testing.assert_array_equal(parts.of_images, whole.of_images)
    np.testing.assert_array_equal(parts.of_sentences, whole.of_sentences)
    assert told == [2, 2, 2, 1]
    scores = images @ sentences.T  # once more, plainly
    for at, image in enumerate(owner):
        assert whole.of_sentences[at] == 1 + (scores[:, at] > scores[image, at]).sum()


def test_recall_and_median():
    found = np.array([1, 2, 5, 6, 40])
    assert [ranks.recall_at_k(found, k) for k in (1, 5, 10)] == [0.2, 0.6, 0.8]
    assert ranks.median_rank(found) == 5
    assert ranks.median_rank(found[:4]) == 3.5


@pytest.mark.parametrize("each", [1, 5])
def test_intervals_are_of_images_drawn_with_all_their_captions(each, monkeypatch):
    random = np.random.default_rng(1)
    of_images = random.integers(1, 30, 40)
    found, owner = np.repeat(of_images, each).astype(float), np.repeat(np.arange(40), each)
    recalls, median = ranks.figures(found, owner, (1, 10), resamples=400, seed=3)
    once, _ = ranks.figures(of_images.astype(float), np.arange(40), (1, 10), resamples=400, seed=3)
    assert recalls == once  # five captions that agree tell no more than one
    assert recalls[1].value == ranks.recall_at_k(found, 10)
    assert recalls[1].low < recalls[1].value < recalls[1].high
    assert median.low <= median.value == ranks.median_rank(found) <= median.high
    monkeypatch.setattr(ranks, "_DRAWN", 1)
    assert ranks.figures(found, owner, (1, 10), resamples=400, seed=3) == (recalls, median)


def test_the_median_of_resamples_is_numpys():
    found, owner = np.array([4.0, 1, 1, 9]), np.array([0, 1, 1, 2])
    _, median = ranks.figures(found, owner, (1,), resamples=3000, seed=0)
    drawn = [np.median(np.concatenate([found[owner == one] for one in np.unravel_index(
        number, (3, 3, 3))])) for number in range(27)]
    assert (median.low, median.high) == tuple(np.quantile(drawn, (0.025, 0.975)))


def test_chance_is_what_random_scores_give():
    for images, each in ((1000, 5), (8, 3)):
        by_chance = ranks.chance(np.full(images, each), images * each, (1, 5, 10))
        assert by_chance.recalls[0] == pytest.approx(1 / images)
    assert 1000 * by_chance.recalls[0] == 125
    assert ranks.chance(np.ones(1000, int), 1000, (1, 10)).recalls == pytest.approx((0.001, 0.01))
    assert ranks.chance(np.ones(1000, int), 1000, (1,)).median == 500
    random, owner = np.random.default_rng(0), np.repeat(np.arange(6), 2)
    found = np.concatenate([ranks.rank(unit(random.normal(size=(6, 9))), unit(
        random.normal(size=(12, 9))), owner).of_images for _ in range(600)])
    expected = ranks.chance(np.full(6, 2), 12, (1, 3))
    assert ranks.recall_at_k(found, 3) == pytest.approx(expected.recalls[1], abs=0.03)
    assert ranks.median_rank(found) == pytest.approx(expected.median, abs=1)
    assert ranks.chance(np.array([2, 2]), 4, (10,)).recalls == (1,)
