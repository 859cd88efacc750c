"""Keywords against right labels: information, what is right, risk over coverage, calibration."""

from types import SimpleNamespace
from typing import ClassVar

import numpy as np
import pytest

from zsl_cli.classifier.confidence import Evidence
from zsl_cli.classifier.predictions import Keyword
from zsl_cli.evaluation import selective
from zsl_cli.evaluation.information import NONE, information, kept, right
from zsl_cli.vocabulary.hierarchy.hypernyms import Hierarchy
from zsl_cli.vocabulary.names.label import Label

PARENTS = {"thing": [], "animal": ["thing"], "dog": ["animal"], "poodle": ["dog"],
           "terrier": ["dog"], "cat": ["animal"], "tool": ["thing"], "saw": ["tool"],
           "axe": ["tool"]}
NAMES = list(PARENTS)
HIERARCHY = Hierarchy(NAMES, PARENTS.values())
LEAVES = 5


def rows(*names):
    return np.array([NONE if name is None else NAMES.index(name) for name in names])


class FakeVocabulary:
    hierarchy = HIERARCHY
    rows: ClassVar = {name: row for row, name in enumerate(NAMES)}

    def __len__(self):
        return len(NAMES)


class Fake:
    """A classifier whose confidences are given; the keyword is the surest of the most specific
    labels."""

    def __init__(self, confidences):
        self._given = np.array([[line.get(name, 0) for name in NAMES] for line in confidences],
                               np.float32)
        self.vocabulary = FakeVocabulary()

    def embeddings(self):
        return np.arange(len(self._given), dtype=np.float32)[:, None]

    def evidence(self, embeddings):
        given = self._given[embeddings[:, 0].astype(int)]
        return Evidence(given, given)

    def keywords(self, evidence, *, confidence, most=None):
        says = information(HIERARCHY)
        answers = []
        for line in evidence.confidences:
            sure = [row for row in range(len(NAMES)) if line[row] >= confidence]
            best = max(sure, key=lambda row: (says[row], line[row]), default=None)
            answers.append(() if best is None else (
                Keyword(Label(NAMES[best], NAMES[best]), NAMES[best], float(line[best])),))
        return answers


def ranking(scores, answers):
    return SimpleNamespace(confidence=np.array(scores, np.float32),
                           ranked=rows(*answers)[:, None])


def test_a_root_says_nothing_and_a_leaf_all():
    says = information(HIERARCHY)
    assert says[NAMES.index("thing")] == 0
    assert says[NAMES.index("poodle")] == says[NAMES.index("saw")] == 1
    assert says[NAMES.index("dog")] == pytest.approx(1 - np.log(2) / np.log(LEAVES))
    assert says[NAMES.index("animal")] == pytest.approx(1 - np.log(3) / np.log(LEAVES))
    assert says[NONE] == 0


def test_without_a_hierarchy_all_labels_say_all():
    assert information(Hierarchy(["a", "b"], [[], []])).tolist() == [1, 1, 0]
    assert information(Hierarchy(["a"], [[]])).tolist() == [1, 0]


def test_labels_in_a_cycle_do_no_harm():
    says = information(Hierarchy(["a", "b", "c"], [["b"], ["a"], []]))
    assert np.isfinite(says).all()


def test_what_lies_above_or_below_is_right_and_no_answer_too():
    truth = rows("dog", "dog", "dog", "dog", "dog", "poodle")
    answers = rows("dog", "animal", "poodle", "cat", None, "terrier")
    assert right(answers, truth, HIERARCHY).tolist() == [True, True, True, False, True, False]


def test_information_kept_is_relative_to_the_label_and_at_most_all_of_it():
    truth = rows("dog", "dog", "dog", "dog", "dog", "poodle", "poodle")
    answers = rows("dog", "animal", "poodle", "cat", None, "dog", "thing")
    says = information(HIERARCHY)
    dog, animal = says[NAMES.index("dog")], says[NAMES.index("animal")]
    np.testing.assert_allclose(kept(answers, truth, HIERARCHY),
                               [1, animal / dog, 1, 0, 0, dog, 0])


