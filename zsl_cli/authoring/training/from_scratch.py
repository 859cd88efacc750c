"""M that begins with zero, on features of unit length."""

from collections.abc import Callable
from typing import TYPE_CHECKING

import numpy as np

from zsl_cli.authoring.networks.projection import Projection
from zsl_cli.authoring.training import scaling
from zsl_cli.authoring.training.descent import Descent, descend, settings_of
from zsl_cli.authoring.training.fitted import FromScratch
from zsl_cli.authoring.training.linear import LinearMap
from zsl_cli.authoring.training.problem import Problem
from zsl_cli.support.vectors import unit_rows

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from zsl_cli.authoring.training.examples import Examples
    from zsl_cli.authoring.training.losses import Objective
    from zsl_cli.authoring.training.session import Session

ObjectiveOf = Callable[[float], "Objective"]
"""The temperature of a problem → what is made small."""


def problem_of(examples: "Examples", vectors: "NDArray[np.float32]", *,
               constant: bool = False) -> Problem:
    """What M learns from the images of a training, its views among them.

    vectors: of the classes, ``[C, D]``.
    constant: whether there is a 1 behind the features, for a bias.
    """
    inputs = unit_rows(examples.all_features)
    if constant:
        inputs = np.hstack([inputs, np.ones((len(inputs), 1), np.float32)])
    return Problem(inputs, examples.all_target, vectors, copies=examples.copies)


def descended(problem: Problem, objective: "Objective", session: "Session",
              decay: float | None) -> Descent[LinearMap]:
    """M trained by gradient descent. Raises ZslError."""
    settings = settings_of(problem, objective, session, decay)
    return descend(problem, settings, session, lambda fit, held_out: LinearMap(
        fit, held_out, span=objective.in_span, device=session.device))


def projection_of(examples: "Examples", problem: Problem, change: "NDArray[np.float32]",
                  vectors: "NDArray[np.float32]", space: str) -> Projection:
    """M ``[D, F]`` as a projection, its temperature fitted.

    vectors: of all the vocabulary's labels, ``[labels, D]``.
    """
    projected = problem.inputs[:len(examples.rows)] @ change.T
    return scaling.rescaled(Projection(change, unit_features=True, space=space), projected,
                            vectors, examples.rows, problem.temperature)


def fit(examples: "Examples", vectors: "NDArray[np.float32]", space: str, session: "Session",
        objective_of: ObjectiveOf, decay: float | None) -> FromScratch:
    """M trained toward label vectors that a vocabulary's labels have, ``[labels, D]``. Raises
    ZslError."""
    problem = problem_of(examples, vectors[examples.classes])
    objective = objective_of(problem.temperature)
    descent = descended(problem, objective, session, decay)
    projection = projection_of(examples, problem, descent.learned.change(), vectors, space)
    return FromScratch(projection=projection, seen=examples.classes[descent.classes],
                      history=descent.history, problem=problem, objective=objective,
                      vectors=vectors, rows=examples.rows)
