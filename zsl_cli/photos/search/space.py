"""The joint space: where photos and words are compared."""

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from zsl_cli.support.vectors import unit_rows
from zsl_cli.vocabulary.search.nearest import as_float32

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from zsl_cli.vocabulary.vocabulary import Vocabulary


@dataclass(frozen=True)
class JointSpace:
    """The dimensions of embeddings that tell what something is.

    width: the first so many. What a vocabulary with a label prior has behind them, the prior and
        what fills a vector up to unit length, is nearly the same for all photos.
    """

    width: int

    @classmethod
    def of(cls, dimension: int, vocabulary: "Vocabulary | None") -> "JointSpace":
        """Of the embeddings of a model and its vocabulary, if it has one."""
        prior = vocabulary.prior_dimension if vocabulary is not None else None
        return cls(dimension if prior is None else prior)

    def unit(self, rows: "NDArray[np.floating]") -> "NDArray[np.float32]":
        """Embeddings ``[n, D]`` as unit vectors of this space, float32 ``[n, width]``; what is not
        finite as zeros."""
        vectors = as_float32(rows)[:, :self.width]
        sound = np.isfinite(vectors).all(axis=1, keepdims=True)
        return unit_rows(vectors if sound.all() else np.where(sound, vectors, np.float32(0)))

    def cosines(self, queries: "NDArray[np.float32]",
                rows: "NDArray[np.floating]") -> "NDArray[np.float32]":
        """float32 ``[q, n]``: those of queries, unit vectors ``[q, width]``, with embeddings
        ``[n, D]``; -1 for what is not finite or has no direction."""
        vectors = as_float32(rows)[:, :self.width]
        lengths = np.sqrt(np.einsum("nd,nd->n", vectors, vectors))
        with np.errstate(divide="ignore", invalid="ignore"):
            cosines = (queries @ vectors.T) / lengths
        sound = np.isfinite(lengths) & (lengths > 0)
        return cosines if sound.all() else np.where(sound, cosines, np.float32(-1))
