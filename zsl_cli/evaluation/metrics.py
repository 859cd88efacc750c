"""How good predictions are."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from zsl_cli.vocabulary.hierarchy.hypernyms import Hierarchy

_FAR = np.iinfo(np.int16).max
_DRAWN = 1_000_000  # images drawn at once in the bootstrap: a few matrices of 8 MB


def hits(ranked: "NDArray[np.integer]", truth: "NDArray[np.integer]", k: int,
         ) -> "NDArray[np.bool_]":
    """Of each image, bool ``[n]``, whether its true label, ``truth [n]``, is among the first k of
    ``ranked [n, ≥ k]``."""
    return (ranked[:, :k] == truth[:, None]).any(axis=1)


def class_mean_hit_at_k(ranked: "NDArray[np.integer]", truth: "NDArray[np.integer]",
                        k: int) -> float:
    """The mean over classes of the share of images whose true label, ``truth [n]``, is among the
    first k of ``ranked [n, ≥ k]``, so that a class counts the same however many images it has
    (Xian et al., 2019, equation 1)."""
    return class_mean(hits(ranked, truth, k), truth)


def class_mean_hit_at_k_of_scores(scores: "NDArray[np.floating]", truth: "NDArray[np.integer]",
                                  k: int) -> float:
    """``class_mean_hit_at_k`` where the labels are the columns of ``scores [n, C]``, the best the
    first. Of equal scores the earlier column is the better one, and NaN is behind all."""
    right = scores[np.arange(len(scores)), truth][:, None]
    earlier = np.arange(scores.shape[1]) < truth[:, None]
    ahead = (scores > right) | ((scores == right) & earlier)
    return class_mean((ahead.sum(axis=1) < k) & ~np.isnan(right[:, 0]), truth)


def class_mean(values: "NDArray[np.number] | NDArray[np.bool_]",
               truth: "NDArray[np.integer]") -> float:
    """The mean over classes of the mean of ``values [n]`` over each class's images."""
    _, classes = np.unique(truth, return_inverse=True)
    return float(np.mean(np.bincount(classes, values) / np.bincount(classes)))


def harmonic_mean(seen: float, unseen: float) -> float:
    """The harmonic mean of the accuracies on seen and on unseen classes (Xian et al., 2019,
    equation 2); 0 when one of them is."""
    return 2 * seen * unseen / (seen + unseen) if seen > 0 and unseen > 0 else 0.0


def hierarchical_precision(ranked: "NDArray[np.integer]", truth: "NDArray[np.integer]",
                           candidates: "NDArray[np.integer]", hierarchy: "Hierarchy",
                           ks: Sequence[int]) -> "NDArray[np.float32]":
    """Hierarchical precision@k of each image, float32 ``[n, len(ks)]`` (DeViSE, section 4).

    The correct set S begins with the true label; while it has fewer than k members, all valid
    candidate labels one hop further off in the hierarchy join it; hp@k = |top-k ∩ S| / k. Hops
    lead over labels that are no candidates, too. With k = 1 this is hit@1.

    ranked: ``[n, ≥ max(ks)]`` rows; truth: ``[n]``, each among ``candidates``, which are rows.
    """
    valid = np.zeros(len(hierarchy), bool)
    valid[candidates] = True
    hops = np.full(len(hierarchy), _FAR, np.int16)
    precision = np.empty((len(truth), len(ks)), np.float32)
    wanted, most = np.array(ks, np.int64), max(ks, default=1)
    counted = np.arange(most) < wanted[:, None]
    order = np.argsort(truth, kind="stable")
    labels, starts = np.unique(truth[order], return_index=True)
    for label, images in zip(labels.tolist(), np.split(order, starts[1:]), strict=True):
        near, sizes = _correct_sets(hierarchy, label, valid, most)
        for hop, rows in enumerate(near):
            hops[rows] = hop
        radii = np.minimum(np.searchsorted(sizes, wanted), len(near) - 1)
        correct = hops[ranked[images, :most]][:, None, :] <= radii[:, None]
        precision[images] = (correct & counted).sum(axis=2) / wanted
        for rows in near:
            hops[rows] = _FAR
    return precision


def _correct_sets(hierarchy: "Hierarchy", label: int, valid: "NDArray[np.bool_]",
                  enough: int) -> "tuple[list[NDArray[np.int64]], NDArray[np.int64]]":
    """The valid labels 0, 1, … hops from a label, until there are enough, and how many there are
    up to each hop."""
    near: list[NDArray[np.int64]] = []
    sizes: list[int] = []
    for ring in hierarchy.rings(label):
        near.append(ring[valid[ring]])
        sizes.append((sizes[-1] if sizes else 0) + len(near[-1]))
        if sizes[-1] >= enough:
            break
    return near, np.array(sizes, np.int64)


