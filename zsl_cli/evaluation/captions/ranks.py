"""Which photo a sentence means, and which sentence a photo: ranks and what is made of them.

The protocol of Kiros et al. (2014), after Hodosh et al. (2013): all images and all their captions
are ranked by inner product. For a caption (image search) the rank of its image counts; for an image
(image annotation) that of the best ranked of its own captions.
"""

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from zsl_cli.evaluation import metrics

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from numpy.typing import NDArray

_BLOCK = 4_000_000  # scores held at once
_DRAWN = 4_000_000  # weights of ranks held at once in the bootstrap
_ALIKE = 1e-6  # scores that differ by rounding alone


@dataclass(frozen=True)
class Ranks:
    """Ranks from 1, float64: of the best own caption for each of n images ``[n]``, and of the own
    image for each of m captions ``[m]``. What has the same score as the right one is half before
    it, so that a model which tells nothing apart gains nothing."""

    of_images: "NDArray[np.float64]"
    of_sentences: "NDArray[np.float64]"


def rank(images: "NDArray[np.float32]", sentences: "NDArray[np.float32]",
         owner: "NDArray[np.int64]",
         advance: "Callable[[int], object] | None" = None) -> Ranks:
    """The ranks of unit vectors of n images ``[n, D]`` and of m captions ``[m, D]``.

    owner: int64 ``[m]``, the image of each caption; each image has at least one.
    advance: told now and then how many more images are done.
    """
    own = np.einsum("md,md->m", images[owner], sentences)
    best = np.full(len(images), -np.inf, np.float32)
    np.maximum.at(best, owner, own)
    of_images = np.empty(len(images))
    before = np.zeros(len(sentences))
    step = max(1, _BLOCK // len(sentences))
    for start in range(0, len(images), step):
        block = slice(start, start + step)
        scores = images[block] @ sentences.T
        is_own = owner == np.arange(start, start + len(scores))[:, None]
        of_images[block] = 1 + np.where(is_own, 0, _before(scores, best[block, None])).sum(axis=1)
        before += np.where(is_own, 0, _before(scores, own)).sum(axis=0)
        if advance:
            advance(len(scores))
    return Ranks(of_images, 1 + before)


def _before(scores: "NDArray[np.float32]", right: "NDArray[np.float32]") -> "NDArray[np.float32]":
    """How far each score is before the right one: 1, a half, or 0."""
    above = scores - right
    return (above > _ALIKE) + np.float32(0.5) * (np.abs(above) <= _ALIKE)


def recall_at_k(ranks: "NDArray[np.floating]", k: int) -> float:
    """Recall@k: the share of queries, ``ranks [n]``, whose answer is among the first k (Kiros et
    al., 2014, section 3.1)."""
    return float(np.mean(ranks <= k))


def median_rank(ranks: "NDArray[np.floating]") -> float:
    """The median of ``ranks [n]``, from 1 (Kiros et al., 2014, section 3.1); it is the lower the
    better."""
    return float(np.median(ranks))


@dataclass(frozen=True)
class Figure:
    """A figure, and the ends of its 95 % bootstrap interval."""

    value: float
    low: float
    high: float


def figures(ranks: "NDArray[np.floating]", owner: "NDArray[np.int64]", ks: "Sequence[int]", *,
            resamples: int, seed: int) -> tuple[list[Figure], Figure]:
    """Recall@k for each k, and the median rank.

    ranks: ``[m]``; owner: ``[m]``, the image that each is of. Images are drawn anew with
        replacement, and all captions of an image go with it, since they are not independent.
    """
    order = np.argsort(ranks, kind="stable")
    rising, images = ranks[order], owner[order]
    ends = np.searchsorted(rising, ks, side="right")
    number = int(owner.max()) + 1
    random = np.random.default_rng(seed)
    shares = np.empty((resamples, len(ks)))
    medians = np.empty(resamples)
    step = max(1, _DRAWN // len(ranks))
    for start in range(0, resamples, step):
        lines = min(step, resamples - start)
        drawn = random.integers(0, number, (lines, number)) + number * np.arange(lines)[:, None]
        times = np.bincount(drawn.ravel(), minlength=lines * number).reshape(lines, number)
        weights = np.pad(times[:, images].cumsum(axis=1), ((0, 0), (1, 0)))
        total = weights[:, -1:]
        shares[start:start + lines] = weights[:, ends] / total
        low, high = ((weights[:, 1:] * 2 < total).sum(axis=1),
                     (weights[:, 1:] * 2 <= total).sum(axis=1))
        medians[start:start + lines] = (rising[low] + rising[high]) / 2
    return ([Figure(recall_at_k(ranks, k), *metrics.interval(shares[:, at]))
             for at, k in enumerate(ks)],
            Figure(median_rank(ranks), *metrics.interval(medians)))


@dataclass(frozen=True)
class Chance:
    """What a ranking at random gives: Recall@k for each k, and the median rank."""

    recalls: tuple[float, ...]
    median: float


def chance(own: "NDArray[np.int64]", among: int, ks: "Sequence[int]") -> Chance:
    """Of queries with so many right answers, ``own [n]``, among so many: the best of c answers
    is among the first k of m unless all c are behind, C(m − k, c) / C(m, c)."""
    numbers, queries = np.unique(own, return_counts=True)
    reached = np.zeros(among + 1)  # by rank
    for number, weight in zip(numbers.tolist(), queries.tolist(), strict=True):
        places = np.arange(among, dtype=np.float64)
        free = np.maximum(among - number - places, 0) / (among - places)
        reached[1:] += weight * (1 - np.cumprod(free))
    reached /= len(own)
    return Chance(tuple(float(reached[min(k, among)]) for k in ks),
                  float(np.searchsorted(reached, 0.5 - 1e-9)))
