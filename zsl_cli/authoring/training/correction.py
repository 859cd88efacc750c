"""M that goes on from a model's, and what of the other labels is kept."""

import json
from contextlib import suppress
from dataclasses import asdict, dataclass, replace
from typing import TYPE_CHECKING

import numpy as np

from zsl_cli.authoring.exporting import heads
from zsl_cli.authoring.training import scaling, selection
from zsl_cli.authoring.training.descent import descend, identity_of, settings_of
from zsl_cli.authoring.training.fitted import Corrected
from zsl_cli.authoring.training.linear import LinearMap
from zsl_cli.authoring.training.problem import Problem
from zsl_cli.authoring.training.selection import Choice
from zsl_cli.support import files

if TYPE_CHECKING:
    from numpy.typing import NDArray
    from torch import nn

    from zsl_cli.authoring.networks.projection import Projection
    from zsl_cli.authoring.training.examples import Examples
    from zsl_cli.authoring.training.from_scratch import ObjectiveOf
    from zsl_cli.authoring.training.session import Session
    from zsl_cli.authoring.training.trainer import Settings

DECAY, SHIFT = 3e-4, 1.0
"""Where they are not chosen."""


@dataclass(frozen=True)
class Correction:
    """What an M that is known already is to learn.

    vectors: of all labels, ``[labels, D]``, the dimensions that M may change.
    """

    known: "Projection"
    problem: Problem
    vectors: "NDArray[np.float32]"

    def moved(self, change: "NDArray[np.float32]") -> "Projection":
        """M with this added to its first rows."""
        features = self.known.features.copy()
        features[:len(change)] += change
        return replace(self.known, features=features)


def correction_of(examples: "Examples", known: "Projection",
                  classifier: "nn.Linear | None") -> Correction:
    """What the images are to change in M. Raises ZslError."""
    vocabulary = examples.vocabulary
    vocabulary.check_vectors()
    # The prior's dimension, and what lies behind it, is not M's to change.
    width = vocabulary.prior_dimension or min(vocabulary.dimension, len(known.features))
    vectors = np.array(vocabulary.vectors[:, :width], np.float32)
    inputs, offset = heads.project(known, examples.all_features, classifier)
    offset = np.ascontiguousarray(offset[:, :width])
    # Without a radius every projection is divided by its own length.
    radius = known.radius or scaling.usual_length(offset)
    problem = Problem(inputs, examples.all_target, vectors[examples.classes], offset, radius,
                      known.score_temperature or 0.05, examples.copies)
    return Correction(known, problem, vectors)


def fit(examples: "Examples", known: "Projection", session: "Session",
        objective_of: "ObjectiveOf", decay: float | None, shift: float | None) -> Corrected:
    """M trained on by gradient descent.

    decay, shift: None chooses both by holding out classes, where there are enough of them.

    Raises ZslError.
    """
    correction = correction_of(examples, known, session.start.plan.features.classifier)
    problem = correction.problem
    objective = objective_of(problem.temperature)
    settings = settings_of(problem, objective, session, 0.0)
    choice = None
    if decay is None and shift is None and selection.possible(problem):
        choice = _chosen(correction, settings, examples.classes, session)
        decay, shift = choice.decay, choice.shift
    settings = replace(settings, decay=DECAY if decay is None else decay)
    descent = descend(problem, settings, session, lambda fit, held_out: LinearMap(
        fit, held_out, span=objective.in_span, device=session.device))
    seen = examples.classes[descent.classes]
    lowered = selection.shift_of(problem, correction.vectors, seen,
                                 SHIFT if shift is None else shift)
    if choice is not None:
        session.log.reporter.say(
            f"chosen by holding out classes: decay {choice.decay:g}, trained labels lowered by "
            f"{choice.shift:g}; hit@1 of classes trained on {100 * choice.seen:+.1f} points, of "
            f"classes left out {100 * choice.unseen:+.1f}")
    return Corrected.of(correction.moved(descent.learned.change()), lowered, seen=seen,
                        history=descent.history, problem=problem, objective=objective,
                        choice=choice)


def _chosen(correction: Correction, settings: "Settings", classes: "NDArray[np.int64]",
            session: "Session") -> Choice:
    """The choice; what was chosen for the same training before is not chosen anew."""
    identity = identity_of(correction.problem, session)
    with suppress(OSError, ValueError, KeyError, TypeError, RecursionError):
        kept = json.loads(session.choice.read_bytes())
        if kept["identity"] == identity and settings.are(kept["settings"]):
            return Choice(**kept["choice"])
    reporter = session.log.reporter
    reporter.start("choosing how much to keep", selection.trials(), "trials")
    choice, _ = selection.choose(correction.problem, settings, correction.vectors, classes,
                                 advance=reporter.advance)
    with files.replacing(session.choice, durable=False) as file:
        file.write(json.dumps({"identity": identity, "settings": settings.described(),
                               "choice": asdict(choice)}).encode())
    return choice