@dataclass(frozen=True)
class Reliability:
    """Confidence against accuracy, in bins of equal width from 0 to 1; arrays ``[bins]``, NaN for
    a bin without images."""

    confidence: "NDArray[np.float64]"
    accuracy: "NDArray[np.float64]"
    count: "NDArray[np.int64]"

    @property
    def error(self) -> float:
        """The expected calibration error: the mean over images of |accuracy − confidence| of
        their bin (Guo et al., 2017, equation 3)."""
        some = self.count > 0
        gaps = np.abs(self.accuracy[some] - self.confidence[some])
        return float((gaps * self.count[some]).sum() / self.count.sum())


def reliability(confidence: "NDArray[np.floating]", correct: "NDArray[np.bool_]",
                bins: int = 15) -> Reliability:
    """How often answers of each confidence are right.

    confidence: ``[n]``, from 0 to 1; a bin contains its upper end. correct: ``[n]``.
    """
    ends = np.linspace(0, 1, bins + 1)[1:-1]
    at = np.searchsorted(ends, confidence, side="left")
    count = np.bincount(at, minlength=bins)
    with np.errstate(invalid="ignore"):
        return Reliability(np.bincount(at, confidence, bins) / count,
                           np.bincount(at, correct, bins) / count, count)


def equal_mass_error(confidence: "NDArray[np.floating]", correct: "NDArray[np.bool_]",
                     weights: "NDArray[np.floating] | None" = None, bins: int = 15) -> float:
    """The expected calibration error over bins that hold the same share of all answers (Nguyen
    and O'Connor, 2015): the mean of |accuracy − confidence| of their bin. Where most confidences
    are near 0 or 1, bins of equal width would be nearly empty.

    confidence, correct, weights: ``[n]`` each; answers of equal confidence share a bin. NaN when
    there are none.
    """
    if not len(confidence):
        return float("nan")
    values, at = np.unique(confidence, return_inverse=True)
    mass = np.bincount(at, weights, len(values)).astype(np.float64)
    right = np.bincount(at, correct if weights is None else weights * correct, len(values))
    end = np.cumsum(mass)
    middle = (end - mass / 2) / end[-1]
    bin_ = np.minimum((middle * bins).astype(np.int64), bins - 1)
    gaps = np.bincount(bin_, right - mass * values, bins)
    return float(np.abs(gaps).sum() / end[-1])


def average_precision(scores: "NDArray[np.floating]", relevant: "NDArray[np.bool_]") -> float:
    """The mean of the precision at each relevant item, the items in falling order of ``scores
    [n]``; items of equal score are taken in together. NaN when none is relevant."""
    order = np.argsort(-scores, kind="stable")
    falling, hits_ = scores[order], np.cumsum(relevant[order])
    if not len(order) or not hits_[-1]:
        return float("nan")
    ends = np.append(np.flatnonzero(np.diff(falling)), len(order) - 1)
    gained = np.diff(hits_[ends], prepend=0)
    return float((gained * hits_[ends] / (ends + 1)).sum() / hits_[-1])


def bootstrap(truth: "NDArray[np.integer]", values: "NDArray[np.floating]", *,
              resamples: int, random: np.random.Generator,
              ) -> "tuple[NDArray[np.float64], NDArray[np.float64]]":
    """The means of ``values [n, m]`` over images and over classes, ``[resamples, m]`` each, when
    the n images are drawn anew with replacement (Efron, 1979).

    The mean over classes is one over images that weigh 1 / the size of their class; an image
    keeps that weight when it is drawn. With the mean of each class drawn, classes of a single
    image, which are right or wrong as a whole, would make the interval too narrow. Where all
    classes are of one size both means are the same.
    """
    number, columns = values.shape
    _, classes, sizes = np.unique(truth, return_inverse=True, return_counts=True)
    shares = 1 / sizes[classes]
    values = np.column_stack([values, values * shares[:, None], shares]).astype(np.float64)
    of_images, of_classes = np.empty((2, resamples, columns))
    step = max(1, _DRAWN // max(number, 1))
    for start in range(0, resamples, step):
        lines = min(step, resamples - start)
        drawn = random.integers(0, number, (lines, number)) + number * np.arange(lines)[:, None]
        times = np.bincount(drawn.ravel(), minlength=lines * number).reshape(lines, number)
        sums = times.astype(np.float64) @ values
        block = slice(start, start + lines)
        of_images[block] = sums[:, :columns] / number
        of_classes[block] = sums[:, columns:-1] / sums[:, -1:]
    return of_images, of_classes


def interval(samples: "NDArray[np.floating]", level: float = 0.95) -> tuple[float, float]:
    """The percentile interval that holds this share of bootstrap samples."""
    low, high = np.quantile(samples, [(1 - level) / 2, (1 + level) / 2])
    return float(low), float(high)


def recall_at_k(approximate: "NDArray[np.integer]", exact: "NDArray[np.integer]", k: int) -> float:
    """The share of the k exact nearest neighbours, ``exact [n, ≥ k]``, that an approximate search
    has among its first k."""
    return float(np.mean([len(np.intersect1d(a[:k], b[:k])) / k
                          for a, b in zip(approximate, exact, strict=True)]))
