"""The search over some labels of a vocabulary, and over phrases beside them."""

from collections.abc import Callable, Sequence
from functools import cached_property
from typing import TYPE_CHECKING

import numpy as np

from zsl_cli.vocabulary.label import Label
from zsl_cli.vocabulary.nearest import Exact

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from zsl_cli.vocabulary.nearest import Neighbours


class Subset:
    """Exact search over some rows of a vocabulary and over phrases that are not in it.

    It answers in the vocabulary's rows; phrases follow behind the last of them, in their order,
    so ``label`` has to be asked what a row is.
    """

    def __init__(self, label: "Callable[[int], Label]", size: int, rows: "NDArray[np.int64]",
                 vectors: "NDArray[np.float32]", phrases: Sequence[str]) -> None:
        """
        label: gives the label of a row of the vocabulary, which has so many (``size``).
        rows: rising; vectors: float32 ``[rows + phrases, D]``, those of the rows first.
        """
        self.phrases = tuple(phrases)
        self._label, self._size = label, size
        self._rows = np.concatenate([rows, size + np.arange(len(phrases))])
        self.vectors = vectors
        """float32 ``[candidates, D]``, in the order of their rows."""
        self._exact = Exact(vectors)

    def __len__(self) -> int:
        return len(self._rows)

    def __contains__(self, row: object) -> bool:
        return row in self._members

    @property
    def of_vocabulary(self) -> list[int]:
        """The rows that are the vocabulary's."""
        return self._rows[self._rows < self._size].tolist()

    @cached_property
    def _members(self) -> frozenset[int]:
        return frozenset(self._rows.tolist())

    def label(self, row: int) -> Label:
        """The label of a row that ``search`` gave; a phrase is its own id and name."""
        if row < self._size:
            return self._label(row)
        phrase = self.phrases[row - self._size]
        return Label(phrase, phrase)

    def search(self, queries: "NDArray[np.float32]", k: int) -> "Neighbours":
        """See Nearest."""
        rows, scores = self._exact.search(queries, k)
        return self._rows[rows], scores
