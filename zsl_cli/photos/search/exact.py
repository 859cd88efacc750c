"""Exact search: the products of a query with every embedding."""

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Iterator

    from numpy.typing import NDArray

    from zsl_cli.photos.search.space import JointSpace

    Page = tuple[NDArray[np.int64], NDArray[np.float32]]
    """Slots and their cosines with a query, falling."""

_ROWS = 4096  # made float32 at once
_FIRST = 256  # photos of a page
_GROWTH = 4


class Exact:
    """Brute force over float16 rows ``[n, D]``, made float32 a block at a time."""

    def __init__(self, rows: "NDArray[np.float16]", space: "JointSpace",
                 slots: "NDArray[np.int64] | None" = None) -> None:
        """slots: of the rows that count, rising; by default all."""
        self._rows, self._space = np.asarray(rows), space
        self._slots = slots

    def __len__(self) -> int:
        return len(self._rows) if self._slots is None else len(self._slots)

    def scores(self, queries: "NDArray[np.float32]") -> "NDArray[np.float32]":
        """The cosines ``[q, n]`` of queries, unit vectors ``[q, width]``, with all that counts."""
        scores = np.empty((len(queries), len(self)), np.float32)
        for start in range(0, len(self), _ROWS):
            block = slice(start, start + _ROWS)
            rows = self._rows[block if self._slots is None else self._slots[block]]
            scores[:, block] = self._space.cosines(queries, rows)
        return scores

    def pages(self, queries: "NDArray[np.float32]") -> "list[Iterator[Page]]":
        """For each query all photos, page after page, the nearest first."""
        return [self._paged(line) for line in self.scores(queries)]

    def _paged(self, scores: "NDArray[np.float32]") -> "Iterator[Page]":
        left = np.arange(len(scores))
        size = _FIRST
        while len(left):
            of_left = scores[left]
            if size < len(left):
                order = np.argpartition(-of_left, size - 1)
                best, left = left[order[:size]], left[order[size:]]
            else:
                best, left = left, left[:0]
            best = best[np.lexsort((best, -scores[best]))]
            yield best if self._slots is None else self._slots[best], scores[best]
            size *= _GROWTH
