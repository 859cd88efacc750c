"""A shift of M's bias, in closed form."""

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray


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
