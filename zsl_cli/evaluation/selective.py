"""Keywords against the right labels: how many are right, how much they say, and how good their
confidence is as a cut-off."""

from collections.abc import Iterator
from collections.abc import Set as AbstractSet
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from zsl_cli.classifier.confidence import Evidence
from zsl_cli.evaluation import metrics
from zsl_cli.evaluation.information import NONE, information, kept, right

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from zsl_cli.classifier.classifier import Classifier
    from zsl_cli.evaluation.ranking import Ranking
    from zsl_cli.vocabulary.hierarchy.hypernyms import Hierarchy

THRESHOLDS = (*(step / 20 for step in range(1, 20)), 0.97, 0.98, 0.99)
"""Confidences that are asked for, for the curve and for calibration."""

FIGURES = ("confidence", "keyword_right", "keyword_right_low", "keyword_right_high",
           "keyword_information", "keyword_information_low", "keyword_information_high",
           "keyword_refused", "calibration_error_of_score", "calibration_error", "aurc", "coverage")
"""What ``Selective.row`` has."""

LEAST_SAID = 0.1
"""The information of a label that calibration looks at, at least."""
_BLOCK = 8_000_000  # confidences held at once


@dataclass(frozen=True)
class Curve:
    """Risk over coverage for falling thresholds, float64 ``[m]`` each, coverage rising
    (hierarchical selective classification: Goren et al., 2024).

    coverage: the mean information of the answers, right or wrong; none has 0.
    risk: the share of that information which wrong answers have, so that it is from 0 to 1.
        Where labels have none above them these are the coverage and the risk of selective
        classification.
    """

    coverage: "NDArray[np.float64]"
    risk: "NDArray[np.float64]"

    @property
    def area(self) -> float:
        """The mean risk over all coverages up to the greatest (AURC); 0 when nothing is ever
        answered."""
        if self.coverage[-1] == 0:
            return 0.0
        across = np.append(0.0, self.coverage)
        up = np.append(self.risk[np.argmax(self.coverage > 0)], self.risk)
        return float(np.trapezoid(up, across) / across[-1])


@dataclass(frozen=True)
class Selective:
    """What comes of keywords: figures for a row, all means over classes, and the curve."""

    row: dict[str, Any]
    curve: Curve


@dataclass(frozen=True)
class _Pairs:
    """Images and labels, ``[m]`` each, with how sure it is that the label is true of the image,
    and whether it is."""

    images: "NDArray[np.int64]"
    confidence: "NDArray[np.float64]"
    true: "NDArray[np.bool_]"


def measure(classifier: "Classifier", embeddings: "NDArray[np.float32]",
            truth: "NDArray[np.int64]", ranking: "Ranking", confidence: float, *,
            resamples: int = 1000, seed: int = 0) -> Selective:
    """The first keyword of each image at this confidence, and at THRESHOLDS.

    embeddings: float32 ``[n, D]``; truth: int64 ``[n]``, the rows of the right labels; ranking:
    of the same images among all labels, whose scores confidence is compared with. resamples,
    seed: of the bootstrap.

    The curve and calibration are about the main thing alone. Calibration is over pairs of an
    image and a label that it may be told: its first keywords at all of THRESHOLDS and what lies
    above the last of them, each once. Those that say less than a tenth of a leaf are left out (all
    know that an artifact is probable), and so is what lies below the right label, since nobody
    knows. Images weigh the same within a class.
    """
    hierarchy = classifier.vocabulary.hierarchy
    answers, pairs = _answers(classifier, embeddings, truth, [confidence, *THRESHOLDS])
    correct = right(answers, truth, hierarchy)
    information_kept = kept(answers[0], truth, hierarchy)
    refused = answers[0] == NONE
    _, samples = metrics.bootstrap(
        truth, np.stack([correct[0], information_kept], axis=1).astype(np.float64),
        resamples=resamples, random=np.random.default_rng(seed))
    row: dict[str, Any] = {"confidence": confidence}
    for at, (name, values) in enumerate((("keyword_right", correct[0]),
                                         ("keyword_information", information_kept))):
        low, high = metrics.interval(samples[:, at])
        row |= {name: metrics.class_mean(values, truth), f"{name}_low": low, f"{name}_high": high}
    curve = _curve(answers[:0:-1], correct[:0:-1], truth, hierarchy)
    weights = class_weights(truth)
    return Selective(row | {
        "keyword_refused": metrics.class_mean(refused, truth),
        "calibration_error_of_score": metrics.equal_mass_error(
            ranking.confidence.astype(np.float64), ranking.ranked[:, 0] == truth, weights),
        "calibration_error": _error(pairs, weights),
        "aurc": curve.area, "coverage": float(curve.coverage[-1])}, curve)


