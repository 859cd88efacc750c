"""The search over some labels of a vocabulary, and over phrases beside them."""

from collections.abc import Callable, Sequence
from dataclasses import replace
from functools import cache, cached_property
from typing import TYPE_CHECKING

import numpy as np

from zsl_cli.vocabulary.names.label import Label
from zsl_cli.vocabulary.search.nearest import Exact
from zsl_cli.vocabulary.search.second import ExactOfTwo, Seconds

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from zsl_cli.vocabulary.names.taken import Taken
    from zsl_cli.vocabulary.search.nearest import Neighbours


class Subset:
    """Exact search over some rows of a vocabulary and over phrases that are not in it.

    It answers in the vocabulary's rows; phrases follow behind the last of them, in their order,
    so ``label`` has to be asked what a row is.
    """

    def __init__(self, label: "Callable[[int], Label]", size: int, rows: "NDArray[np.int64]",
                 vectors: "NDArray[np.float32]", phrases: Sequence[str],
                 taken: "Sequence[Taken]" = (), *, prior: bool = False,
                 seconds: Seconds | None = None) -> None:
        """
        label: gives the label of a row of the vocabulary, which has so many (``size``).
        rows: rising; vectors: float32 ``[rows + phrases, D]``, those of the rows first.
        taken: the words of a user's list that these stand for.
        prior: whether a label prior is in the vectors.
        seconds: second vectors, by their places among the rows.
        """
        self.phrases = tuple(phrases)
        self.taken = tuple(taken)
        self.prior = prior
        self._words = {one.row: one.name for one in taken
                       if one.row is not None and one.is_own and one.instead is None}
        self._label_of, self._size = label, size
        self.label = cache(self._called)
        """The label of a row that ``search`` gave, under the user's word for it where he listed
        it; a phrase is its own id and name."""
        self.rows = np.concatenate([rows, size + np.arange(len(phrases))])
        """int64 ``[candidates]``, rising; those of phrases stand behind the vocabulary's."""
        self.vectors = vectors
        """float32 ``[candidates, D]``, in the order of their rows."""
        self._exact = ExactOfTwo(vectors, seconds) if seconds else Exact(vectors)

    def __len__(self) -> int:
        return len(self.rows)

    def __contains__(self, row: object) -> bool:
        return row in self._members

    @property
    def unnamed(self) -> list[int]:
        """The vocabulary's rows that are not called by the user's own words."""
        rows = self.rows[self.rows < self._size].tolist()
        return [row for row in rows if row not in self._words]

    @cached_property
    def _members(self) -> frozenset[int]:
        return frozenset(self.rows.tolist())

    @cached_property
    def above(self) -> "NDArray[np.int64]":
        """int64 ``[pairs, 2]``: which candidates, in their order, lie above which in the user's
        list."""
        order: dict[int | str, int] = {key: at for at, key in enumerate(
            [*self.rows[self.rows < self._size].tolist(), *self.phrases])}
        paths = {one.path: order[one.key] for one in self.taken if one.instead is None}
        pairs = [(paths[path[:depth]], below) for path, below in paths.items()
                 for depth in range(1, len(path)) if path[:depth] in paths]
        return np.array(pairs, np.int64).reshape(-1, 2)

    def _called(self, row: int) -> Label:
        if row < self._size:
            label, word = self._label_of(row), self._words.get(row)
            return label if word is None else replace(label, name=word, plain=(word,))
        phrase = self.phrases[row - self._size]
        return Label(phrase, phrase)

    def products(self, queries: "NDArray[np.float32]") -> "NDArray[np.float32]":
        """The inner products of queries ``[n, D]`` with all candidates, ``[n, candidates]``, in the
        order of their rows."""
        return self._exact.products(queries)

    def search(self, queries: "NDArray[np.float32]", k: int) -> "Neighbours":
        """See Nearest."""
        rows, scores = self._exact.search(queries, k)
        return self.rows[rows], scores
