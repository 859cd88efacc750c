"""What training makes small, over the scores of images and labels."""

import torch
from torch import Tensor
from torch.nn import functional

NEGATIVES = ("all", "sampled", "first")


def hinge_rank_loss(scores: Tensor, target: Tensor, margin: float, negatives: str = "all",
                    order: Tensor | None = None) -> Tensor:
    """The loss of DeViSE (Frome et al., 2013, equation 1), an image: ``Σ_{j ≠ label} max(0,
    margin − score_label + score_j)``, float ``[n]``.

    scores: ``[n, C]``, the inner products of the projected features with the label vectors.
    target: int64 ``[n]``, the column of each image's label.
    negatives: ``all`` sums over all other columns. ``first`` takes one alone, the first in
        ``order`` (a permutation of the columns) that violates the margin, as the paper's
        training does. ``sampled`` sums over the columns given, which are then a sample of the
        labels and those of the batch.
    """
    right = scores.gather(1, target[:, None])
    excess = (margin - right + scores).clamp_min(0)
    excess = excess.scatter(1, target[:, None], 0.0)
    if negatives != "first":
        return excess.sum(1)
    assert order is not None
    shuffled = excess[:, order]
    first = (shuffled > 0).to(torch.uint8).argmax(1)  # where none violates: a column of nought
    return shuffled.gather(1, first[:, None])[:, 0]


def softmax_loss(scores: Tensor, target: Tensor, temperature: float) -> Tensor:
    """Cross entropy of ``softmax(scores / temperature)``, float ``[n]``."""
    return functional.cross_entropy(scores / temperature, target, reduction="none")


def squared_distance(embeddings: Tensor, vectors: Tensor) -> Tensor:
    """``‖M v − t_label‖²`` (Socher et al., 2013, equation 1), float ``[n]``, of ``[n, D]`` and
    the label vector of each, ``[n, D]``."""
    return (embeddings - vectors).square().sum(1)
