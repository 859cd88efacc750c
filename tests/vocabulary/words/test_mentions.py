"""Labels that a sentence mentions."""

import numpy as np
import pytest

from zsl_cli import Vocabulary
from zsl_cli.support.manifests import VocabularyManifest
from zsl_cli.vocabulary.names.label import Label
from zsl_cli.vocabulary.words import mentions

LABELS = [Label("n1", "dog", plain=("dog",)), Label("n2", "frankfurter", ("hot dog",)),
          Label("n3", "chat", rare=("chat",)), Label("n4", "dog-day cicada of the south"),
          Label("n5", "T-shirt", plain=("T-shirt",))]


@pytest.fixture
def vocabulary():
    manifest = VocabularyManifest("v", "1", "s", len(LABELS), {}, labels=len(LABELS))
    return Vocabulary(manifest, None, [label.to_json().encode() for label in LABELS],
                      np.eye(len(LABELS), dtype=np.float32))


@pytest.mark.parametrize(("sentence", "names"), [
    ("Two dogs and a dog .", ["dog", "dog"]), ("a Hot_Dog for the dog", ["frankfurter", "dog"]),
    ("they chat", []), ("", []), ("the T-shirt, worn", ["T-shirt"]), ("n2", ["frankfurter"]),
    ("dog-day cicada of the south", ["dog-day cicada of the south"])])
def test_the_longest_names_of_a_sentence_in_its_order(vocabulary, sentence, names):
    assert [LABELS[row].name for row in mentions.rows(vocabulary, sentence)] == names


@pytest.mark.parametrize(("text", "rows"), [
    ("dogs", (0,)), ("hot dog", (1,)), ("two dogs", ()), ("chat", ()), ("", ())])
def test_the_label_that_a_text_is_the_name_of(vocabulary, text, rows):
    assert mentions.named(vocabulary, text) == rows
