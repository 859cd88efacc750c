"""Keywords out of a user's own list."""

from types import SimpleNamespace

import numpy as np

from zsl_cli import Vocabulary, Word
from zsl_cli.classifier.confidence import Evidence
from zsl_cli.classifier.keyword_rule import KeywordRule
from zsl_cli.classifier.keywords import choose
from zsl_cli.vocabulary import writing
from zsl_cli.vocabulary.names.label import Label
from zsl_cli.vocabulary.names.language import LanguageNames
from zsl_cli.vocabulary.words.own_words import take


def test_keywords_are_the_words_of_the_list_in_its_hierarchy(tmp_path):
    labels = [Label("a", "domestic dog", plain=("dog",)), Label("b", "cat")]
    writing.write(tmp_path, "v", "s", labels, np.eye(2, dtype=np.float32))
    vocabulary = Vocabulary.load(tmp_path)

    def keywords(*words):
        taken = take(vocabulary, words, phrases=True)
        subset = vocabulary.subset([one.row for one in taken], taken=taken)
        sure = np.array([[0.9, 0.8]], np.float32)
        (chosen,) = choose(KeywordRule(), Evidence(sure, sure), vocabulary,
                                        vocabulary.taxonomy, subset)
        return [(one.id, one.name, one.path) for one in chosen]

    assert keywords(Word("Dogs", ("Pets",)), Word("Cats", ("Pets",))) == [
        ("a", "Dogs", ("Pets", "Dogs")), ("b", "Cats", ("Pets", "Cats"))]
    (dogs, cats) = keywords(Word("a", ("Pets",)), Word("Cats", ("Pets",)))
    assert (dogs, cats) == (("a", "dog", ("Pets", "dog")), ("b", "Cats", ("Pets", "Cats")))
    vocabulary.language = LanguageNames(SimpleNamespace(language="de"), {
        "a": ("Hund",), "b": ("Katze",)})
    assert keywords(Word("a"), Word("Cats", ("Tiere",))) == [
        ("a", "Hund", ("Hund",)), ("b", "Cats", ("Tiere", "Cats"))]
    assert keywords(Word("Dogs"), Word("Cats")) == [("a", "Dogs", ("Dogs",)),
                                                    ("b", "Cats", ("Cats",))]
