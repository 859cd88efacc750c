"""A training of word vectors that was interrupted goes on where it was, or says why not."""

import json
import os
import shutil
import sqlite3

import numpy as np
import pytest

pytest.importorskip("gensim")

from word_training import Lines, left, text, trained

from zsl_cli.authoring.vocabularies.word_training import prepare, skipgram, training
from zsl_cli.errors import ZslError
from zsl_cli.support import files


@pytest.fixture
def unfinished(corpus_file, tmp_path, monkeypatch):
    """A training that was interrupted after its first batches."""
    def interrupted(self, until, *_arguments):
        monkeypatch.undo()
        self.run(1, 1, lambda _words: None)
        raise KeyboardInterrupt

    monkeypatch.setattr(skipgram.Training, "run", interrupted)
    with pytest.raises(KeyboardInterrupt):
        trained(corpus_file, tmp_path / "out")
    assert (tmp_path / ".out.zsl-training" / "checkpoint-1").is_dir()
    return tmp_path / "out"


@pytest.mark.parametrize(("changes", "message"), [
    ({"settings": {"dimension": 17}}, "has `dimension=16`, and this one 17"),
    ({"settings": {"epochs": 3}}, "has `epochs=2`, and this one 3"),
    ({"words": {"min_count": 6}}, "has `min_count=5`, and this one 6"),
    ({"words": {"phrase_threshold": None}}, r"has `phrase_threshold=15\.0`, and this one None"),
])
def test_other_settings_do_not_go_on(unfinished, corpus_file, changes, message):
    with pytest.raises(ZslError, match=message + ".*`restart`"):
        trained(corpus_file, unfinished, **changes)
    lines = Lines()
    trained(corpus_file, unfinished, lines=lines, restart=True, **changes)
    assert not any("going on" in line for line in lines)


def test_another_corpus_does_not_go_on(unfinished, corpus_file, tmp_path):
    corpus_file.write_text(text(seed=1))
    with pytest.raises(ZslError, match=r"text\.txt: not the corpus .*has changed; `restart`"):
        trained(corpus_file, unfinished)
    (tmp_path / "other").write_text(text())
    with pytest.raises(ZslError, match="other: not the corpus with which"):
        trained(tmp_path / "other", unfinished)
    corpus_file.write_text(text())  # as it was, at another time
    lines = Lines()
    trained(corpus_file, unfinished, lines=lines, workers=2)
    assert any("going on after 50.0%" in line for line in lines)


def test_what_a_killed_preparation_left_is_not_used(corpus_file, tmp_path):
    expected = trained(corpus_file, tmp_path / "whole")
    work = tmp_path / ".out.zsl-training"
    work.mkdir()
    for name in ("numbers", "stream", "words.txt", "counts.npy"):
        (work / name).write_bytes(b"half of")
    (work / "checkpoint-3").mkdir()
    assert np.array_equal(trained(corpus_file, tmp_path / "out").vectors, expected.vectors)
    assert not work.exists()


@pytest.mark.parametrize("killed_before", [False, True])
def test_an_interrupted_preparation_leaves_nothing(corpus_file, tmp_path, monkeypatch,
                                                   killed_before):
    def interrupt(*_arguments):
        raise KeyboardInterrupt

    if killed_before:
        (tmp_path / "deep" / ".out.zsl-training").mkdir(parents=True)
        (tmp_path / "deep" / ".out.zsl-training" / "numbers").write_bytes(b"half")
    monkeypatch.setattr(prepare, "_finish", interrupt)
    with pytest.raises(KeyboardInterrupt):
        trained(corpus_file, tmp_path / "deep" / "out")
    if killed_before:
        assert left(tmp_path / "deep") == []
    else:
        assert left(tmp_path) == ["text.txt"]


