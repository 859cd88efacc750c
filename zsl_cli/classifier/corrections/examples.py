"""Examples: embeddings of photos, and which labels they show or do not show."""

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray


@dataclass(frozen=True)
class Examples:
    """Of n lessons, in their order.

    embeddings: float32 ``[n, D]``, unit vectors.
    rows: int64 ``[n]``, of the labels; those behind the last label of the base are new ones.
    shows: bool ``[n]``, whether the photo shows the label; else it does not.
    """

    embeddings: "NDArray[np.float32]"
    rows: "NDArray[np.int64]"
    shows: "NDArray[np.bool_]"

    def __len__(self) -> int:
        return len(self.rows)

    def at(self, chosen: "NDArray[np.integer] | NDArray[np.bool_]") -> "Examples":
        """Some of them."""
        return Examples(self.embeddings[chosen], self.rows[chosen], self.shows[chosen])


@dataclass(frozen=True)
class Surroundings:
    """The vectors of labels that stand beside other things, see vocabulary.beside.

    rows: int64 ``[m]``, rising. vectors: float32 ``[m, D]``. unit: what a product is divided by,
    offset: what is added to that, for the log-odds that the label is there, whatever the main thing
    is.
    """

    rows: "NDArray[np.int64]"
    vectors: "NDArray[np.float32]"
    unit: float
    offset: float


@dataclass(frozen=True)
class Base:
    """What is taught: the labels of a vocabulary and their space.

    vectors: float32 ``[N, D]``. prior_dimension: see VocabularyManifest.
    parents: of each new label, in the order of their rows, the rows of the labels right above it.
    centre: float32 ``[D']``, the mean embedding of photos, in the dimensions before the prior;
        zeros where photos of different things have next to nothing in common.
    beside: of the labels that have such vectors.
    """

    vectors: "NDArray[np.float32]"
    prior_dimension: int | None
    parents: "Sequence[Sequence[int]]" = ()
    centre: "NDArray[np.float32] | None" = None
    beside: Surroundings | None = None

    @property
    def width(self) -> int:
        """D', the dimensions that say what something is."""
        return self.vectors.shape[1] if self.prior_dimension is None else self.prior_dimension

    @property
    def middle(self) -> "NDArray[np.float32]":
        """``centre``, or zeros."""
        return np.zeros(self.width, np.float32) if self.centre is None else self.centre
