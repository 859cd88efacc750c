"""What training makes small: losses over projected images and label vectors."""

from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional

LOSSES = ("rank", "softmax", "l2")
NEGATIVES = ("all", "sampled", "first")
_CHUNK = 1024  # labels that are looked through at once for one that violates


@dataclass(frozen=True)
class Objective:
    """A loss and its parameters.

    loss: ``rank``, ``softmax`` or ``l2``.
    margin: of the ranking loss, between inner products.
    negatives: the labels that the right one has to beat: ``all``; ``sampled``, so many
        ``samples`` a batch, and the labels of the batch; or ``first``, the first of all labels in
        a random order that violates the margin, as the paper's training takes it.
    """

    loss: str = "rank"
    margin: float = 0.1
    negatives: str = "all"
    samples: int = 512

    def __post_init__(self) -> None:
        if self.loss not in LOSSES or self.negatives not in NEGATIVES:
            raise ValueError(f"no loss {self.loss!r} with {self.negatives!r} negatives")

    @property
    def in_span(self) -> bool:
        """Whether its gradient always lies in the span of the label vectors. That of a distance
        has what an embedding already is outside of it, too."""
        return self.loss != "l2"

    def __call__(self, projected: Tensor, target: Tensor, vectors: Tensor, temperature: float,
                 random: np.random.Generator) -> Tensor:
        """The loss of each image, float ``[n]``.

        projected: ``[n, D]``, whose inner products with ``vectors [C, D]`` are log-probabilities
            (without their constant); times ``temperature`` they are the inner products that the
            margin is of.
        target: int64 ``[n]``, a row of ``vectors`` each.
        random: draws the negatives.
        """
        if self.loss == "l2":
            return squared_distance(projected * temperature, vectors[target])
        if self.loss == "softmax":
            return functional.cross_entropy(projected @ vectors.T, target, reduction="none")
        margin = self.margin / temperature
        if self.negatives == "first":
            order = torch.as_tensor(random.permutation(len(vectors)), device=vectors.device)
            return first_violation(projected, target, vectors, margin, order)
        if self.negatives == "sampled" and self.samples < len(vectors):
            drawn = random.choice(len(vectors), self.samples, replace=False)
            columns = torch.unique(torch.cat([
                torch.as_tensor(drawn, device=target.device), target]))
            vectors, target = vectors[columns], torch.searchsorted(columns, target)
        return hinge_rank_loss(projected @ vectors.T, target, margin)


def hinge_rank_loss(scores: Tensor, target: Tensor, margin: float) -> Tensor:
    """The loss of DeViSE (Frome et al., 2013, equation 1), an image: ``Σ_{j ≠ label} max(0,
    margin − score_label + score_j)``, float ``[n]``.

    scores: ``[n, C]``, the inner products of the projected features with the label vectors.
    target: int64 ``[n]``, the column of each image's label.
    """
    right = scores.gather(1, target[:, None])
    excess = (margin - right + scores).clamp_min(0)
    return excess.scatter(1, target[:, None], 0.0).sum(1)


def first_violation(projected: Tensor, target: Tensor, vectors: Tensor, margin: float,
                    order: Tensor) -> Tensor:
    """``max(0, margin − score_label + score_j)`` of the first label j in ``order``, a permutation
    of the rows of ``vectors``, for which it is above 0; 0 where there is none. Float ``[n]``.

    It is looked for in chunks of labels: few images need more than one.
    """
    right = (projected * vectors[target]).sum(1)
    wrong = target.clone()  # itself: nothing violates
    with torch.no_grad():
        left = torch.arange(len(target), device=target.device)
        for start in range(0, len(order), _CHUNK):
            columns = order[start:start + _CHUNK]
            scores = projected[left] @ vectors[columns].T
            bad = (scores > right[left, None] - margin) & (columns != target[left, None])
            first, some = bad.to(torch.uint8).argmax(1), bad.any(1)
            wrong[left[some]] = columns[first[some]]
            left = left[~some]
            if not len(left):
                break
    excess = (margin - right + (projected * vectors[wrong]).sum(1)).clamp_min(0)
    return torch.where(wrong == target, torch.zeros_like(excess), excess)


def squared_distance(embeddings: Tensor, vectors: Tensor) -> Tensor:
    """``‖M v − t_label‖²`` (Socher et al., 2013, equation 1), float ``[n]``, of ``[n, D]`` and
    the label vector of each, ``[n, D]``."""
    return (embeddings - vectors).square().sum(1)
