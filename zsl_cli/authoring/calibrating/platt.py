"""Logistic regression of what is right on the log-odds that it was given (Platt, 1999)."""

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Array = NDArray[np.float64]

SLOPES = (0.05, 20.0)
"""A slope at or below 0 would turn the order of labels around."""
_OFFSETS = (-20.0, 20.0)
_STEPS = 100
_EDGE = 1e-6


@dataclass(frozen=True)
class Line:
    """``slope * odds + offset`` are the calibrated log-odds."""

    slope: float = 1.0
    offset: float = 0.0

    def calibrated(self, odds: "Array") -> "Array":
        """Log-odds out of log-odds, ``[m]``."""
        return self.slope * odds + self.offset

    def probabilities(self, odds: "Array") -> "Array":
        """Of log-odds ``[m]``, from 0 to 1."""
        return _sigmoid(self.calibrated(odds))


@dataclass(frozen=True)
class Plane:
    """``slope * odds + second * others + offset`` are the calibrated log-odds."""

    slope: float = 1.0
    second: float = 0.0
    offset: float = 0.0

    def calibrated(self, odds: "Array") -> "Array":
        """Log-odds ``[m]`` out of two each, ``[2, m]``."""
        return self.slope * odds[0] + self.second * odds[1] + self.offset

    def probabilities(self, odds: "Array") -> "Array":
        """Of two log-odds each, ``[2, m]``, from 0 to 1."""
        return _sigmoid(self.calibrated(odds))


def log_odds(probabilities: "NDArray[np.floating]") -> "Array":
    """Of probabilities of any shape; finite at 0 and 1, too."""
    clipped = np.clip(probabilities.astype(np.float64), _EDGE, 1 - _EDGE)
    return np.log(clipped / (1 - clipped))


def fit(odds: "Array", true: "NDArray[np.bool_]", weights: "Array") -> Line:
    """The line of the least weighted cross entropy, its slope within SLOPES.

    odds, true, weights: ``[m]`` each, both outcomes among them. Toward Platt's targets, (r + 1) /
    (r + 2) for r right ones and 1 / (w + 2) for w wrong ones, so that few pairs which are told
    apart without an error make no step function of it.
    """
    targets = _targets(true)
    weights = weights / weights.sum()
    values = _descend(np.array([1.0, 0.0]), np.column_stack([odds, np.ones(len(odds))]), targets,
                      weights)
    slope = float(np.clip(values[0], *SLOPES))
    if slope != values[0]:  # the best offset is another one then
        values = _descend(np.zeros(1), np.ones((len(odds), 1)), targets, weights, slope * odds)
    return Line(slope, float(np.clip(values[-1], *_OFFSETS)))


def fit_plane(odds: "Array", true: "NDArray[np.bool_]", weights: "Array") -> Plane:
    """As ``fit``, of two log-odds each, ``[2, m]``; where the second would count against what it
    says, it is left out."""
    values = _descend(np.array([1.0, 0.0, 0.0]), np.vstack([odds, np.ones(len(true))]).T,
                      _targets(true), weights / weights.sum())
    slope, second, offset = (float(value) for value in values)
    if second < 0 or not SLOPES[0] <= slope <= SLOPES[1]:
        line = fit(odds[0], true, weights)
        return Plane(line.slope, 0.0, line.offset)
    return Plane(slope, second, float(np.clip(offset, *_OFFSETS)))


def _targets(true: "NDArray[np.bool_]") -> "Array":
    right = int(true.sum())
    return np.where(true, (right + 1) / (right + 2), 1 / (len(true) - right + 2))


def loss(fitted: Line | Plane, odds: "Array", true: "NDArray[np.bool_]", weights: "Array") -> float:
    """The weighted mean cross entropy, in nats."""
    signed = np.where(true, 1, -1) * fitted.calibrated(odds)
    return float(np.average(np.logaddexp(0, -signed), weights=weights))


def _descend(values: "Array", features: "Array", targets: "Array", weights: "Array",
             given: "Array | float" = 0.0) -> "Array":
    """The values ``[k]`` with the least cross entropy of ``features [m, k] · values + given``, by
    Newton's steps, halved until they make it less: it has one minimum."""
    def entropy(at: "Array") -> float:
        odds = features @ at + given
        return float(weights @ (np.logaddexp(0, odds) - targets * odds))

    now = entropy(values)
    for _ in range(_STEPS):
        shares = _sigmoid(features @ values + given)
        slope = features.T @ (weights * (shares - targets))
        curvature = (features * (weights * shares * (1 - shares))[:, None]).T @ features
        step = np.linalg.solve(curvature + 1e-9 * np.eye(len(values)), slope)
        length = 1.0
        while length > 1e-6 and entropy(values - length * step) > now:
            length /= 2
        moved = values - length * step
        gained = now - entropy(moved)
        if gained <= 1e-12:
            break
        values, now = moved, now - gained
    return values


def _sigmoid(odds: "Array") -> "Array":
    return np.asarray(1 / (1 + np.exp(-np.clip(odds, -500, 500))))
