"""The hypernym graph over labels: who lies under whom."""

from collections.abc import Iterable, Iterator, Sequence
from functools import cached_property
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray


class Hierarchy:
    """A directed acyclic graph from each label to its parents (WordNet hypernyms, say).

    Parents that are no labels themselves are ignored.
    """

    def __init__(self, ids: Sequence[str], parents: Iterable[Sequence[str]]) -> None:
        """``parents`` gives the parent ids of each of ``ids``, in the same order."""
        self._rows = {id_: row for row, id_ in enumerate(ids)}
        self._children: list[list[int]] = [[] for _ in ids]
        self._parents: list[list[int]] = []
        for row, above in enumerate(parents):
            known = [self._rows[parent] for parent in above if parent in self._rows]
            self._parents.append(known)
            for parent in known:
                self._children[parent].append(row)

    def __len__(self) -> int:
        return len(self._parents)

    @property
    def flat(self) -> bool:
        """Whether no label has a parent."""
        return not any(self._parents)

    @property
    def roots(self) -> list[int]:
        """The rows that have no parent."""
        return [row for row, above in enumerate(self._parents) if not above]

    def parents(self, row: int) -> list[int]:
        """The rows right above ``row``."""
        return self._parents[row]

    def children(self, row: int) -> list[int]:
        """The rows right below ``row``, in rising order."""
        return self._children[row]

    def descendants(self, *rows: int, max_depth: int | None = None) -> list[int]:
        """The rows under one of ``rows``, these included, in rising order; at most ``max_depth``
        steps below the nearest of them, by the shortest path. Cycles do no harm."""
        below_or_equal = set(rows)
        level = list(rows)
        depth = 0
        while level and depth != max_depth:
            depth += 1
            below = []
            for row in level:
                for child in self._children[row]:
                    if child not in below_or_equal:
                        below_or_equal.add(child)
                        below.append(child)
            level = below
        return sorted(below_or_equal)

    def ancestors(self, row: int) -> set[int]:
        """The rows above ``row``, by any way; without ``row``, unless it is in a cycle."""
        seen: set[int] = set()
        open_rows = [row]
        while open_rows:
            above = [parent for parent in self._parents[open_rows.pop()] if parent not in seen]
            seen.update(above)
            open_rows += above
        return seen

    @cached_property
    def leaf_counts(self) -> "NDArray[np.int64]":
        """How many labels with none below them lie under each row, itself included; int64
        ``[labels]``. 0 where only a cycle does."""
        counts = np.zeros(len(self), np.int64)
        for row, below in enumerate(self._children):
            if not below:
                counts[[row, *self.ancestors(row)]] += 1
        return counts

    @cached_property
    def information(self) -> "NDArray[np.float64]":
        """How much each label says, float64 ``[labels]``: 1 − log(leaves under it) / log(all
        leaves), which is 0 for a label above all leaves and 1 for a leaf (Deng et al., 2012,
        Hedging Your Bets, section 3)."""
        leaves = np.maximum(self.leaf_counts, 1)
        total = sum(not below for below in self._children)
        return 1 - np.minimum(np.log(leaves) / np.log(max(total, 2)), 1)

    def rings(self, row: int) -> "Iterator[NDArray[np.int64]]":
        """The rows 0, 1, 2, … hops from ``row``, up and down alike, as far as any are left; each
        int64, rising."""
        offsets, targets = self._links
        seen = np.zeros(len(self._parents), bool)
        ring = np.array([row], np.int64)
        while len(ring):
            seen[ring] = True
            yield ring
            counts = offsets[ring + 1] - offsets[ring]
            before = np.cumsum(counts) - counts
            reached = targets[np.repeat(offsets[ring] - before, counts) + np.arange(counts.sum())]
            ring = np.unique(reached[~seen[reached]])

    @cached_property
    def _links(self) -> "tuple[NDArray[np.int64], NDArray[np.int64]]":
        """The neighbours, above and below, of row i: ``targets[offsets[i]:offsets[i + 1]]``."""
        around = [above + below
                  for above, below in zip(self._parents, self._children, strict=True)]
        offsets = np.cumsum([0, *map(len, around)], dtype=np.int64)
        return offsets, np.array([row for rows in around for row in rows], np.int64)

    def lineage(self, row: int) -> list[int]:
        """The rows from the root down to ``row``, itself included, by the first parent of each
        (where a label has several). A cycle is left where it closes."""
        path = {row: None}  # in order
        above: int | None = row
        while above is not None:
            above = next((parent for parent in self._parents[above] if parent not in path), None)
            if above is not None:
                path[above] = None
        return list(path)[::-1]

    def cycles(self) -> list[list[int]]:
        """Cycles among the parents: rows of which each has the next one as a parent, and the last
        one the first. None are found just where there are none; of cycles that share rows, some
        may be left out."""
        cycles = []
        seen: set[int] = set()
        for start in range(len(self._parents)):
            if start in seen:
                continue
            seen.add(start)
            walk, places = [start], {start: 0}  # from start upwards, and where each row is in it
            open_parents = [iter(self._parents[start])]
            while walk:
                parent = next(open_parents[-1], None)
                if parent is None:
                    open_parents.pop()
                    del places[walk.pop()]
                elif parent in places:
                    cycles.append(walk[places[parent]:])
                elif parent not in seen:
                    seen.add(parent)
                    places[parent] = len(walk)
                    walk.append(parent)
                    open_parents.append(iter(self._parents[parent]))
        return cycles
