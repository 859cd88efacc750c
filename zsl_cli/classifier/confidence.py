"""Confidence: the probability that a label is true of an image, whatever else is.

A score is a share among candidates, and the shares of any list of candidates add up to 1, so that
``sunset`` alone has all of it in every photo. A confidence does not depend on who else is asked.
It is the larger of two:

- **by the hierarchy**: the softmax over all labels of the vocabulary, summed over all that lie
  under the label, since each of them makes it true. Its log-odds are calibrated by two numbers.
  What is no label of the vocabulary has its own share of the same sum.
- **beside**: for what is seen beside the main thing or all over the photo (a person, grass, snow),
  the log-odds that its second vector gives, whatever the main thing is, and a part of those by the
  hierarchy: of several things in a photo each has but a share of that.

A label has at least the confidence of each label under it, in the hierarchy of a user's list, too.
The numbers are in ``model.json``.

Where there is no vocabulary, a candidate has its share beside general phrases for all that photos
show (``background``), calibrated by the same two numbers.
"""

import math
from dataclasses import dataclass
from functools import cached_property
from itertools import pairwise
from typing import TYPE_CHECKING

import numpy as np

from zsl_cli.errors import ZslError
from zsl_cli.vocabulary.nearest import Exact
from zsl_cli.vocabulary.subset import Subset

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from numpy.typing import NDArray

    from zsl_cli.classifier.background import Background
    from zsl_cli.support.calibration import Calibration, ConfidenceRule
    from zsl_cli.vocabulary.beside import Beside
    from zsl_cli.vocabulary.nearest import Nearest
    from zsl_cli.vocabulary.taxonomy import Taxonomy
    from zsl_cli.vocabulary.vocabulary import Vocabulary

    Array = NDArray[np.float32]

_LEAST = 1e-5
"""A share of the softmax below which it adds nothing to a sum."""
_SURE = 1 - 1e-4
"""The most by the hierarchy that what is beside is told by."""
_EDGE = 1e-6
"""How near to 0 and 1 a sum may come, for its log-odds to be finite."""


@dataclass(frozen=True)
class Evidence:
    """How sure labels are of n images.

    confidences: float32 ``[n, k]``. main: what of it the hierarchy gives, which is about the main
        thing of an image; the rest is seen beside it.
    """

    confidences: "Array"
    main: "Array"

    def spread(self, rows: "NDArray[np.int64]", labels: int) -> "Evidence":
        """Of all labels, 0 for those that are not the k of these rows."""
        spread = np.zeros((2, len(self.main), labels), np.float32)
        spread[:, :, rows] = self.confidences, self.main
        return Evidence(*spread)

    def sure(self, labels: "NDArray[np.bool_]", least: float) -> "Sure":
        """Those of some labels, bool ``[k]``, that have this confidence at least, and any."""
        images, rows = np.nonzero(labels & (self.confidences >= least) & (self.confidences > 0))
        return Sure(np.searchsorted(images, np.arange(len(self.main) + 1)), rows,
                    self.confidences[images, rows], self.main[images, rows])


@dataclass(frozen=True)
class Sure:
    """The labels that are sure of n images, m in all: those of image i are at
    ``offsets[i]:offsets[i + 1]``.

    offsets: int64 ``[n + 1]``. rows: int64 ``[m]``. confidences, main: float32 ``[m]``, see
        Evidence.
    """

    offsets: "NDArray[np.int64]"
    rows: "NDArray[np.int64]"
    confidences: "Array"
    main: "Array"

    @classmethod
    def joined(cls, blocks: "Sequence[Sure]") -> "Sure":
        """Of images, and of those that follow."""
        counts = np.concatenate([np.diff(one.offsets) for one in blocks])
        return cls(np.concatenate([[0], np.cumsum(counts)]),
                   *(np.concatenate(parts) for parts in zip(
                       *((one.rows, one.confidences, one.main) for one in blocks), strict=True)))

    def first(self, images: int) -> "Sure":
        """Those of the first images."""
        end = self.offsets[images]
        return Sure(self.offsets[:images + 1], self.rows[:end], self.confidences[:end],
                    self.main[:end])

    def some(self, kept: "NDArray[np.bool_]",
             ) -> "Iterator[tuple[list[int], list[float], list[float]]]":
        """Rows, confidences and main of each image, of those that are kept, bool ``[m]``."""
        ends = np.concatenate([[0], np.cumsum(kept)])[self.offsets].tolist()
        columns = [one[kept].tolist() for one in (self.rows, self.confidences, self.main)]
        for start, stop in pairwise(ends):
            rows, confidences, main = (column[start:stop] for column in columns)
            yield rows, confidences, main


