"""Labelled images: class folders, CSV files, and what is wrong with them."""

import numpy as np
import pytest
from small_sets import make, touch

from zsl_cli import Vocabulary
from zsl_cli.errors import ZslError
from zsl_cli.evaluation import datasets
from zsl_cli.vocabulary.names.label import Label


@pytest.fixture
def vocabulary(tmp_path):
    """WordNet's kind of ids; white alone is a label, too."""
    return Vocabulary.load(make(tmp_path / "vocabulary", (
        Label("n02123045", "tabby", synonyms=("tabby cat",)), Label("n02084071", "dog"),
        Label("n03126707", "crane", gloss="lifts"), Label("n02012849", "crane", gloss="a bird"),
        Label("n00000001", "great white shark"))))


@pytest.mark.parametrize(("name", "id_"), [
    ("tabby", "n02123045"), ("Tabby_Cat", "n02123045"), ("n02123045", "n02123045"),
    ("n02012849_crane", "n02012849"), ("great_white_shark", "n00000001"),
    ("great-white-shark", "n00000001"), ("n02123045_whatever", "n02123045"),
    ("n02123045-tabby", "n02123045"), ("n02012849 crane", "n02012849")])
def test_a_class_folder_is_named_by_name_synonym_or_id(tmp_path, vocabulary, name, id_):
    found = datasets.read(touch(tmp_path / "set", f"{name}/a.jpg"), vocabulary)
    assert [vocabulary.label(row).id for row in found.rows] == [id_]


def test_an_unknown_id_does_not_stand_for_the_name_behind_it(tmp_path, vocabulary):
    folder = touch(tmp_path / "set", "n09999999_crane/a.jpg", "dog/a.jpg")
    found = datasets.read(folder, vocabulary)
    assert [one.name for one in found.unknown] == ["n09999999_crane"]
    assert found.unknown[0].nearest == ("crane",)


def test_a_vocabulary_with_other_ids_knows_classes_by_the_name_behind_the_id(tmp_path):
    words = Vocabulary.load(make(tmp_path / "words", (Label("1", "dog"), Label("2", "cat"))))
    folder = touch(tmp_path / "set", "n02084071_dog/a.jpg", "n02121620_cat/a.jpg")
    assert datasets.read(folder, words).rows.tolist() == [0, 1]


def test_the_first_word_of_a_class_is_no_id_of_its_own(tmp_path):
    words = Vocabulary.load(make(tmp_path / "words", (Label("hot", "hot"), Label("dog", "dog"))))
    found = datasets.read(touch(tmp_path / "set", "hot_dog/a.jpg", "dog/a.jpg"), words)
    assert [one.name for one in found.unknown] == ["hot_dog"]


def test_images_lie_deeper_and_in_a_stable_order(tmp_path, vocabulary):
    folder = touch(tmp_path / "set", "tabby/b.jpg", "tabby/a.PNG", "tabby/deep/er/c.webp",
                   "tabby/notes.txt", ".git/x.jpg", "dog/.hidden.jpg", "dog/d.jpg")
    found = datasets.read(folder, vocabulary)
    assert [path.relative_to(folder).as_posix() for path in found.paths] == [
        "dog/d.jpg", "tabby/a.PNG", "tabby/b.jpg", "tabby/deep/er/c.webp"]
    assert found.rows.tolist() == [1, 0, 0, 0]
    assert found.labels.tolist() == [0, 1]


def test_unknown_and_empty_classes_and_loose_images_are_told_and_the_rest_goes_on(
        tmp_path, vocabulary):
    folder = touch(tmp_path / "set", "tabby/a.jpg", "tabbi/a.jpg", "tabbi/b.jpg", "dog/readme.txt",
                   "zzz/readme.txt", "loose.jpg")
    found = datasets.read(folder, vocabulary)
    assert len(found) == 1
    assert [(one.name, one.images, one.nearest[0]) for one in found.unknown] == [
        ("tabbi", 2, "tabby")]
    assert [one.name for one in found.empty] == ["dog", "zzz"]
    assert found.loose == 1


def test_folders_of_one_label_are_one_class(tmp_path, vocabulary):
    found = datasets.read(touch(tmp_path / "set", "tabby/a.jpg", "tabby cat/b.jpg"), vocabulary)
    assert found.labels.tolist() == [0]
    assert len(found.classes) == 2


def test_what_a_name_with_several_senses_was_taken_for_is_kept(tmp_path, vocabulary):
    found = datasets.read(touch(tmp_path / "set", "crane/a.jpg"), vocabulary)
    assert found.classes[0].match.others


def test_a_csv_names_paths_from_its_own_folder_on(tmp_path, vocabulary):
    table = tmp_path / "set" / "list.csv"
    table.parent.mkdir()
    table.write_text("\ufefflabel,note,path\ntabby cat,x,a.jpg\nn02084071,,sub/b.jpg\nnone,,c.jpg\n"
                     f"dog,,{tmp_path / 'd.jpg'}\n", encoding="utf-8")
    found = datasets.read(table, vocabulary)
    assert found.paths == (table.parent / "a.jpg", table.parent / "sub/b.jpg", tmp_path / "d.jpg")
    assert found.rows.tolist() == [0, 1, 1]
    assert [one.name for one in found.unknown] == ["none"]


def test_some_labels_of_a_set(tmp_path, vocabulary):
    folder = touch(tmp_path / "set", "tabby/a.jpg", "dog/b.jpg", "dog/c.jpg")
    some = datasets.read(folder, vocabulary).of(np.array([1]))
    assert [path.name for path in some.paths] == ["b.jpg", "c.jpg"]


@pytest.mark.parametrize(("text", "message"), [
    ("path\na.jpg\n", "names no column label"), ("", "names no column path or label"),
    ("path,label\na.jpg,\n", "line 2: path or label is empty"),
    ("path,label\n", "no images are listed"), ("path,label\nx,tabbi\n", "tabby")])
def test_a_csv_that_is_none_says_why(tmp_path, vocabulary, text, message):
    table = tmp_path / "list.csv"
    table.write_text(text)
    with pytest.raises(ZslError, match=message):
        datasets.read(table, vocabulary)


@pytest.mark.parametrize(("names", "message"), [
    (["a.jpg"], "no class folders"), (["tabby/a.txt"], "no images in its class folders"),
    (["tabbi/a.jpg"], "knows none of its 1 class, such as 'tabbi'; the nearest names are: tabby")])
def test_a_folder_without_a_single_labelled_image_is_an_error(
        tmp_path, vocabulary, names, message):
    with pytest.raises(ZslError, match=message):
        datasets.read(touch(tmp_path / "set", *names), vocabulary)


def test_a_set_that_is_not_there(tmp_path, vocabulary):
    with pytest.raises(ZslError, match="no such folder or CSV file"):
        datasets.read(tmp_path / "nowhere", vocabulary)


def test_an_image_by_itself_is_no_set(tmp_path, vocabulary):
    with pytest.raises(ZslError, match=r"a\.jpg: an image by itself; expected a folder with"):
        datasets.read(touch(tmp_path, "a.jpg") / "a.jpg", vocabulary)