@pytest.mark.parametrize("damage", [
    lambda data: data[:len(data) // 2], lambda _data: b"", lambda data: bytes(len(data))],
    ids=["halved", "emptied", "zeroed"])
@pytest.mark.parametrize("name", [
    "checkpoint-1/input.npy", "checkpoint-1/output.npy", "stream", "batches.npy", "counts.npy",
    "words.txt", "read.txt", "prepared.json"])
def test_a_damaged_work_folder_is_noticed(unfinished, corpus_file, tmp_path, name, damage):
    path = tmp_path / ".out.zsl-training" / name
    path.write_bytes(damage(path.read_bytes()))
    with pytest.raises(ZslError, match=r"damaged .*`restart`"):
        trained(corpus_file, unfinished)
    trained(corpus_file, unfinished, restart=True)


@pytest.mark.parametrize("content", [
    "[" * 5000, "[]", '{"settings": [3], "files": []}', '{"settings": {}, "files": [3]}',
    '{"settings": {}, "files": [], "workers": "many"}'])
def test_notes_of_a_training_that_make_no_sense_are_noticed(
        unfinished, corpus_file, tmp_path, content):
    (tmp_path / ".out.zsl-training" / "prepared.json").write_text(content)
    with pytest.raises(ZslError, match=r"damaged .*`restart`"):
        trained(corpus_file, unfinished)


def test_batches_that_are_none_are_noticed(unfinished, corpus_file, tmp_path):
    np.save(tmp_path / ".out.zsl-training" / "batches.npy", np.zeros(0, np.int64))
    with pytest.raises(ZslError, match=r"damaged .*`restart`"):
        trained(corpus_file, unfinished)


def test_a_prepared_corpus_is_on_the_disk_before_it_is_said_to_be_ready(corpus_file, tmp_path,
                                                                        monkeypatch):
    synced = []

    def fsync(file, sync=os.fsync):
        synced.append(os.fstat(file).st_ino)
        sync(file)

    def interrupt(*_arguments):
        raise KeyboardInterrupt

    monkeypatch.setattr(os, "fsync", fsync)
    monkeypatch.setattr(training, "_train", interrupt)
    with pytest.raises(KeyboardInterrupt):
        trained(corpus_file, tmp_path / "out")
    work = tmp_path / ".out.zsl-training"
    ready = synced.index((work / "prepared.json").stat().st_ino)
    assert {(work / name).stat().st_ino for name in (
        "stream", "words.txt", "counts.npy", "batches.npy", "read.txt")} <= set(synced[:ready])


def test_two_trainings_of_one_output_are_kept_apart(unfinished, corpus_file, tmp_path):
    work = tmp_path / ".out.zsl-training"
    connection = sqlite3.connect(work / "lock", isolation_level=None)
    connection.execute("BEGIN EXCLUSIVE")
    before = left(work)
    with pytest.raises(ZslError, match="another training of word vectors is at work there"):
        trained(corpus_file, unfinished, restart=True)
    assert left(work) == before
    connection.close()
    trained(corpus_file, unfinished)


@pytest.mark.parametrize("lock", ["folder", "garbage"])
def test_a_lock_that_is_none_is_not_taken_for_another_training(corpus_file, tmp_path, lock):
    path = tmp_path / ".out.zsl-training" / "lock"
    path.parent.mkdir()
    path.mkdir() if lock == "folder" else path.write_bytes(b"no database " * 100)
    with pytest.raises(ZslError, match=r"zsl-training.lock: cannot be locked \("):
        trained(corpus_file, tmp_path / "out")


def test_a_work_folder_that_is_a_link_is_not_followed(corpus_file, tmp_path):
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine" / "dear").touch()
    (tmp_path / ".out.zsl-training").symlink_to(tmp_path / "mine")
    with pytest.raises(ZslError, match="zsl-training is a symbolic link; remove it"):
        trained(corpus_file, tmp_path / "out")
    assert left(tmp_path / "mine") == ["dear"]


@pytest.mark.usefixtures("posix")
def test_a_work_folder_is_its_users_alone(unfinished, tmp_path):
    assert (tmp_path / ".out.zsl-training").stat().st_mode & 0o777 == 0o700


def test_the_work_folder_is_emptied_while_it_is_held(unfinished, corpus_file, tmp_path,
                                                     monkeypatch):
    held = []

    def rmtree(path, *arguments, remove=shutil.rmtree, **options):
        if ".out.zsl-training" in str(path):
            with files.locked(tmp_path / ".out.zsl-training" / "lock") as free:
                held.append(not free)
        remove(path, *arguments, **options)

    monkeypatch.setattr(shutil, "rmtree", rmtree)
    trained(corpus_file, unfinished)
    assert held
    assert all(held)
    assert left(tmp_path) == ["out", "text.txt"]


def test_a_full_disk_at_the_end_keeps_the_vectors(corpus_file, tmp_path, monkeypatch):
    def full(*_arguments, **_options):
        raise OSError("5 requested and 3 written")  # NumPy's word for it

    with monkeypatch.context() as patch:
        patch.setattr(training.writing, "write", full)
        with pytest.raises(ZslError, match="run the same command again to go on"):
            trained(corpus_file, tmp_path / "out")
    lines = Lines()
    trained(corpus_file, tmp_path / "out", lines=lines)
    assert lines == ["going on after 100.0% of the training"]


def test_a_batch_that_was_broken_off_is_not_kept(unfinished, corpus_file, tmp_path, monkeypatch):
    """A second Ctrl-C, while batches are being finished."""
    import threading

    begun, end = threading.Event(), threading.Event()

    class Impatient(threading.Condition):
        def wait(self, timeout=None):
            self.release()
            begun.wait(10)
            self.acquire()
            raise KeyboardInterrupt

    def train(*_arguments):
        begun.set()
        end.wait(10)

    monkeypatch.setattr(skipgram.threading, "Condition", Impatient)
    monkeypatch.setattr(skipgram.Training, "_train", train)
    with pytest.raises(KeyboardInterrupt):
        trained(corpus_file, unfinished)
    end.set()
    assert [path.name for path in (tmp_path / ".out.zsl-training").glob("checkpoint*")] == [
        "checkpoint-1"]


def test_the_manifest_has_the_most_workers_that_there_were(corpus_file, unfinished, tmp_path):
    ready = tmp_path / ".out.zsl-training" / "prepared.json"
    ready.write_text(json.dumps({**json.loads(ready.read_text()), "workers": 2}))
    lines = Lines()
    trained(corpus_file, unfinished, lines=lines, workers=1)
    assert any("begun with `workers=2`" in line for line in lines)
    manifest = json.loads((unfinished / "vocabulary.json").read_text())
    assert manifest["training"]["workers"] == 2
