"""A model with a logit bias is asked about each label that was listed on its own."""

import json

import numpy as np
import pytest
import text_model

from zsl_cli import Classifier, Model
from zsl_cli.authoring.vocabularies.encode import EncodeRequest, encode_vocabulary
from zsl_cli.errors import FolderError


@pytest.fixture
def classifier(tmp_path):
    folder = text_model.make(tmp_path / "colours")
    manifest = json.loads((folder / "model.json").read_text())
    manifest["calibration"] = {"temperature": 0.1, "bias": -3.0}
    (folder / "model.json").write_text(json.dumps(manifest))
    (tmp_path / "labels.csv").write_text(
        "id,name,gloss,parents\nc,colour,,\nr,red,,c\ng,green,,c\n")
    encode_vocabulary(EncodeRequest(str(tmp_path / "labels.csv"), str(folder), templates=("{}",)))
    return Classifier.load(folder)


def _scores(classifier, photo, **asked):
    (prediction,) = classifier.classify([photo], **asked)
    return {label.name: label.score for label in prediction.labels}


def test_the_score_of_a_listed_label_is_a_sigmoid_whatever_else_is_listed(classifier, tmp_path):
    photo = text_model.photo(tmp_path / "red.png", (255, 40, 0))
    (embedding,) = classifier.model.embed([photo])
    phrases = ["red", "green", "dark red"]
    vectors = classifier.model.label_encoder.encode(phrases)
    expected = 1 / (1 + np.exp(3 - vectors @ embedding / 0.1))
    scores = _scores(classifier, photo, labels=phrases)
    assert [scores[name] for name in phrases] == pytest.approx(expected, abs=2e-3)
    assert _scores(classifier, photo, labels=["red"])["red"] == pytest.approx(scores["red"])
    assert [*scores.values()] == sorted(scores.values(), reverse=True)


def test_over_a_vocabulary_and_below_a_label_scores_are_shares(classifier, tmp_path):
    photo = text_model.photo(tmp_path / "red.png", (255, 40, 0))
    assert sum(_scores(classifier, photo).values()) == pytest.approx(1)
    assert sum(_scores(classifier, photo, under=["colour"]).values()) == pytest.approx(1)


def test_a_bias_that_is_no_number_is_refused(classifier):
    folder = classifier.model.path
    manifest = json.loads((folder / "model.json").read_text())
    manifest["calibration"]["bias"] = "much"
    (folder / "model.json").write_text(json.dumps(manifest))
    with pytest.raises(FolderError, match="bias 'much' is not a finite number"):
        Model.load(folder)
