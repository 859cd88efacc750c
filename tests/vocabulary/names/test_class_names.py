"""What the folders of a labelled set are called, read in one way by all that read them."""

import pytest
from hypothesis import given
from hypothesis.strategies import text
from small_sets import make, touch

from zsl_cli import Vocabulary
from zsl_cli.authoring.vocabularies import label_lists
from zsl_cli.authoring.vocabularies.label_lists import Places
from zsl_cli.evaluation import datasets
from zsl_cli.vocabulary.names.class_names import ClassName, read


@pytest.mark.parametrize(("text", "id_", "names"), [
    ("tabby_cat", None, ["tabby cat"]), ("n02123045", "n02123045", []),
    ("n02123045_tabby_cat", "n02123045", ["tabby cat"]), (" n02123045 ", "n02123045", []),
    ("n02123045-tabby", "n02123045", ["tabby"]), ("n02123045 tabby", "n02123045", ["tabby"]),
    ("n02099267-flat-coated_retriever", "n02099267", ["flat-coated retriever"]),
    ("n021230456_tabby", None, ["n021230456 tabby"]), ("n02123045tabby", None, ["n02123045tabby"]),
    ("n٠٢١٢٣٠٤٥_tabby", None, ["n٠٢١٢٣٠٤٥ tabby"]), ("N02123045", None, ["N02123045"]),
    ("tabby_n02123045", "n02123045", ["tabby"]), ("tabby (n02123045)", "n02123045", ["tabby"]),
    ("n01440764 tench, Tinca tinca", "n01440764", ["tench", "Tinca tinca"]),
    ("n01440764\ttench", "n01440764", ["tench"]), ("7\tn01440764\ttench", "n01440764", ["tench"]),
    ("n02119789 1 kit_fox", "n02119789", ["kit fox"]),
    ("001.Black_footed_Albatross", None, ["Black footed Albatross"]),
    ("12) tench", None, ["tench"]), ("1\tpolar+bear", None, ["polar bear"]),
    ("/a/amusement_park", None, ["amusement park"]), ("'tench, Tinca tinca'", None,
                                                      ["tench", "Tinca tinca"]),
    ("tench, tench,", None, ["tench"]), ("route 66", None, ["route 66"]), ("C++", None, ["C++"]),
    ("3.5 inch disk", None, ["3.5 inch disk"]),
    ("a dog, on a beach", None, ["a dog, on a beach"]), ("", None, []), (",", None, [])])
def test_an_id_and_the_names_beside_it(text, id_, names):
    assert read(text) == ClassName(id_, tuple(names))


@given(text())
def test_any_text_is_read(text):
    said = read(text)
    assert all(name == name.strip() and name for name in said.names)


def test_folders_that_make_a_vocabulary_are_all_known_to_it(tmp_path, wordnet):
    folder = touch(tmp_path / "set", *(f"{name}/a.jpg" for name in (
        "n02123045-tabby", "n02099267_flat-coated_retriever", "n00000006", "great-white-shark",
        "hot_dog", "n021230456_odd")))
    labels = label_lists.read(str(folder), Places(wordnet=tmp_path))
    vocabulary = Vocabulary.load(make(tmp_path / "v", labels))
    assert datasets.read(folder, vocabulary).unknown == ()
    assert {label.id: label.name for label in labels} == {
        "n02123045": "tabby", "n02099267": "flat-coated retriever", "n00000006": "crane",
        "great-white-shark": "great-white-shark", "hot_dog": "hot dog",
        "n021230456_odd": "n021230456 odd"}
