"""Labelled images → pairs of an image and a label that it may be told, and whether it is true."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np

from zsl_cli.authoring.calibrating.platt import log_odds
from zsl_cli.classifier.confidence import Confidences
from zsl_cli.classifier.keyword_rule import KeywordRule
from zsl_cli.classifier.keywords import choose
from zsl_cli.evaluation.information import NONE, information
from zsl_cli.evaluation.selective import LEAST_SAID, THRESHOLDS, told

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from zsl_cli.classifier.background import Background
    from zsl_cli.classifier.classifier import Classifier
    from zsl_cli.support.calibration import ConfidenceRule
    from zsl_cli.vocabulary.vocabulary import Vocabulary

_BLOCK = 8_000_000  # confidences held at once
_FIFTHS = 5


@dataclass(frozen=True)
class Pairs:
    """Pairs of an image and a label, m of them.

    images: int64 ``[m]``, the number of each one's image.
    odds: float64 ``[temperatures, m]``, the log-odds of the label before they are calibrated; of
        what stands beside those of its second vector and, in several ways, those by the hierarchy.
    true: bool ``[m]``. weights: float64 ``[m]``, those of an image shared by its pairs.
    told: bool ``[temperatures, m]``, at which the image may be told the label; None for all.
    """

    images: "NDArray[np.int64]"
    odds: "NDArray[np.float64]"
    true: "NDArray[np.bool_]"
    weights: "NDArray[np.float64]"
    told: "NDArray[np.bool_] | None" = None

    def __len__(self) -> int:
        return len(self.images)

    def some(self, chosen: "NDArray[np.bool_]") -> "Pairs":
        """Those that a mask ``[m]`` chooses."""
        return Pairs(self.images[chosen], self.odds[:, chosen], self.true[chosen],
                     self.weights[chosen], None if self.told is None else self.told[:, chosen])

    def at(self, temperature: int) -> "Pairs":
        """Those that may be told at the temperature of this place; each image has the weight that
        it had."""
        if self.told is None:
            return self
        every, some = np.bincount(self.images, self.weights), self.some(self.told[temperature])
        left = np.bincount(some.images, some.weights, len(every))[some.images]
        return replace(some, weights=some.weights * every[some.images] / left)

    def fifths(self) -> "Iterator[NDArray[np.bool_]]":
        """Masks ``[m]`` of the pairs of each fifth of the images, drawn at random."""
        known = np.unique(self.images)
        part = np.random.default_rng(0).permutation(len(known)) % _FIFTHS
        of_pair = part[np.searchsorted(known, self.images)]
        return (of_pair == number for number in range(_FIFTHS))


def of_labels(classifier: "Classifier", embeddings: "NDArray[np.float32]",
              truth: "NDArray[np.int64]", weights: "NDArray[np.float64]",
              temperatures: Sequence[float]) -> Pairs:
    """What images may be told out of a vocabulary: their first keywords at all of THRESHOLDS, with
    those above them that can be keywords, too, by any of the temperatures. Of what cannot
    (``place of business``) nobody is ever told how sure it is, and class folders say little of it:
    a lemon in a shop is no place.

    embeddings: ``[n, D]``; truth: rows of the right labels ``[n]``; weights: of the images,
        ``[n]``, shared by the pairs of each.
    """
    vocabulary = classifier.vocabulary
    hierarchy, says = vocabulary.hierarchy, information(vocabulary.hierarchy)
    telling = vocabulary.taxonomy.telling
    rules = [_bare(classifier, temperature) for temperature in temperatures]
    true = {label: hierarchy.ancestors(label) | {label} for label in np.unique(truth).tolist()}
    unknown = {label: set(hierarchy.descendants(label)) - above for label, above in true.items()}
    images: list[int] = []
    right: list[bool] = []
    odds: list[NDArray[np.float64]] = []
    where: list[NDArray[np.bool_]] = []
    step = max(1, _BLOCK // len(vocabulary))
    for start in range(0, len(embeddings), step):
        products = rules[0].products(block := embeddings[start:start + step])
        mains = [rule.of(block, products).main for rule in rules]
        answers = [_answers(main, rules[0], vocabulary) for main in mains]
        for image, label in enumerate(truth[start:start + step].tolist()):
            pairs = [{row: is_true for row, is_true in told(
                of_rule[:, image], true[label], unknown[label], hierarchy)
                if says[row] >= LEAST_SAID and telling[row]} for of_rule in answers]
            every = {row: of_rule[row] for of_rule in pairs for row in of_rule}
            rows = sorted(every)
            images += [start + image] * len(rows)
            right += [every[row] for row in rows]
            odds.append(log_odds(np.stack([main[image, rows] for main in mains])))
            where.append(np.array([[row in of_rule for row in rows] for of_rule in pairs], bool))
    found = _weighted(images, odds, right, weights, len(temperatures))
    return replace(found, told=np.concatenate(
        [np.empty((len(temperatures), 0), bool), *where], axis=1))


def of_phrases(classifier: "Classifier", background: "Background", phrases: Sequence[str],
               vectors: "NDArray[np.float32]", embeddings: "NDArray[np.float32]",
               truth: "NDArray[np.int64]", weights: "NDArray[np.float64]",
               temperatures: Sequence[float]) -> Pairs:
    """What images may be told by a model without a vocabulary: their own class and, of the others,
    the likeliest. How often a word is true that a user asks for, nobody knows; here it is half of
    the time, and it is not easily told when it is not.

    phrases, vectors ``[C, D]``: of the classes; truth: of these the right one of each image.
    """
    shares = np.stack([background.shares(embeddings, phrases, vectors,
                                         classifier.model.calibration.temperature * temperature)
                       for temperature in temperatures])
    everywhere = np.arange(len(truth))
    others = shares.mean(axis=0)
    others[everywhere, truth] = -1
    wrong = others.argmax(axis=1)
    odds = [log_odds(shares[:, image, [truth[image], wrong[image]]]) for image in everywhere]
    return _weighted(np.repeat(everywhere, 2).tolist(), odds, [True, False] * len(truth), weights,
                     len(temperatures))


def _bare(classifier: "Classifier", temperature: float) -> Confidences:
    """Confidences at a temperature, not calibrated."""
    manifest = classifier.model.manifest
    rule: ConfidenceRule = replace(manifest.confidence, temperature=temperature, slope=1.0,
                                   offset=0.0)
    return Confidences(classifier.vocabulary, manifest.calibration, rule)


def _answers(main: "NDArray[np.float32]", confidences: Confidences,
             vocabulary: "Vocabulary") -> "NDArray[np.int64]":
    """The rows of the first keywords, ``[thresholds, n]``."""
    from zsl_cli.classifier.confidence import Evidence

    answers = np.full((len(THRESHOLDS), len(main)), NONE, np.int64)
    evidence = Evidence(main, main)
    for at, threshold in enumerate(THRESHOLDS):
        chosen = choose(KeywordRule(threshold, 1), evidence, vocabulary, confidences.taxonomy)
        for image, words in enumerate(chosen):
            if words:
                answers[at, image] = vocabulary.rows[words[0].id]
    return answers


def _weighted(images: list[int], odds: "list[NDArray[np.float64]]", right: list[bool],
              weights: "NDArray[np.float64]", temperatures: int) -> Pairs:
    """The pairs; the weight of an image is shared by its own."""
    of_pair = np.array(images, np.int64)
    shares = weights / np.maximum(np.bincount(of_pair, minlength=len(weights)), 1)
    return Pairs(of_pair, np.concatenate([np.empty((temperatures, 0)), *odds], axis=1),
                 np.array(right, bool), shares[of_pair])