def main_odds(main: "Array", least: float) -> "Array":
    """The log-odds of what the hierarchy gives, of any shape, as much as ``least`` for nothing:
    what has next to no share may well be there, and how little it has tells next to no more."""
    raised = np.minimum(least + (1 - least) * main, _SURE)
    return np.log(raised / (1 - raised))


class Confidences:
    """The confidences of a vocabulary's labels, by a model's numbers."""

    def __init__(self, vocabulary: "Vocabulary", calibration: "Calibration",
                 rule: "ConfidenceRule",
                 background: "Callable[[], Background] | None" = None) -> None:
        """background: what candidates are compared with; needed where the vocabulary has no
        labels, and asked for then."""
        self._vocabulary = vocabulary
        self._rule = rule
        self._temperature = calibration.temperature
        self._make_background = background

    @property
    def taxonomy(self) -> "Taxonomy":
        """The hierarchy of the vocabulary."""
        return self._vocabulary.taxonomy

    @property
    def _beside(self) -> "Beside":
        return self._vocabulary.beside

    @cached_property
    def _background(self) -> "Background":
        if self._make_background is None:
            raise ZslError("confidences need a vocabulary, or a model that encodes phrases")
        return self._make_background()

    def products(self, embeddings: "Array") -> "Array":
        """Inner products ``[n, labels]`` of embeddings ``[n, D]`` with all label vectors."""
        return self._vocabulary.exact.products(embeddings)

    def of(self, embeddings: "Array", products: "Array | None" = None) -> Evidence:
        """Of all labels, for embeddings ``[n, D]``.

        products: their inner products with all label vectors, where they are at hand.
        """
        if not len(self._vocabulary):
            nothing = np.empty((len(embeddings), 0), np.float32)
            return Evidence(nothing, nothing)
        products = self.products(embeddings) if products is None else products
        sums = self._sums(products)
        main = self._main(sums)
        columns = self._raised.rows
        confidences = main.copy()  # Evidence has both
        confidences[:, columns] = np.maximum(main[:, columns], self._beside_sure(sums, embeddings))
        return Evidence(confidences, main)

    def sure(self, embeddings: "Array", products: "Array", rows: "NDArray[np.int64]",
             least: float) -> "tuple[Array, Sure]":
        """The confidences of some labels of each image, ``[n, k]`` of rows ``[n, k]``, and of
        telling ones those that have ``least`` at least: what ``of`` gives, where only few of them
        are asked for, which is three times as fast.

        products: inner products with all label vectors.
        """
        sums = self._sums(products)
        beside = self._beside_sure(sums, embeddings)
        telling, columns = self.taxonomy.telling, self._raised.rows
        candidates = telling & (sums >= self._least_sum(least))
        candidates[:, columns] |= telling[columns] & (beside >= least)
        images, labels = np.nonzero(candidates)

        def looked_up(image: "NDArray[np.int64]",
                      row: "NDArray[np.int64]") -> "tuple[Array, Array]":
            main = self._main(sums[image, row])
            place = self._raised.places[row]
            raised = beside[image, place] if len(columns) else main
            return np.where(place < 0, main, np.maximum(main, raised)), main

        confidences, main = looked_up(images, labels)
        kept = (confidences >= least) & (confidences > 0)
        offsets = np.searchsorted(images[kept], np.arange(len(sums) + 1))
        of_rows, _ = looked_up(np.arange(len(rows))[:, None], rows)
        return of_rows, Sure(offsets, labels[kept], confidences[kept], main[kept])

    def _sums(self, products: "Array") -> "Array":
        """Shares of the softmax over all labels, ``[n, labels]``, summed up the hierarchy."""
        sums = np.empty(products.shape, np.float32)
        for of_image, product in zip(sums, products, strict=True):  # in a core's cache, each
            weights, total = self._weights(product)
            np.divide(weights, total, out=of_image)
            np.multiply(of_image, of_image > _LEAST, out=of_image)
            self.taxonomy.add_below(of_image)
        return sums

    def _main(self, sums: "Array") -> "Array":
        """What sums tell, 0 for nothing."""
        return np.multiply(self._calibrated(sums), sums > 0)

    def _least_sum(self, confidence: float) -> float:
        """A sum below which no confidence is so high, by a hair less."""
        if confidence <= 0 or self._rule.slope <= 0:
            return 0.0
        limited = min(confidence, _SURE)
        odds = (math.log(limited / (1 - limited)) - self._rule.offset) / self._rule.slope
        return (1 - 1e-3) / (1 + math.exp(-odds))

    def among(self, embeddings: "Array", candidates: "Nearest | None",
              products: "Array | None" = None) -> Evidence:
        """Of a Subset's rows and phrases, in its order; of all labels for anything else.

        products: see ``of``.
        """
        if not isinstance(candidates, Subset):
            return self.of(embeddings, products)
        return _with_parents(self._candidates(embeddings, candidates, products),
                             candidates.above)

    def _candidates(self, embeddings: "Array", candidates: Subset,
                    products: "Array | None") -> Evidence:
        if not len(self._vocabulary):
            alone = self._calibrated(self._background.shares(
                embeddings, candidates.phrases, candidates.vectors, self._scale))
            return Evidence(alone, alone)
        products = self.products(embeddings) if products is None else products
        known = candidates.rows[candidates.rows < len(self._vocabulary)]
        every = self.of(embeddings, products)
        if not candidates.phrases:
            return Evidence(every.confidences[:, known], every.main[:, known])
        _, total = self._weights(products)
        best = products.max(axis=1, keepdims=True)
        own = Exact(candidates.vectors[len(known):]).products(embeddings)
        weights = np.exp(np.minimum((own - best) / self._scale, 50))
        phrases = self._calibrated(weights / (weights + total))
        return Evidence(np.hstack([every.confidences[:, known], phrases]),
                        np.hstack([every.main[:, known], phrases]))

    @property
    def _scale(self) -> float:
        """What an inner product is divided by."""
        return self._temperature * self._rule.temperature

    def _weights(self, products: "Array") -> "tuple[Array, Array]":
        """The terms of the softmax over all labels, the largest 1, and their sum."""
        weights = np.exp((products - products.max(axis=-1, keepdims=True)) / self._scale)
        return weights, weights.sum(axis=-1, keepdims=True)

    def _calibrated(self, sums: "NDArray[np.floating]") -> "Array":
        """Confidences out of sums."""
        sums = np.clip(sums.astype(np.float32, copy=False), _EDGE, 1 - _EDGE)
        odds = np.log(sums / (1 - sums))
        exponents = -self._rule.slope * odds - self._rule.offset
        return (1 / (1 + np.exp(exponents))).astype(np.float32, copy=False)

    def _beside_sure(self, sums: "Array", embeddings: "Array") -> "Array":
        """How sure second vectors make the labels that they raise, ``[n, raised]``: what is seen
        beside other things, and all above it."""
        if not len(self._beside.rows):
            return np.empty((len(sums), 0), np.float32)
        rule = self._rule
        odds = (rule.beside_slope * (embeddings @ self._beside.vectors.T) / self._temperature
                + rule.beside_offset)
        if rule.beside_main:
            main = self._main(sums[:, self._beside.rows])
            odds += rule.beside_main * main_odds(main, rule.beside_least)
        beside = (1 / (1 + np.exp(-np.clip(odds, -50, 50)))).astype(np.float32)
        raised = self._raised
        return np.maximum.reduceat(beside[:, raised.columns], raised.starts, axis=1)

    @cached_property
    def _raised(self) -> "_Raised":
        return _Raised.by([self.taxonomy.lineage(row) for row in self._beside.rows.tolist()],
                          len(self.taxonomy))


