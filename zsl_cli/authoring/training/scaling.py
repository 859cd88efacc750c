"""The lengths of what M makes, and the temperature at which its scores are probabilities."""

from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np

from zsl_cli.support.vectors import unit_rows

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from zsl_cli.authoring.networks.projection import Projection

_ROOM = 1.5  # how much longer other images' projections may be
_TEMPERED = 256  # images that a temperature is fitted to
_TOGETHER = 64  # images whose scores are held at once


def usual_length(projected: "NDArray[np.float32]") -> float:
    """The median length of projections ``[n, D]``; 1 where they are zero."""
    return float(np.median(np.linalg.norm(projected, axis=1))) or 1.0


def radius(projected: "NDArray[np.float32]") -> float:
    """A length that hardly any image's projection will have, by those of training images,
    ``[n, D]``."""
    return _ROOM * float(np.linalg.norm(projected, axis=1).max())


def rescaled(projection: "Projection", projected: "NDArray[np.float32]",
             vectors: "NDArray[np.floating]", rows: "NDArray[np.int64]",
             temperature: float) -> "Projection":
    """The projection with the radius, where it has one, or else with the temperature that suits
    what it makes of training images.

    projected: of the images, ``[n, D]``, without a dimension that is zero for all.
    vectors, rows: see ``temperature_of``.
    temperature: what inner products were divided by when it was trained.
    """
    if projection.radius is None:
        return replace(projection, score_temperature=temperature_of(projected, vectors, rows))
    length = radius(projected)
    return replace(projection, radius=length, score_temperature=temperature / length)


def temperature_of(projected: "NDArray[np.float32]", vectors: "NDArray[np.floating]",
                   rows: "NDArray[np.int64]") -> float:
    """The temperature at which the cosines of training images, divided by it, are
    log-probabilities.

    projected: of the images, ``[n, D]``.
    vectors: ``[labels, ≥ D]``; images have zero in the dimensions beyond D. rows: of the images'
        labels, ``[n]``.
    """
    some = np.random.default_rng(0).permutation(len(rows))[:_TEMPERED]
    known = np.asarray(vectors[:, :projected.shape[1]], np.float32)
    return fitted_temperature(unit_rows(projected[some]), known, rows[some])


def fitted_temperature(embeddings: "NDArray[np.float32]", vectors: "NDArray[np.float32]",
                       target: "NDArray[np.int64]") -> float:
    """The temperature T of the least cross entropy of ``softmax(embeddings · vectors / T)`` (Guo
    et al., 2017), among 60 from 0.001 to 1."""
    temperatures = np.geomspace(1e-3, 1, 60)
    losses = np.zeros(len(temperatures))
    for start in range(0, len(target), _TOGETHER):
        scores = embeddings[start:start + _TOGETHER] @ vectors.T
        scores -= scores[np.arange(len(scores)), target[start:start + _TOGETHER]][:, None]
        top = scores.max(axis=1)
        for number, temperature in enumerate(temperatures):
            sums = np.exp((scores - top[:, None]) / np.float32(temperature)).sum(axis=1)
            losses[number] += float((top / temperature + np.log(sums)).sum())
    return float(temperatures[losses.argmin()])
