"""Captions of images → slope and offset of the confidences of things beside the main one.

A caption leaves out what its writer takes for granted: a wheel, the sky, a face. Of such a word the
captions do not tell in which images the thing is not. So only words count on which captions agree:
of those that one person says of an image, another says at least every second time. Then the
chance that none of five says it of an image that shows it is about (1 - 1/2)^5, 3 %.
"""

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

from zsl_cli.authoring.calibrating import platt
from zsl_cli.authoring.calibrating.pairs import Pairs
from zsl_cli.authoring.calibrating.platt import Plane
from zsl_cli.authoring.calibrating.result import Fit
from zsl_cli.classifier.confidence import Confidences, main_odds
from zsl_cli.errors import ZslError
from zsl_cli.evaluation.captions.caption_words import CaptionWords
from zsl_cli.evaluation.metrics import equal_mass_error
from zsl_cli.support.progress import SILENT

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from zsl_cli.classifier.classifier import Classifier
    from zsl_cli.support.calibration import ConfidenceRule
    from zsl_cli.support.progress import Reporter
    from zsl_cli.vocabulary.vocabulary import Vocabulary

AGREEMENT = 0.5
"""How often a caption at least says what another one of the image says."""
FEWEST_IMAGES = 8
"""Of which a word is said, at least."""


def fit(classifier: "Classifier", embeddings: "NDArray[np.float32]",
        captions: Sequence[Sequence[str]], rule: "ConfidenceRule",
        reporter: "Reporter" = SILENT) -> Fit:
    """The numbers with the least cross entropy over images and the words that captions agree on,
    each word weighing the same. What a caption says is there, what none does is not.

    embeddings: ``[n, D]``; captions: of each image; rule: that of before, its numbers for the
        main thing fitted already; reporter: is told how far captions agree on which words.

    Raises ZslError where there are no such words.
    """
    vocabulary = classifier.vocabulary
    if not len(vocabulary.beside.rows):
        raise ZslError(f"vocabulary {vocabulary.name!r} has nothing that stands beside other "
                       "things, so that captions have nothing to tell of it; leave them out")
    said = _said(captions, vocabulary)
    agreement = agreements(said, vocabulary)
    reporter.detail("agreement of captions: " + ", ".join(
        f"{vocabulary.label(row).word} {share:.2f}" for row, share in sorted(
            agreement.items(), key=lambda pair: -pair[1])))
    rows = [row for row, share in agreement.items() if share >= AGREEMENT]
    if not rows:
        raise ZslError(
            "the captions agree on no word for a thing beside others: it takes several captions an "
            f"image, and {FEWEST_IMAGES} images at least of which they say it")
    odds = _odds(vocabulary, rows, embeddings, classifier.model.calibration.temperature)
    main = Confidences(vocabulary, classifier.model.manifest.calibration, rule).of(embeddings).main
    both = np.stack([odds, main_odds(main[:, rows]).astype(np.float64)])
    there = np.array([[any(row in caption for caption in image) for row in rows]
                      for image in said])
    if there.all():
        raise ZslError("all images have all things that their captions agree on; give others, too")
    images = np.repeat(np.arange(len(embeddings)), len(rows))
    pairs = Pairs(images, both.reshape(2, -1), there.ravel(), np.ones(len(images)))
    plane = _plane(pairs)
    held_out = np.empty(len(pairs))
    for part in pairs.fifths():
        rest = pairs.some(~part)
        of_rest = plane if rest.true.all() or not rest.true.any() else _plane(rest)
        held_out[part] = of_rest.probabilities(pairs.odds[:, part])
    before = Plane(rule.beside_slope, rule.beside_main, rule.beside_offset).probabilities(
        pairs.odds)
    return Fit(plane.slope, plane.offset, len(embeddings), len(pairs), int(pairs.true.sum()),
               equal_mass_error(before, pairs.true), equal_mass_error(held_out, pairs.true),
               second_slope=plane.second,
               labels=tuple(vocabulary.label(row).word for row in rows))


def agreements(said: "Sequence[Sequence[frozenset[int]]]",
               vocabulary: "Vocabulary") -> dict[int, float]:
    """Of the everyday labels that stand beside others, by their rows, rising, how far captions
    agree on them; without those that too few images are said to show.

    said: of each image and caption the labels that it says, with what lies above them.
    """
    everyday = CaptionWords(vocabulary).everyday
    return {row: agreement for row in vocabulary.beside.rows.tolist() if row in everyday
            and (agreement := _agreement(said, row)) is not None}


def _agreement(said: "Sequence[Sequence[frozenset[int]]]", row: int) -> float | None:
    """How likely another caption of an image is to say what one says; None where too few images
    are said to show it."""
    of_images = [(sum(row in caption for caption in image), len(image)) for image in said]
    of_images = [(count, captions) for count, captions in of_images if count and captions > 1]
    if len(of_images) < FEWEST_IMAGES:
        return None
    both = sum(count * (count - 1) for count, _ in of_images)
    return both / sum(count * (captions - 1) for count, captions in of_images)


def _said(captions: Sequence[Sequence[str]],
          vocabulary: "Vocabulary") -> list[list[frozenset[int]]]:
    words, above = CaptionWords(vocabulary), vocabulary.hierarchy.ancestors
    return [[frozenset(rows).union(*map(above, rows)) for caption in image
             for rows in [{row for _, row in words.said_by(caption)}]] for image in captions]


def _odds(vocabulary: "Vocabulary", rows: Sequence[int], embeddings: "NDArray[np.float32]",
          temperature: float) -> "NDArray[np.float64]":
    """The log-odds of these labels before they are calibrated, ``[n, rows]``: of each the largest
    of its own and of those of what lies under it."""
    beside, above = vocabulary.beside, vocabulary.hierarchy.ancestors
    products = (embeddings @ beside.vectors.T / temperature).astype(np.float64)
    lineages = [above(row) | {row} for row in beside.rows.tolist()]
    return np.column_stack([
        products[:, [row in lineage for lineage in lineages]].max(axis=1) for row in rows])


def _plane(pairs: Pairs) -> Plane:
    return platt.fit_plane(pairs.odds, pairs.true, pairs.weights)
