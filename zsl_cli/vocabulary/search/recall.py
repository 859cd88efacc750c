"""How much of what exact search finds an index finds too, and how long each takes."""

import time
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from zsl_cli.support.vectors import unit_rows
from zsl_cli.vocabulary.search.nearest import Exact, Nearest, as_float32

if TYPE_CHECKING:
    from collections.abc import Callable

    from numpy.typing import NDArray

ENOUGH = 0.99
"""The recall@10 that an index should have."""

K = 10
QUERIES = 256
_ALIKE = 1e-5  # scores that differ by rounding alone


@dataclass(frozen=True)
class Measured:
    """recall@10, and the median seconds of a query when queries come one at a time."""

    recall: float
    exact_seconds: float
    index_seconds: float


def noisy_labels(vectors: "NDArray[np.floating]", number: int = QUERIES,
                 seed: int = 0) -> "NDArray[np.float32]":
    """Unit queries, float32 ``[number, D]``: label vectors drawn at random, each with noise of
    about its own length, so that they lie among the labels and not on one, as images do."""
    random = np.random.default_rng(seed)
    queries = as_float32(vectors[np.sort(random.integers(0, len(vectors), number))])
    queries = queries + random.normal(0, queries.std(), queries.shape).astype(np.float32)
    return unit_rows(queries)


def measure(vectors: "NDArray[np.floating]", index: Nearest,
            number: int = QUERIES) -> Measured:
    """Compare an index over these vectors with exact search, by ``noisy_labels``.

    A label that is as near as the tenth of the exact ten counts as one of them: where vectors
    are identical it does not matter which is found.
    """
    queries = noisy_labels(vectors, number)
    exact = Exact(vectors)
    k = min(K, len(vectors))
    truth = exact.search(queries, k)[1]
    scores = index.search(queries, k)[1]
    recall = float((scores >= truth[:, k - 1:] - _ALIKE).mean())
    few = queries[:min(number, 32)]
    return Measured(recall, _each(exact.search, few, k), _each(index.search, few, k))


def _each(search: "Callable[[NDArray[np.float32], int], object]",
          queries: "NDArray[np.float32]", k: int) -> float:
    times = []
    for at in range(len(queries)):
        started = time.perf_counter()
        search(queries[at:at + 1], k)
        times.append(time.perf_counter() - started)
    return float(np.median(times))
