"""Prints what HNSW and exact search cost, beside usearch and faiss, up to a million labels.

python benchmarks/search.py [VOCABULARY...] [--largest N] [--queries N]

Each vocabulary is searched as it is; the largest is then perturbed to 155,000 and to 1,000,000
labels: copies of its vectors with noise, as far from their label as its nearest neighbour is, by
the median. Queries are label vectors with noise of about their own length. usearch and faiss
(the extra bench) are measured where they are installed, with zsl's parameters.

The last lines say what a vocabulary costs a fresh process that classifies one photo.
"""

import argparse
import importlib
import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from threadpoolctl import threadpool_limits

from zsl_cli import Vocabulary
from zsl_cli.support import cpus
from zsl_cli.support.folders import sha256
from zsl_cli.vocabulary.search.nearest import Exact, Hnsw, HnswParameters, as_float32
from zsl_cli.vocabulary.search.recall import K, noisy_labels

SIZES = (155_000, 1_000_000)
BATCH = 32  # photos that zsl classify searches together
ONE_BY_ONE = 200
PROCESSES = 7

COLD = """
import sys, time
import numpy as np
from zsl_cli.support import cpus
cpus.one_blas_thread()
started = time.perf_counter()
from zsl_cli import Vocabulary
vocabulary = Vocabulary.start_loading(sys.argv[1], queries=1).result()
query = np.full((1, vocabulary.dimension), vocabulary.dimension ** -0.5, np.float32)
rows, _ = vocabulary.searcher().search(query, 100)
[vocabulary.label(row) for row in rows[0, :5].tolist()]
print(time.perf_counter() - started)
"""


@dataclass(frozen=True)
class Engine:
    """A library's HNSW: how to build, save, load and search; ``search`` takes queries, k and the
    number of threads and gives rows."""

    name: str
    build: Callable[[np.ndarray, HnswParameters], Any]
    save: Callable[[Any, Path], object]
    load: Callable[[Path, np.ndarray, HnswParameters], Any]
    search: Callable[[Any, np.ndarray, int, int], np.ndarray]


def _hnswlib_search(index: Any, queries: np.ndarray, k: int, threads: int) -> np.ndarray:
    index._index.set_num_threads(threads)
    return index.search(queries, k)[0]


def _usearch() -> Engine:
    from usearch.index import Index

    def make(dimension, parameters):
        return Index(ndim=dimension, metric="ip", dtype="f32", connectivity=parameters.m,
                     expansion_add=parameters.ef_construction, expansion_search=parameters.ef)

    def build(vectors, parameters):
        index = make(vectors.shape[1], parameters)
        index.add(np.arange(len(vectors)), vectors, threads=cpus.usable_cpus())
        return index

    def load(path, vectors, parameters):
        index = make(vectors.shape[1], parameters)
        index.load(str(path))
        index.expansion_search = parameters.ef
        return index

    def search(index, queries, k, threads):
        return np.atleast_2d(index.search(queries, k, threads=threads).keys)

    return Engine("usearch", build, lambda index, path: index.save(str(path)), load, search)


def _faiss() -> Engine:
    import faiss

    def build(vectors, parameters):
        faiss.omp_set_num_threads(cpus.usable_cpus())
        index = faiss.IndexHNSWFlat(vectors.shape[1], parameters.m, faiss.METRIC_INNER_PRODUCT)
        index.hnsw.efConstruction = parameters.ef_construction
        index.hnsw.efSearch = parameters.ef
        index.add(vectors)
        return index

    def search(index, queries, k, threads):
        faiss.omp_set_num_threads(threads)
        return index.search(queries, k)[1]

    return Engine("faiss", build, lambda index, path: faiss.write_index(index, str(path)),
                  lambda path, *_: faiss.read_index(str(path)), search)


def engines() -> list[Engine]:
    """The one that zsl uses, and those that are installed."""
    found = [Engine("zsl (hnswlib)", Hnsw, lambda index, path: index.save(path),
                    lambda path, vectors, parameters: (sha256(path), Hnsw(
                        vectors, parameters, cached=path))[1], _hnswlib_search)]
    for name, make in (("usearch", _usearch), ("faiss", _faiss)):
        try:
            importlib.import_module(name)
        except ImportError:
            print(f"{name} is not installed", file=sys.stderr)
        else:
            found.append(make())
    return found


def timed(function: Callable[[], Any]) -> tuple[Any, float]:
    """The result and the wall seconds of a call."""
    started = time.perf_counter()
    result = function()
    return result, time.perf_counter() - started


def in_batches(search: Callable[[np.ndarray], Any], queries: np.ndarray, size: int,
               most: int) -> float:
    """The median seconds a query."""
    return float(np.median([timed(lambda at=at: search(queries[at:at + size]))[1] / size
                            for at in range(0, min(len(queries), most * size), size)]))


