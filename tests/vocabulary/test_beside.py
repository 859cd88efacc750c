"""The second vectors of labels, in a vocabulary folder."""

import json

import numpy as np
import pytest

from zsl_cli import Vocabulary
from zsl_cli.errors import FolderError
from zsl_cli.support import folders
from zsl_cli.vocabulary import checks, writing
from zsl_cli.vocabulary.beside import Beside
from zsl_cli.vocabulary.names.label import Label

VECTORS = np.array([[.5, .25, 0], [-.5, 2, 1]], np.float32)


def make(folder, beside=None, dtype=np.float32):
    folder.mkdir()
    labels = [Label(f"l{row}", f"label {row}") for row in range(3)]
    writing.write(folder, "v", "s", labels, np.eye(3, dtype=dtype), beside)
    return folder


@pytest.fixture
def folder(tmp_path):
    """A folder of three labels, of which the first and the last have a second vector."""
    return make(tmp_path / "v", Beside(np.array([0, 2]), VECTORS))


def put(folder, vectors=None, **entries):
    """Put another array, or other entries, into a folder as if it had been made so."""
    path = folder / "vocabulary.json"
    manifest = json.loads(path.read_text())
    if vectors is not None:
        np.save(folder / "beside.npy", vectors)
        manifest["files"] |= folders.describe_files(folder, "beside.npy")
    path.write_text(json.dumps({**manifest, **entries}))


def verified(folder):
    check, _ = checks.check_files(folder)
    return check


@pytest.mark.parametrize("dtype", [np.float16, np.float32])
def test_second_vectors_are_read_as_they_were_written(tmp_path, dtype):
    folder = make(tmp_path / "v", Beside(np.array([0, 2]), VECTORS), dtype)
    assert np.load(folder / "beside.npy").dtype == dtype
    beside = Vocabulary.load(folder).beside
    assert (beside.rows.tolist(), beside.vectors.dtype) == ([0, 2], np.float32)
    np.testing.assert_array_equal(beside.vectors, VECTORS)
    assert verified(folder).state == "ok"


def test_a_folder_without_has_none(tmp_path):
    for name, beside in (("a", None), ("b", Beside(np.empty(0, np.int64), VECTORS[:0]))):
        folder = make(tmp_path / name, beside)
        assert not (folder / "beside.npy").exists()
        assert "beside" not in json.loads((folder / "vocabulary.json").read_text())
        assert Vocabulary.load(folder).beside.vectors.shape == (0, 3)
    assert len(Vocabulary.empty("s", 3).beside.rows) == 0


def test_a_damaged_file_is_refused_when_it_is_needed(folder):
    data = bytearray((folder / "beside.npy").read_bytes())
    data[-1] ^= 1
    (folder / "beside.npy").write_bytes(data)
    vocabulary = Vocabulary.load(folder)  # which needs no second vector to search
    with pytest.raises(FolderError, match=r"beside\.npy.*changed"):
        _ = vocabulary.beside
    assert (verified(folder).state, "beside.npy" in verified(folder).message) == ("wrong", True)


@pytest.mark.parametrize(("vectors", "said"), [
    (VECTORS[:1], "2 vectors of dimension 3"), (VECTORS[:, :2], "2 vectors of dimension 3"),
    (np.ones((2, 3), int), "these are others"),
    (np.array([[1, 2, np.nan], [0, 0, 0]], np.float32), "finite"),
    (np.array([[1, 2, np.inf], [0, 0, 0]], np.float16), "finite")])
def test_an_array_that_cannot_be_it_is_refused(folder, vectors, said):
    put(folder, vectors)
    with pytest.raises(FolderError, match=said):
        _ = Vocabulary.load(folder).beside
    assert verified(folder).state == "wrong"
    assert said in verified(folder).message


def test_a_file_that_is_not_listed_is_not_read(folder):
    files = json.loads((folder / "vocabulary.json").read_text())["files"]
    del files["beside.npy"]
    put(folder, files=files)
    with pytest.raises(FolderError, match=r"beside\.npy"):
        _ = Vocabulary.load(folder).beside
    assert verified(folder).state == "wrong"


@pytest.mark.parametrize("rows", [[2, 0], [0, 0], [0, 3], [-1, 2], [0, True], [0, "2"], "02", 2,
                                  {"0": 2}])
def test_rows_that_are_none_or_do_not_rise_are_refused(folder, rows):
    put(folder, beside=rows)
    with pytest.raises(FolderError, match="beside: rows of labels, rising, are expected"):
        Vocabulary.load(folder)
