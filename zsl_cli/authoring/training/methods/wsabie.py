"""Label vectors learned together with M."""

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, ClassVar

from zsl_cli.authoring.training.methods.base import Method
from zsl_cli.authoring.training.methods.shared import HingeRanked
from zsl_cli.authoring.training.parameters import Parameter, parameter
from zsl_cli.support.values import Range

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from zsl_cli.authoring.training.examples import Examples
    from zsl_cli.authoring.training.fitted import FromScratchWithLabels
    from zsl_cli.authoring.training.session import Session


@dataclass(frozen=True)
class _Dimensioned(Method):
    """A base, so that the dimension is the first of the parameters, as records have them."""

    dimension: int = parameter(100, Parameter(
        Range(2, 4096, whole=True), "Dimensions of the label vectors that are learned.", "D"))


@dataclass(frozen=True)
class Wsabie(HingeRanked, _Dimensioned):
    """The loss of ``rank``, made small over M and over the label vectors too, which are of length
    1 at most (Weston et al., 2011, without its weighting of ranks).

    To choose where the data's classes are all the labels that will ever be asked for, and which of
    them are alike is to be learned from the images.
    """

    name: ClassVar[str] = "wsabie"
    summary: ClassVar[str] = "label vectors learned from the training labels"
    own_labels: ClassVar[bool] = True

    def fit(self, examples: "Examples", session: "Session") -> "FromScratchWithLabels":
        """M and label vectors begin at random. A label's slack takes no part in a product: its
        length is what was learned."""
        import numpy as np

        from zsl_cli.authoring.networks.projection import Projection
        from zsl_cli.authoring.training import from_scratch, scaling
        from zsl_cli.authoring.training.descent import descend, settings_of
        from zsl_cli.authoring.training.fitted import FromScratchWithLabels
        from zsl_cli.authoring.training.label_vectors import random_vectors, space_of
        from zsl_cli.authoring.training.linear import LinearMap

        seed = session.schedule.seed
        problem = from_scratch.problem_of(examples, random_vectors(
            len(examples.classes), self.dimension, seed))
        objective = self.objective(problem.temperature)
        settings = settings_of(problem, objective, session, self.decay)
        descent = descend(problem, settings, session, lambda fit, held_out: LinearMap(
            fit, held_out, learn_vectors=True, seed=seed, device=session.device))
        change, learned = descent.learned.change(), descent.learned.label_vectors()
        vectors = _with_slack(learned)
        projection = Projection(
            np.vstack([change, np.zeros_like(change[:1])]), unit_features=True,
            space=space_of(session.name, examples.labels, vectors))
        projected = problem.inputs[:len(examples.rows)] @ change.T
        return FromScratchWithLabels(
            projection=scaling.rescaled(projection, projected, vectors, examples.target,
                                        problem.temperature),
            seen=examples.classes[descent.classes], history=descent.history,
            problem=replace(problem, vectors=learned), objective=objective, vectors=vectors,
            rows=examples.target, labels=examples.labels)


def _with_slack(vectors: "NDArray[np.float32]") -> "NDArray[np.float32]":
    """Vectors of length 1 at most, ``[C, D]``, as unit vectors ``[C, D + 1]``, whose inner products
    with ``[v; 0]`` are those with v before (Neyshabur and Srebro, 2015)."""
    import numpy as np

    slack = np.sqrt(np.maximum(1 - np.square(vectors).sum(axis=1, keepdims=True), 0))
    return np.hstack([vectors, slack])