def test_figures_are_means_over_classes():
    sure = {"thing": 1, "animal": 0.95, "dog": 0.95, "poodle": 0.95}
    classifier = Fake([sure, sure, sure,
                       {"thing": 1, "tool": 0.9, "saw": 0.3, "animal": 0.1, "cat": 0.1}])
    truth = rows("poodle", "poodle", "cat", "saw")
    row = selective.measure(classifier, classifier.embeddings(), truth,
                            ranking([0.9] * 4, ["poodle", "poodle", "poodle", "saw"]),
                            0.8, resamples=20).row
    tool = 1 - np.log(2) / np.log(LEAVES)
    assert tuple(row) == selective.FIGURES
    assert row["keyword_right"] == pytest.approx(2 / 3)
    assert row["keyword_information"] == pytest.approx((1 + 0 + tool) / 3)
    assert row["keyword_refused"] == 0
    assert row["keyword_right_low"] <= row["keyword_right"] <= row["keyword_right_high"]


def test_refused_images_are_right_and_keep_nothing():
    classifier = Fake([{"thing": 0.5}, {"thing": 0.5}])
    row = selective.measure(classifier, classifier.embeddings(), rows("cat", "saw"),
                            ranking([0.9, 0.9], ["cat", "cat"]), 0.8, resamples=20).row
    assert (row["keyword_right"], row["keyword_information"], row["keyword_refused"]) == (1, 0, 1)


def test_confidence_that_means_what_it_says_has_no_error_and_another_one_has():
    """Ten are told that they are poodles, and so dogs and animals; one of them is a cat."""
    def error(confidence):
        classifier = Fake([{"thing": 1, "animal": 1, "dog": confidence,
                            "poodle": confidence}] * 10)
        return selective.measure(
            classifier, classifier.embeddings(), rows(*["poodle"] * 9, "cat"),
            ranking([1.0] * 10, ["poodle"] * 10), 0.5, resamples=5).row
    # Means over classes: half of the weight is the cat's, and a third of each one's the animal's.
    assert error(0.5)["calibration_error"] == pytest.approx(0, abs=1e-6)
    assert error(0.9)["calibration_error"] == pytest.approx(0.4 * 2 / 3, abs=1e-6)
    assert error(0.9)["calibration_error_of_score"] == pytest.approx(0.5, abs=1e-6)


def test_nobody_knows_what_lies_below_the_label_so_calibration_leaves_it_out():
    classifier = Fake([{"thing": 1, "animal": 1, "dog": 1, "poodle": 0.6}])
    row = selective.measure(classifier, classifier.embeddings(), rows("dog"),
                            ranking([1.0], ["dog"]), 0.5, resamples=5).row
    assert row["calibration_error"] == pytest.approx(0)
    assert row["keyword_right"] == 1


def test_where_nothing_is_told_there_is_no_calibration_and_no_risk():
    classifier = Fake([{}, {}])
    row = selective.measure(classifier, classifier.embeddings(), rows("cat", "saw"),
                            ranking([0.9, 0.9], ["cat", "cat"]), 0.8, resamples=5).row
    assert row["calibration_error"] is None
    assert (row["aurc"], row["coverage"]) == (0, 0)


def test_the_curve_is_that_of_selective_classification_for_leaves():
    """Four leaves at rising confidence, the least sure one wrong."""
    classifier = Fake([{"poodle": 0.92}, {"cat": 0.72}, {"saw": 0.52}, {"axe": 0.32}])
    found = selective.measure(classifier, classifier.embeddings(),
                              rows("poodle", "cat", "saw", "terrier"),
                              ranking([1.0] * 4, ["poodle"] * 4), 0.8, resamples=5)
    points = set(zip(found.curve.coverage.round(6), found.curve.risk.round(6), strict=True))
    assert points == {(0, 0), (0.25, 0), (0.5, 0), (0.75, 0), (1, 0.25)}
    assert (np.diff(found.curve.coverage) >= 0).all()
    assert found.row["aurc"] == pytest.approx(0.25 * 0.25 / 2)
    assert found.row["coverage"] == 1


def test_blocks_of_images_change_nothing(monkeypatch):
    lines = [{"thing": 1, "animal": 0.9, "dog": 0.8, "poodle": 0.2 + at / 20} for at in range(12)]
    classifier = Fake(lines)
    truth = rows(*["poodle", "cat", "dog"] * 4)
    arguments = (classifier, classifier.embeddings(), truth, ranking([0.5] * 12, ["dog"] * 12), 0.7)
    whole = selective.measure(*arguments, resamples=5)
    monkeypatch.setattr(selective, "_BLOCK", 2 * len(NAMES))
    assert selective.measure(*arguments, resamples=5).row == whole.row
