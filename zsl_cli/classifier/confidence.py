"""How probable it is that each label is true of an image: the mass of the scores below it."""

from functools import lru_cache
from typing import TYPE_CHECKING

import numpy as np

from zsl_cli.vocabulary.hierarchy import Hierarchy
from zsl_cli.vocabulary.nearest import as_float32
from zsl_cli.vocabulary.subset import Subset

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from zsl_cli.vocabulary.nearest import Nearest
    from zsl_cli.vocabulary.vocabulary import Vocabulary

_SOFTER = 1.25  # times the temperature of the scores
_BLOCK = 32  # images at once: their mass stands once for each label and each one above it


def confidences(vocabulary: "Vocabulary", temperature: float, embeddings: "NDArray[np.float32]",
                nearest: "Nearest | None" = None) -> "NDArray[np.float32]":
    """See Classifier.confidences; the temperature is that of the scores."""
    if isinstance(nearest, Subset):
        labels = [nearest.label(row) for row in nearest.rows.tolist()]
        vectors = nearest.vectors
        hierarchy = Hierarchy([label.id for label in labels], [label.parents for label in labels])
    else:
        vectors, hierarchy = as_float32(vocabulary.vectors), vocabulary.hierarchy
    below, starts = _below(hierarchy)
    found = np.empty((len(embeddings), len(vectors)), np.float32)
    for start in range(0, len(embeddings), _BLOCK):
        products = (embeddings[start:start + _BLOCK] @ vectors.T).astype(np.float64)
        mass = np.exp((products - products.max(axis=1, keepdims=True)) / (_SOFTER * temperature))
        mass /= mass.sum(axis=1, keepdims=True)
        found[start:start + _BLOCK] = np.add.reduceat(mass[:, below], starts, axis=1)
    return np.minimum(found, 1)


@lru_cache(maxsize=4)
def _below(hierarchy: Hierarchy) -> "tuple[NDArray[np.int64], NDArray[np.int64]]":
    """The rows below each row, itself included, one after the other, and where those of each row
    begin."""
    below = [hierarchy.descendants(row) for row in range(len(hierarchy))]
    starts = np.cumsum([0, *map(len, below)], dtype=np.int64)[:-1]
    return np.array([row for rows in below for row in rows], np.int64), starts
