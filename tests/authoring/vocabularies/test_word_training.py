"""Training word vectors: what comes out, and what is refused."""

import hashlib
import json
import os
import shutil
import sys
from pathlib import Path

import numpy as np
import pytest

pytest.importorskip("gensim")

from word_training import ANIMALS, TOOLS, Lines, left, text, trained, vectors

from zsl_cli import Vocabulary
from zsl_cli.authoring.vocabularies.word_training import prepare, skipgram
from zsl_cli.errors import MissingExtraError, ZslError


def test_hierarchical_softmax_finds_the_topics_too(corpus_file, tmp_path):
    result = trained(corpus_file, tmp_path / "out", settings={
        "loss": "hierarchical", "epochs": 10, "learning_rate": 0.1})
    rows = [result.words.index(word) for word in [*ANIMALS, *TOOLS]]
    alike = result.vectors[rows] @ result.vectors[rows].T
    assert alike[:8, :8].mean() > alike[:8, 8:].mean() + 0.3
    assert result.manifest.entries["training"]["loss"] == "hierarchical"


def test_without_phrases_words_stay_apart(corpus_file, tmp_path):
    result = trained(corpus_file, tmp_path / "out", words={"phrase_threshold": None})
    assert {"great", "white", "shark"} <= set(result.words)
    assert not any("_" in word for word in result.words)


def test_one_worker_repeats_itself_bit_for_bit_and_the_seed_matters(corpus_file, tmp_path):
    one, two, other = (trained(corpus_file, tmp_path / name, settings={"seed": seed,
                                                                       "sample": 0.01})
                       for name, seed in (("one", 7), ("two", 7), ("other", 8)))
    assert np.array_equal(one.vectors, two.vectors)
    assert one.manifest.space.partition("-")[2] == two.manifest.space.partition("-")[2]
    assert not np.allclose(one.vectors, other.vectors, atol=0.01)
    assert one.manifest.space.partition("-")[2] != other.manifest.space.partition("-")[2]


def test_the_mean_is_taken_away_unless_it_is_to_stay(corpus_file, tmp_path):
    as_they_are = trained(corpus_file, tmp_path / "plain", centre=False)
    centred = trained(corpus_file, tmp_path / "centred")
    mean = as_they_are.vectors.mean(axis=0)
    assert np.linalg.norm(mean) > 0.5  # two epochs of little text hardly move vectors apart
    expected = as_they_are.vectors - mean
    expected /= np.linalg.norm(expected, axis=1, keepdims=True)
    assert np.allclose(centred.vectors, expected, atol=1e-6)
    assert np.allclose(np.linalg.norm(as_they_are.vectors, axis=1), 1, atol=1e-5)
    assert [result.manifest.entries["training"]["centred"]
            for result in (as_they_are, centred)] == [False, True]


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
    from zsl_cli.authoring.vocabularies.word_training import corpus

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


def test_an_existing_folder_needs_force(corpus_file, tmp_path):
    first = trained(corpus_file, tmp_path / "out")
    with pytest.raises(ZslError, match="out exists; give `force`"):
        trained(corpus_file, tmp_path / "out")
    trained(corpus_file, tmp_path / "out", settings={"seed": 3}, force=True)
    assert not np.array_equal(vectors(tmp_path / "out"), first.vectors)


@pytest.mark.usefixtures("any_file_name")
def test_names_that_are_not_utf8_are_kept(corpus_file, tmp_path):
    folder = Path(os.fsdecode(os.fsencode(tmp_path) + b"/texts\xff"))
    folder.mkdir()
    for name in ("a.txt", "caf\udce9.txt"):
        shutil.copy2(corpus_file, folder / name)
    manifest = trained(folder, tmp_path / "out\udcff").manifest.entries
    again = Vocabulary.load(tmp_path / "out\udcff").manifest.entries
    assert again["training"] == manifest["training"]
    assert manifest["training"]["corpus"]["name"] == "texts\udcff"
    digest = hashlib.sha256(corpus_file.read_bytes()).hexdigest().encode()
    assert manifest["training"]["corpus"]["sha256"] == hashlib.sha256(
        b"%s  a.txt\n%s  caf\xe9.txt\n" % (digest, digest)).hexdigest()


@pytest.mark.usefixtures("procfs")
def test_a_place_where_nothing_can_be_made(corpus_file):
    with pytest.raises(ZslError, match=r"^/proc: no folder can be made there .*another output$"):
        trained(corpus_file, Path("/proc/x"))


def test_without_gensim_the_extra_is_named(corpus_file, tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, "gensim", None)
    with pytest.raises(MissingExtraError, match=r"needs gensim: pip install 'zsl-cli\[vocab\]'"):
        trained(corpus_file, tmp_path / "out")
    assert left(tmp_path) == ["text.txt"]


def test_vectors_that_are_not_finite_are_not_written(corpus_file, tmp_path, monkeypatch):
    monkeypatch.setattr(skipgram.Training, "vectors", np.full((3, 2), np.nan, np.float32))
    with pytest.raises(ZslError, match="diverged"):
        trained(corpus_file, tmp_path / "out")
    assert not (tmp_path / "out").exists()


def test_a_corpus_that_reads_like_json_is_still_text(tmp_path):
    (tmp_path / "c.jsonl").write_text("".join(
        json.dumps({"t": line}) + "\n" for line in text().split("\n")))
    assert "cat" in trained(tmp_path / "c.jsonl", tmp_path / "out").words


def test_a_corpus_does_not_go_with_the_folder_that_is_replaced(corpus_file, tmp_path):
    trained(corpus_file, tmp_path / "out")
    within = shutil.copy(corpus_file, tmp_path / "out" / "corpus.txt")
    with pytest.raises(ZslError, match=r"lies in .*out, which would be replaced"):
        trained(Path(within), tmp_path / "out", force=True)
    assert Path(within).exists()
