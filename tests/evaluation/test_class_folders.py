"""Folders of classes, and what lies above them."""

import os

import pytest
from small_sets import make, touch

from zsl_cli import Vocabulary
from zsl_cli.authoring.vocabularies import label_lists
from zsl_cli.errors import ZslError
from zsl_cli.evaluation import class_folders, datasets
from zsl_cli.evaluation.left_out import Collector
from zsl_cli.vocabulary.names.label import Label


@pytest.fixture
def vocabulary(tmp_path):
    """Labels that the parts of data sets are called by, too."""
    return Vocabulary.load(make(tmp_path / "v", (
        Label("1", "dog"), Label("2", "cat"), Label("3", "train"), Label("4", "test"),
        Label("5", "image"))))


@pytest.mark.parametrize(("files", "what", "meant"), [
    (["train/dog/a.jpg", "train/cat/a.jpg", "val/dog/b.jpg"], "parts", "train"),
    (["Train_set/dog/a.jpg", "test-images/dog/b.jpg", "notes/readme.txt"], "parts", "Train_set"),
    (["train/dog/a.jpg", "test/1.jpg"], "parts", "train"),
    (["val2017/dog/a.jpg", "train2017/dog/b.jpg", "samples/a.jpg"], "parts", "train2017"),
    (["train/a.jpg", "val/a.jpg"], "parts", "train"),
    (["train/photos/dog/a.jpg", "val/photos/dog/a.jpg"], "parts", "train/photos"),
    (["a/abbey/1.jpg", "c/castle/1.jpg", "c/cave/1.jpg"], "letters", "a"),
    (["images/dog/a.jpg", "images/cat/a.jpg", "attributes/list.txt"], "what holds all", "images")])
def test_what_lies_above_the_classes_is_refused_and_the_folder_that_was_meant_is_named(
        tmp_path, vocabulary, files, what, meant):
    folder = touch(tmp_path / "photos", *files)
    for read in (lambda: datasets.read(folder, vocabulary),
                 lambda: label_lists.read(str(folder), label_lists.Places())):
        with pytest.raises(ZslError, match=f"its folders are {what}.*{folder / meant}"):
            read()


@pytest.mark.parametrize("files", [
    ["train/a.jpg", "dog/a.jpg"], ["train/1999/a.jpg", "dog/a.jpg", "cat/a.jpg"],
    ["train/a.jpg", "dog/deep/er/a.jpg"], ["a/1.jpg", "b/1.jpg"], ["a/me/1.jpg", "b/you/2.jpg"],
    ["dog/2001/a.jpg", "cat/2002/b.jpg"], ["image/a.jpg"], ["x/a.txt", "y/b.txt"]])
def test_a_class_that_is_called_as_a_part_or_a_letter_stays_a_class(tmp_path, files):
    folder = touch(tmp_path / "photos", *files)
    assert class_folders.names_in(folder) == sorted({file.split("/")[0] for file in files})


def test_classes_that_nobody_knows_lead_to_the_folder_that_has_those_known(tmp_path, vocabulary):
    folder = touch(tmp_path / "photos", "imagenet/train/dog/a.jpg", "imagenet/val/dog/a.jpg")
    with pytest.raises(ZslError, match=f"are the classes in {folder}/imagenet/train"):
        datasets.read(folder, vocabulary)


def test_numbered_class_folders_are_known_by_their_names(tmp_path, vocabulary):
    found = datasets.read(touch(tmp_path / "set", "001.dog/a.jpg", "002.cat/b.jpg"), vocabulary)
    assert found.rows.tolist() == [0, 1]
    found = datasets.read(touch(tmp_path / "other", "0 dog/a.jpg", "1 cat/b.jpg"), vocabulary)
    assert [one.name for one in found.classes] == ["0 dog", "1 cat"]
    assert found.rows.tolist() == [0, 1]


def test_links_to_images_and_to_folders_of_them_count(tmp_path, vocabulary):
    touch(tmp_path, "store/1.jpg", "store/more/2.jpg")
    folder = touch(tmp_path / "set", "dog/a.jpg", "cat/a.jpg")
    (folder / "dog" / "b.jpg").symlink_to(tmp_path / "store/1.jpg")
    (folder / "dog" / "more").symlink_to(tmp_path / "store/more")
    (folder / "train").symlink_to(touch(tmp_path / "trains", "a.jpg"))
    (folder / "loose.jpg").symlink_to(tmp_path / "store/1.jpg")
    found = datasets.read(folder, vocabulary)
    assert [path.relative_to(folder).as_posix() for path in found.paths] == [
        "cat/a.jpg", "dog/a.jpg", "dog/b.jpg", "dog/more/2.jpg", "train/a.jpg"]
    assert found.loose == 1


def test_a_circle_of_links_ends(tmp_path, vocabulary):
    folder = touch(tmp_path / "set", "dog/a.jpg", "train/a.jpg")
    (folder / "dog" / "again").symlink_to(folder)
    (folder / "train" / "again").symlink_to(folder / "train")
    assert len(datasets.read(folder, vocabulary).classes) == 2


@pytest.mark.parametrize("link", [os.symlink, os.link])
def test_an_image_counts_once_and_with_several_labels_not_at_all(tmp_path, vocabulary, link):
    folder = touch(tmp_path / "set", "dog/a.jpg", "dog/b.jpg", "cat/c.jpg")
    link(folder / "dog/a.jpg", folder / "cat/a.jpg")
    link(folder / "dog/b.jpg", folder / "dog/again.jpg")
    found = datasets.read(folder, vocabulary)
    assert [path.relative_to(folder).as_posix() for path in found.paths] == [
        "cat/c.jpg", "dog/again.jpg"]
    assert found.repeated == 1
    assert [path.name for path in found.contradictory] == ["a.jpg"]
    told = []
    Collector(lambda lines, _kind: told.extend(lines)).add_dataset(found, vocabulary)
    assert told == ["1 image left out, there already by another name or in another line",
                    f"{folder / 'cat/a.jpg'}: left out, since it has several labels"]


def test_lines_of_a_csv_that_say_the_same_count_once(tmp_path, vocabulary):
    table = touch(tmp_path / "set", "a.jpg", "b.jpg") / "list.csv"
    table.write_text("path,label\na.jpg,dog\n./a.jpg,dog\nb.jpg,dog\nb.jpg,cat\ngone.jpg,cat\n")
    found = datasets.read(table, vocabulary)
    assert [path.name for path in found.paths] == ["a.jpg", "gone.jpg"]
    assert (found.repeated, len(found.contradictory)) == (1, 1)
    table.write_text("path,label\nb.jpg,dog\nb.jpg,cat\n")
    with pytest.raises(ZslError, match="all of its images have several labels"):
        datasets.read(table, vocabulary)
