"""Scores: inner products → shares among the candidates that are nearest."""

from typing import TYPE_CHECKING

import numpy as np

from zsl_cli.vocabulary.search.nearest import largest

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from zsl_cli.support.calibration import Calibration
    from zsl_cli.vocabulary.search.subset import Subset

    Array = NDArray[np.float32]

OWN_NEIGHBOURS = 1000
"""How many of a user's own candidates make the denominator: of a list of names all, so that scores
add up to 1."""

_BLOCK = 4_000_000  # products held at once
_TOGETHER = 16  # images at least that share one reading of the candidates' vectors


def weights(products: "Array", best: "Array", calibration: "Calibration") -> "NDArray[np.float64]":
    """The terms ``[n, k]`` of the softmax, that of the first column of ``best`` 1."""
    shifted = (products - best[:, :1]).astype(np.float64)
    shifted /= calibration.temperature
    return np.exp(shifted, out=shifted)


def totals(products: "Array", among: int, calibration: "Calibration") -> "NDArray[np.float64]":
    """The denominators ``[n]`` over the first ``among`` columns of falling products."""
    return weights(products[:, :among], products, calibration).sum(axis=1)


def shares(products: "Array", totals: "NDArray[np.float64]", calibration: "Calibration") -> "Array":
    """Falling products ``[n, k]`` → probabilities ``[n, k]``."""
    return (weights(products, products, calibration) / totals[:, None]).astype(np.float32)


def alone(products: "Array", calibration: "Calibration") -> "Array":
    """Probabilities of labels each of which the model is asked about on its own, by its bias."""
    assert calibration.bias is not None
    odds = products.astype(np.float64) / calibration.temperature + calibration.bias
    return (1 / (1 + np.exp(-np.clip(odds, -500, 500)))).astype(np.float32)


def of_candidates(embeddings: "Array", nearest: "Subset", top: int,
                  calibration: "Calibration") -> "tuple[NDArray[np.int64], Array]":
    """The rows ``[n, k]`` and the scores of the candidates that are nearest to each image, best
    first."""
    rows = np.empty((len(embeddings), min(top, len(nearest))), np.int64)
    scores = np.empty(rows.shape, np.float32)
    step = max(_TOGETHER, _BLOCK // max(1, len(nearest)))
    for start in range(0, len(embeddings), step):
        block = slice(start, start + step)
        products = nearest.products(embeddings[block])
        places, best = largest(products, rows.shape[1])
        rows[block] = nearest.rows[places]
        if calibration.bias is not None and not nearest.prior:
            scores[block] = alone(best, calibration)
            continue
        if products.shape[1] > OWN_NEIGHBOURS:  # in any order
            products = np.partition(products, -OWN_NEIGHBOURS, axis=1)[:, -OWN_NEIGHBOURS:]
        scores[block] = shares(best, weights(products, best, calibration).sum(axis=1), calibration)
    return rows, scores
