"""Catalogues whose embeddings a test chooses."""

import os

import numpy as np
import pytest
from searches import AXES

from zsl_cli.photos.catalogue.catalogue import Catalogue
from zsl_cli.photos.catalogue.identity import Encoder, Identity
from zsl_cli.photos.catalogue.vectors import as_stored
from zsl_cli.photos.photo import Stamp
from zsl_cli.photos.search.queries import QueryEncoder
from zsl_cli.support import folders

WRITTEN = 1_600_000_000  # seconds since 1970: in September 2020


@pytest.fixture
def make_catalogue(tmp_path, monkeypatch):
    """Makes a catalogue of this user's for files of these names and unit vectors ``[n, D]``, under
    the model that is given, by default the embedded one."""
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path / "data"))
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))

    def make(library, photos, *, encoder=None, taken=None, place=None):
        library.mkdir(parents=True, exist_ok=True)
        if encoder is None:
            folder = folders.find(folders.MODEL, "default")
            encoder = Encoder.of(folders.read_manifest(folders.MODEL, folder))
        name = f"{library.name}-{encoder.model}"
        place = place or tmp_path / "data" / "zsl" / "catalogues" / name
        identity = Identity(os.path.realpath(library), encoder)
        with Catalogue.writing(place, identity) as catalogue, catalogue.transaction():
            ids = {}
            for number, (name, vector) in enumerate(photos.items(), start=1):
                path = library / name
                path.parent.mkdir(parents=True, exist_ok=True)
                path.touch()
                os.utime(path, (WRITTEN, WRITTEN))
                stamp = Stamp.of(os.stat(path))
                below = os.path.dirname(name)
                if below not in ids:
                    ids[below] = catalogue.db.execute(
                        "INSERT INTO folders (path) VALUES (?)", (os.fsencode(below),)).lastrowid
                when = (taken or {}).get(name)
                whole = np.zeros(encoder.dimension, np.float32)
                whole[:len(vector)] = vector
                catalogue.insert(number, ids[below], os.fsencode(os.path.basename(name)),
                                 (stamp.size, stamp.mtime, stamp.ctime, 0), as_stored(whole),
                                 (when, None, None))
        return place

    return make


@pytest.fixture
def words_are_axes(monkeypatch):
    """The words a to f are vectors at right angles."""
    def encode(self, queries):
        known = {**AXES, "cat": AXES["a"]}
        found = {term: known[term] for query in queries for term in (*query.plus, *query.minus)
                 if isinstance(term, str)}
        found |= {term: self._photo(os.fspath(term)) for query in queries
                  for term in (*query.plus, *query.minus) if not isinstance(term, str)}
        return [self._sum(query, found) for query in queries]
    monkeypatch.setattr(QueryEncoder, "encode", encode)


@pytest.fixture
def library(tmp_path, make_catalogue):
    """Photos on the axes and between them."""
    photos = {"a.jpg": AXES["a"], "b.jpg": AXES["b"], "sub/ab.jpg": AXES["a"] + AXES["b"],
              "sub/ac.jpg": AXES["a"] + AXES["c"], "sub/deep/c.jpg": AXES["c"]}
    make_catalogue(tmp_path / "photos", photos, taken={
        "a.jpg": "2023-05-01T10:00:00", "b.jpg": "2024-07-01T23:59:59",
        "sub/ab.jpg": "2024-07-02T00:00:00"})
    return tmp_path / "photos"
