"""Exact and HNSW search, and which of them is used."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from zsl_cli.evaluation.metrics import recall_at_k
from zsl_cli.vocabulary.search.nearest import (
    Exact,
    Hnsw,
    HnswParameters,
    as_float32,
    index_pays,
    largest,
)

PARAMETERS = HnswParameters()


@pytest.fixture(scope="module")
def vectors():
    """2,000 unit vectors in float16, as a vocabulary has them."""
    values = np.random.default_rng(0).normal(size=(2000, 32))
    return (values / np.linalg.norm(values, axis=1, keepdims=True)).astype(np.float16)


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


@pytest.mark.parametrize("k", [1, 3, 7])
def test_ties_go_to_the_earlier_row(k):
    rows, _ = Exact(np.ones((7, 2), np.float32)).search(np.ones((1, 2), np.float32), k)
    assert rows.tolist() == [[0, 1, 2, 3, 4, 5, 6][:k]]


@given(scores=hnp.arrays(np.float32, st.tuples(st.integers(1, 4), st.integers(1, 40)),
                         elements=st.integers(0, 4)), k=st.integers(1, 50))
def test_the_largest_are_the_first_of_a_stable_sort(scores, k):
    columns, values = largest(scores, k)
    expected = np.argsort(-scores, axis=1, kind="stable")[:, :k]
    assert columns.tolist() == expected.tolist()
    assert np.array_equal(values, np.take_along_axis(scores, expected, 1))


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


@pytest.mark.parametrize("k", [10, 300])
def test_an_index_of_identical_vectors_finds_as_many_as_it_is_asked_for(k):
    vectors = np.ones((3000, 8), np.float32) / np.sqrt(8)
    rows, scores = Hnsw(vectors, PARAMETERS).search(vectors[:2], k)
    assert rows.shape == (2, k)
    np.testing.assert_allclose(scores, 1, atol=1e-5)


def test_the_width_of_a_search_is_recall_for_time(vectors):
    index = Hnsw(vectors, HnswParameters(m=4, ef_construction=20, ef=400))
    queries = np.random.default_rng(1).normal(size=(200, 32)).astype(np.float32)
    exact = Exact(vectors).search(queries, 10)[0]
    narrow = recall_at_k(index.with_ef(20).search(queries, 10)[0], exact, 10)
    assert narrow < recall_at_k(index.search(queries, 10)[0], exact, 10) - 0.1
    assert index.parameters.ef == 400


def test_building_tells_how_far_it_is(vectors):
    done = []
    Hnsw(np.concatenate([vectors] * 3), HnswParameters(4, 20, 20), advance=done.append)
    assert len(done) > 1
    assert sum(done) == 6000


@pytest.mark.parametrize("parameters", [
    {"m": 1}, {"m": 513}, {"ef": 0}, {"ef_construction": -1}, {"ef": True}, {"m": 16.0}])
def test_parameters_that_make_no_index_are_refused(parameters):
    with pytest.raises(ValueError, match=next(iter(parameters))):
        HnswParameters(**parameters)


@settings(max_examples=50, deadline=None)
@given(hnp.arrays(np.float16, st.tuples(st.integers(0, 5), st.integers(1, 5)),
                  elements=st.floats(width=16)))
def test_float16_becomes_the_very_same_numbers(vectors):
    found = as_float32(vectors)
    assert found.dtype == np.float32
    np.testing.assert_array_equal(found, vectors.astype(np.float32))


def test_every_float16_number_becomes_itself():
    every = np.arange(2 ** 16, dtype=np.uint16).view(np.float16)
    finite = every[np.isfinite(every)].reshape(-1, 2)
    found = as_float32(finite)
    np.testing.assert_array_equal(found, finite.astype(np.float32))
    assert (np.signbit(found) == np.signbit(finite)).all()


def test_float32_vectors_are_not_copied():
    vectors = np.ones((2, 3), np.float32)
    assert as_float32(vectors) is vectors


def test_the_index_pays_for_many_queries_over_many_labels_only():
    assert not index_pays(155_000, 300, 1, saved=True)
    assert index_pays(155_000, 300, 1000, saved=True)
    assert not index_pays(155_000, 300, 1000, saved=False)
    assert index_pays(155_000, 300, 100_000, saved=False)
    assert not index_pays(1000, 300, 10_000_000, saved=True)


def test_a_million_labels_are_searched_more_widely():
    assert HnswParameters.suited_to(19_020) == HnswParameters(16, 400, 384)
    assert HnswParameters.suited_to(155_000).ef == 96
    assert HnswParameters.suited_to(1_000_000) == HnswParameters(16, 400, 512)


def test_a_graph_that_falls_apart_still_gives_as_many_labels_as_are_asked_for():
    # Two links a node: copies of one label are linked with each other alone.
    random = np.random.default_rng(0)
    few = random.standard_normal((20, 16)).astype(np.float32)
    vectors = np.repeat(few / np.linalg.norm(few, axis=1, keepdims=True), 100, axis=0)
    rows, scores = Hnsw(vectors, HnswParameters(2, 4, 4)).search(vectors[:3], 1000)
    assert rows.shape == scores.shape == (3, 1000)
    assert np.allclose(scores, Exact(vectors).search(vectors[:3], 1000)[1], atol=1e-5)