def _answers(classifier: "Classifier", embeddings: "NDArray[np.float32]",
             truth: "NDArray[np.int64]",
             thresholds: list[float]) -> "tuple[NDArray[np.int64], _Pairs]":
    """The rows of the first keywords, ``[thresholds, n]``, and the pairs for calibration. The
    confidences of all images are never held at once."""
    vocabulary = classifier.vocabulary
    says = information(vocabulary.hierarchy)
    answers = np.full((len(thresholds), len(embeddings)), NONE, np.int64)
    pairs: list[tuple[int, float, bool]] = []
    hierarchy = vocabulary.hierarchy
    true = {label: hierarchy.ancestors(label) | {label} for label in np.unique(truth).tolist()}
    unknown = {label: set(hierarchy.descendants(label)) - above for label, above in true.items()}
    step = max(1, _BLOCK // len(vocabulary))
    for start in range(0, len(embeddings), step):
        block = slice(start, start + step)
        evidence = classifier.evidence(embeddings[block])
        for at, threshold in enumerate(thresholds):
            # What is beside the main thing may be true, and the data set does not say so.
            asked = evidence if not at else Evidence(evidence.main, evidence.main)
            for image, words in enumerate(classifier.keywords(
                    asked, confidence=threshold, most=1), start=start):
                if words:
                    answers[at, image] = vocabulary.rows[words[0].id]
        for image, line in enumerate(evidence.main, start=start):
            label = int(truth[image])
            pairs += [(image, float(line[row]), is_true) for row, is_true in told(
                answers[1:, image], true[label], unknown[label], hierarchy)
                if says[row] >= LEAST_SAID]
    images, confidence, is_true = zip(*pairs, strict=True) if pairs else ((), (), ())
    return answers, _Pairs(np.array(images, np.int64), np.array(confidence, np.float64),
                           np.array(is_true, bool))


def told(answers: "NDArray[np.int64]", true: "AbstractSet[int]", unknown: "AbstractSet[int]",
         hierarchy: "Hierarchy") -> Iterator[tuple[int, bool]]:
    """The labels that an image may be told, and whether each is one of those that are true of
    it; without those of which nobody knows."""
    told = {row for row in answers.tolist() if row != NONE}
    lowest = next((row for row in answers.tolist() if row != NONE), None)
    if lowest is not None:
        told |= hierarchy.ancestors(lowest)
    for row in sorted(told - unknown):
        yield row, row in true


def _error(pairs: _Pairs, weights: "NDArray[np.float64]") -> float | None:
    """The calibration error; the weight of an image is shared by its pairs."""
    if not len(pairs.images):
        return None
    shares = weights / np.maximum(np.bincount(pairs.images, minlength=len(weights)), 1)
    return metrics.equal_mass_error(pairs.confidence, pairs.true, shares[pairs.images])


def _curve(answers: "NDArray[np.int64]", correct: "NDArray[np.bool_]",
           truth: "NDArray[np.int64]", hierarchy: "Hierarchy") -> Curve:
    """The curve of answers, ``[m, n]``, at falling thresholds."""
    weights = class_weights(truth)
    says = information(hierarchy)[answers]
    coverage = says @ weights
    wrong = (says * ~correct) @ weights
    order = np.argsort(coverage, kind="stable")
    risk = np.divide(wrong, coverage, out=np.zeros_like(wrong), where=coverage > 0)
    return Curve(coverage[order], risk[order])


def class_weights(truth: "NDArray[np.int64]") -> "NDArray[np.float64]":
    """What each image counts for in a mean over classes; they add up to 1."""
    _, classes, sizes = np.unique(truth, return_inverse=True, return_counts=True)
    return 1 / (sizes[classes] * len(sizes))
