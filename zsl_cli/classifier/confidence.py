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

from zsl_cli.classifier.shares import Shares, Wanted, weights
from zsl_cli.errors import ZslError
from zsl_cli.vocabulary.search.nearest import Exact
from zsl_cli.vocabulary.search.subset import Subset

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from numpy.typing import NDArray

    from zsl_cli.classifier.background import Background
    from zsl_cli.support.calibration import Calibration, ConfidenceRule
    from zsl_cli.vocabulary.beside import Beside
    from zsl_cli.vocabulary.hierarchy.taxonomy import Taxonomy
    from zsl_cli.vocabulary.search.nearest import Nearest
    from zsl_cli.vocabulary.vocabulary import Vocabulary

    Array = NDArray[np.float32]

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
        sums = self._shares.all(products)
        main = self._main(sums)
        columns = self._raised.rows
        beside = self._beside_sure(sums[:, self._beside.rows], embeddings)
        confidences = main.copy()  # Evidence has both
        confidences[:, columns] = np.maximum(main[:, columns], beside)
        return Evidence(confidences, main)

    def sure(self, embeddings: "Array", products: "Array", rows: "NDArray[np.int64]",
             least: float) -> "tuple[Array, Sure]":
        """The confidences of some labels of each image, ``[n, k]`` of rows ``[n, k]``, and of
        telling ones those that have ``least`` at least: what ``of`` gives, where only few of them
        are asked for, which takes a fifth of the time.

        products: inner products with all label vectors, of the first embeddings where the others
            only fill a block.
        """
        wanted, enough = self._wanted, self._least_sum(least)
        sums, of_rows, large = self._shares.chosen(products, wanted, rows, enough)
        beside = self._beside_sure(sums[:, wanted.places[self._beside.rows]], embeddings)
        telling, raised = self.taxonomy.telling, self._raised
        candidates = sums >= enough
        raised_too = wanted.places[raised.rows]  # those that tell nothing are no candidates
        candidates[:, raised_too[raised_too >= 0]] |= (beside >= least)[:, raised_too >= 0]
        images, places = np.nonzero(candidates & telling[wanted.rows])
        others = wanted.places[large.rows] < 0
        images = np.concatenate([images, large.images[others]])
        labels = np.concatenate([wanted.rows[places], large.rows[others]])
        of_labels = np.concatenate([sums[candidates & telling[wanted.rows]],
                                    large.shares[others]])
        order = np.lexsort((labels, images))
        images, labels = images[order], labels[order]

        def confident(image: "NDArray[np.int64]", row: "NDArray[np.int64]",
                      sums: "Array") -> "tuple[Array, Array]":
            main = self._main(sums)
            place = raised.places[row]
            by_seconds = beside[image, place] if len(raised.rows) else main
            return np.where(place < 0, main, np.maximum(main, by_seconds)), main

        confidences, main = confident(images, labels, of_labels[order])
        kept = (confidences >= least) & (confidences > 0)
        offsets = np.searchsorted(images[kept], np.arange(len(sums) + 1))
        of_rows, _ = confident(np.arange(len(rows))[:, None], rows, of_rows)
        return of_rows, Sure(offsets, labels[kept], confidences[kept], main[kept])

    @cached_property
    def _shares(self) -> Shares:
        return Shares(self.taxonomy, self._scale)

    @cached_property
    def _wanted(self) -> Wanted:
        """The labels whose sums ``sure`` needs: telling ones under which there are others, and
        what second vectors are compared with or raise."""
        telling = self.taxonomy.telling
        wanted = telling & ~self.taxonomy.leaf
        wanted[self._beside.rows] = True
        wanted[self._raised.rows] |= telling[self._raised.rows]
        return Wanted.of(self.taxonomy, np.flatnonzero(wanted))

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
        of_known = self._of_some(embeddings, products, known)
        if not candidates.phrases:
            return of_known
        _, total = weights(products, self._scale)
        best = products.max(axis=1, keepdims=True)
        own = Exact(candidates.vectors[len(known):]).products(embeddings)
        terms = np.exp(np.minimum((own - best) / self._scale, 50))
        phrases = self._calibrated(terms / (terms + total))
        return Evidence(np.hstack([of_known.confidences, phrases]),
                        np.hstack([of_known.main, phrases]))

    def _of_some(self, embeddings: "Array", products: "Array",
                 rows: "NDArray[np.int64]") -> Evidence:
        """What ``of`` gives of these rows, rising."""
        both = np.zeros(len(self.taxonomy), bool)
        both[rows] = both[self._beside.rows] = True
        wanted = Wanted.of(self.taxonomy, np.flatnonzero(both))
        sums = self._shares.some(products, wanted)
        beside = self._beside_sure(sums[:, wanted.places[self._beside.rows]], embeddings)
        main = self._main(sums[:, wanted.places[rows]])
        confidences = main.copy()
        place = self._raised.places[rows]
        confidences[:, place >= 0] = np.maximum(main[:, place >= 0], beside[:, place[place >= 0]])
        return Evidence(confidences, main)

    @property
    def _scale(self) -> float:
        """What an inner product is divided by."""
        return self._temperature * self._rule.temperature

    def _calibrated(self, sums: "NDArray[np.floating]") -> "Array":
        """Confidences out of sums."""
        sums = np.clip(sums.astype(np.float32, copy=False), _EDGE, 1 - _EDGE)
        odds = np.log(sums / (1 - sums))
        exponents = -self._rule.slope * odds - self._rule.offset
        return (1 / (1 + np.exp(exponents))).astype(np.float32, copy=False)

    def _beside_sure(self, sums: "Array", embeddings: "Array") -> "Array":
        """How sure second vectors make the labels that they raise, ``[n, raised]``: what is seen
        beside other things, and all above it.

        sums: of the labels that have one.
        """
        if not len(self._beside.rows):
            return np.empty((len(sums), 0), np.float32)
        rule = self._rule
        products = (embeddings @ self._beside.vectors.T)[:len(sums)]
        odds = rule.beside_slope * products / self._temperature + rule.beside_offset
        if rule.beside_main:
            odds += rule.beside_main * main_odds(self._main(sums), rule.beside_least)
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
