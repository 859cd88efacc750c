"""``zsl vocab train``: from a corpus to a vocabulary folder, also when it is interrupted."""

import hashlib
import json
import os
import re
import shutil
import signal
import sqlite3
import subprocess
import sys
import time
from pathlib import Path

import click
import numpy as np
import pytest

pytest.importorskip("gensim")

from zsl_cli import Vocabulary
from zsl_cli.authoring.vocabularies import prepare, skipgram, training
from zsl_cli.cli.vocab import train as cli
from zsl_cli.errors import MissingExtraError, ZslError
from zsl_cli.support import files, folders

WORDNET = Path("/usr/share/wordnet/data.noun")
ANIMALS = ["cat", "dog", "horse", "lion", "tiger", "wolf", "mouse", "sheep"]
TOOLS = ["hammer", "saw", "drill", "chisel", "wrench", "pliers", "file", "plane"]
SMALL = ("--dimension", "16", "--phrase-threshold", "15", "--sample", "0")
LONG = (*SMALL, "--epochs", "8", "--dimension", "64", "--save-every", "0.004")


def text(lines=400, seed=0):
    """Each line is about animals or about tools, with a phrase in it and chance words."""
    random = np.random.default_rng(seed)
    found = []
    for _ in range(lines):
        topic, phrase = [(ANIMALS, "great white shark"), (TOOLS, "monkey wrench")][
            random.integers(2)]
        words = [*random.choice(topic, 10), phrase, *(f"w{n}" for n in random.integers(0, 60, 9))]
        found.append(" ".join(str(word) for word in random.permutation(words)) + ".")
    return "\n".join(found)


@pytest.fixture
def corpus_file(tmp_path):
    path = tmp_path / "text.txt"
    path.write_text(text())
    return path


class Lines(list):
    """Progress that remembers what was said."""

    def start(self, description, total=None, unit=""):
        pass

    def advance(self, done):
        pass

    def say(self, line):
        self.append(line)


def request(corpus, target, *, words=None, settings=None, **more):
    return training.Request(
        corpus, target, prepare.Settings(**{"phrase_threshold": 15.0, **(words or {})}),
        skipgram.Settings(**{"dimension": 16, "sample": 0.0, "epochs": 2, **(settings or {})}),
        **more)


def trained(*arguments, lines=None, **options):
    return training.train(request(*arguments, **options), Lines() if lines is None else lines)


def vectors(folder):
    return np.load(folder / "vectors.npy", allow_pickle=False)


def left(folder):
    return sorted(path.name for path in folder.iterdir())


def test_words_of_one_topic_come_out_near_each_other(zsl, corpus_file, tmp_path):
    (tmp_path / "sources.json").write_text('[{"name": "me", "license": "CC0", "url": "x"}]')
    done = zsl("vocab", "train", "text.txt", "-o", "new/tiny", *SMALL, "--epochs", "10",
               "--learning-rate", "0.1", "--sources", "sources.json")
    assert done.returncode == 0, done.stderr.decode()
    said = done.stderr.decode()
    assert f"{len(text().split()):,} words, 80 different" in said
    assert "epoch 10 of 10" in said
    assert "wrote new/tiny: " in said
    if WORDNET.is_file():
        assert done.stdout.startswith(b"Spearman correlation with WordNet path similarity: ")
    assert left(tmp_path / "new") == ["tiny"]
    vocabulary = Vocabulary.load(tmp_path / "new" / "tiny")
    unit = np.asarray(vocabulary.vectors)
    assert unit.dtype == np.float32
    assert np.allclose(np.linalg.norm(unit, axis=1), 1, atol=1e-5)
    rows = [vocabulary.rows[word] for word in [*ANIMALS, *TOOLS]]
    alike = unit[rows] @ unit[rows].T
    same = np.kron(np.eye(2), np.ones((8, 8))) > 0
    assert alike[same].mean() > alike[~same].mean() + 0.3
    shark = vocabulary.rows["great_white_shark"]
    assert vocabulary.label(shark).name == "great white shark"
    assert (unit[rows[:8]] @ unit[shark]).min() > (unit[rows[8:]] @ unit[shark]).max()
    manifest = vocabulary.manifest
    assert manifest["sources"] == [{"name": "me", "license": "CC0", "url": "x"}]
    assert manifest["training"]["corpus"]["sha256"] == folders.sha256(corpus_file)
    assert manifest["training"]["corpus"]["words"] == len(text().split())
    assert manifest["training"]["dimension"] == 16
    assert manifest["space"].startswith("tiny-")
    counts = [text().split().count(label.id) for label in vocabulary.labels[:5]]
    assert counts == sorted(counts, reverse=True)


