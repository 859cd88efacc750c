"""The forms of a word, among the names of a vocabulary."""

import numpy as np
import pytest

from zsl_cli import Vocabulary
from zsl_cli.vocabulary import writing
from zsl_cli.vocabulary.names.label import Label
from zsl_cli.vocabulary.names.name_index import alike
from zsl_cli.vocabulary.names.word_forms import singulars

NAMES = ("dog", "puppy", "wolf", "knife", "man", "person", "child", "mouse", "box", "church",
         "potato", "cookie", "ski", "cactus", "fireman", "fire truck", "T-shirt", "sweatshirt",
         "gray wolf", "harbor", "theater", "jewelry", "glass", "jean", "arm", "bus", "gas", "tor",
         "new", "grass", "olive", "leaf", "quiz", "go by")


@pytest.fixture(scope="module")
def vocabulary(tmp_path_factory):
    folder = tmp_path_factory.mktemp("v")
    labels = [Label(f"l{row}", name) for row, name in enumerate(NAMES)]
    writing.write(folder, "v", "s", labels, np.eye(len(labels), dtype=np.float32))
    return Vocabulary.load(folder)


@pytest.mark.parametrize(("text", "name"), [
    ("dogs", "dog"), ("Puppies", "puppy"), ("wolves", "wolf"), ("knives", "knife"),
    ("leaves", "leaf"), ("olives", "olive"), ("men", "man"), ("people", "person"),
    ("the children", "child"), ("mice", "mouse"), ("boxes", "box"), ("churches", "church"),
    ("potatoes", "potato"), ("cookies", "cookie"), ("skis", "ski"), ("cacti", "cactus"),
    ("firemen", "fireman"), ("firetruck", "fire truck"), ("fire-trucks", "fire truck"),
    ("firetrucks", "fire truck"), ("tshirt", "T-shirt"), ("t shirts", "T-shirt"),
    ("sweat shirt", "sweatshirt"), ("sweat-shirts", "sweatshirt"), ("grey wolves", "gray wolf"),
    ("harbour", "harbor"), ("theatres", "theater"), ("jewellery", "jewelry"), ("buses", "bus"),
    ("quizzes", "quiz")])
def test_other_forms_of_a_name_are_understood(vocabulary, text, name):
    match = vocabulary.look_up(text)
    assert match is not None
    assert vocabulary.label(match.row).name == name
    assert alike(text, name)


@pytest.mark.parametrize("text", [
    "glasses", "jeans", "arms", "news", "James", "bu", "tour", "ga", "gras", "wolfs hound", "dogss",
    "s", "", "goby's"])
def test_a_word_is_not_turned_into_another(vocabulary, text):
    assert vocabulary.look_up(text) is None


def test_the_word_itself_comes_before_its_forms(tmp_path):
    labels = [Label("a", "glass"), Label("b", "spectacles", plain=("glasses",)),
              Label("c", "cherry"), Label("d", "cherries")]
    writing.write(tmp_path, "v", "s", labels, np.eye(4, dtype=np.float32))
    words = Vocabulary.load(tmp_path)
    assert [words.find(text).row for text in ("glasses", "glass", "cherries", "cherry")] == [
        1, 0, 3, 2]


@pytest.mark.parametrize(("plural", "one"), [
    ("dogs", "dog"), ("boxes", "box"), ("benches", "bench"), ("berries", "berry"),
    ("knives", "knife"), ("women", "woman"), ("buses", "bus"), ("horses", "horse"),
    ("scarves", "scarf"), ("hot dogs", "hot dog"), ("gloves", "glove"), ("axes", "axe")])
def test_what_a_plural_is_of(plural, one):
    assert one in list(singulars(plural))


@pytest.mark.parametrize("word", ["glass", "gas", "grass", "is", "glasses", "dog", "dog s", ""])
def test_what_only_ends_like_a_plural_is_none(word):
    assert not list(singulars(word))
