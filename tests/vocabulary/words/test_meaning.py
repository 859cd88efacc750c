"""Sums of labels and what is near them in meaning."""

import numpy as np
import pytest
from royal import VECTORS, make, named, unit

from zsl_cli import Vocabulary
from zsl_cli.vocabulary.names.label import Label
from zsl_cli.vocabulary.words.meaning import neighbours, read_sum
from zsl_cli.vocabulary.words.phrases import compose


@pytest.fixture
def vocabulary(royal):
    return Vocabulary.load(royal)


def test_meanings_are_unit_vectors_without_prior_and_slack(vocabulary):
    np.testing.assert_allclose(vocabulary.meanings, unit(VECTORS), atol=1e-3)
    assert vocabulary.meanings.dtype == np.float32


@pytest.mark.parametrize("text", ["king - man + woman", "king \u2212 man + woman",
                                  "woman + w1  - man", "- man + king + woman"])
def test_a_sum_of_labels_leaves_its_words_out(vocabulary, text):
    found = neighbours(vocabulary, read_sum(vocabulary, text), 3)
    assert named(vocabulary, found)[0] == "w2"
    assert not {"w1", "w3", "w4"} & set(named(vocabulary, found))
    expected = unit(VECTORS)[0] - unit(VECTORS)[2] + unit(VECTORS)[3]
    assert found[0][1] == pytest.approx(
        unit(VECTORS)[1] @ expected / np.linalg.norm(expected), abs=1e-3)
    scores = [score for _, score in found]
    assert scores == sorted(scores, reverse=True)


def test_names_with_hyphens_and_blanks_stay_whole(vocabulary):
    one = read_sum(vocabulary, "x-ray fish - great white shark")
    assert [(term.sign, term.rows) for term in one] == [(1, [5]), (-1, [6])]


@pytest.mark.parametrize(("phrase", "ids"), [
    ("alte Straße", "ab"), ("άσπρος τοίχος", "cd"), ("STRASSE ΤΟΊΧΟΣ", "bd"), ("alte d", "ad")])
def test_every_word_of_a_composed_phrase_counts(tmp_path, phrase, ids):
    """However a name is folded to compare it: ``ß`` as ``ss``, ``ς`` as ``σ``."""
    names = {"a": "alte", "b": "Straße", "c": "άσπρος", "d": "τοίχος"}
    folder = make(tmp_path / "v", [Label(*item) for item in names.items()], np.eye(4))
    vocabulary = Vocabulary.load(folder)
    assert named(vocabulary, [(row, 0) for row in compose(vocabulary, phrase)]) == list(ids)


def test_k_above_the_number_of_labels_gives_all_but_the_label(vocabulary):
    found = neighbours(vocabulary, read_sum(vocabulary, "man"), 100)
    assert sorted(named(vocabulary, found)) == ["w1", "w2", "w4", "w5", "w6", "w7", "w8"]


def test_a_name_with_a_sign_in_it_is_a_name(tmp_path):
    labels = [Label("a", "rock"), Label("b", "roll"), Label("c", "rock + roll")]
    named = Vocabulary.load(make(tmp_path / "v", labels, np.eye(3)))
    assert [row for term in read_sum(named, "rock + roll") for row in term.rows] == [2]
    for minus in "-−–":
        terms = read_sum(named, f"rock {minus} roll")
        assert [(term.sign, *term.rows) for term in terms] == [(1, 0), (-1, 1)]
