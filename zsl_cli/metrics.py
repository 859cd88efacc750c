"""How good predictions are."""

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray


def hit_at_k(ranked: "NDArray[np.integer]", truth: "NDArray[np.integer]", k: int) -> float:
    """The share of images whose true label, ``truth [n]``, is among the first k of
    ``ranked [n, ≥ k]``."""
    return float((ranked[:, :k] == truth[:, None]).any(axis=1).mean())


def class_mean_hit_at_k(ranked: "NDArray[np.integer]", truth: "NDArray[np.integer]",
                        k: int) -> float:
    """The mean over classes of ``hit_at_k``, so that a class counts the same however many
    images it has (Xian et al., 2019, equation 1)."""
    return float(np.mean([hit_at_k(ranked[truth == label], truth[truth == label], k)
                          for label in np.unique(truth)]))


def recall_at_k(found: "NDArray[np.integer]", exact: "NDArray[np.integer]", k: int) -> float:
    """The share of the k exact nearest neighbours, ``exact [n, ≥ k]``, that an approximate search
    has among its first k."""
    return float(np.mean([len(np.intersect1d(a[:k], b[:k])) / k
                          for a, b in zip(found, exact, strict=True)]))
