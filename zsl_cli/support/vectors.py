"""Arithmetic of vectors that rooms share."""

from typing import TYPE_CHECKING, TypeVar

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

_SMALLEST = 1e-12  # a length; a shorter row is as good as zero
_HALVES = 0.01  # by so much the length of a unit vector may differ from 1
F = TypeVar("F", bound=np.floating)


def unit_rows(rows: "NDArray[F]") -> "NDArray[F]":
    """``[…, n, D]`` with each row scaled to unit length; a row of zeros stays as it is."""
    return rows / np.maximum(np.linalg.norm(rows, axis=-1, keepdims=True), _SMALLEST)


def have_unit_length(rows: "NDArray[np.floating]") -> "NDArray[np.bool_]":
    """Whether each row of ``[n, D]`` is a unit vector, as far as one of halves can be."""
    with np.errstate(all="ignore"):
        lengths = np.linalg.norm(rows.astype(np.float32), axis=1)
        return np.asarray(abs(lengths - 1) <= _HALVES)


def have_direction(rows: "NDArray[np.float32]") -> "NDArray[np.bool_]":
    """Whether each row of ``[n, D]`` is finite and longer than zero, so that something can be
    near to it."""
    lengths = np.linalg.norm(rows, axis=-1)
    return np.isfinite(lengths) & (lengths > 0)
