"""Phrases as candidate labels in the Python API."""

import numpy as np
import pytest
import text_model

from zsl_cli import Classifier
from zsl_cli.errors import UnknownLabelError, ZslError


@pytest.fixture
def painted(tmp_path):
    """A model that encodes phrases, with a vocabulary of its own."""
    folder = text_model.make(tmp_path / "colours")
    text_model.make_vocabulary(folder / "vocab", name="paints")
    return folder


@pytest.fixture
def red(tmp_path):
    """A red picture."""
    return str(text_model.photo(tmp_path / "red.png", text_model.COLOURS["red"]))


def test_the_label_encoder_is_not_read_without_a_phrase(painted, monkeypatch):
    monkeypatch.setattr("zsl_cli.embedding.label_encoder.LabelEncoder.load",
                        lambda *_, **__: pytest.fail("loaded"))
    classifier = Classifier.load(painted, device="cpu")
    classifier.candidates(["navy"])
    classifier.candidates()
    with pytest.raises(pytest.fail.Exception):
        classifier.candidates(["red bus"])


def test_the_python_api_takes_phrases_as_they_are(painted, red):
    classifier = Classifier.load(painted, device="cpu")
    (prediction,) = classifier.classify([red], labels=["red bus", " red bus", "navy", "red bus"])
    assert sorted((label.id, label.name) for label in prediction.labels) == [
        (" red bus", " red bus"), ("c3", "navy"), ("red bus", "red bus")]
    (everything,) = classifier.classify([red])
    assert [label.name for label in everything.labels] == ["crimson", "colour", "navy"]
    for wrong in ("", "  ", "caf\udce9"):
        with pytest.raises(UnknownLabelError):
            classifier.classify([red], labels=[wrong])
    with pytest.raises(ZslError, match="empty"):
        classifier.classify([red], labels=[])


def test_phrases_have_no_part_in_the_prior(tmp_path, red):
    # the prior's dimension is the one in which unknown words lie
    folder = text_model.make(tmp_path / "usual")
    text_model.make_vocabulary(folder / "vocab", prior_dimension=3)
    classifier = Classifier.load(folder, device="cpu")
    nearest = classifier.candidates(["thing", "colour"])
    rows, products = nearest.search(np.array([[0, 0, 0.6, 0.8]], np.float32), 2)
    assert [nearest.label(row).name for row in rows[0].tolist()] == ["colour", "thing"]
    np.testing.assert_allclose(products, [[0.3, 0]], atol=1e-6)
