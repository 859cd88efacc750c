"""Maps between features and label vectors that have a closed form."""

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray


def ridge(features: "NDArray[np.float32]", vectors: "NDArray[np.float32]",
          weights: "NDArray[np.float32]", decay: float,
          direction: str = "to-labels") -> "NDArray[np.float32]":
    """M, float32 ``[D, F]``, of ridge regression.

    features: ``[n, F]``; vectors: the label vector of each image, ``[n, D]``.
    weights: of the images, ``[n]``; they sum to 1.
    direction: ``to-labels`` minimises ``Σ w ‖M v − t‖² + decay ‖M‖²``; ``to-features``
        minimises ``Σ w ‖v − Mᵀ t‖² + decay ‖M‖²``: labels are then compared as Mᵀ t, of unit
        length, among the features, which has fewer hubs (Shigeto et al., 2015).
    """
    x, y = features.astype(np.float64), vectors.astype(np.float64)
    if direction == "to-features":
        return _solve(y, x, weights, decay).astype(np.float32)
    return _solve(x, y, weights, decay).T.astype(np.float32)


def _solve(x: "NDArray[np.float64]", y: "NDArray[np.float64]", weights: "NDArray[np.float32]",
           decay: float) -> "NDArray[np.float64]":
    """B ``[columns of x, columns of y]`` of least ``Σ w ‖y − Bᵀ x‖² + decay ‖B‖²``."""
    weighted = x * weights[:, None]
    gram = weighted.T @ x + decay * np.eye(x.shape[1])
    return np.asarray(np.linalg.solve(gram, weighted.T @ y), np.float64)


def constant_shift(vectors: "NDArray[np.float32]", lowered: "NDArray[np.int64]",
                   amount: float, *, damping: float = 1e-5) -> "NDArray[np.float32]":
    """The vector b, float32 ``[D]``, that takes about ``amount`` off the inner product of every
    embedding with some label vectors, and leaves that with the others as it is.

    Added to M's bias it is calibrated stacking (Chao et al., 2016) without a change of the label
    vectors: least squares over all labels, the lowered ones weighing as much as all the others.

    vectors: ``[labels, D]``; lowered: rows.
    damping: of ``‖b‖²``, in units of the mean over dimensions of the labels' weighted squares, so
        that directions in which hardly any label lies do not matter.
    """
    x = vectors.astype(np.float64)
    weight = np.full(len(x), 1 / len(x))
    weight[lowered] = 1 / len(lowered)
    wanted = np.zeros(len(x))
    wanted[lowered] = -amount
    weighted = x * weight[:, None]
    gram = weighted.T @ x
    gram += damping * np.trace(gram) / len(gram) * np.eye(len(gram))
    return np.linalg.solve(gram, weighted.T @ wanted).astype(np.float32)
