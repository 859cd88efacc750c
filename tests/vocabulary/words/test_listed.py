"""What the lines of a list of labels mean, in whatever way the field writes them."""

import unicodedata

import numpy as np
import pytest

from zsl_cli import Vocabulary
from zsl_cli.vocabulary import writing
from zsl_cli.vocabulary.names.label import Label
from zsl_cli.vocabulary.words import listed

LABELS = (
    Label("n01440764", "tench", ("Tinca tinca",)), Label("n01443537", "goldfish"),
    Label("n02443114", "black-footed ferret", ("ferret",)), Label("n02134084", "ice bear",
                                                                ("polar bear",)),
    Label("n02012849", "crane", gloss="a bird"),
    Label("n03126707", "crane", ("derrick crane",), gloss="lifts"),
    Label("n00000007", "entrée"), Label("n00000008", "dog"))


def load(folder, labels):
    folder.mkdir()
    writing.write(folder, "v", "s", labels, np.eye(len(labels), dtype=np.float32))
    return Vocabulary.load(folder)


@pytest.fixture
def vocabulary(tmp_path):
    """WordNet's ids, two cranes and a name with a hyphen."""
    return load(tmp_path / "wordnet", LABELS)


@pytest.mark.parametrize(("line", "id_"), [
    ("n01440764 tench, Tinca tinca", "n01440764"), ("n01440764\ttench", "n01440764"),
    ("tench, Tinca tinca", "n01440764"), ("tench, a word that nobody knows", None),
    ("tench, Unknownia unknownis", "n01440764"), ("12) tench", "n01440764"),
    ("7\tn01440764\tgoldfish", "n01440764"), ("goldfish (n01440764)", "n01440764"),
    ("1\tpolar+bear", "n02134084"), ("polar+bear", "n02134084"), ("Polar_Bear", "n02134084"),
    ("001.Black_footed_Ferret", "n02443114"), ("black-footed_ferret", "n02443114"),
    ("BLACK FOOTED FERRET", "n02443114"), ("ice-bear", "n02134084"), ("/d/dog", "n00000008"),
    ("crane, derrick crane", "n03126707"), ("crane", "n02012849"),
    (unicodedata.normalize("NFD", "Entrée"), "n00000007"),
    ("n09999999 dog", None), ("dog, goldfish", None), ("dog, sitting on a tench", None),
    ("dog, on the beach", None), ("a dog, a tench", None), ("route 66", None), ("7 dog", None)])
def test_a_line_means_the_label_that_its_id_or_its_names_say(vocabulary, line, id_):
    match = listed.meaning(line, vocabulary)
    assert (match and vocabulary.label(match.row).id) == id_


def test_names_that_differ_in_a_hyphen_alone_stay_two_labels(tmp_path):
    words = load(tmp_path / "v", (Label("a", "red eye"), Label("b", "red-eye")))
    assert [words.find(name).row for name in ("red eye", "red_eye", "red-eye")] == [0, 0, 1]


def test_a_blank_beside_a_hyphen_is_no_hyphen_of_a_name(tmp_path):
    words = load(tmp_path / "v", (Label("a", "guinea pig"),))
    assert words.look_up("guinea-pig")
    assert words.look_up("guinea - pig") is None


def test_ids_of_any_kind_count_in_front_and_words_that_are_ids_do_not(tmp_path):
    others = load(tmp_path / "v", (
        Label("Q140", "lion"), Label("48662", "monarch"), Label("cat", "domestic cat"),
        Label("hot", "hot")))
    meant = [listed.meaning(text, others) for text in (
        "Q140 big cat", "Q140_x", "48662_Danaus_plexippus", "48662 flies", "cat food", "hot_dog")]
    assert [match and match.row for match in meant] == [0, 0, 1, None, None, None]


def test_a_phrase_is_as_it_was_written_but_for_an_id_that_says_nothing():
    assert listed.phrase("n01440764 tench, Tinca tinca") == "tench"
    for text in ("route 66", "polar+bear", "a dog, on the beach", "tench, Tinca tinca"):
        assert listed.phrase(text) == text


@pytest.mark.parametrize(("line", "label"), [
    ("n01440764 tench, Tinca tinca", Label("n01440764", "tench", ("Tinca tinca",))),
    ("tench, Tinca tinca", Label("tench, Tinca tinca", "tench", ("Tinca tinca",))),
    ("n01440764", Label("n01440764", "n01440764")), ("hot_dog", Label("hot_dog", "hot dog")),
    ("1\tpolar+bear", Label("1 polar+bear", "polar bear")), (",", Label(",", ","))])
def test_a_line_makes_a_label_with_its_id_and_its_names(line, label):
    assert listed.label(line) == label
