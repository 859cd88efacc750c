"""Photos in lists of near ones: k-means in two stages."""

from dataclasses import dataclass
from typing import TYPE_CHECKING, Self

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Array = NDArray[np.float32]

_STEPS = 6
_NEAR = 4  # groups whose lists a photo may be in
_BLOCK = 65_536


@dataclass(frozen=True)
class Lists:
    """Groups of lists, and the centre of each.

    groups: float32 ``[g, d]``. centres: float32 ``[lists, d]``, those of a group together.
    starts: int64 ``[g + 1]``, where each group's begin.
    """

    groups: "Array"
    centres: "Array"
    starts: "NDArray[np.int64]"

    @classmethod
    def fit(cls, rows: "Array", number: int, seed: int = 1) -> Self:
        """About so many lists for rows ``[n, d]`` like these."""
        generator = np.random.default_rng(seed)
        groups = _means(rows, max(1, round(number ** 0.5)), generator)
        of = _nearest(rows, groups)
        centres = [_means(part, max(1, round(number * len(part) / len(rows))), generator)
                   for group in range(len(groups)) if len(part := rows[of == group])]
        kept = groups[np.unique(of)]
        starts = np.cumsum([0, *map(len, centres)])
        return cls(kept, np.concatenate(centres), starts.astype(np.int64))

    def __len__(self) -> int:
        return len(self.centres)

    def assign(self, rows: "Array") -> "NDArray[np.int32]":
        """The list ``[n]`` of each row ``[n, d]``: that with the nearest centre, of those in the
        nearest groups."""
        parts = [self._assign(rows[start:start + _BLOCK]) for start in range(0, len(rows), _BLOCK)]
        return np.concatenate([np.empty(0, np.int32), *parts])

    def _assign(self, rows: "Array") -> "NDArray[np.int32]":
        count = min(_NEAR, len(self.groups))
        near = np.argpartition(-_closeness(rows, self.groups), count - 1, axis=1)[:, :count]
        best = np.full(len(rows), -np.inf, np.float32)
        of = np.zeros(len(rows), np.int32)
        for group, (start, end) in enumerate(zip(self.starts, self.starts[1:], strict=False)):
            at = np.flatnonzero((near == group).any(axis=1))
            if not len(at):
                continue
            close = _closeness(rows[at], self.centres[start:end])
            which = close.argmax(axis=1)
            value = close[np.arange(len(at)), which]
            better = value > best[at]
            best[at[better]] = value[better]
            of[at[better]] = start + which[better]
        return of


def _closeness(rows: "Array", centres: "Array") -> "Array":
    """``[n, k]``: the larger, the nearer."""
    return rows @ centres.T - (centres * centres).sum(axis=1) / 2


def _nearest(rows: "Array", centres: "Array") -> "NDArray[np.int64]":
    step = max(1, 4_000_000 // len(centres))
    return np.concatenate([_closeness(rows[start:start + step], centres).argmax(axis=1)
                           for start in range(0, len(rows), step)])


def _means(rows: "Array", number: int, generator: np.random.Generator) -> "Array":
    """At most so many centres ``[k, d]`` by Lloyd's algorithm; those of no row are left out."""
    centres = rows[generator.choice(len(rows), min(number, len(rows)), replace=False)]
    for _ in range(_STEPS):
        of = _nearest(rows, centres)
        order = np.argsort(of, kind="stable")
        present, first = np.unique(of[order], return_index=True)
        sums = np.add.reduceat(rows[order], first, axis=0)
        sizes = np.diff([*first, len(rows)])
        centres = (sums / sizes[:, None]).astype(np.float32)
        if len(present) == len(rows):
            break
    return centres
