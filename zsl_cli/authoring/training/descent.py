"""M by gradient descent on cached features, some of the images held out."""

import hashlib
from dataclasses import dataclass
from typing import TYPE_CHECKING, Generic, TypeVar

import numpy as np

from zsl_cli.authoring.training.fitted import History
from zsl_cli.authoring.training.linear import LinearMap
from zsl_cli.authoring.training.splitting import split
from zsl_cli.authoring.training.trainer import (
    FRESH_DECAY,
    Settings,
    Training,
    enough_memory,
    train,
)

if TYPE_CHECKING:
    from collections.abc import Callable

    from numpy.typing import NDArray

    from zsl_cli.authoring.training.losses import Objective
    from zsl_cli.authoring.training.problem import Problem
    from zsl_cli.authoring.training.session import Session

Map = TypeVar("Map", bound=LinearMap)


@dataclass(frozen=True)
class Descent(Generic[Map]):
    """What was learned.

    classes: the candidates whose images were learned from, int64 ``[c]``.
    """

    learned: Map
    classes: "NDArray[np.int64]"
    history: History


def settings_of(problem: "Problem", objective: "Objective", session: "Session",
                decay: float | None) -> Settings:
    """How M is trained on a problem; a decay of None is that of an M that begins with zero."""
    schedule = session.schedule
    batch = schedule.batch_size or min(64, max(4, len(problem.target) // 8))
    return Settings(objective, schedule.epochs, batch, schedule.learning_rate,
                    FRESH_DECAY if decay is None else decay, schedule.patience, schedule.seed)


def descend(problem: "Problem", settings: Settings, session: "Session",
            make: "Callable[[Problem, Problem | None], Map]") -> Descent[Map]:
    """Train to the end, or go on from the session's state. Raises ZslError.

    make: what is trained, of a problem to learn from and one to validate with.
    """
    validation = session.schedule.validation
    originals = problem.originals()
    training, spared = split(originals.target, validation, settings.seed)
    fit, held_out = problem.of_images(training), originals.of_rows(spared)
    classes = np.unique(fit.target)
    if validation == "class":
        fit = fit.of_classes(classes)
    session.log.begin("training M", settings.epochs)
    with enough_memory():
        learned = make(fit, held_out if len(spared) else None)
    done = train(Training(learned, settings), session.state, identity_of(problem, session),
                 session.log)
    return Descent(learned, classes, History(tuple(done.history), done.best))


def identity_of(problem: "Problem", session: "Session") -> str:
    """Of what a training depends on, beside its settings."""
    digest = hashlib.sha256(session.schedule.validation.encode())
    for part in (problem.inputs, problem.target, problem.vectors, problem.offset):
        digest.update(b"" if part is None else np.ascontiguousarray(part).tobytes())
    return digest.hexdigest()
