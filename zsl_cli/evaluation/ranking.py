"""Embeddings and candidate labels → the labels nearest to each image, with its score."""

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from zsl_cli.vocabulary.search import nearest

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from zsl_cli.classifier.classifier import Classifier
    from zsl_cli.evaluation.candidates import Candidates

_BLOCK = 4_000_000  # scores held at once


@dataclass(frozen=True)
class Ranking:
    """What is answered for n images.

    ranked: int64 ``[n, k]``, the rows of the nearest labels, best first; k is at most the number
        of candidates.
    place: int64 ``[n]``, where the true label stands among all candidates; 1 is the best.
    confidence: float32 ``[n]``, the score of the first answer, as ``Classifier`` gives it.
    rivals: the nearest seen and the nearest unseen label, where both kinds are candidates.
    """

    ranked: "NDArray[np.int64]"
    place: "NDArray[np.int64]"
    confidence: "NDArray[np.float32]"
    rivals: "Rivals | None"


@dataclass(frozen=True)
class Rivals:
    """Of each image the row of the nearest seen label, that of the nearest unseen one, and by how
    much the inner product of the first is larger, before any stacking; ``[n]`` each."""

    seen: "NDArray[np.int64]"
    unseen: "NDArray[np.int64]"
    lead: "NDArray[np.float32]"


def rank(classifier: "Classifier", embeddings: "NDArray[np.float32]",
         truth: "NDArray[np.int64]", candidates: "Candidates", seen: "NDArray[np.bool_]", *,
         most: int, stacking: float = 0.0) -> Ranking:
    """The ``most`` nearest candidates of each embedding.

    embeddings: ``[n, D]``; truth: ``[n]``, each one a candidate; seen: of each label of the
        vocabulary, bool ``[labels]``.
    stacking: what is taken off the inner products of seen labels (calibrated stacking; Chao et
        al., 2016, equation 2).

    The scores of all candidates are never held at once, only those of a block of images.
    """
    vocabulary, rows = classifier.vocabulary, candidates.rows
    searched = vocabulary.exact if candidates.whole else vocabulary.subset(rows, prior=False)
    among = classifier.neighbours(own=not candidates.whole)
    of_seen, of_unseen = np.flatnonzero(seen[rows]), np.flatnonzero(~seen[rows])
    both = len(of_seen) > 0 and len(of_unseen) > 0
    number, most = len(embeddings), min(most, len(rows))
    ranked = np.empty((number, most), np.int64)
    place = np.empty(number, np.int64)
    confidence = np.empty(number, np.float32)
    rivals = np.empty((2, number), np.int64)
    lead = np.empty(number, np.float32)
    step = max(1, _BLOCK // len(rows))
    for start in range(0, number, step):
        block = slice(start, start + step)
        products = searched.products(embeddings[block])
        if stacking:
            products[:, of_seen] -= np.float32(stacking)
        columns, falling = nearest.largest(products, max(most, among))
        if both:
            best = [_first(columns, kind, products) for kind in (of_seen, of_unseen)]
            rivals[:, block] = rows[np.stack(best)]
            values = [np.take_along_axis(products, of[:, None], 1)[:, 0] for of in best]
            lead[block] = values[0] + np.float32(stacking) - values[1]
        ranked[block] = rows[columns[:, :most]]
        confidence[block] = classifier.probabilities(
            falling, among, listed=not candidates.whole)[:, 0]
        place[block] = _places(products, np.searchsorted(rows, truth[block]))
    return Ranking(ranked, place, confidence, Rivals(rivals[0], rivals[1], lead) if both else None)


def _first(columns: "NDArray[np.int64]", kind: "NDArray[np.intp]",
           products: "NDArray[np.float32]") -> "NDArray[np.int64]":
    """Of each line the best column of this kind: the first among ``columns``, which fall, or where
    there is none of all."""
    of_kind = np.zeros(products.shape[1], bool)
    of_kind[kind] = True
    there = of_kind[columns]
    best = np.take_along_axis(columns, there.argmax(axis=1)[:, None], 1)[:, 0]
    missing = np.flatnonzero(~there.any(axis=1))
    best[missing] = kind[products[np.ix_(missing, kind)].argmax(axis=1)]
    return best


def _places(products: "NDArray[np.float32]",
            true: "NDArray[np.intp]") -> "NDArray[np.int64]":
    """The places of the columns ``true [n]``, from 1; of equals the earlier column comes first."""
    own = np.take_along_axis(products, true[:, None], 1)
    before = (products == own) & (np.arange(products.shape[1]) < true[:, None])
    return 1 + np.count_nonzero(products > own, axis=1) + np.count_nonzero(before, axis=1)
