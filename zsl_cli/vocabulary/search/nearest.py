"""The labels nearest to an embedding: exact, or by an HNSW index, behind one interface.

Exact search is the oracle and, for a handful of photos, also the faster way: it needs no index.
An index (Malkov and Yashunin, 2018, through hnswlib) is built from the label vectors once and
kept in the user's cache (``index_cache``); a file from anywhere else is never opened, since a
crafted hnswlib file can overflow the heap.
"""

import copy
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

import numpy as np

from zsl_cli.support import cpus
from zsl_cli.support.limits import MAX_EF, MAX_M, MIN_M

if TYPE_CHECKING:
    from collections.abc import Callable

    from numpy.typing import NDArray

    Neighbours = tuple[NDArray[np.int64], NDArray[np.float32]]

EXACT_UP_TO = 24_000_000
"""Up to so many numbers, labels × dimensions (80,000 labels of 300), exact search costs a sixth
of what the encoder does at most, and building an index as much as thousands of photos do, so that
whole libraries are searched exactly, however many photos are left to do."""

_EXACT_QUERY = 4.5e-11  # s a query and number, in batches
_HNSW_QUERY = 2.5e-4  # s a query: its time hardly grows with the number of labels
_LOADING = 5e-9  # s a number, beyond what exact search needs to begin
_BUILDING = 1e-6  # s a number

_FEW, _MANY = 50_000, 250_000  # labels
_EF = {"few": 384, "some": 96, "many": 512}

_BLOCK = 4_000_000  # scores held at once in exact search: 16 MB
_TOGETHER = 16  # queries at least that share one reading of the vectors
_HALVES = 1024  # float16 vectors made float32 at once, so that they stay in a core's cache
_GROUP = 16  # columns of which the largest value is taken first
_CHUNK = 4096  # vectors added to an index between two reports of progress


def index_pays(labels: int, dimension: int, queries: int, *, saved: bool) -> bool:
    """Whether the index is quicker for so many queries over label vectors ``[labels, D]``, what
    comes before the first of them included: its loading if it is ``saved``, or else its building.

    The figures behind it are what ``benchmarks/search.py`` prints, on two cores. Below 12,000
    labels of 451 dimensions the index never pays.
    """
    numbers = labels * dimension
    won = queries * (_EXACT_QUERY * numbers - _HNSW_QUERY)
    return won > numbers * (_LOADING if saved else _BUILDING)


class Nearest(Protocol):
    """Something that finds the k label vectors of the largest inner product."""

    def search(self, queries: "NDArray[np.float32]", k: int) -> "Neighbours":
        """Rows ``[n, k]`` and inner products ``[n, k]``, falling, of queries ``[n, D]``."""


def as_float32(vectors: "NDArray[np.floating]") -> "NDArray[np.float32]":
    """Vectors of any float type as contiguous float32, the same array if it is that already.

    NumPy turns float16 numbers over one by one. Here their bits are moved to where float32 has
    them, and the difference of the two exponents' biases, 15 and 127, is made good by one
    multiplication, which is exact, subnormal numbers included; it takes a third of the time.
    """
    if vectors.dtype != np.float16:
        return np.ascontiguousarray(vectors, dtype=np.float32)
    converted = np.empty(vectors.shape, np.float32)
    for start in range(0, len(vectors), _HALVES):
        half, single = vectors[start:start + _HALVES], converted[start:start + _HALVES]
        bits = single.view(np.int32)
        bits[...] = half.view(np.int16)  # the sign goes into all bits above
        bits <<= 13
        bits &= np.int32(-0x70002000)  # 0x8FFFE000: sign, exponent and fraction alone
        single *= np.float32(2.0 ** (127 - 15))
        if single.size and max(single.max(), -single.min()) >= 2.0 ** 16:  # infinite, or no number
            single[...] = half
    return converted


def largest(scores: "NDArray[np.float32]", k: int) -> "Neighbours":
    """Columns and values of the k largest of each line of ``[n, m]``, falling; ties go to the
    earlier column. ``k`` above m gives all.

    Of the columns in groups, the k-th largest of the groups' largest values is a bound below which
    none of the k lies: what is left above it is few, and found in a tenth of the time that
    argpartition takes. A group's columns lie far from each other, so that whole rows of values are
    compared at once.
    """
    lines, columns = scores.shape
    if k >= columns or not lines:
        best = np.argsort(-scores, axis=1, kind="stable")
        return best, np.take_along_axis(scores, best, 1)
    groups = columns // _GROUP
    if groups < 2 * k:
        bound = np.partition(scores, columns - k, axis=1)[:, columns - k]
    else:
        grouped = scores[:, :groups * _GROUP].reshape(lines, _GROUP, groups).max(axis=1)
        bound = np.partition(grouped, groups - k, axis=1)[:, groups - k]
    found = np.flatnonzero(scores >= bound[:, None])
    line, column = np.divmod(found, columns)
    values = scores.ravel()[found]
    order = np.lexsort((-values, line))
    best = order[np.searchsorted(line, np.arange(lines))[:, None] + np.arange(k)]
    return column[best], values[best]


