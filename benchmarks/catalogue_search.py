"""Prints recall and speed of the search through a catalogue's embeddings, up to a million.

python benchmarks/catalogue_search.py PHOTOS CAPTIONS [--sizes N...] [--queries N]

PHOTOS is a folder of photographs, CAPTIONS a file of captions as zsl eval takes it. Embeddings of
more photos than there are are made of the real ones: a point between a photo and one of its twenty
nearest, and noise as such neighbours differ by. Queries are photos that are held out of that, and
sentences. Recall@10 is against exact search in the same run; the time of a query is the least and
the median of all, and the CPU's in the mean, beside that of exact search. Then come opening the
index, and 1,000 photos more.
"""

import argparse
import os
import tempfile
import time
from pathlib import Path

import numpy as np

from zsl_cli import Model, Vocabulary
from zsl_cli.classifier.sentences import SentenceEncoder
from zsl_cli.embedding.walk import Walk
from zsl_cli.photos.annotating import sentences
from zsl_cli.photos.search import index_folder
from zsl_cli.photos.search.exact import Exact
from zsl_cli.photos.search.index_folder import IndexFolder
from zsl_cli.photos.search.inverted import Approximate
from zsl_cli.photos.search.space import JointSpace
from zsl_cli.support import cpus

K = 10
NEIGHBOURS = 20
MORE = 1000
BLOCK = 20_000


def synthetic(real: np.ndarray, number: int, path: Path, dimension: int, seed: int = 0) -> None:
    """Write float16 rows ``[number, dimension]`` made of unit vectors ``[n, width]``."""
    generator = np.random.default_rng(seed)
    cosines = real @ real.T
    np.fill_diagonal(cosines, -2)
    near = np.argpartition(-cosines, NEIGHBOURS, axis=1)[:, :NEIGHBOURS]
    apart = (real[:, None] - real[near[:, :4]]).reshape(-1, real.shape[1])
    with path.open("wb") as file:
        for start in range(0, number, BLOCK):
            size = min(BLOCK, number - start)
            one = generator.integers(len(real), size=size)
            other = near[one, generator.integers(NEIGHBOURS, size=size)]
            share = generator.uniform(0.4, 1, (size, 1)).astype(np.float32)
            noise = sum(apart[generator.integers(len(apart), size=size)]
                        * generator.standard_normal((size, 1), np.float32) for _ in range(3))
            rows = share * real[one] + (1 - share) * real[other] + 0.4 * noise
            rows /= np.linalg.norm(rows, axis=1, keepdims=True)
            whole = np.zeros((size, dimension), np.float16)
            whole[:, :real.shape[1]] = rows
            file.write(whole.tobytes())


def timed(function, *arguments):
    """What a function gives, and the seconds it took."""
    started = time.perf_counter()
    result = function(*arguments)
    return result, time.perf_counter() - started


def measure(rows: np.ndarray, space: JointSpace, queries: dict[str, np.ndarray],
            words: np.ndarray, folder: Path) -> None:
    """Print a table for so many rows; the last thousand are added to the index."""
    place = IndexFolder(folder, "benchmark", space)
    before = rows[:len(rows) - MORE]
    started = time.process_time()
    place.open(before, lambda: words)
    size = sum(path.stat().st_size for path in place.folder.rglob("*") if path.is_file())
    print(f"\n{len(rows):,} photos: built in {time.process_time() - started:.1f} s of CPU, "
          f"{size / len(before):.0f} bytes a photo")
    _, seconds = timed(place.open, rows, lambda: words)
    print(f"{MORE:,} photos more: {seconds:.2f} s")
    index, seconds = timed(place.open, rows, lambda: words)
    print(f"opening: {seconds:.2f} s")
    exact, approximate = Exact(rows, space), Approximate(index, rows, space)
    exact.scores(next(iter(queries.values()))[:1])
    for name, vectors in queries.items():
        alone = min(timed(exact.scores, vectors[:1])[1] for _ in range(3))
        truth = np.concatenate([np.argpartition(-exact.scores(some), K, axis=1)[:, :K]
                                for some in np.array_split(vectors, len(vectors) // 16 + 1)])
        approximate.nearest(vectors[0], K)
        started = time.thread_time()
        found, seconds = zip(*(timed(approximate.nearest, one, K) for one in vectors), strict=True)
        busy = (time.thread_time() - started) / len(vectors)
        recall = np.mean([np.isin(right, slots).mean()
                          for right, (slots, _) in zip(truth, found, strict=True)])
        print(f"{name:10} recall@{K} {recall:.4f}  a query {1000 * min(seconds):.2f} ms at least, "
              f"{1000 * float(np.median(seconds)):.2f} ms in the middle, {1000 * busy:.2f} ms of "
              f"CPU; exact {1000 * alone:.0f} ms, "
              f"{alone / float(np.median(seconds)):.0f} times as long")


def main() -> None:
    """Run it."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("photos")
    parser.add_argument("captions")
    parser.add_argument("--sizes", type=int, nargs="+", default=[101_000, 1_000_000])
    parser.add_argument("--queries", type=int, default=300)
    given = parser.parse_args()
    cpus.one_blas_thread()
    model, vocabulary = Model.load(threads=1), Vocabulary.load("default")
    space = JointSpace.of(model.dimension, vocabulary)
    paths = [path for path, error in Walk().expand([given.photos]) if error is None]
    real = space.unit(model.embed(paths))
    generator = np.random.default_rng(1)
    order = generator.permutation(len(real))
    said = sentences(given.captions)
    said = [said[at] for at in generator.permutation(len(said))[:given.queries]]
    queries = {"photos": real[order[:given.queries]],
               "sentences": space.unit(SentenceEncoder(model, vocabulary).encode(said))}
    words = space.unit(np.asarray(vocabulary.vectors[::len(vocabulary) // 4096]))
    print(f"{len(real):,} real photos, {len(order) - given.queries:,} of them the base; "
          f"{given.queries} queries of each kind; {cpus.usable_cpus()} cores")
    with tempfile.TemporaryDirectory() as folder:
        os.environ["XDG_CACHE_HOME"] = folder
        path = Path(folder) / "rows.f16"
        for size in given.sizes:
            synthetic(real[order[given.queries:]], size, path, model.dimension)
            rows = np.memmap(path, np.float16, "r", shape=(size, model.dimension))
            measure(rows, space, queries, words, Path(folder) / str(size))
            for old in index_folder.cache_folder().iterdir():
                old.rename(Path(folder) / f"old-{size}-{old.name}")


if __name__ == "__main__":
    main()
