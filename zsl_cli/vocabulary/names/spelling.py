"""Which of many names are spelt nearly like a text."""

from collections.abc import Sequence
from difflib import SequenceMatcher

import numpy as np

ALIKE = 0.6
"""The least ratio of names that are offered in the place of one that is unknown."""

_LETTERS = 64
"""Characters are counted in so many classes, by their code."""


class Names:
    """Names that can be asked for those nearly spelt like a text: the letters that two texts have
    in common bound how alike they can be, and are compared with all names at once, which takes a
    tenth of the time that difflib does with tens of thousands of names."""

    def __init__(self, names: Sequence[str]) -> None:
        self._names = names
        self._counts = np.zeros((len(names), _LETTERS), np.int16)
        codes = np.frombuffer("".join(names).encode("utf-32-le", "surrogatepass"), np.uint32)
        lengths = np.array([len(name) for name in names], np.int64)
        np.add.at(self._counts, (np.repeat(np.arange(len(names)), lengths), codes % _LETTERS), 1)
        self._lengths = lengths

    def like(self, text: str, *, most: int = 3, least: float = 0.8) -> list[str]:
        """The names most like a text, best first and then by the alphabet: those whose ratio of
        matching characters (Ratcliff and Metzener, 1988) is at least so large. None is like an
        empty text."""
        codes = np.frombuffer(text.encode("utf-32-le", "surrogatepass"), np.uint32)
        counts = np.bincount(codes % _LETTERS, minlength=_LETTERS).astype(np.int16)
        both = np.maximum(self._lengths + len(text), 1)
        # Bounds of the ratio, rounded as it is itself, so that a name just at the limit stays.
        rows = np.flatnonzero(2.0 * np.minimum(self._lengths, len(text)) / both >= least)
        common = np.minimum(self._counts[rows], counts).sum(axis=1)
        rows = rows[2.0 * common / both[rows] >= least]
        matcher = SequenceMatcher(b=text, autojunk=False)
        similar = []
        for row in rows.tolist():
            matcher.set_seq1(self._names[row])
            if matcher.real_quick_ratio() >= least and matcher.ratio() >= least:
                similar.append((-matcher.ratio(), self._names[row]))
        return [name for _, name in sorted(similar)[:most]]
