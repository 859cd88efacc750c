"""The search where some labels have a second vector, or another one than the index."""

import numpy as np
import pytest

from zsl_cli.support.vectors import unit_rows
from zsl_cli.vocabulary.names.label import Label
from zsl_cli.vocabulary.search.nearest import Exact, Hnsw, HnswParameters
from zsl_cli.vocabulary.search.second import ExactOfTwo, Seconds
from zsl_cli.vocabulary.taught.additions import Definitions, Taught

RANDOM = np.random.default_rng(2)


@pytest.fixture
def vectors():
    return unit_rows(RANDOM.normal(size=(300, 16))).astype(np.float32)


@pytest.fixture
def queries():
    return unit_rows(RANDOM.normal(size=(40, 16))).astype(np.float32)


def test_the_larger_of_two_products_counts(vectors, queries):
    seconds = Seconds(np.array([3, 7]), 2 * queries[:2])
    products = ExactOfTwo(vectors, seconds).products(queries)
    plain = Exact(vectors).products(queries)
    assert products[0, 3] == pytest.approx(2)
    assert (products >= plain).all()
    same = np.delete(np.arange(300), [3, 7])
    assert (products[:, same] == plain[:, same]).all()


def test_second_vectors_follow_their_labels_into_a_subset(vectors, queries):
    seconds = Seconds(np.array([3, 7, 200]), queries[:3])
    among = seconds.among(np.array([1, 7, 9, 200]))
    assert among.rows.tolist() == [1, 3]
    assert (among.vectors == queries[1:3]).all()


@pytest.mark.parametrize("k", [1, 10, 299])
def test_an_index_of_the_base_and_what_was_taught_give_what_exact_search_gives(
        vectors, queries, k):
    lowered, new = -vectors[5], queries[:1]
    taught = Taught(Definitions((Label("my-new", "new"),)), np.array([5, 300]),
                    np.stack([lowered, new[0]]), Seconds(np.array([8, 20]), 1.5 * queries[1:3]),
                    Seconds(np.empty(0, np.int64), queries[:0]))
    every = taught.over(vectors)
    index = taught.beside(Hnsw(vectors, HnswParameters()), every).with_ef(300)
    rows, scores = index.search(queries, k)
    expected, best = ExactOfTwo(every, taught.seconds).search(queries, k)
    assert scores == pytest.approx(best, abs=1e-5)
    assert (rows == expected).mean() > 0.99
    assert rows[0, 0] == 300
