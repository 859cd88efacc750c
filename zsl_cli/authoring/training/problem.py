"""What is trained: a linear map from features to the space of fixed label vectors."""

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray


@dataclass(frozen=True)
class Problem:
    """Images as features, their labels, and the label vectors.

    inputs: float32 ``[n, F]``, as M takes them.
    target: int64 ``[n]``, a row of ``vectors`` each.
    vectors: float32 ``[C, D]``, the candidate labels' vectors, without what an embedding's radius
        adds to them.
    offset: float32 ``[n, D]``, what the projection that training begins with gives for the
        images; None where it begins with nothing.
    radius: what a projection is divided by (see networks.projection); 1 for none.
    temperature: inner products divided by it are log-probabilities.
    copies: the rows are so many times the same images, which they show in other views but for the
        first time.
    """

    inputs: "NDArray[np.float32]"
    target: "NDArray[np.int64]"
    vectors: "NDArray[np.float32]"
    offset: "NDArray[np.float32] | None" = None
    radius: float = 1.0
    temperature: float = 0.05
    copies: int = 1

    def originals(self) -> "Problem":
        """The images as they are, without other views."""
        return replace(self.of_rows(np.arange(len(self.target) // self.copies)), copies=1)

    @property
    def unit(self) -> float:
        """The size of a change of M's output that moves a log-probability by about 1."""
        return self.radius * self.temperature

    def of_rows(self, rows: "NDArray[np.int64]") -> "Problem":
        """Some of the rows, all candidates."""
        return replace(self, inputs=self.inputs[rows], target=self.target[rows],
                       offset=None if self.offset is None else self.offset[rows])

    def of_images(self, images: "NDArray[np.int64]") -> "Problem":
        """Some of the images with all their views, all candidates."""
        count = len(self.target) // self.copies
        return self.of_rows((images + count * np.arange(self.copies)[:, None]).ravel())

    def of_classes(self, classes: "NDArray[np.int64]") -> "Problem":
        """The images of some candidates, and these alone."""
        kept = np.flatnonzero(np.isin(self.target, classes))
        some = self.of_rows(kept)
        return replace(some, target=np.searchsorted(classes, some.target),
                       vectors=self.vectors[classes])

    def weights(self) -> "NDArray[np.float32]":
        """Of the images, mean 1: every class counts the same, however many images it has."""
        counts = np.bincount(self.target, minlength=len(self.vectors))
        weights = 1 / counts[self.target]
        return (weights / weights.mean()).astype(np.float32)

    def scores(self, change: "NDArray[np.float32] | None" = None,
               shift: "NDArray[np.float32] | None" = None) -> "NDArray[np.float32]":
        """Log-probabilities up to a constant, ``[n, C]``, with a change ``[D, F]`` of M and a
        shift ``[D]`` of its bias."""
        projected = np.zeros((len(self.inputs), self.vectors.shape[1]), np.float32)
        if self.offset is not None:
            projected += self.offset
        if change is not None:
            projected += self.inputs @ change.T
        if shift is not None:
            projected += shift
        return projected @ self.vectors.T / self.unit