def test_hierarchical_softmax_finds_the_topics_too(corpus_file, tmp_path):
    result = trained(corpus_file, tmp_path / "out", settings={
        "loss": "hierarchical", "epochs": 10, "learning_rate": 0.1})
    rows = [result.words.index(word) for word in [*ANIMALS, *TOOLS]]
    alike = result.vectors[rows] @ result.vectors[rows].T
    assert alike[:8, :8].mean() > alike[:8, 8:].mean() + 0.3
    assert result.manifest["training"]["loss"] == "hierarchical"


def test_without_phrases_words_stay_apart(corpus_file, tmp_path):
    result = trained(corpus_file, tmp_path / "out", words={"phrase_threshold": None})
    assert {"great", "white", "shark"} <= set(result.words)
    assert not any("_" in word for word in result.words)


def test_one_worker_repeats_itself_bit_for_bit_and_the_seed_matters(corpus_file, tmp_path):
    one, two, other = (trained(corpus_file, tmp_path / name, settings={"seed": seed,
                                                                       "sample": 0.01})
                       for name, seed in (("one", 7), ("two", 7), ("other", 8)))
    assert np.array_equal(one.vectors, two.vectors)
    assert one.manifest["space"].partition("-")[2] == two.manifest["space"].partition("-")[2]
    assert not np.allclose(one.vectors, other.vectors, atol=0.01)
    assert one.manifest["space"].partition("-")[2] != other.manifest["space"].partition("-")[2]


def test_the_mean_is_taken_away_unless_it_is_to_stay(corpus_file, tmp_path):
    as_they_are = trained(corpus_file, tmp_path / "plain", centre=False)
    centred = trained(corpus_file, tmp_path / "centred")
    mean = as_they_are.vectors.mean(axis=0)
    assert np.linalg.norm(mean) > 0.5  # two epochs of little text hardly move vectors apart
    expected = as_they_are.vectors - mean
    expected /= np.linalg.norm(expected, axis=1, keepdims=True)
    assert np.allclose(centred.vectors, expected, atol=1e-6)
    assert np.allclose(np.linalg.norm(as_they_are.vectors, axis=1), 1, atol=1e-5)
    assert [result.manifest["training"]["centred"] for result in (as_they_are, centred)] == [
        False, True]


def test_more_workers_train_every_batch(tmp_path):
    (tmp_path / "text").write_text(text(3000))
    result = trained(tmp_path / "text", tmp_path / "out", workers=4, settings={"epochs": 4})
    rows = [result.words.index(word) for word in [*ANIMALS, *TOOLS]]
    alike = result.vectors[rows] @ result.vectors[rows].T
    assert alike[:8, :8].mean() > alike[:8, 8:].mean() + 0.1


@pytest.mark.parametrize("loss", ["negative", "hierarchical"])
def test_a_training_in_pieces_is_the_same_as_one_in_one_piece(tmp_path, loss):
    (tmp_path / "text").write_text(text(2500))
    ready, work = None, tmp_path / "work"
    work.mkdir()
    from zsl_cli.authoring.vocabularies import corpus

    ready = prepare.prepare(corpus.find(tmp_path / "text"), prepare.Settings(), work, Lines())[0]
    settings = skipgram.Settings(dimension=10, loss=loss, epochs=3, sample=1e-3)
    whole = skipgram.Training(ready, settings)
    assert whole.batches > 3
    whole.run(whole.total, 1, lambda _words: None)
    assert whole.words_until(whole.total) == 3 * ready.counts.sum()
    for until in range(2, whole.total + 2, 4):
        piece = skipgram.Training(prepare.Prepared.load(work), settings)
        assert piece.restore(work) == (until > 2)
        piece.run(min(until, piece.total), 1, lambda _words: None)
        piece.save(work)
        assert len(list(work.glob("checkpoint-*"))) == 1
    last = skipgram.Training(ready, settings)
    last.restore(work)
    last.run(last.total, 1, lambda _words: None)
    assert np.array_equal(last.vectors, whole.vectors)


