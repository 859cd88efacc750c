"""Arithmetic of vectors that rooms share."""

from typing import TYPE_CHECKING, TypeVar

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

_SMALLEST = 1e-12  # a length; a shorter row is as good as zero
F = TypeVar("F", bound=np.floating)


def unit_rows(rows: "NDArray[F]") -> "NDArray[F]":
    """``[…, n, D]`` with each row scaled to unit length; a row of zeros stays as it is."""
    return rows / np.maximum(np.linalg.norm(rows, axis=-1, keepdims=True), _SMALLEST)


def have_direction(rows: "NDArray[np.float32]") -> "NDArray[np.bool_]":
    """Whether each row of ``[n, D]`` is finite and longer than zero, so that something can be
    near to it."""
    lengths = np.linalg.norm(rows, axis=-1)
    return np.isfinite(lengths) & (lengths > 0)