class Exact:
    """Brute force over label vectors ``[labels, D]`` of any float type."""

    def __init__(self, vectors: "NDArray[np.floating]") -> None:
        self._vectors = as_float32(vectors)

    def products(self, queries: "NDArray[np.float32]") -> "NDArray[np.float32]":
        """The inner products of queries ``[n, D]`` with all label vectors, ``[n, labels]``."""
        return queries @ self._vectors.T

    def search(self, queries: "NDArray[np.float32]", k: int) -> "Neighbours":
        """See Nearest; ties go to the earlier row. ``k`` above the number of labels gives all."""
        labels = len(self._vectors)
        k = min(k, labels)
        rows = np.empty((len(queries), k), np.int64)
        scores = np.empty((len(queries), k), np.float32)
        step = max(_TOGETHER, _BLOCK // max(labels, 1))
        for start in range(0, len(queries), step):
            block = slice(start, start + step)
            rows[block], scores[block] = largest(self.products(queries[block]), k)
        return rows, scores


@dataclass(frozen=True)
class HnswParameters:
    """M and ef_construction shape the graph; ef is the width of a search (recall for time).

    ``suited_to`` gives what a vocabulary gets that says nothing else.
    """

    m: int = 16
    ef_construction: int = 400
    ef: int = _EF["few"]

    def __post_init__(self) -> None:
        for name, value in vars(self).items():
            if type(value) is not int or value < 1:
                raise ValueError(f"{name} {value!r} is not a whole number above 0")
        if not MIN_M <= self.m <= MAX_M:
            raise ValueError(f"m {self.m} is not from {MIN_M} to {MAX_M}")
        for name in ("ef", "ef_construction"):
            if getattr(self, name) > MAX_EF:
                raise ValueError(f"{name} {getattr(self, name)} is above {MAX_EF}")

    @classmethod
    def suited_to(cls, labels: int) -> "HnswParameters":
        """Parameters with which recall@10 is 0.99 or more over so many labels.

        ``benchmarks/search.py`` prints it for noisy labels. Over few labels a search is quick
        however wide it is, and photographs, which are further from any label, need it
        (``benchmarks/accuracy.py``). Over 155,000 skip-gram vectors ef 96 gives 0.992 and is more
        than twenty times faster than exact search; over a million, made of these, 256 is just too
        narrow (0.9896).
        """
        return cls(ef=_EF["few" if labels <= _FEW else "some" if labels <= _MANY else "many"])


class Hnsw:
    """An HNSW graph by inner product over label vectors ``[labels, D]``."""

    def __init__(self, vectors: "NDArray[np.floating]", parameters: HnswParameters, *,
                 cached: Path | None = None,
                 advance: "Callable[[int], object] | None" = None) -> None:
        """Load ``cached`` if that is a path, else build on all usable cores, and tell ``advance``
        now and then how many more vectors are in."""
        import hnswlib

        self.parameters = parameters
        self._vectors = vectors
        self._index = hnswlib.Index(space="ip", dim=vectors.shape[1])
        self._index.set_num_threads(cpus.usable_cpus())
        if cached is not None:
            self._index.load_index(str(cached), max_elements=len(vectors))
        else:
            self._index.init_index(max_elements=len(vectors), M=parameters.m,
                                   ef_construction=parameters.ef_construction, random_seed=1)
            for start in range(0, len(vectors), _CHUNK):
                chunk = as_float32(vectors[start:start + _CHUNK])
                self._index.add_items(chunk, num_threads=cpus.usable_cpus())
                if advance:
                    advance(len(chunk))
        if self._index.get_current_count() != len(vectors):
            raise ValueError("the index does not hold one entry for each label")

    def with_ef(self, ef: int) -> "Hnsw":
        """The same graph, searched with another width."""
        other = copy.copy(self)
        other.parameters = replace(self.parameters, ef=ef)
        return other

    def search(self, queries: "NDArray[np.float32]", k: int) -> "Neighbours":
        """See Nearest; ``k`` above the number of labels gives all of them."""
        k = min(k, self._index.get_current_count())
        self._index.set_ef(max(self.parameters.ef, 2 * k))  # load_index forgets it
        try:
            rows, distances = self._index.knn_query(queries, k=k)
        except RuntimeError:  # from where the search began fewer than k labels can be reached
            return Exact(self._vectors).search(queries, k)
        return rows.astype(np.int64), (1.0 - distances).astype(np.float32)

    def save(self, path: Path) -> None:
        """Write the index to a file of this name. Raises OSError when not all of it is there in
        the end: hnswlib says nothing of a disk that is full."""
        try:
            self._index.save_index(str(path))
        except RuntimeError as error:
            raise OSError(f"{path}: {error}") from error
        if path.stat().st_size != self._index.index_file_size():
            raise OSError(f"{path}: not all of the index could be written")
