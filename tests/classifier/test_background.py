"""Confidences of a model that has no vocabulary: each candidate against general phrases."""

import numpy as np
import pytest
import text_model

from zsl_cli import Classifier
from zsl_cli.classifier.background import GENERIC, Background
from zsl_cli.classifier.confidence import Confidences
from zsl_cli.errors import ZslError
from zsl_cli.support.calibration import Calibration, ConfidenceRule
from zsl_cli.vocabulary.vocabulary import Vocabulary

SHARP = {"calibration": {"temperature": 0.05}}
RED, BLUE = np.eye(4, dtype=np.float32)[[0, 2]]


@pytest.fixture
def classifier(tmp_path):
    model = text_model.make(tmp_path / "paint", **SHARP)
    return Classifier.load(model, None)


def confidences(classifier, *labels):
    nearest = classifier.candidates(list(labels))
    order = [nearest.label(int(row)).name for row in nearest.rows]
    evidence = classifier.evidence(np.stack([RED, BLUE]), nearest)
    assert (evidence.confidences == evidence.main).all()
    return dict(zip(order, evidence.confidences.T.tolist(), strict=True))


def test_a_single_candidate_is_sure_only_where_it_is_there(classifier):
    """A photo of red has the score 1 for blue alone; the confidence is not one."""
    assert not len(classifier.vocabulary)
    red, blue = confidences(classifier, "blue")["blue"]
    assert red < 0.05
    assert blue > 0.99


def test_a_confidence_is_the_same_whatever_else_is_a_candidate(classifier):
    alone = confidences(classifier, "red")["red"]
    assert confidences(classifier, "red", "blue", "green", "deep red")["red"] == alone


def test_keywords_are_those_that_are_there(classifier):
    nearest = classifier.candidates(["red", "blue"])
    evidence = classifier.evidence(np.stack([RED, BLUE]), nearest)
    found = classifier.keywords(evidence, nearest=nearest)
    assert [[word.name for word in words] for words in found] == [["red"], ["blue"]]


def test_without_candidates_and_vocabulary_there_are_no_confidences(classifier):
    assert classifier.evidence(RED[None]).confidences.shape == (1, 0)


def test_what_has_a_word_in_common_does_not_count_against_a_candidate():
    background = Background(("a beach", "a tree"), np.eye(2, 4, dtype=np.float32))
    image = np.array([[1, 0, 0, 0]], np.float32)
    same = background.vectors[:1]
    (rival,), = background.shares(image, ["the shore"], same, 0.1)
    (alone,), = background.shares(image, ["sandy beaches"], same, 0.1)
    assert rival == pytest.approx(0.5, abs=1e-4)
    assert alone > 0.999


def test_candidates_are_compared_each_with_its_own_rivals():
    random = np.random.default_rng(0)
    background = Background(("a beach", "a tree", "a dog"),
                            random.normal(size=(3, 4)).astype(np.float32))
    images, vectors = random.normal(size=(2, 5, 4)).astype(np.float32)
    words = ["sand", "tall trees", "dog on a beach", "salt", "a tree"]
    together = background.shares(images, words, vectors, 0.5)
    for column, word in enumerate(words):
        alone = background.shares(images, [word], vectors[column:column + 1], 0.5)
        np.testing.assert_allclose(together[:, column], alone[:, 0], rtol=1e-5)
    assert len(np.unique(together)) == together.size


def test_a_candidate_without_a_rival_is_no_error():
    background = Background(("a tree",), np.eye(1, 4, dtype=np.float32))
    shares = background.shares(np.eye(1, 4, dtype=np.float32), ["tree"], background.vectors, 0.1)
    assert shares.tolist() == [[pytest.approx(1)]]


def test_generic_phrases_are_different_and_plenty():
    assert len(set(GENERIC)) == len(GENERIC) >= 40


def test_a_model_that_encodes_nothing_is_an_error():
    rule = Confidences(Vocabulary.empty("s", 4), Calibration(), ConfidenceRule())
    with pytest.raises(ZslError, match="a vocabulary, or a model that encodes phrases"):
        _ = rule._background