@pytest.fixture(scope="module")
def reference(tmp_path_factory):
    """A corpus that takes some seconds, and its vectors when nothing comes in between."""
    folder = tmp_path_factory.mktemp("reference")
    (folder / "text.txt").write_text(text(1500))
    cli.command.main([str(folder / "text.txt"), "-o", str(folder / "whole"), *LONG, "--workers",
                      "1", "-q"], standalone_mode=False)
    return folder


def start(environment, folder):
    """A training in the background, stopped in its middle by what follows."""
    process = subprocess.Popen(
        [sys.executable, "-m", "zsl_cli", "vocab", "train", "text.txt", "-o", "out", *LONG,
         "--workers", "1"], cwd=folder, env=environment, stdout=subprocess.PIPE,
        stderr=subprocess.PIPE)
    while not list(folder.glob(".out.zsl-training/checkpoint-*")):
        assert process.poll() is None, process.stderr.read()
        time.sleep(0.01)
    return process


def test_after_kill_9_it_goes_on_to_the_same_vectors(environment, zsl, reference, tmp_path):
    shutil.copy2(reference / "text.txt", tmp_path)
    process = start(environment, tmp_path)
    process.kill()
    process.communicate()
    assert not (tmp_path / "out").exists()
    done = zsl("vocab", "train", "text.txt", "-o", "out", *LONG, "--workers", "1")
    assert done.returncode == 0, done.stderr.decode()
    assert b"going on after " in done.stderr
    assert b"different" not in done.stderr  # the corpus was not read again
    assert np.array_equal(vectors(tmp_path / "out"), vectors(reference / "whole"))
    assert left(tmp_path) == ["out", "text.txt"]


def test_ctrl_c_keeps_what_is_done(environment, zsl, reference, tmp_path):
    shutil.copy2(reference / "text.txt", tmp_path)
    process = start(environment, tmp_path)
    process.send_signal(signal.SIGINT)
    _, err = process.communicate(timeout=60)
    assert process.returncode == 130, err
    assert b"Traceback" not in err
    assert err.endswith(b"interrupted; run the same command again to go on\n")
    assert not (tmp_path / "out").exists()
    kept = [path.name for path in (tmp_path / ".out.zsl-training").glob("checkpoint*")]
    assert len(kept) == 1
    done = zsl("vocab", "train", "text.txt", "-o", "out", *LONG, "--workers", "1", "-q")
    assert done.returncode == 0
    assert done.stderr == b""
    assert np.array_equal(vectors(tmp_path / "out"), vectors(reference / "whole"))


def test_an_interrupted_comparison_leaves_a_whole_vocabulary(corpus_file, tmp_path, monkeypatch,
                                                             capsys):
    def interrupt(*_arguments):
        raise KeyboardInterrupt

    monkeypatch.setattr(cli, "_agreement", interrupt)
    monkeypatch.chdir(tmp_path)
    with pytest.raises(click.Abort):
        cli.command.main(["text.txt", "-o", "out", *SMALL], standalone_mode=False)
    *_, wrote, interrupted = filter(None, capsys.readouterr().err.splitlines())
    assert wrote.startswith("wrote out: ")
    assert interrupted == ("interrupted; out is whole, only the comparison with WordNet was "
                           "stopped")
    assert Vocabulary.load(tmp_path / "out")


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
    ({"settings": {"dimension": 17}}, "has --dimension 16, and this one 17"),
    ({"settings": {"epochs": 3}}, "has --epochs 2, and this one 3"),
    ({"words": {"min_count": 6}}, "has --min-count 5, and this one 6"),
    ({"words": {"phrase_threshold": None}}, r"has --phrase-threshold 15\.0, and this one None"),
])
def test_other_settings_do_not_go_on(unfinished, corpus_file, changes, message):
    with pytest.raises(ZslError, match=message + ".*--restart"):
        trained(corpus_file, unfinished, **changes)
    lines = Lines()
    trained(corpus_file, unfinished, lines=lines, restart=True, **changes)
    assert not any("going on" in line for line in lines)


def test_another_corpus_does_not_go_on(unfinished, corpus_file, tmp_path):
    corpus_file.write_text(text(seed=1))
    with pytest.raises(ZslError, match=r"text\.txt: not the corpus .*has changed; --restart"):
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
    with pytest.raises(ZslError, match=r"damaged .*--restart"):
        trained(corpus_file, unfinished)
    trained(corpus_file, unfinished, restart=True)


