"""The search over labels of which some have a second vector, or another one than an index has."""

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np

from zsl_cli.vocabulary.search.nearest import Exact, Hnsw, largest

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from zsl_cli.vocabulary.search.nearest import Neighbours


@dataclass(frozen=True)
class Seconds:
    """Second vectors of some labels: the inner product of a label is the larger of the two.

    rows: int64 ``[m]``, rising. vectors: float32 ``[m, D]``.
    """

    rows: "NDArray[np.int64]"
    vectors: "NDArray[np.float32]"

    def __len__(self) -> int:
        return len(self.rows)

    def raised(self, products: "NDArray[np.float32]",
               queries: "NDArray[np.float32]") -> "NDArray[np.float32]":
        """Products ``[n, labels]`` of queries ``[n, D]`` with first vectors, those of these labels
        raised in their place."""
        if len(self.rows):
            products[:, self.rows] = np.maximum(products[:, self.rows], queries @ self.vectors.T)
        return products

    def among(self, rows: "NDArray[np.int64]") -> "Seconds":
        """Of those of these labels, rising, by their places among them."""
        place = np.searchsorted(rows, self.rows)
        kept = np.flatnonzero(place < len(rows))
        kept = kept[rows[place[kept]] == self.rows[kept]]
        return Seconds(place[kept], self.vectors[kept])


class ExactOfTwo(Exact):
    """Brute force over label vectors ``[labels, D]``, some of which have a second one."""

    def __init__(self, vectors: "NDArray[np.floating]", seconds: Seconds) -> None:
        super().__init__(vectors)
        self._seconds = seconds

    def products(self, queries: "NDArray[np.float32]") -> "NDArray[np.float32]":
        """The inner products of queries ``[n, D]`` with all labels, ``[n, labels]``."""
        return self._seconds.raised(super().products(queries), queries)


@dataclass(frozen=True)
class Patched:
    """The search in an index over vectors, of which some labels have others by now: those are
    compared one by one.

    index: over the base's vectors, the first ``indexed`` labels. rows: int64, rising, of labels
    with another vector than the index has, or none there, or a second one; exact: over just these,
    in their order. lowered: how many of the labels in the index may have fallen.
    """

    index: Hnsw
    indexed: int
    rows: "NDArray[np.int64]"
    exact: Exact
    lowered: int

    def with_ef(self, ef: int) -> "Patched":
        """The same, the index searched with another width."""
        return replace(self, index=self.index.with_ef(ef))

    def search(self, queries: "NDArray[np.float32]", k: int) -> "Neighbours":
        """See Nearest."""
        found, scores = self.index.search(queries, min(k + self.lowered, self.indexed))
        products = self.exact.products(queries)
        place = np.searchsorted(self.rows, found)
        same = np.take(self.rows, place, mode="clip") == found
        scores = np.where(same, np.float32(-np.inf), scores)  # they are there once more
        columns, values = largest(np.hstack([scores, products]), k)
        rows = np.hstack([found, np.broadcast_to(self.rows, products.shape)])
        rows = np.take_along_axis(rows, columns, 1)
        there = int(np.isfinite(values).sum(axis=1).min(initial=k))
        return rows[:, :there], values[:, :there]
