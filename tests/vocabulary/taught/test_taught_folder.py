"""A taught vocabulary on disk: made over a base, changed in one step."""

import json
import os
import threading
import time

import numpy as np
import pytest
import small_sets

from zsl_cli import Vocabulary
from zsl_cli.errors import FolderError, ZslError
from zsl_cli.support import files, folders
from zsl_cli.vocabulary.names.label import Label
from zsl_cli.vocabulary.names.prefixes import labels_with
from zsl_cli.vocabulary.taught import folder as taught_folder
from zsl_cli.vocabulary.taught.additions import Definitions
from zsl_cli.vocabulary.taught.folder import Contents, Vectors
from zsl_cli.vocabulary.taught.lessons import Lesson

LESSON = Lesson("n3", True, "00-1", "/a.jpg", "s", "2026-11-30T12:00:00Z",
                np.ones(7, np.float16))
NEW = Label("my-rufus", "Rufus", parents=("n2",), plain=("Rufus",))


def vectors(rows=(), second=()):
    return Vectors(np.array(rows, np.int64), np.ones((len(rows), 7), np.float32),
                   np.array(second, np.int64), np.full((len(second), 7), .5, np.float32),
                   np.empty(0, np.int64), np.empty((0, 7), np.float32))


def manifest_of(folder):
    return folders.read_manifest(folders.VOCABULARY, folder)


@pytest.fixture
def base(tmp_path):
    return small_sets.make(tmp_path / "base")


@pytest.fixture
def mine(tmp_path, base):
    """Six labels, a new one and a second vector of the third."""
    target = tmp_path / "mine"
    contents = Contents("base", "m", Definitions((NEW,), {"n1": ("beast",)}), (LESSON,))
    taught_folder.create(target, "mine", base, manifest_of(base), contents, vectors([6], [2]))
    return target


def test_a_taught_vocabulary_has_the_labels_of_its_base_and_the_new_ones(mine, base):
    vocabulary = Vocabulary.load(mine)
    assert (vocabulary.name, len(vocabulary)) == ("mine", 7)
    assert vocabulary.find("rufus").row == 6
    assert vocabulary.find("beast").row == 0
    assert vocabulary.label(0).synonyms == ("beast",)
    assert vocabulary.path_names("my-rufus") == ("animal", "bird", "Rufus")
    assert (vocabulary.vectors[:6] == Vocabulary.load(base).vectors).all()
    query = np.full((1, 7), .3, np.float32)
    assert vocabulary.exact.products(query)[0, 2] == pytest.approx(.3 * .5 * 7, abs=1e-3)
    assert vocabulary.subset([2, 3]).products(query)[0, 0] == pytest.approx(.3 * .5 * 7, abs=1e-3)
    assert vocabulary.taxonomy.leaf.tolist()[-1]


def test_new_labels_are_suggested_for_what_is_typed(mine):
    assert [label.id for label in labels_with(mine, "ruf", 5)] == ["my-rufus"]
    assert [label.id for label in labels_with(mine, "anim", 5)] == ["n1"]


def test_contents_come_back(mine):
    contents = Contents.read(mine, manifest_of(mine))
    assert (contents.base, contents.model) == ("base", "m")
    assert contents.definitions == Definitions((NEW,), {"n1": ("beast",)})
    assert contents.lessons == (LESSON,)


def test_the_files_of_the_base_are_as_they_are_in_the_base(mine, base):
    for name in ("vectors.npy", "labels.jsonl"):
        assert (mine / name).read_bytes() == (base / name).read_bytes()


def test_what_was_killed_before_its_end_has_changed_nothing(mine, monkeypatch):
    before = manifest_of(mine)
    monkeypatch.setattr(folders, "manifest_bytes", lambda entries: 1 / 0)
    with pytest.raises(ZeroDivisionError):
        taught_folder.change(mine, before, Contents("base", "m"), vectors())
    assert manifest_of(mine) == before
    assert len(Vocabulary.load(mine)) == 7
    assert Contents.read(mine, before).lessons == (LESSON,)


def test_who_reads_while_it_changes_finds_the_files_of_his_manifest(mine):
    before = manifest_of(mine)
    contents = Contents.read(mine, before)
    taught_folder.change(mine, before, Contents("base", "m"), vectors())
    assert Contents.read(mine, before) == contents
    assert len(Vocabulary.load(mine)) == 6
    taught_folder.change(mine, manifest_of(mine), contents, vectors([6], [2]))
    taught_folder.change(mine, manifest_of(mine), contents, vectors([6], [2]))
    assert len([path for path in mine.iterdir() if path.name.startswith("lessons")]) <= 2


def test_one_teacher_waits_for_another(mine):
    order = []

    def teach():
        with taught_folder.held(mine):
            order.append("second")
    with taught_folder.held(mine):
        thread = threading.Thread(target=teach)
        thread.start()
        time.sleep(0.3)
        order.append("first")
    thread.join(20)
    assert order == ["first", "second"]


def test_a_teacher_that_waits_too_long_is_told(mine, monkeypatch):
    monkeypatch.setattr(taught_folder, "WAIT", 0.0)
    with (taught_folder.held(mine), pytest.raises(ZslError, match="somebody else is teaching"),
          taught_folder.held(mine)):
        pass


@pytest.mark.parametrize("change", [
    {"labels": 9}, {"labels": -1}, {"base": 3}, {"rows": [6, 2]}, {"rows": [99]}, {"rows": []},
    {"second_rows": [6]}, {"vectors": None}, {"vectors": []}, {"vectors": "vectors.npy"},
    {"lessons": "no.jsonl"},
    {"definitions": "labels.jsonl"}, {"beside_rows": [1]}])
def test_a_manifest_that_cannot_be_is_an_error(mine, change):
    path = mine / "vocabulary.json"
    entries = json.loads(path.read_text())
    entries["taught"] |= change
    path.write_text(json.dumps(entries))
    with pytest.raises(FolderError):
        Vocabulary.load(mine)


@pytest.mark.parametrize("kind", ["definitions", "vectors"])
def test_a_damaged_file_is_an_error(mine, kind):
    [path] = mine.glob(f"{kind}-*")
    path.write_bytes(path.read_bytes()[:-1] + b"x")
    with pytest.raises(FolderError, match="changed since"):
        Vocabulary.load(mine)


def test_a_base_that_is_taught_itself_has_the_digest_of_its_own_base(mine, base):
    assert taught_folder.digest(manifest_of(mine)) == taught_folder.digest(manifest_of(base))


def test_a_full_disk_leaves_what_was_taught(mine, monkeypatch):
    def full(*_arguments, **_more):
        raise OSError(28, "No space left on device")
    monkeypatch.setattr(files, "replacing", full)
    before = sorted(os.listdir(mine))
    with pytest.raises(ZslError, match="No space left"):
        taught_folder.change(mine, manifest_of(mine), Contents("base", "m"), vectors())
    assert sorted(os.listdir(mine)) == before
