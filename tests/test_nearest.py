"""Exact and HNSW search, and the cache of the index."""

import multiprocessing

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from zsl_cli.folders import sha256
from zsl_cli.metrics import recall_at_k
from zsl_cli.nearest import Exact, Hnsw, HnswParameters, IndexCache

PARAMETERS = HnswParameters()


@pytest.fixture(scope="module")
def vectors():
    """2,000 unit vectors in float16, as a vocabulary has them."""
    values = np.random.default_rng(0).normal(size=(2000, 32))
    return (values / np.linalg.norm(values, axis=1, keepdims=True)).astype(np.float16)


@pytest.fixture
def cache(tmp_path, monkeypatch):
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    return IndexCache("0" * 64, PARAMETERS)


@settings(max_examples=100, deadline=None)
@given(vectors=hnp.arrays(np.float32, st.tuples(st.integers(1, 40), st.just(5)),
                          elements=st.floats(-2, 2, width=16)),
       queries=hnp.arrays(np.float32, st.tuples(st.integers(0, 6), st.just(5)),
                          elements=st.floats(-2, 2, width=16)), k=st.integers(1, 50))
def test_exact_search_is_a_full_sort(vectors, queries, k):
    rows, scores = Exact(vectors).search(queries, k)
    products = queries @ vectors.T
    expected = -np.sort(-products, axis=1)[:, :k]
    assert rows.shape == (len(queries), min(k, len(vectors)))
    np.testing.assert_allclose(scores, expected, atol=1e-5)
    np.testing.assert_allclose(np.take_along_axis(products, rows, 1), scores, atol=1e-5)
    assert all(len(set(line)) == len(line) for line in rows.tolist())


def test_ties_go_to_the_earlier_row():
    rows, _ = Exact(np.ones((7, 2), np.float32)).search(np.ones((1, 2), np.float32), 7)
    assert rows.tolist() == [[0, 1, 2, 3, 4, 5, 6]]


def test_hnsw_finds_what_exact_search_finds(vectors):
    queries = vectors[:200].astype(np.float32)
    exact, scores = Exact(vectors).search(queries, 10)
    found, found_scores = Hnsw(vectors, PARAMETERS).search(queries, 10)
    assert recall_at_k(found, exact, 10) >= 0.99
    np.testing.assert_allclose(found_scores[:, 0], scores[:, 0], atol=1e-5)
    assert (np.diff(found_scores, axis=1) <= 1e-6).all()


@pytest.mark.parametrize("k", [1, 100, 2000, 5000])
def test_hnsw_takes_any_k(vectors, k):
    rows, _ = Hnsw(vectors, PARAMETERS).search(vectors[:3].astype(np.float32), k)
    assert rows.shape == (3, min(k, 2000))


def test_a_saved_index_answers_the_same_and_is_not_built_again(vectors, cache, monkeypatch):
    queries = vectors[:50].astype(np.float32)
    assert not cache.has()
    built = cache.open(vectors).search(queries, 10)[0]
    assert cache.has()
    monkeypatch.setattr("hnswlib.Index.add_items", lambda *_: pytest.fail("built again"))
    assert (cache.open(vectors).search(queries, 10)[0] == built).all()


@pytest.mark.parametrize("damage", ["truncated", "changed", "no digest", "other size"])
def test_a_damaged_index_is_built_again(vectors, cache, damage):
    cache.open(vectors)
    digest = cache.path.with_suffix(".bin.sha256")
    data = cache.path.read_bytes()
    if damage == "truncated":
        cache.path.write_bytes(data[:len(data) // 2])
    elif damage == "changed":
        cache.path.write_bytes(data[:-1] + bytes([data[-1] ^ 1]))
    elif damage == "no digest":
        digest.unlink()
    else:
        cache.path.unlink()
        Hnsw(vectors[:100], PARAMETERS).save(cache.path)
    rows, _ = cache.open(vectors).search(vectors[:5].astype(np.float32), 1)
    assert rows[:, 0].tolist() == [0, 1, 2, 3, 4]
    assert digest.read_text() == sha256(cache.path)
    assert cache.path.stat().st_size == len(data)


def test_other_vectors_or_parameters_have_another_key(tmp_path, monkeypatch):
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    paths = {IndexCache(digest * 64, HnswParameters(m=m)).path
             for digest in "01" for m in (8, 16)}
    assert len(paths) == 4


def test_a_cache_that_cannot_be_written_costs_nothing_but_time(vectors, tmp_path, monkeypatch):
    (tmp_path / "file").touch()
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "file"))
    cache = IndexCache("0" * 64, PARAMETERS)
    rows, _ = cache.open(vectors).search(vectors[:2].astype(np.float32), 1)
    assert rows[:, 0].tolist() == [0, 1]


def _open(vectors):
    return IndexCache("0" * 64, PARAMETERS).open(vectors).search(
        vectors[:5].astype(np.float32), 1)[0][:, 0].tolist()


def test_two_processes_may_build_at_once(vectors, cache):
    with multiprocessing.get_context("spawn").Pool(2) as pool:
        assert pool.map(_open, [vectors] * 4) == [[0, 1, 2, 3, 4]] * 4
    assert cache.has()
    assert len(list(cache.path.parent.iterdir())) == 2
