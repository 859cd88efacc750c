"""Queries → unit vectors of the joint space."""

from pathlib import Path

import numpy as np
import text_model

from zsl_cli import Model, Vocabulary
from zsl_cli.classifier.sentences import SentenceEncoder
from zsl_cli.photos.search.queries import QueryEncoder
from zsl_cli.photos.search.request import Query
from zsl_cli.photos.search.space import JointSpace
from zsl_cli.vocabulary import writing
from zsl_cli.vocabulary.names.label import Label

VECTORS = np.array([[0, 1, 0, 0], [0, 0, 1, 0]], np.float32)


def test_a_name_alone_is_a_sentence_and_in_a_sum_its_thing(tmp_path):
    """The same name in both, asked for at once."""
    model = Model.load(text_model.make(tmp_path / "paint"), device="cpu")
    (tmp_path / "v").mkdir()
    labels = [Label("l1", "lawn"), Label("l2", "sea")]
    writing.write(tmp_path / "v", "v", "colours", labels, VECTORS,
                  writing.Beside(np.array([1]), np.array([[0, 0, 3, 4]], np.float32)))
    vocabulary = Vocabulary.load(tmp_path / "v")
    photo = Path("beach.jpg")
    known = {str(photo): np.array([1, 0, 0, 0], np.float16)}
    encoder = QueryEncoder(model, vocabulary, JointSpace.of(4, vocabulary), known.get)
    alone, total, of_words = encoder.encode([
        Query(("sea",)), Query((photo, "lawn"), minus=("sea",)), Query(("red", "lawn"))])
    sentences = SentenceEncoder(model, vocabulary)
    np.testing.assert_allclose(alone, sentences.encode(["sea"])[0], atol=1e-6)
    np.testing.assert_allclose(total, np.array([1, 1, -.6, -.8]) / 3**.5, atol=1e-6)
    expected = sentences.encode(["red"])[0] + VECTORS[0]
    np.testing.assert_allclose(of_words, expected / np.linalg.norm(expected), atol=1e-6)
