"""What training makes small: losses over projected images and label vectors."""

from dataclasses import asdict, dataclass
from typing import Any, ClassVar, Protocol

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional

_MARGIN = 2.0  # in units of log-probabilities
_CHUNK = 1024  # labels that are looked through at once for one that violates


class Objective(Protocol):
    """A loss with its parameters, a frozen dataclass.

    name: what messages call it, and states of trainings: under another name those that are under
        way would not go on.
    in_span: whether its gradient always lies in the span of the label vectors.
    """

    name: ClassVar[str]
    in_span: ClassVar[bool]

    def __call__(self, projected: Tensor, target: Tensor, vectors: Tensor, temperature: float,
                 random: np.random.Generator, /) -> Tensor:
        """The loss of each image, float ``[n]``.

        projected: ``[n, D]``, whose inner products with ``vectors [C, D]`` are log-probabilities
            (without their constant); times ``temperature`` they are the inner products of
            embeddings and label vectors.
        target: int64 ``[n]``, a row of ``vectors`` each.
        random: draws whatever is drawn.
        """


def described(objective: Any) -> dict[str, Any]:
    """Its name and its parameters, as text and numbers."""
    return {"loss": objective.name, **asdict(objective)}


@dataclass(frozen=True)
class HingeRank:
    """The hinge rank loss of DeViSE, see ``hinge_rank_loss``.

    margin: between inner products.
    negatives: the labels that the right one has to beat: ``all``; ``sampled``, so many
        ``samples`` a batch, and the labels of the batch; or ``first``, the first of all labels in
        a random order that violates the margin, as the paper's training takes it.
    """

    margin: float = 0.1
    negatives: str = "all"
    samples: int = 512

    name: ClassVar[str] = "rank"
    in_span: ClassVar[bool] = True

    @classmethod
    def at(cls, temperature: float, margin: float | None, negatives: str,
           samples: int) -> "HingeRank":
        """For inner products that, divided by this temperature, are log-probabilities; a margin of
        None is 2 of these: the paper's 0.1 at a temperature of 0.05."""
        return cls(_MARGIN * temperature if margin is None else margin, negatives, samples)

    def __call__(self, projected: Tensor, target: Tensor, vectors: Tensor, temperature: float,
                 random: np.random.Generator) -> Tensor:
        """See Objective."""
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


@dataclass(frozen=True)
class CrossEntropy:
    """``−log softmax(label vectors · M v / temperature)_label``."""

    name: ClassVar[str] = "softmax"
    in_span: ClassVar[bool] = True

    def __call__(self, projected: Tensor, target: Tensor, vectors: Tensor, _temperature: float,
                 _random: np.random.Generator) -> Tensor:
        """See Objective."""
        return functional.cross_entropy(projected @ vectors.T, target, reduction="none")


@dataclass(frozen=True)
class SquaredDistance:
    """See ``squared_distance``. Its gradient has what an embedding already is outside of the span
    of the label vectors, too."""

    name: ClassVar[str] = "l2"
    in_span: ClassVar[bool] = False

    def __call__(self, projected: Tensor, target: Tensor, vectors: Tensor, temperature: float,
                 _random: np.random.Generator) -> Tensor:
        """See Objective."""
        return squared_distance(projected * temperature, vectors[target])


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
