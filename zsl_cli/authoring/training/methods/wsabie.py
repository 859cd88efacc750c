"""Label vectors learned together with M."""

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, ClassVar

from zsl_cli.authoring.training.methods import shared
from zsl_cli.authoring.training.methods.base import Method
from zsl_cli.authoring.training.parameters import Parameter, Range, parameter

if TYPE_CHECKING:
    from zsl_cli.authoring.training.examples import Examples
    from zsl_cli.authoring.training.fitted import FromNoughtWithLabels
    from zsl_cli.authoring.training.losses import HingeRank
    from zsl_cli.authoring.training.session import Session


@dataclass(frozen=True)
class Wsabie(Method):
    """The loss of ``rank``, made small over M and over the label vectors too, which are of length
    1 at most (Weston et al., 2011, without its weighting of ranks).

    To choose where the data's classes are all the labels that will ever be asked for, and which of
    them are alike is to be learned from the images.
    """

    dimension: int = parameter(100, Parameter(
        Range(2, 4096, whole=True), "Dimensions of the label vectors that are learned.", "D"))
    margin: float | None = parameter(None, shared.MARGIN)
    negatives: str = parameter("all", shared.NEGATIVES)
    samples: int = parameter(512, shared.SAMPLES)
    decay: float | None = parameter(None, shared.DECAY)

    name: ClassVar[str] = "wsabie"
    summary: ClassVar[str] = "label vectors learned from the training labels"
    own_labels: ClassVar[bool] = True

    def fit(self, examples: "Examples", session: "Session") -> "FromNoughtWithLabels":
        """M and label vectors begin at random. A label's slack takes no part in a product: its
        length is what was learned."""
        import numpy as np

        from zsl_cli.authoring.networks.projection import Projection
        from zsl_cli.authoring.training import from_nought, scaling
        from zsl_cli.authoring.training.descent import FRESH_DECAY, descend, settings_of
        from zsl_cli.authoring.training.fitted import FromNoughtWithLabels
        from zsl_cli.authoring.training.label_vectors import random_vectors, space_of, with_slack
        from zsl_cli.authoring.training.linear import JointMap

        seed = session.course.seed
        problem = from_nought.problem_of(examples, random_vectors(
            len(examples.classes), self.dimension, seed))
        objective = self.objective(problem.temperature)
        settings = settings_of(problem, objective, session,
                               FRESH_DECAY if self.decay is None else self.decay)
        descent = descend(problem, settings, session, lambda fit, held_out: JointMap(
            fit, held_out, seed=seed, device=session.device))
        change, learned = descent.learned.change(), descent.learned.label_vectors()
        vectors = with_slack(learned)
        projection = Projection(
            np.vstack([change, np.zeros_like(change[:1])]), unit_features=True,
            space=space_of(session.name, examples.labels, vectors))
        projected = problem.inputs[:len(examples.rows)] @ change.T
        return FromNoughtWithLabels(
            projection=scaling.rescaled(projection, projected, vectors, examples.target,
                                        problem.temperature),
            seen=examples.classes[descent.classes], history=descent.history,
            problem=replace(problem, vectors=learned), objective=objective, vectors=vectors,
            rows=examples.target, labels=examples.labels)

    def objective(self, temperature: float) -> "HingeRank":
        """What is made small where inner products divided by this are log-probabilities."""
        from zsl_cli.authoring.training.losses import HingeRank

        return HingeRank.at(temperature, self.margin, self.negatives, self.samples)
