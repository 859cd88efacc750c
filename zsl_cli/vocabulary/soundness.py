"""Whether label vectors can be compared with anything."""

from typing import TYPE_CHECKING

import numpy as np

from zsl_cli.errors import FolderError

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from zsl_cli.vocabulary.names.label import Label

_BLOCK = 1024  # vectors looked at at once, so that they stay in a core's cache


def unsound(vectors: "NDArray[np.floating]") -> "NDArray[np.int64]":
    """The rows, rising, of vectors ``[n, D]`` that are zero or not finite throughout."""
    found = []
    for start in range(0, len(vectors), _BLOCK):
        block = np.asarray(vectors[start:start + _BLOCK], np.float32)
        squares = np.einsum("ij,ij->i", block, block)
        # Squares of numbers that are very small, or large, are 0 or infinite, too.
        found += [start + row for row in np.flatnonzero(~((squares > 0) & (squares < np.inf)))
                  if not (np.isfinite(block[row]).all() and block[row].any())]
    return np.array(found, np.int64)


def complaint(path: str, row: int, label: "Label", more: int) -> FolderError:
    """What is said of the first vector of a file that is unsound, and how many more are."""
    return FolderError(f"{path}: the vector of row {row + 1}, {label.id} ({label.name}), is zero "
                       "or not finite"
                       + (f", as are those of {more:,} more labels" if more else "")
                       + "; build the vocabulary again without them")
