"""Losses over pairs: as the papers' equations have them, pair by pair."""

import numpy as np
import pytest

torch = pytest.importorskip("torch")

from zsl_cli.authoring.training.captions.ranking import (  # noqa: E402
    PairwiseRanking,
    PairwiseSoftmax,
    pairwise_ranking_loss,
)

MARGIN = 0.2


@pytest.fixture
def pairs():
    """Unit vectors ``[6, 2, 3]`` of pairs of an image and a sentence, and which image each has:
    the first two have the same."""
    vectors = np.random.default_rng(0).standard_normal((6, 2, 3)).astype(np.float32)
    vectors[1, 0] = vectors[0, 0]
    vectors /= np.linalg.norm(vectors, axis=2, keepdims=True)
    return vectors, np.array([0, 0, 1, 2, 3, 4])


def by_the_equation(vectors, target, gather):
    losses = []
    for i, (image, sentence) in enumerate(vectors):
        right = image @ sentence
        others = [k for k in range(len(vectors)) if target[k] != target[i]]
        losses.append(
            gather([max(0, MARGIN - right + image @ vectors[k, 1]) for k in others])
            + gather([max(0, MARGIN - right + vectors[k, 0] @ sentence) for k in others]))
    return losses


@pytest.mark.parametrize(("hardest", "gather"), [(False, sum), (True, max)])
def test_ranking_is_the_papers_equation(pairs, hardest, gather):
    vectors, target = pairs
    found = PairwiseRanking(MARGIN, hardest)(torch.tensor(vectors), torch.tensor(target), None, 1,
                                             None)
    assert found.numpy() == pytest.approx(by_the_equation(vectors, target, gather), rel=1e-5)


def test_pairs_of_one_image_do_not_mismatch(pairs):
    vectors, _ = pairs
    alone = torch.tensor(vectors[:2])
    target = torch.tensor([0, 0])
    assert PairwiseRanking(MARGIN)(alone, target, None, 1, None).tolist() == [0, 0]
    assert PairwiseSoftmax()(alone, target, None, 1, None).tolist() == pytest.approx([0, 0])


def test_the_hardest_alone_have_a_gradient():
    scores = torch.tensor([[0.5, 0.4, 0.45], [0.0, 0.9, 0.1], [0.0, 0.1, 0.9]], requires_grad=True)
    pairwise_ranking_loss(scores, ~torch.eye(3, dtype=bool), MARGIN, hardest=True).sum().backward()
    assert scores.grad[0].tolist() == [-1, 0, 1]


def test_softmax_is_cross_entropy_both_ways(pairs):
    vectors, _ = pairs
    vectors = vectors[1:]
    scores = vectors[:, 0] @ vectors[:, 1].T / 0.1
    expected = [np.log(np.exp(scores[i]).sum()) + np.log(np.exp(scores[:, i]).sum())
                - 2 * scores[i, i] for i in range(len(scores))]
    found = PairwiseSoftmax(0.1)(torch.tensor(vectors), torch.arange(5), None, 1, None)
    assert found.numpy() == pytest.approx(expected, rel=1e-4)
