"""Phrases: words that stand together far more often than chance would have it.

The score of Mikolov et al. (2013b, "Distributed representations of words and phrases and their
compositionality", equation 6), times the number of words as word2phrase has it:

    score(a, b) = (count(a b) − δ) / (count(a) · count(b)) · words

with δ the least count of a phrase. Words are numbers here, and a corpus is a stream of them, so
that a pass over it is a few array operations a block.
"""

from collections.abc import Iterable
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Ids = NDArray[np.int32]
    Counts = NDArray[np.int64]

LINE_END = 0
BREAK = 1
"""Two numbers that are no words: the end of a line, and what no phrase reaches across (punctuation,
a word too rare to count)."""
FIRST_WORD = 2

_MOST_PAIRS = 30_000_000  # kept at once: half a gigabyte


class PairCounts:
    """How often each pair of neighbouring words occurs; the rarest are forgotten where there are
    too many, so that memory is bounded."""

    def __init__(self, most: int = _MOST_PAIRS) -> None:
        self._most = most
        self._parts: list[tuple[NDArray[np.int64], Counts]] = []
        self._waiting = 0
        self._merged = 0

    def add(self, ids: "Ids") -> None:
        """Count the pairs of one block."""
        pairs = _pairs(ids)
        keys, counts = np.unique(pairs[pairs >= 0], return_counts=True)
        self._parts.append((keys, counts))
        self._waiting += len(keys)
        if self._waiting > max(self._merged, self._most // 8):
            self.result()

    def result(self) -> "tuple[NDArray[np.int64], Counts]":
        """The pairs, ascending, as ``first << 32 | second``, and their counts."""
        if not self._parts:
            return np.empty(0, np.int64), np.empty(0, np.int64)
        keys = np.concatenate([part[0] for part in self._parts])
        counts = np.concatenate([part[1] for part in self._parts])
        self._parts = []
        order = np.argsort(keys, kind="stable")
        keys, counts = keys[order], counts[order]
        if len(keys):
            starts = np.flatnonzero(np.r_[True, keys[1:] != keys[:-1]])
            keys, counts = keys[starts], np.add.reduceat(counts, starts)
        least = 1
        while len(keys) > self._most:
            least += 1
            kept = counts >= least
            keys, counts = keys[kept], counts[kept]
        self._parts = [(keys, counts)]
        self._merged, self._waiting = len(keys), 0
        return keys, counts


def find(pairs: PairCounts, counts: "Counts", threshold: float,
         min_count: int) -> "NDArray[np.int64]":
    """The pairs that are phrases, ascending.

    counts: ``[numbers]``, of every number.
    """
    keys, together = pairs.result()
    kept = together >= min_count
    keys, together = keys[kept], together[kept]
    first, second = counts[keys >> 32], counts[keys & 0xFFFFFFFF]
    words = counts[FIRST_WORD:].sum()
    score = (together - min_count) / (first * second.astype(np.float64)) * words
    return keys[score > threshold]


def names(phrases: "NDArray[np.int64]", words: list[str]) -> Iterable[str]:
    """The phrases in letters."""
    for key in phrases.tolist():
        yield f"{words[key >> 32]}_{words[key & 0xFFFFFFFF]}"


def join(ids: "Ids", phrases: "NDArray[np.int64]", first_new: int) -> "Ids":
    """A block in which each phrase has become one word: the k-th has the number first_new + k.

    Of phrases that overlap the left one is taken, as word2phrase does.
    """
    if not len(phrases):
        return ids
    pairs = _pairs(ids)
    place = np.minimum(np.searchsorted(phrases, pairs), len(phrases) - 1)
    is_phrase = phrases[place] == pairs
    starts = is_phrase & ~np.r_[False, is_phrase[:-1]]  # of runs of overlapping phrases
    here = np.arange(len(pairs))
    run = np.maximum.accumulate(np.where(starts, here, 0))
    taken = np.flatnonzero(is_phrase & ((here - run) % 2 == 0))
    joined = ids.copy()
    joined[taken] = first_new + place[taken]
    return np.delete(joined, taken + 1)


def _pairs(ids: "Ids") -> "NDArray[np.int64]":
    """Each word with the next one as ``first << 32 | second``; −1 where either is no word."""
    wide = ids.astype(np.int64)
    pairs = wide[:-1] << 32 | wide[1:]
    pairs[(ids[:-1] < FIRST_WORD) | (ids[1:] < FIRST_WORD)] = -1
    return pairs