def test_batches_that_are_none_are_noticed(unfinished, corpus_file, tmp_path):
    np.save(tmp_path / ".out.zsl-training" / "batches.npy", np.zeros(0, np.int64))
    with pytest.raises(ZslError, match=r"damaged .*--restart"):
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
    with pytest.raises(ZslError, match="another zsl vocab train is at work there"):
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


@pytest.mark.skipif(sys.platform == "win32", reason="no such modes there")
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


def test_an_existing_folder_needs_force(corpus_file, tmp_path):
    first = trained(corpus_file, tmp_path / "out")
    with pytest.raises(ZslError, match="out exists; give --force"):
        trained(corpus_file, tmp_path / "out")
    trained(corpus_file, tmp_path / "out", settings={"seed": 3}, force=True)
    assert not np.array_equal(vectors(tmp_path / "out"), first.vectors)


@pytest.mark.skipif(sys.platform in ("darwin", "win32"), reason="file names are text there")
def test_names_that_are_not_utf8_are_kept(corpus_file, tmp_path):
    folder = Path(os.fsdecode(os.fsencode(tmp_path) + b"/texts\xff"))
    folder.mkdir()
    for name in ("a.txt", "caf\udce9.txt"):
        shutil.copy2(corpus_file, folder / name)
    manifest = trained(folder, tmp_path / "out\udcff").manifest
    assert Vocabulary.load(tmp_path / "out\udcff").manifest["training"] == manifest["training"]
    assert manifest["training"]["corpus"]["name"] == "texts\udcff"
    digest = hashlib.sha256(corpus_file.read_bytes()).hexdigest().encode()
    assert manifest["training"]["corpus"]["sha256"] == hashlib.sha256(
        b"%s  a.txt\n%s  caf\xe9.txt\n" % (digest, digest)).hexdigest()


@pytest.mark.parametrize(("data", "message"), [
    (b"", "text.txt: no word in it"),
    (b"one two three", "of 3 words 0 different ones occur 5 times or more, too few to train on"),
    (b"text\n\xff\n", "text.txt, line 2, byte 5: not UTF-8 text"),
    (b"one\0two", "text.txt, line 1, byte 3: a zero byte, so this is a binary file"),
    (None, "text.txt: no such file or folder"),
])
def test_bad_input_gives_one_clear_error_and_leaves_nothing(zsl, tmp_path, data, message):
    if data is not None:
        (tmp_path / "text.txt").write_bytes(data)
    done = zsl("vocab", "train", "text.txt", "-o", "new/out")
    assert done.returncode == 2
    *notes, error = done.stderr.decode().splitlines()
    assert error.startswith("zsl: ")
    assert message in error
    assert not any("zsl" in note for note in notes)
    assert left(tmp_path) == (["text.txt"] if data is not None else [])


@pytest.mark.skipif(not os.path.isdir("/proc"), reason="no /proc")
def test_a_place_where_nothing_can_be_made(corpus_file):
    with pytest.raises(ZslError, match=r"^/proc: no folder can be made there .*another output$"):
        trained(corpus_file, Path("/proc/x"))


@pytest.mark.parametrize("arguments", [
    ("--dimension", "0"), ("--dimension", "-5"), ("--dimension", "3.5"),
    ("--dimension", "100000"), ("--epochs", "0"), ("--min-count", "0"), ("--max-words", "1"),
    ("--sample", "nan"), ("--sample", "2"), ("--learning-rate", "0"), ("--learning-rate", "inf"),
    ("--window", "0"), ("--workers", "0"), ("--save-every", "0"),
    ("--save-every", "nan"), ("--phrase-threshold", "inf"), ("--loss", "softmax")])
def test_nonsense_options_are_refused(corpus_file, tmp_path, arguments):
    with pytest.raises(click.UsageError):
        cli.command.main([str(corpus_file), "-o", str(tmp_path / "out"), *arguments],
                         standalone_mode=False)
    assert left(tmp_path) == ["text.txt"]


def test_a_wrong_wordnet_folder_is_said_before_training(corpus_file, tmp_path):
    with pytest.raises(ZslError, match="give the folder of WordNet"):
        cli.command.main([str(corpus_file), "-o", str(tmp_path / "out"), "--wordnet",
                          str(tmp_path)], standalone_mode=False)
    assert left(tmp_path) == ["text.txt"]


def test_without_gensim_the_extra_is_named(corpus_file, tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, "gensim", None)
    with pytest.raises(MissingExtraError, match=r"needs gensim: pip install 'zsl-cli\[vocab\]'"):
        trained(corpus_file, tmp_path / "out")
    assert left(tmp_path) == ["text.txt"]


