"""Prints what HNSW and exact search cost, and where the index starts to pay.

python benchmarks/search.py [VOCABULARY]
"""

import sys
import tempfile
import time
from pathlib import Path

import numpy as np

from zsl_cli import Vocabulary
from zsl_cli.metrics import recall_at_k
from zsl_cli.nearest import Exact, Hnsw


def timed(function):
    """The result and the wall seconds of a call."""
    started = time.perf_counter()
    result = function()
    return result, time.perf_counter() - started


def main():
    """Measure and print; the queries are label vectors with noise, scaled to unit length."""
    vocabulary = Vocabulary.load(*sys.argv[1:2])
    vectors, parameters = vocabulary.vectors, vocabulary.hnsw_parameters
    random = np.random.default_rng(0)
    queries = np.asarray(vectors[random.integers(0, len(vectors), 2048)], np.float32)
    queries += random.normal(0, queries.std(), queries.shape)
    queries = (queries / np.linalg.norm(queries, axis=1, keepdims=True)).astype(np.float32)

    exact, opening = timed(lambda: Exact(vectors))
    batches, exact_time = timed(lambda: [exact.search(queries[at:at + 16], 100)[0]
                                         for at in range(0, len(queries), 16)])
    truth = np.concatenate(batches)
    index, building = timed(lambda: Hnsw(vectors, parameters))
    (found, _), hnsw_time = timed(lambda: index.search(queries, 100))
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "index.bin"
        index.save(path)
        size = path.stat().st_size
        _, loading = timed(lambda: Hnsw(vectors, parameters, cached=path))
    exact_each, hnsw_each = exact_time / len(queries), hnsw_time / len(queries)
    saved = max(exact_each - hnsw_each, 1e-9)
    print(f"{len(vectors):,} labels of {vectors.shape[1]} dimensions, M {parameters.m}, "
          f"ef_construction {parameters.ef_construction}, ef {parameters.ef}; top 100\n")
    print("| search | ready after | a query | recall@10 |\n|---|---|---|---|")
    print(f"| exact, in batches of 16 | {opening:.3f} s | {exact_each * 1000:.3f} ms | 1 |")
    print(f"| HNSW | built {building:.1f} s, loaded {loading:.3f} s ({size / 1e6:.0f} MB) | "
          f"{hnsw_each * 1000:.3f} ms | {recall_at_k(found, truth, 10):.4f} |")
    print(f"\nA cached index pays from {max(0, loading - opening) / saved:,.0f} queries on, "
          f"building one from {building / saved:,.0f}.")


if __name__ == "__main__":
    main()
