"""Where linear maps begin: canonical correlations of images and sentences, in closed form.

With some hundred photos descent from the identity overfits before it has found what the two sides
share; regularised canonical correlation analysis (Hotelling, 1936; for images and text Hardoon et
al., 2004) has it at once.
"""

from dataclasses import dataclass
from typing import TYPE_CHECKING, Self

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

_SMALLEST = 1e-9  # of the largest variance: directions with less are none


@dataclass(frozen=True)
class Basis:
    """Principal directions of some vectors.

    mean: ``[F]``. directions: orthonormal, ``[F, R]``. variances: ``[R]``, falling.
    """

    mean: "NDArray[np.float64]"
    directions: "NDArray[np.float64]"
    variances: "NDArray[np.float64]"

    @classmethod
    def of(cls, vectors: "NDArray[np.floating]") -> Self:
        """Of vectors ``[n, F]``."""
        mean = vectors.mean(0, dtype=np.float64)
        centred = vectors - mean
        few = len(centred) < centred.shape[1]  # then there are no more directions than vectors
        variances, directions = np.linalg.eigh(
            (centred @ centred.T if few else centred.T @ centred) / len(centred))
        kept = variances > _SMALLEST * max(variances[-1], _SMALLEST)
        variances, directions = variances[kept][::-1], directions[:, kept][:, ::-1]
        if few:
            directions = centred.T @ directions / np.sqrt(len(centred) * variances)
        return cls(mean, directions, variances)

    def whitening(self, damping: float) -> "Whitening":
        """The map to uncorrelated coordinates, those of little variance kept small.

        damping: what is added to each variance, in units of their mean.
        """
        scale = (self.variances + damping * self.variances.mean()) ** -0.5
        return Whitening(self.mean, self.directions * scale)


@dataclass(frozen=True)
class Whitening:
    """``(vector − mean) · matrix``; mean ``[F]``, matrix ``[F, R]``."""

    mean: "NDArray[np.float64]"
    matrix: "NDArray[np.float64]"

    def __call__(self, vectors: "NDArray[np.floating]") -> "NDArray[np.float32]":
        """float32 ``[n, R]`` of ``[n, F]``."""
        return ((vectors - self.mean) @ self.matrix).astype(np.float32)

    def then(self, matrix: "NDArray[np.floating]",
             bias: "NDArray[np.floating]") -> "tuple[NDArray[np.float32], NDArray[np.float32]]":
        """Weight ``[k, F]`` and bias ``[k]`` of this map followed by ``matrix [k, R]`` and
        ``bias [k]``."""
        weight = matrix @ self.matrix.T
        return weight.astype(np.float32), (bias - weight @ self.mean).astype(np.float32)


def canonical_maps(images: "NDArray[np.float32]", sentences: "NDArray[np.float32]",
                   owner: "NDArray[np.int64]", dimension: int,
                   ) -> "tuple[NDArray[np.float32], NDArray[np.float32]]":
    """Maps of whitened images and sentences into one space, ``[k, R]`` and ``[k, Q]``, k the
    dimension or as many as there are. Each direction is weighted by its correlation.

    images: ``[n, R]``; sentences: ``[m, Q]``; owner: int64 ``[m]``, the image of each sentence.
    """
    together = np.zeros((images.shape[0], sentences.shape[1]), np.float32)
    np.add.at(together, owner, sentences)
    product = images.T.astype(np.float64) @ together / len(sentences)
    squares, left = np.linalg.eigh(product @ product.T)  # quicker than its singular values
    count = min(dimension, *product.shape)
    left = left[:, ::-1][:, :count]
    correlations = np.sqrt(np.maximum(squares[::-1][:count], 0))
    return ((left * correlations).T.astype(np.float32),
            (left.T @ product).astype(np.float32))  # the right ones, each times its correlation
