"""The labels nearest to an embedding: exact, or by an HNSW index, behind one interface.

Exact search is the oracle and, for a handful of photos, also the faster way: it needs no index.
An index (Malkov and Yashunin, 2018, through hnswlib) is built from the label vectors once and
kept in the user's cache; a file from anywhere else is never opened, since a crafted hnswlib
file can overflow the heap.
"""

import hashlib
import os
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

import numpy as np

from zsl_cli.folders import sha256

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Neighbours = tuple[NDArray[np.int64], NDArray[np.float32]]

LOAD_FROM = 256
"""From this many queries on, a cached index is quicker than exact search, its loading included."""

BUILD_FROM = 16_384
"""From this many queries on, an index is built when there is none: at 155,000 labels that is
what building costs, at 20,000 it pays in later runs (``benchmarks/search.py`` prints it)."""

EXACT_UP_TO = 32_768
"""Up to this many labels exact search costs no more than a few hundredths of what the encoder does,
so that whole libraries are searched exactly, whatever the number of photos left to do."""

_BLOCK = 4_000_000  # scores held at once in exact search: 16 MB


class Nearest(Protocol):
    """Something that finds the k label vectors of the largest inner product."""

    def search(self, queries: "NDArray[np.float32]", k: int) -> "Neighbours":
        """Rows ``[n, k]`` and inner products ``[n, k]``, falling, of queries ``[n, D]``."""


class Exact:
    """Brute force over label vectors ``[labels, D]`` of any float type."""

    def __init__(self, vectors: "NDArray[np.floating]") -> None:
        self._vectors = np.ascontiguousarray(vectors, dtype=np.float32)

    def search(self, queries: "NDArray[np.float32]", k: int) -> "Neighbours":
        """See Nearest; ties go to the earlier row. ``k`` above the number of labels gives all."""
        labels = len(self._vectors)
        k = min(k, labels)
        rows = np.empty((len(queries), k), np.int64)
        scores = np.empty((len(queries), k), np.float32)
        step = max(1, _BLOCK // max(labels, 1))
        for start in range(0, len(queries), step):
            block = slice(start, start + step)
            product = queries[block] @ self._vectors.T
            best = (np.argpartition(product, labels - k, axis=1)[:, labels - k:] if k < labels
                    else np.broadcast_to(np.arange(labels), product.shape))
            best = np.sort(best, axis=1)
            order = np.argsort(-np.take_along_axis(product, best, 1), axis=1, kind="stable")
            rows[block] = np.take_along_axis(best, order, 1)
            scores[block] = np.take_along_axis(product, rows[block], 1)
        return rows, scores


@dataclass(frozen=True)
class HnswParameters:
    """M and ef_construction shape the graph; ef is the width of a search (recall for time)."""

    m: int = 16
    ef_construction: int = 400
    ef: int = 256

    def __post_init__(self) -> None:
        for name, value in vars(self).items():
            if type(value) is not int or value < 1:
                raise ValueError(f"{name} {value!r} is not a whole number above 0")


class Hnsw:
    """An HNSW graph by inner product over label vectors ``[labels, D]``."""

    def __init__(self, vectors: "NDArray[np.floating]", parameters: HnswParameters, *,
                 cached: Path | None = None) -> None:
        """Load ``cached`` if that is a path, else build on all cores."""
        import hnswlib

        self._parameters = parameters
        self._index = hnswlib.Index(space="ip", dim=vectors.shape[1])
        if cached is not None:
            self._index.load_index(str(cached), max_elements=len(vectors))
        else:
            self._index.init_index(max_elements=len(vectors), M=parameters.m,
                                   ef_construction=parameters.ef_construction, random_seed=1)
            self._index.add_items(np.asarray(vectors, dtype=np.float32))
        if self._index.get_current_count() != len(vectors):
            raise ValueError("the index does not hold one entry for each label")

    def search(self, queries: "NDArray[np.float32]", k: int) -> "Neighbours":
        """See Nearest; ``k`` above the number of labels gives all of them."""
        k = min(k, self._index.get_current_count())
        self._index.set_ef(max(self._parameters.ef, 2 * k))  # load_index forgets it
        rows, distances = self._index.knn_query(queries, k=k)
        return rows.astype(np.int64), (1.0 - distances).astype(np.float32)

    def save(self, path: Path) -> None:
        """Write the index and, beside it, its SHA-256; both appear whole or not at all."""
        import tempfile

        path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        handle, name = tempfile.mkstemp(prefix=path.stem, suffix=".tmp", dir=path.parent)
        os.close(handle)
        work = Path(name)
        try:
            self._index.save_index(name)
            digest = _digest_path(work)
            digest.write_text(sha256(work))
            work.replace(path)
            digest.replace(_digest_path(path))
        finally:
            work.unlink(missing_ok=True)
            _digest_path(work).unlink(missing_ok=True)


class IndexCache:
    """Where the index over one set of vectors is kept, under a key made of their hash."""

    def __init__(self, vectors_sha256: str, parameters: HnswParameters) -> None:
        import hnswlib
        from platformdirs import user_cache_path

        version = getattr(hnswlib, "__version__", "0")
        text = f"{vectors_sha256} M={parameters.m} efc={parameters.ef_construction} {version}"
        key = hashlib.sha256(text.encode()).hexdigest()[:32]
        self.path = user_cache_path("zsl", appauthor=False) / "hnsw" / f"{key}.bin"
        self._parameters = parameters

    def has(self) -> bool:
        """Whether an index was saved here (it may still turn out to be damaged)."""
        return self.path.is_file() and _digest_path(self.path).is_file()

    def open(self, vectors: "NDArray[np.floating]") -> Hnsw:
        """The saved index if it is whole, else a new one, saved if the cache can be written."""
        if self.has() and self._is_whole():
            try:
                return Hnsw(vectors, self._parameters, cached=self.path)
            except (RuntimeError, ValueError):
                pass  # whole, yet of another layout: build it again
        index = Hnsw(vectors, self._parameters)
        with suppress(OSError, RuntimeError):  # a cache that can't be written costs time only
            index.save(self.path)
        return index

    def _is_whole(self) -> bool:
        try:
            return _digest_path(self.path).read_text() == sha256(self.path)
        except OSError:
            return False


def _digest_path(path: Path) -> Path:
    return path.with_suffix(path.suffix + ".sha256")

