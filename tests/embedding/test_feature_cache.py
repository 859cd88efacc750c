"""Features of image files: read once, kept, and read again when anything has changed."""

import os
import sqlite3
import time

import numpy as np
import pytest

from zsl_cli import Model
from zsl_cli.embedding import feature_cache
from zsl_cli.errors import ImageError


class Lengths:
    """An encoder whose features are the file's length and a constant."""

    batch_size = 4

    def __init__(self, constant=1.0):
        self.constant = constant
        self.read_files = []

    def read(self, source, *, max_pixels=0):
        if not os.path.exists(source):
            raise ImageError("no such file", "missing")
        if os.path.getsize(source) == 0:
            raise ImageError("the file is empty")
        self.read_files.append(os.path.basename(source))
        return np.array([os.path.getsize(source)], np.uint8)

    def embed_pixels(self, pixels):
        return np.array([[one[0], self.constant] for one in pixels], np.float32).reshape(-1, 2)


@pytest.fixture(autouse=True)
def _cache(tmp_path, monkeypatch):
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))


@pytest.fixture
def files(tmp_path):
    """Files of 1 to 9 bytes."""
    paths = [tmp_path / f"{number}.jpg" for number in range(1, 10)]
    for number, path in enumerate(paths, start=1):
        path.write_bytes(b"x" * number)
    return paths


def embed(encoder, paths, identity="one"):
    return feature_cache.embed(encoder, paths, identity=identity, jobs=2)


def test_a_second_run_reads_nothing_and_gives_the_same(files):
    first = embed(Lengths(), files)
    again = Lengths()
    second = embed(again, files)
    assert again.read_files == []
    assert second.cached == 9
    assert first.values[:, 0].tolist() == second.values[:, 0].tolist() == list(range(1, 10))


def test_a_file_that_changed_is_read_again(files):
    embed(Lengths(), files)
    files[2].write_bytes(b"x" * 30)
    status = os.stat(files[4])
    files[4].write_bytes(b"y" * status.st_size)  # as long as before, and set back in time
    os.utime(files[4], ns=(status.st_atime_ns, status.st_mtime_ns))
    again = Lengths()
    found = embed(again, files)
    assert sorted(again.read_files) == ["3.jpg", "5.jpg"]
    assert found.values[:, 0].tolist() == [1, 2, 30, 4, 5, 6, 7, 8, 9]


def test_another_encoder_has_a_cache_of_its_own(files):
    embed(Lengths(), files)
    assert embed(Lengths(2.0), files, "two").values[:, 1].tolist() == [2.0] * 9


def test_what_cannot_be_read_is_told_and_tried_again(files, tmp_path):
    files[3].write_bytes(b"")
    paths = [*files, tmp_path / "nowhere.jpg"]
    steps = []
    found = feature_cache.embed(Lengths(), paths, identity="one",
                                advance=lambda done, failed: steps.append((done, failed)))
    assert [(at, str(error)) for at, error in found.failed] == [
        (3, "the file is empty"), (9, "no such file")]
    assert found.kept.tolist() == [0, 1, 2, 4, 5, 6, 7, 8]
    assert found.values[:, 0].tolist() == [1, 2, 3, 5, 6, 7, 8, 9]
    assert [sum(step) for step in zip(*steps, strict=True)] == [10, 2]
    files[3].write_bytes(b"1234")
    assert embed(Lengths(), paths).kept.tolist() == list(range(9))


def test_nothing_can_be_read(tmp_path):
    found = embed(Lengths(), [tmp_path / "nowhere.jpg"])
    assert found.values.shape == (0, 2)
    assert found.kept.tolist() == []


def test_nothing_is_kept_without_an_identity(files, tmp_path):
    embed(Lengths(), files, None)
    assert not (tmp_path / "cache").exists()


def test_a_cache_that_is_damaged_or_cannot_be_written_costs_time_only(files, tmp_path):
    folder = feature_cache.cache_folder()
    embed(Lengths(), files)
    (database,) = folder.glob("*.sqlite")
    database.write_bytes(b"no database at all" * 100)
    assert embed(Lengths(), files).cached == 0
    assert embed(Lengths(), files).cached == 9
    with sqlite3.connect(database) as connection:
        connection.execute("UPDATE features SET vector = x'00'")
    connection.close()
    assert embed(Lengths(), files).values[:, 0].tolist() == list(range(1, 10))


@pytest.mark.usefixtures("posix")
@pytest.mark.parametrize("kind", ["link", "writable"])
def test_a_cache_that_somebody_else_may_have_written_is_made_anew(files, kind):
    embed(Lengths(), files)
    (database,) = feature_cache.cache_folder().glob("*.sqlite")
    if kind == "link":
        database.symlink_to(database.rename(database.with_name("elsewhere")))
    else:
        database.chmod(0o666)
    assert embed(Lengths(), files).cached == 0
    assert embed(Lengths(), files).cached == 9


@pytest.mark.usefixtures("posix")
def test_a_folder_that_others_may_write_to_is_not_used(files):
    embed(Lengths(), files)
    feature_cache.cache_folder().chmod(0o777)
    assert embed(Lengths(), files).cached == 0


def test_features_that_are_no_bytes_are_not_believed(files):
    embed(Lengths(), files)
    (database,) = feature_cache.cache_folder().glob("*.sqlite")
    with sqlite3.connect(database) as connection:
        connection.execute("DROP TABLE features")
        connection.execute("CREATE TABLE features (path, size, mtime, ctime, vector)")
        for path in files:
            status = os.stat(path)
            connection.execute("INSERT INTO features VALUES (?, ?, ?, ?, 5)", (
                os.fsencode(path), status.st_size, status.st_mtime_ns, status.st_ctime_ns))
    connection.close()
    assert embed(Lengths(), files).values[:, 0].tolist() == list(range(1, 10))


def test_where_no_folder_can_be_made_nothing_is_kept(files, tmp_path):
    (tmp_path / "cache").write_text("a file in the way")
    assert len(embed(Lengths(), files).kept) == 9


def test_caches_that_nothing_has_used_for_long_are_taken_away(files):
    embed(Lengths(), files)
    (old,) = feature_cache.cache_folder().glob("*.sqlite")
    long_ago = time.time() - feature_cache.UNUSED - 100
    os.utime(old, (long_ago, long_ago))
    embed(Lengths(), files, "two")
    assert not old.exists()


def test_a_model_is_known_by_its_weights_and_its_preprocessing(cat_jpg, coffee_png):
    model = Model.load(device="cpu", threads=1)
    identity = feature_cache.identity_of(model)
    assert model.manifest.files["encoder.onnx"].sha256 in identity
    assert "bicubic" in identity
    found = feature_cache.embed(model, [cat_jpg, coffee_png], identity=identity)
    np.testing.assert_allclose(found.values, model.embed([cat_jpg, coffee_png]), atol=1e-5)
