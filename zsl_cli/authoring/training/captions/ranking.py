"""What a training on captions makes small: losses over pairs of an image and a sentence."""

from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

import torch
from torch import Tensor
from torch.nn import functional

if TYPE_CHECKING:
    import numpy as np

TEMPERATURE = 0.1
"""Of the softmax over cosines; the trained default's matched pairs are about 0.6 apart from the
others."""


@dataclass(frozen=True)
class PairwiseRanking:
    """See ``pairwise_ranking_loss``; an Objective whose projections are ``[n, 2, D]``: of each pair
    the image's and the sentence's unit vector.

    hardest: of each image, and of each sentence, the nearest mismatched one alone counts (VSE++,
        Faghri et al., 2018, equation 6), and not the sum over all.
    """

    margin: float = 0.2
    hardest: bool = False

    name: ClassVar[str] = "pairwise rank"
    in_span: ClassVar[bool] = False

    def __call__(self, projected: Tensor, target: Tensor, _vectors: Tensor, _temperature: float,
                 _random: "np.random.Generator") -> Tensor:
        """The loss of each pair, float ``[n]``.

        target: int64 ``[n]``, which image each pair has: two pairs of one image do not mismatch.
        """
        return pairwise_ranking_loss(projected[:, 0] @ projected[:, 1].T,
                                     target[:, None] != target, self.margin, hardest=self.hardest)


@dataclass(frozen=True)
class PairwiseSoftmax:
    """``−log softmax`` of the matched pair among the images, and among the sentences, of the batch
    (InfoNCE, as in CLIP: Radford et al., 2021), in the place of the ranking loss."""

    temperature: float = TEMPERATURE

    name: ClassVar[str] = "pairwise softmax"
    in_span: ClassVar[bool] = False

    def __call__(self, projected: Tensor, target: Tensor, _vectors: Tensor, _temperature: float,
                 _random: "np.random.Generator") -> Tensor:
        """The loss of each pair, float ``[n]``; see PairwiseRanking."""
        scores = projected[:, 0] @ projected[:, 1].T / self.temperature
        same = (target[:, None] == target).fill_diagonal_(fill_value=False)
        scores = scores.masked_fill(same, -torch.inf)
        place = torch.arange(len(scores), device=scores.device)
        return (functional.cross_entropy(scores, place, reduction="none")
                + functional.cross_entropy(scores.T, place, reduction="none"))


def pairwise_ranking_loss(scores: Tensor, mismatched: Tensor, margin: float, *,
                          hardest: bool = False) -> Tensor:
    """The loss of Kiros et al., 2014, section 2.2, of each pair, float ``[n]``: ``Σ_k max(0, margin
    − s(x, v) + s(x, v_k)) + Σ_k max(0, margin − s(x, v) + s(x_k, v))``, over the sentences v_k that
    mismatch the image x and the images x_k that mismatch the sentence v.

    scores: ``[n, n]``, s of each image (a row) with each sentence (a column); pair i is (i, i).
    mismatched: bool ``[n, n]``.
    hardest: the maximum over k takes the place of each sum.
    """
    right = scores.diagonal()
    sentences = (margin - right[:, None] + scores).clamp_min(0) * mismatched
    images = (margin - right + scores).clamp_min(0) * mismatched
    if hardest:
        return sentences.amax(1) + images.amax(0)
    return sentences.sum(1) + images.sum(0)
