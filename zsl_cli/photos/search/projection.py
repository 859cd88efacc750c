"""Fewer dimensions in which inner products stay what they were, for the queries that come."""

from dataclasses import dataclass
from typing import TYPE_CHECKING, Self

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Array = NDArray[np.float32]

_WORDS = 0.5
"""What words have of the queries that are reckoned with; the rest are photos."""
_SMALLEST = 1e-9
_WIDEST = 4.0  # standard deviations that a code reaches
_LARGEST = 127


@dataclass(frozen=True)
class Projection:
    """Two maps, float32 ``[width, d]``: a query's and a photo's. The inner product of what they
    make of the two is nearly that of the query and the photo, but for a number that is the same
    for all photos. What becomes of a photo is kept in whole numbers of 8 bits.

    mean: float32 ``[width]``, of the photos. scale: float32 ``[d]``, what 1 of a code stands for.
    """

    query: "Array"
    photo: "Array"
    mean: "Array"
    scale: "Array"

    @classmethod
    def fit(cls, photos: "Array", words: "Array", dimension: int) -> Self:
        """For photos ``[n, width]`` and, where there are any, words ``[m, width]`` such as are
        asked for.

        Principal components of photos keep what differs among photos, which is not what words
        have most of. Here the mean square of what is lost of a product is smallest: with the
        covariance S of photos and C of queries it is the trace of CS outside of the dimensions
        that stay, so these are the leading eigenvectors of C^½ S C^½.
        """
        mean = photos.mean(axis=0)
        of_photos = _covariance(photos)
        of_queries = of_photos if not len(words) else (
            _WORDS * _covariance(words) + (1 - _WORDS) * of_photos)
        values, vectors = np.linalg.eigh(of_queries)
        roots = np.sqrt(np.maximum(values, _SMALLEST))
        root, inverse = (vectors * roots) @ vectors.T, (vectors / roots) @ vectors.T
        _, kept = np.linalg.eigh(root @ of_photos @ root)
        kept = kept[:, ::-1][:, :dimension]
        photo = (root @ kept).astype(np.float32)
        spread = ((photos - mean) @ photo).std(axis=0)
        return cls((inverse @ kept).astype(np.float32), photo, mean.astype(np.float32),
                   np.maximum(_WIDEST * spread / _LARGEST, _SMALLEST).astype(np.float32))

    def photos(self, rows: "Array") -> "Array":
        """float32 ``[n, d]`` of photos ``[n, width]``."""
        return np.asarray((rows - self.mean) @ self.photo, np.float32)

    def codes(self, reduced: "Array") -> "NDArray[np.int8]":
        """What ``photos`` gives, as it is kept: int8 ``[n, d]``."""
        return np.rint(np.clip(reduced / self.scale, -_LARGEST, _LARGEST)).astype(np.int8)

    def weights(self, query: "Array") -> "Array":
        """float32 ``[d]``: what codes are multiplied with for a query ``[width]``."""
        return np.asarray((query @ self.query) * self.scale, np.float32)


def _covariance(rows: "Array") -> "NDArray[np.float64]":
    """Of rows ``[n, width]``, with trace 1."""
    covariance = np.cov(rows.T, dtype=np.float64)
    return covariance / max(float(np.trace(covariance)), _SMALLEST)
