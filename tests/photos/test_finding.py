"""What questions need is found when photos are read; what is damaged is read again."""

import json
import shutil
from pathlib import Path

import pytest

from zsl_cli import IndexRequest, LabelRequest, Model, index, label
from zsl_cli.classifier.classifier import Classifier
from zsl_cli.errors import ZslError
from zsl_cli.photos import indexing
from zsl_cli.photos.reporter import Reporter

NAMES = "chelsea.png", "coffee.png", "rocket.jpg"
QUESTIONS = {"top": 3}, {"keywords": True}, {"threshold": 0.2}, {"confidence": 0.5, "top": 10}


class Listener(Reporter):
    """Notes what it is told."""

    def __init__(self):
        self.warnings, self.failures, self.results = [], [], []

    def warn(self, line):
        self.warnings.append(line)

    def photo_failed(self, path, error):
        self.failures.append((path, error.kind))

    def ended(self, result):
        self.results.append(result)


@pytest.fixture(autouse=True)
def library(library_of):
    """Three photographs, and a user of whom nothing is known."""
    return library_of(NAMES)


def answered(listener=None, **question):
    label(LabelRequest("photos", output="o.jsonl", force=True, device="cpu", **question), listener)
    return Path("o.jsonl").read_bytes()


def never(*arguments, **more):
    raise ZslError("something was looked at")


def test_the_first_question_of_a_kind_is_answered_from_what_was_found(monkeypatch):
    index(IndexRequest("photos", device="cpu"))
    with monkeypatch.context() as patched:
        patched.setattr(Classifier, "find", never)
        patched.setattr(Model, "open", never)
        early = [answered(**question) for question in QUESTIONS]
    shutil.rmtree("cache/zsl/findings")
    assert [answered(**question) for question in QUESTIONS] == early


def test_a_first_run_finds_what_it_is_asked_and_no_more(monkeypatch):
    answered()
    monkeypatch.setattr(Classifier, "find", never)
    answered(top=3)
    with pytest.raises(ZslError, match="looked at"):
        answered(keywords=True)


def test_photos_are_indexed_whatever_is_wrong_with_the_labels(tmp_path, monkeypatch):
    monkeypatch.setenv("ZSL_VOCAB", str(tmp_path / "nowhere"))
    assert index(IndexRequest("photos", device="cpu")).read == len(NAMES)
    with pytest.raises(ZslError, match="nowhere"):
        answered()


def test_what_keywords_alone_need_hinders_nobody_else(tmp_path):
    vocabulary = copied(tmp_path / "v", "beside.npy")
    assert len(answered(vocabulary=vocabulary).splitlines()) == len(NAMES)
    with pytest.raises(ZslError, match=r"beside\.npy"):
        answered(vocabulary=vocabulary, keywords=True)


def copied(folder, damaged):
    """The default vocabulary, a byte of one of its files changed."""
    shutil.copytree(Path(__file__).parents[2] / "vocab" / "default", folder)
    with (folder / damaged).open("rb+") as file:
        file.seek(-1, 2)
        byte = file.read(1)
        file.seek(-1, 1)
        file.write(bytes([byte[0] ^ 1]))
    return str(folder)


def test_a_damaged_vocabulary_is_told_of_though_it_is_loaded_beside_reading(tmp_path):
    with pytest.raises(ZslError, match=r"vectors\.npy"):
        answered(vocabulary=copied(tmp_path / "v", "vectors.npy"))
    assert not Path("o.jsonl").exists()


def harm(slot):
    """Change a byte of an embedding."""
    path, = Path("data").rglob("embeddings.f16")
    with path.open("rb+") as file:
        file.seek(902 * slot + 10)
        byte = file.read(1)
        file.seek(-1, 1)
        file.write(bytes([byte[0] ^ 1]))


@pytest.mark.parametrize("question", [{}, {"labels": ("cat", "rocket")}, {"keywords": True}])
def test_a_photo_whose_embedding_is_damaged_is_read_again(question):
    before = answered(**question)
    shutil.rmtree("cache/zsl/findings", ignore_errors=True)
    harm(1)
    listener = Listener()
    assert answered(listener, **question) == before
    line, = listener.warnings
    assert "1 embedding of" in line
    assert "read again" in line
    result, = listener.results
    assert (result.todo, result.kept, result.read, result.ok) == (1, len(NAMES) - 1, 1, True)
    listener = Listener()
    assert answered(listener, **question) == before
    assert not listener.warnings


def test_a_photo_whose_embedding_is_damaged_and_that_is_gone_is_an_error(library, monkeypatch):
    before = [json.loads(line) for line in answered().splitlines()]
    shutil.rmtree("cache/zsl/findings")
    harm(1)
    scanned = indexing.scanned

    def gone(*arguments):
        met = scanned(*arguments)
        (library / NAMES[1]).unlink()
        return met

    monkeypatch.setattr(indexing, "scanned", gone)
    listener = Listener()
    after = [json.loads(line) for line in answered(listener).splitlines()]
    assert after[1]["path"] == before[1]["path"]
    assert after[1]["error"]["kind"] == "missing"
    assert [after[0], after[2]] == [before[0], before[2]]
    result, = listener.results
    assert (result.failed, result.ok) == (1, False)
    assert listener.failures == [(before[1]["path"], "missing")]


def test_a_stream_has_the_photo_too(tmp_path):
    before = answered()
    shutil.rmtree("cache/zsl/findings")
    harm(0)
    with (tmp_path / "stream").open("wb") as file:
        label(LabelRequest("photos", output=file, device="cpu"))
    assert (tmp_path / "stream").read_bytes() == before
    harm(0)  # as it was: what goes to a stream keeps nothing
    listener = Listener()
    assert answered(listener) == before
    assert not listener.warnings