def with_little_room(environment, folder, bytes_a_file, *arguments):
    """The command where no file can grow beyond so many bytes, which is like a full disk."""
    resource = pytest.importorskip("resource")
    return subprocess.run(
        [sys.executable, "-m", "zsl_cli", "vocab", "train", "text.txt", "-o", "out", *SMALL,
         *arguments], cwd=folder, env=environment, capture_output=True, timeout=120, check=False,
        preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_FSIZE, (bytes_a_file,) * 2))


def test_a_full_disk_while_reading_leaves_nothing(environment, corpus_file, tmp_path):
    done = with_little_room(environment, tmp_path, 10_000)
    assert done.returncode == 2
    assert done.stderr.decode().endswith("File too large\n")
    assert b"Traceback" not in done.stderr
    assert left(tmp_path) == ["text.txt"]


def test_a_full_disk_while_training_keeps_what_is_done(environment, zsl, corpus_file, tmp_path):
    done = with_little_room(environment, tmp_path, 50_000, "--dimension", "300")
    assert done.returncode == 2
    assert "File too large; " in done.stderr.decode()
    assert "run the same command again to go on" in done.stderr.decode()
    assert b"Traceback" not in done.stderr
    assert left(tmp_path) == [".out.zsl-training", "text.txt"]
    assert not list((tmp_path / ".out.zsl-training").glob("checkpoint*"))
    again = zsl("vocab", "train", "text.txt", "-o", "out", *SMALL, "--dimension", "300")
    assert again.returncode == 0, again.stderr
    assert left(tmp_path) == ["out", "text.txt"]


def test_a_full_disk_at_the_end_keeps_the_vectors(corpus_file, tmp_path, monkeypatch):
    def full(*_arguments, **_options):
        raise OSError("5 requested and 3 written")  # NumPy's word for it

    with monkeypatch.context() as patch:
        patch.setattr(training.vocabulary_folder, "write", full)
        with pytest.raises(ZslError, match="run the same command again to go on"):
            trained(corpus_file, tmp_path / "out")
    lines = Lines()
    trained(corpus_file, tmp_path / "out", lines=lines)
    assert lines == ["going on after 100.0% of the training"]


def test_vectors_that_are_not_finite_are_not_written(corpus_file, tmp_path, monkeypatch):
    monkeypatch.setattr(skipgram.Training, "vectors", np.full((3, 2), np.nan, np.float32))
    with pytest.raises(ZslError, match="diverged"):
        trained(corpus_file, tmp_path / "out")
    assert not (tmp_path / "out").exists()


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
    assert any("begun with --workers 2" in line for line in lines)
    manifest = json.loads((unfinished / "vocabulary.json").read_text())
    assert manifest["training"]["workers"] == 2


def test_a_corpus_that_reads_like_json_is_still_text(tmp_path):
    (tmp_path / "c.jsonl").write_text("".join(
        json.dumps({"t": line}) + "\n" for line in text().split("\n")))
    assert "cat" in trained(tmp_path / "c.jsonl", tmp_path / "out").words


def test_a_terminal_sees_how_fast_it_goes_and_how_long_it_takes(environment, reference, tmp_path):
    pty = pytest.importorskip("pty")
    shutil.copy2(reference / "text.txt", tmp_path)
    leader, follower = pty.openpty()
    process = subprocess.Popen(
        [sys.executable, "-m", "zsl_cli", "vocab", "train", "text.txt", "-o", "out", *LONG],
        cwd=tmp_path, env={**environment, "TERM": "xterm", "COLUMNS": "120"}, stderr=follower,
        stdout=subprocess.DEVNULL)
    os.close(follower)
    seen = b""
    while True:
        try:
            seen += os.read(leader, 65536)
        except OSError:  # Linux' way to say that the other end is closed
            break
    os.close(leader)
    assert process.wait(30) == 0
    shown = re.sub(r"\x1b\[[0-9;?]*[a-zA-Z]", "", seen.decode())
    words = 8 * len((tmp_path / "text.txt").read_text().split())
    assert "reading" in shown
    assert re.search(r"training .* [\d,]+ of [\d,]+ words · [\d,]+ words/s · [\d.]+ s left", shown)
    assert int(re.search(r"training .* of ([\d,]+)", shown)[1].replace(",", "")) < words
