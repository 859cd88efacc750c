"""What captions say: names in any number, what lies above, people."""

import numpy as np
import pytest

from zsl_cli import Vocabulary
from zsl_cli.evaluation.captions.caption_words import CaptionWords
from zsl_cli.support.manifests import VocabularyManifest
from zsl_cli.vocabulary.names.label import Label

LABELS = [
    Label("person", "person"), Label("child", "child", parents=("person",)),
    Label("people", "people"),
    Label("animal", "animal", plain=("animal",)),
    Label("dog", "domestic dog", ("Canis familiaris",), parents=("animal",), plain=("dog",)),
    Label("poodle", "poodle", parents=("dog",)),
    Label("hotdog", "frankfurter", ("hot dog",)),
    Label("firedog", "andiron", ("dog",)),
    Label("watch", "watch", parents=("clock",)), Label("clock", "clock"),
    Label("orange", "orange", plain=("orange",)), Label("box", "box"), Label("berry", "berry"),
    Label("knife", "knife"), Label("glass", "glass")]
ROWS = {label.id: row for row, label in enumerate(LABELS)}


def vocabulary_of(labels):
    manifest = VocabularyManifest("v", "1", "s", len(labels), {}, labels=len(labels))
    return Vocabulary(manifest, None, [label.to_json().encode() for label in labels],
                      np.eye(len(labels), dtype=np.float32))


@pytest.fixture
def words():
    return CaptionWords(vocabulary_of(LABELS))


def said(words, *captions):
    return {LABELS[row].id for row in words.of([captions]).rows[0]}


def test_the_s_of_a_possessive_is_no_plural(words):
    assert [word for word, _ in words.said_by("a dog 's tail , the dogs of a poodle s owner")] == [
        "dog", "dogs", "poodle"]


def test_a_poodle_is_a_dog_and_an_animal(words):
    assert said(words, "Two Poodles on a rug .") == {"poodle", "dog", "animal"}


def test_a_hot_dog_is_no_dog(words):
    assert said(words, "a man's hot dog") == {"hotdog", "person"}


def test_a_plain_word_is_before_other_names(words):
    assert said(words, "a dog .") == {"dog", "animal"}
    assert said(words, "a Canis familiaris") == {"dog", "animal"}


@pytest.mark.parametrize(("caption", "labels"), [
    ("A man sits", {"person"}), ("a girl", {"person", "child"}), ("Some players", {"person"}),
    ("a crowd", {"person"}), ("many people", {"person", "people"}),
    ("the toddlers", {"person", "child"}), ("a climber", {"person"})])
def test_people_have_many_words(words, caption, labels):
    assert said(words, caption) == labels


def test_people_are_not_what_is_called_alike_elsewhere():
    """Without persons among the labels a man is nobody's word; with them he is no ape."""
    ape = Label("homo", "man", parents=("animal",))
    words = CaptionWords(vocabulary_of([*LABELS, ape]))
    assert words.of([["a man"]]).rows == (frozenset({ROWS["person"]}),)


def test_verbs_and_colours_are_no_things_unless_they_are_asked_for(words):
    assert said(words, "A dog watches an orange ball") == {"dog", "animal"}
    asked = CaptionWords(vocabulary_of(LABELS), ["watch"])
    assert {LABELS[row].id for row in asked.of([["he watches"]]).rows[0]} == {"watch", "clock"}


def test_one_caption_of_several_is_enough(words):
    assert said(words, "Fun !", "a box", "boxes") == {"box"}


def test_words_are_counted_by_image_and_not_for_what_lies_below(words):
    found = words.of([["a dog", "dogs"], ["a poodle"], ["nothing"]])
    assert found.own[ROWS["dog"]] == 1
    assert sum(ROWS["dog"] in rows for rows in found.rows) == 2
    assert found.words[ROWS["dog"]] == {"dog": 1, "dogs": 1}


def test_everyday_labels_are_those_with_a_plain_word_and_all_where_none_has(words):
    assert {LABELS[row].id for row in words.everyday} == {"animal", "dog", "orange"}
    bare = vocabulary_of([Label("a", "a"), Label("b", "b")])
    assert CaptionWords(bare).everyday == {0, 1}
