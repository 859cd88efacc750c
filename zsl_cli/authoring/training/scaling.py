"""The lengths of what M makes, and the temperature at which its scores are probabilities."""

from typing import TYPE_CHECKING

import numpy as np

from zsl_cli.authoring.training.methods import fitted_temperature

if TYPE_CHECKING:
    from numpy.typing import NDArray

_ROOM = 1.5  # how much longer other images' projections may be
_TEMPERED = 256  # images that a temperature is fitted to


def unit_rows(rows: "NDArray[np.float32]") -> "NDArray[np.float32]":
    """``[n, D]`` with each row scaled to unit length; a row of noughts stays as it is."""
    return rows / np.maximum(np.linalg.norm(rows, axis=1, keepdims=True), 1e-12)


def usual_length(projected: "NDArray[np.float32]") -> float:
    """The median length of projections ``[n, D]``; 1 where they are nought."""
    return float(np.median(np.linalg.norm(projected, axis=1))) or 1.0


def radius(projected: "NDArray[np.float32]") -> float:
    """A length that hardly any image's projection will have, by those of training images,
    ``[n, D]``."""
    return _ROOM * float(np.linalg.norm(projected, axis=1).max())


def temperature(projected: "NDArray[np.float32]", vectors: "NDArray[np.floating]",
                rows: "NDArray[np.int64]") -> float:
    """The temperature at which the cosines of training images, divided by it, are
    log-probabilities.

    projected: of the images, ``[n, D]``.
    vectors: ``[labels, ≥ D]``; images have nought in the dimensions beyond D. rows: of the images'
        labels, ``[n]``.
    """
    some = np.random.default_rng(0).permutation(len(rows))[:_TEMPERED]
    known = np.asarray(vectors[:, :projected.shape[1]], np.float32)
    return fitted_temperature(unit_rows(projected[some]), known, rows[some])
