"""Canonical correlations, recalls, and what is chosen by held-out images."""

import numpy as np
import pytest

from zsl_cli.authoring.training.captions import choice, retrieval
from zsl_cli.authoring.training.captions.canonical import Basis, canonical_maps


@pytest.fixture
def two_sides():
    """60 images of width 20 and two sentences of each of width 15, which share three numbers;
    and the image of each sentence."""
    random = np.random.default_rng(0)
    shared = random.standard_normal((60, 3))
    owner = np.repeat(np.arange(60), 2)
    images = shared @ random.standard_normal((3, 20)) + 0.5 * random.standard_normal((60, 20))
    sentences = (shared[owner] @ random.standard_normal((3, 15))
                 + 0.5 * random.standard_normal((120, 15)))
    return images.astype(np.float32), sentences.astype(np.float32), owner


def test_a_basis_of_few_vectors_is_that_of_the_covariance():
    vectors = np.random.default_rng(0).standard_normal((8, 30))
    basis = Basis.of(vectors)
    assert basis.variances.shape == (7,)  # eight, less the mean
    covariance = np.cov(vectors.T, bias=True)
    assert np.allclose((basis.directions * basis.variances) @ basis.directions.T, covariance)
    assert np.allclose(basis.directions.T @ basis.directions, np.eye(7))


def test_whitened_vectors_are_uncorrelated_and_a_map_goes_back_to_the_vectors(two_sides):
    images = two_sides[0]
    whitening = Basis.of(images).whitening(0)
    white = whitening(images)
    assert np.allclose(white.T @ white / len(white), np.eye(20), atol=1e-3)
    random = np.random.default_rng(1)
    matrix, bias = random.standard_normal((4, 20)), random.standard_normal(4)
    weight, shift = whitening.then(matrix, bias)
    assert np.allclose(images @ weight.T + shift, white @ matrix.T + bias, atol=1e-3)


def test_canonical_maps_are_those_of_the_singular_value_decomposition(two_sides):
    images, sentences, owner = two_sides
    white = [Basis.of(side).whitening(0.1)(side) for side in (images, sentences)]
    of_images, of_sentences = canonical_maps(*white, owner, 3)
    assert of_images.shape == (3, 20)
    assert of_sentences.shape == (3, 15)
    left, values, right = np.linalg.svd(white[0][owner].T @ white[1] / len(owner))
    expected = (left[:, :3] * values[:3]) @ (right[:3] * values[:3, None])
    assert np.allclose(of_images.T @ of_sentences, expected, atol=1e-4)


def test_what_is_shared_is_found_among_images_held_out(two_sides):
    pytest.importorskip("torch")
    from zsl_cli.authoring.training.captions.joint import Pairs

    images, sentences, owner = two_sides
    nothing = np.zeros((60, 2), np.float32)
    pairs = Pairs(images, nothing, owner, np.arange(120))
    advanced = []
    found = choice.choose(pairs, sentences, np.zeros((120, 2), np.float32), 3, 0, advanced.append)
    assert found.recall > 0.6  # by chance 0.36
    assert sum(advanced) == choice.FOLDS
    assert found == choice.choose(pairs, sentences, np.zeros((120, 2), np.float32), 3, 0)
    few = pairs.of_images(np.arange(8))
    assert choice.choose(few, sentences[:16], np.zeros((16, 2)), 3, 0) == choice.DEFAULT


@pytest.mark.parametrize("block", [1, 35, 90, 10_000])
def test_ranks_are_the_same_however_few_scores_are_held_at_once(monkeypatch, block):
    random = np.random.default_rng(3)
    owner = np.sort(np.concatenate([np.arange(30), random.integers(0, 30, 90)]))
    scores = random.integers(0, 40, (120, 30)).astype(np.float32)  # with ties
    held = []

    def some(start, end):
        held.append((end - start) * 30)
        return scores[start:end]

    mine = owner[:, None] == np.arange(30)
    right = scores[np.arange(120), owner]
    best = np.where(mine, scores, -np.inf).max(axis=0)
    monkeypatch.setattr(retrieval, "_BLOCK", block)
    of_sentences, of_images = retrieval.ranks(some, owner, 30)
    assert np.array_equal(of_sentences, 1 + ((scores >= right[:, None]) & ~mine).sum(axis=1))
    assert np.array_equal(of_images, 1 + ((scores >= best) & ~mine).sum(axis=0))
    assert max(held) <= max(block, 30)
    assert block < 10_000 or held == [3600]


def test_ranks_count_what_comes_before_and_ties_against():
    scores = np.array([[0.9, 0.1], [0.5, 0.5], [0.2, 0.3]])
    of_sentences, of_images = retrieval.ranks(retrieval.of_matrix(scores), np.array([0, 0, 1]), 2)
    assert of_sentences.tolist() == [1, 2, 1]
    assert of_images.tolist() == [1, 2]
    figures = retrieval.recalls(retrieval.of_matrix(scores), np.array([0, 0, 1]), 2)
    assert figures["image@1"] == pytest.approx(2 / 3)
    assert figures["sentence@1"] == 0.5
    assert figures["recall"] == pytest.approx((2 / 3 + 1 + 1 + 0.5 + 1 + 1) / 6)