@dataclass(frozen=True)
class _Raised:
    """What second vectors raise, as ``reduceat`` takes it.

    rows: int64 ``[raised]``, of the labels, rising. columns: those of the vectors, by the row that
        each raises; starts: where those of each row start. places: int64 ``[labels]``, where a
        label is among ``rows``, -1 for one that is not.
    """

    rows: "NDArray[np.int64]"
    columns: "NDArray[np.int64]"
    starts: "NDArray[np.int64]"
    places: "NDArray[np.int64]"

    @classmethod
    def by(cls, lineages: "list[NDArray[np.int64]]", labels: int) -> "_Raised":
        """By vectors of labels with these lineages."""
        rows = np.concatenate([np.empty(0, np.int64), *lineages])
        order = np.argsort(rows, kind="stable")
        raised, starts = np.unique(rows[order], return_index=True)
        columns = np.repeat(np.arange(len(lineages)), [*map(len, lineages)])[order]
        places = np.full(labels, -1)
        places[raised] = np.arange(len(raised))
        return cls(raised, columns, starts, places)


def _with_parents(evidence: Evidence, above: "NDArray[np.int64]") -> Evidence:
    """Each candidate at least as sure as those below it, ``[pairs, 2]``."""
    if not len(above):
        return evidence
    uppers, belows = above.T
    confidences, main = evidence.confidences.copy(), evidence.main.copy()
    for raised, given in ((confidences, evidence.confidences), (main, evidence.main)):
        np.maximum.at(raised.T, uppers, given.T[belows])
    return Evidence(confidences, main)