def neighbour_distance(vectors: np.ndarray) -> float:
    """The length of the noise that takes a unit vector as far away as its nearest neighbour is,
    by the median over some of them."""
    random = np.random.default_rng(1)
    some = as_float32(vectors[np.sort(random.integers(0, len(vectors), 256))])
    cosine = float(np.median(Exact(vectors).search(some, 2)[1][:, 1]))
    return float(np.sqrt(max(1 / cosine ** 2 - 1, 1e-4)))


def perturbed(vectors: np.ndarray, number: int) -> np.ndarray:
    """So many unit vectors, float32: the given ones, and copies of them with noise."""
    random = np.random.default_rng(2)
    dimension = vectors.shape[1]
    spread = neighbour_distance(vectors) / np.sqrt(dimension)
    found = np.empty((number, dimension), np.float32)
    for start in range(0, number, len(vectors)):
        block = found[start:start + len(vectors)]
        block[...] = vectors[:len(block)]
        if start:
            block += random.standard_normal(block.shape, np.float32) * np.float32(spread)
            block /= np.linalg.norm(block, axis=1, keepdims=True)
    return found


def measure(title: str, vectors: np.ndarray, parameters: HnswParameters, number: int) -> None:
    """Print the table over some label vectors."""
    cores = cpus.usable_cpus()
    queries = noisy_labels(vectors, number)
    print(f"{title}: {len(vectors):,} labels of {vectors.shape[1]} dimensions, M {parameters.m}, "
          f"ef_construction {parameters.ef_construction}, ef {parameters.ef}\n")
    print(f"| search | recall@{K} | one query alone | a query of {BATCH}, 1 thread | "
          f"a query of {BATCH}, {cores} threads | built | loaded | size |")
    print("|---|---|---|---|---|---|---|---|")
    exact, opening = timed(lambda: Exact(vectors))
    truth = exact.search(queries, K)[1][:, K - 1]
    times = []
    for threads, size in ((1, 1), (cores, 1), (1, BATCH), (cores, BATCH)):
        with threadpool_limits(threads):
            times.append(in_batches(lambda part: exact.search(part, K), queries, size,
                                    ONE_BY_ONE // 4 if size == 1 else 8))
    times[:2] = [min(times[:2])]  # a single query is quicker on one thread or on all
    print(f"| exact, NumPy | 1 | {' | '.join(f'{each * 1e3:.3f} ms' for each in times)} | | "
          f"{opening:.2f} s | |", flush=True)
    alone = times[0]
    single = as_float32(vectors)
    notes = []
    for engine in engines():
        index, building = timed(lambda engine=engine: engine.build(single, parameters))
        rows = np.asarray(engine.search(index, queries, K, cores)).astype(np.int64)
        found = np.einsum("nkd,nd->nk", single[rows], queries)
        recall = float((found >= truth[:, None] - 1e-5).mean())
        with tempfile.TemporaryDirectory() as folder:
            path = Path(folder) / "index"
            engine.save(index, path)
            size = path.stat().st_size
            del index
            index, loading = timed(lambda engine=engine, path=path: engine.load(
                path, single, parameters))
        times = [in_batches(lambda part, engine=engine, index=index, threads=threads:
                            engine.search(index, part, K, threads), queries, size_, most)
                 for threads, size_, most in ((1, 1, ONE_BY_ONE), (1, BATCH, 8),
                                              (cores, BATCH, 8))]
        print(f"| {engine.name} | {recall:.4f} | "
              f"{' | '.join(f'{each * 1e3:.3f} ms' for each in times)} | {building:.1f} s | "
              f"{loading:.2f} s | {size / 1e6:,.0f} MB |", flush=True)
        notes.append(f"{engine.name} {alone / times[0]:.0f} ×")
        del index
    print(f"\nOne query alone is so many times faster than by exact search: {', '.join(notes)}.\n",
          flush=True)


def cold(names: list[str]) -> None:
    """Print what loading, and one exact search, take in a fresh process."""
    for name in names:
        times = [float(subprocess.run([sys.executable, "-c", COLD, name], check=True,
                                      capture_output=True, text=True).stdout)
                 for _ in range(PROCESSES)]
        print(f"vocabulary {name}: ready and one photo's labels found {np.median(times):.3f} s "
              "after the start of a fresh process, beside what the model takes meanwhile")


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("vocabularies", nargs="*", default=["default"], metavar="VOCABULARY")
    parser.add_argument("--largest", type=int, default=SIZES[-1], metavar="N",
                        help="leave out larger numbers of labels than this")
    parser.add_argument("--queries", type=int, default=1024, metavar="N")
    options = parser.parse_args()
    loaded = sorted((Vocabulary.load(name) for name in options.vocabularies), key=len)
    for vocabulary in loaded:
        measure(vocabulary.name, vocabulary.vectors, vocabulary.hnsw_parameters, options.queries)
    largest = loaded[-1]
    for size in SIZES:
        if 1.05 * len(largest) < size <= options.largest:
            measure(f"{largest.name}, perturbed", perturbed(largest.vectors, size),
                    HnswParameters.suited_to(size), options.queries)
    cold(options.vocabularies)
    print(f"peak memory {resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1e6:.1f} GB")


if __name__ == "__main__":
    main()
