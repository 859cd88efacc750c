"""Words and lines of a vocabulary that is written as text."""

import numpy as np
from royal import make

from zsl_cli import Vocabulary
from zsl_cli.vocabulary import as_text
from zsl_cli.vocabulary.names.label import Label


def test_word2vec_text_has_the_dimensions_before_the_prior(royal):
    vocabulary = Vocabulary.load(royal)
    words, ids = as_text.words(vocabulary)
    lines = list(as_text.word2vec(vocabulary, words))
    assert (lines[0], ids, len(lines)) == (b"8 4\n", 1, 9)


def test_words_are_never_alike(tmp_path):
    labels = [Label("a", "x"), Label("w_2", "x"), Label("b", "w 2"), Label("z", "\u2028")]
    folder = make(tmp_path / "v", labels, np.eye(4))
    words, _ = as_text.words(Vocabulary.load(folder))
    assert words == ["x", "w_2_", "w_2", "z"]
