"""Photos of a store are on their way while others are decoded."""

import threading
import time
from contextlib import contextmanager

import pytest
import text_model

from zsl_cli import Model
from zsl_cli.embedding import stream
from zsl_cli.errors import ImageError
from zsl_cli.photos.cluster import fetching
from zsl_cli.photos.cluster.chunks import Found, Objects
from zsl_cli.photos.cluster.store import Stored, StoreError

WAY = 0.05  # seconds


class Far:
    """A store that answers late, and counts."""

    address = "far://photos"

    def __init__(self, data, missing=(), broken=()):
        self._data, self._missing, self._broken = data, missing, broken
        self._lock = threading.Lock()
        self.reads = []
        self.under_way = self.most = 0

    def full(self, name):
        return f"{self.address}/{name}"

    def look(self, name=""):
        time.sleep(WAY)
        return None if name in self._missing else Stored(name, len(self._data), 1)

    def check(self):
        """It is there."""

    def read(self, name="", *, most):
        with self._counted(name):
            time.sleep(WAY)
            if name in self._broken:
                raise StoreError("the service is away", "unreachable")
            if name in self._missing:
                raise StoreError("there is no such file", "missing")
            return self._data

    @contextmanager
    def _counted(self, name):
        with self._lock:
            self.reads.append(name)
            self.under_way += 1
            self.most = max(self.most, self.under_way)
        try:
            yield
        finally:
            with self._lock:
                self.under_way -= 1


@pytest.fixture
def data(tmp_path):
    return text_model.photo(tmp_path / "a.png", (9, 9, 9)).read_bytes()


def photos(store, number, *, size=None):
    return Objects(store, tuple(Found(f"{one:03}.png", size) for one in range(number)))


def embedded(model, chunk):
    """What comes of its photos with one thread: errors and embeddings, in order."""
    loaded = Model.load(model, device="cpu", threads=1)
    items = ((path, photo if isinstance(photo, ImageError) else photo.read)
             for path, photo in chunk.located(10**9))
    return [(key, error) for batch in stream.embed(loaded, items, batch_size=8, jobs=1)
            for key, error in zip(batch.keys, batch.errors, strict=True)]


def test_many_are_on_their_way_at_once_and_none_is_fetched_twice(model, data):
    store = Far(data)
    Model.load(model, device="cpu", threads=1)
    begun = time.monotonic()
    found = embedded(model, photos(store, 96, size=len(data)))
    assert time.monotonic() - begun < 96 * WAY / 2
    assert [path for path, _ in found] == [f"far://photos/{one:03}.png" for one in range(96)]
    assert [error for _, error in found] == [None] * 96
    assert sorted(store.reads) == [f"{one:03}.png" for one in range(96)]
    assert 4 < store.most <= fetching.AT_ONCE


@pytest.mark.parametrize("size", [None, 40])
def test_only_so_many_bytes_are_on_their_way(model, data, monkeypatch, size):
    monkeypatch.setattr(fetching, "BYTES", 100)
    monkeypatch.setattr(fetching, "_UNKNOWN", 40)
    store = Far(data)
    assert len(embedded(model, photos(store, 24, size=size))) == 24
    assert store.most <= 2
    assert len(store.reads) == 24


def test_a_photo_larger_than_all_that_may_be_on_its_way_is_fetched_alone(model, data, monkeypatch):
    monkeypatch.setattr(fetching, "BYTES", 10)
    store = Far(data)
    assert [error for _, error in embedded(model, photos(store, 8, size=99))] == [None] * 8
    assert store.most == 1


def test_what_is_wrong_with_one_photo_is_its_own(model, data):
    store = Far(data, missing=["003.png"])
    for size in (None, len(data)):
        found = embedded(model, photos(store, 12, size=size))
        assert [error and error.kind for _, error in found] == [
            "missing" if one == 3 else None for one in range(12)]


def test_a_store_that_is_away_ends_the_chunk_and_nothing_is_fetched_any_more(model, data):
    store = Far(data, broken=["002.png"])
    with pytest.raises(StoreError, match="the service is away"):
        embedded(model, photos(store, 400, size=len(data)))
    time.sleep(4 * WAY)
    fetched = len(store.reads)
    time.sleep(4 * WAY)
    assert len(store.reads) == fetched < 400


def test_photos_may_be_opened_in_another_order_and_again(data, model):
    loaded = Model.load(model, device="cpu", threads=1)
    store = Far(data)
    found = [photo for _, photo in photos(store, 40, size=len(data)).located(10**9)]
    for photo in reversed(found):
        photo.read(loaded)
    found[0].read(loaded)
    assert len(store.reads) == 41
