"""What is remembered of photos answers as a look at their embeddings does."""

import shutil
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from zsl_cli import LabelRequest, label
from zsl_cli.classifier.classifier import Classifier
from zsl_cli.classifier.confidence import Evidence
from zsl_cli.classifier.findings import Findings
from zsl_cli.errors import ZslError
from zsl_cli.photos import remembered
from zsl_cli.photos.remembered import LEAST, TOP, Remembered

NAMES = "chelsea.png", "coffee.png", "rocket.jpg", "astronaut.png"
QUESTIONS = ({"top": 3}, {"top": TOP, "threshold": 0.05}, {"keywords": True},
             {"confidence": 0.5, "most": 2}, {"keywords": True, "top": 1, "report": "r.html"})


@pytest.fixture
def library(library_of):
    """Four photographs, and a user of whom nothing is known."""
    return library_of(NAMES)


def answered(**question):
    label(LabelRequest("photos", output="o.jsonl", force=True, device="cpu", **question))
    return Path("o.jsonl").read_bytes()


def never(*arguments, **more):
    raise ZslError("an embedding was looked at")


def kept():
    return sorted(path for path in Path("cache/zsl/findings").rglob("*") if path.is_file())


def test_another_question_needs_no_embedding_and_is_answered_as_anew(library, monkeypatch):
    anew = []
    for question in QUESTIONS:
        shutil.rmtree("cache/zsl/findings", ignore_errors=True)
        anew.append(answered(**question))
    assert len(set(anew)) == len(anew)
    answered(confidence=0.9)  # all that is kept for keywords
    monkeypatch.setattr(Classifier, "find", never)
    assert [answered(**question) for question in QUESTIONS] == anew
    for question in ({"top": TOP + 1}, {"confidence": 0.01}):  # more than is kept
        with pytest.raises(ZslError, match="was looked at"):
            answered(**question)


def test_without_keywords_none_are_remembered_of_known_photos(library, monkeypatch):
    answered()
    shutil.rmtree("cache/zsl/findings")
    answered(top=3)
    with monkeypatch.context() as patched:
        patched.setattr(Classifier, "find", never)
        answered(top=5)
        with pytest.raises(ZslError, match="was looked at"):
            answered(keywords=True)
    answered(keywords=True)
    monkeypatch.setattr(Classifier, "find", never)
    answered(keywords=True, top=2)


@pytest.mark.parametrize("harm", ["a bit", "cut", "others may write", "others may write there"])
def test_what_is_damaged_or_of_somebody_else_is_not_believed(library, harm):
    before = answered(keywords=True)
    path, = kept()
    if harm == "a bit":
        data = bytearray(path.read_bytes())
        data[40] ^= 1
        path.write_bytes(data)
    elif harm == "cut":
        path.write_bytes(path.read_bytes()[:-1])
    else:
        entries = np.frombuffer(path.read_bytes()[4:], remembered._ENTRY).copy()
        entries["rows"] = 7  # whole, and wrong
        data = entries.tobytes()
        path.write_bytes(remembered._checksum(data) + data)
        (path if harm == "others may write" else path.parent).chmod(0o777)
    assert answered(keywords=True) == before


def test_a_slot_with_another_photo_is_not_taken_for_it(library):
    answered(keywords=True)
    files = {path: path.read_bytes() for path in kept()}
    shutil.rmtree("data")  # the catalogue, which begins anew at slot 0
    Path("o.jsonl").unlink()
    (library / "chelsea.png").rename(library / "z.png")
    after = answered(keywords=True)
    assert {path: path.read_bytes() for path in kept()}.keys() == files.keys()
    shutil.rmtree("cache")
    assert answered(keywords=True) == after


def test_nothing_is_remembered_of_what_is_not_kept(library, tmp_path):
    with (tmp_path / "o.jsonl").open("wb") as file:
        label(LabelRequest("photos", output=file, device="cpu"))
    assert (tmp_path / "o.jsonl").read_bytes().count(b"\n") == len(NAMES)
    assert not kept()


@given(data=st.data(), images=st.integers(1, 5), least=st.floats(0.0, 1.0, width=32))
def test_what_is_kept_is_what_is_given(tmp_path_factory, data, images, least):
    """All that is surer than asked for is there, or nothing is said."""
    sure = data.draw(arrays(np.float32, (images, 40),
                            elements=st.floats(0, 1, width=32)))
    evidence = Evidence(sure, sure * np.float32(0.5))
    telling = np.ones(40, bool)
    rows = np.argsort(-sure, axis=1)[:, :TOP]
    findings = Findings(rows, np.take_along_axis(sure, rows, 1), np.ones(images),
                        np.take_along_axis(sure, rows, 1), evidence.sure(telling, LEAST))
    memory = Remembered(tmp_path_factory.mktemp("cache") / "a" / "b")
    slots, sums = [4094 + image for image in range(images)], list(range(images))
    memory.put(slots, sums, findings, LEAST)
    memory.save()
    found = Remembered(memory._folder).get(slots, sums, TOP, least)
    expected = evidence.sure(telling, least)
    room = max(np.diff(evidence.sure(telling, LEAST).offsets)) <= 20
    if found is None:
        assert least < LEAST or not room
        return
    assert found.sure is not None
    np.testing.assert_array_equal(found.rows, rows)
    for image in range(images):
        there, wanted = (
            {(row, sureness) for row, sureness in zip(
                one.rows[one.offsets[image]:one.offsets[image + 1]].tolist(),
                one.confidences[one.offsets[image]:one.offsets[image + 1]].tolist(), strict=True)
             if sureness >= least} for one in (found.sure, expected))
        assert there == wanted
