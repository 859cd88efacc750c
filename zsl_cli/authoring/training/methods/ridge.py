"""Ridge regression, in closed form."""

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, ClassVar

from zsl_cli.authoring.training.methods import shared
from zsl_cli.authoring.training.methods.base import Method
from zsl_cli.authoring.training.parameters import Parameter, parameter
from zsl_cli.errors import RequestError, ZslError

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from zsl_cli.authoring.networks.projection import Projection
    from zsl_cli.authoring.training.examples import Examples
    from zsl_cli.authoring.training.fitted import Corrected, Fitted, FromScratch, OwnLabels
    from zsl_cli.authoring.training.problem import Problem
    from zsl_cli.authoring.training.schedule import Schedule
    from zsl_cli.authoring.training.session import Session
    from zsl_cli.authoring.training.start import Start

_DECAY = 0.01


@dataclass(frozen=True)
class Ridge(Method):
    """``Σ ‖M v − t_label‖² + decay ‖M‖²`` over the images, each class weighing the same; or with
    ``direction=to-features`` ``Σ ‖v − Mᵀ t_label‖² + decay ‖M‖²``: labels are then mapped to where
    the features are, which has fewer hubs (Shigeto et al., 2015).

    To choose where there is no time: it takes a second, and has one number to set.
    """

    decay: float | None = parameter(None, replace(shared.DECAY, unset=f"{_DECAY:g}"))
    direction: str = parameter("to-labels", Parameter(
        ("to-labels", "to-features"), "Which of features and label vectors are mapped."))

    name: ClassVar[str] = "ridge"
    summary: ClassVar[str] = "least squares in closed form"
    in_epochs: ClassVar[bool] = False
    goes_on: ClassVar[bool] = True

    def check_schedule(self, schedule: "Schedule") -> None:
        """Label vectors that are mapped onto features do not move with the network."""
        super().check_schedule(schedule)
        if schedule.finetune and self.direction == "to-features":
            raise RequestError("`finetune`: the label vectors lie where the network's features "
                               "are; give `direction=to-labels`")

    def check_start(self, start: "Start") -> None:
        """Features that label vectors are mapped onto have no M to go on from."""
        super().check_start(start)
        if start.projection is not None and self.direction == "to-features":
            raise ZslError(f"`direction={self.direction}` makes M anew; give `from_scratch` with "
                           "it")

    def fit(self, examples: "Examples", session: "Session") -> "Fitted":
        """The model's M moved, or one that begins with zero; label vectors are the
        vocabulary's, or with ``to-features`` what M makes of these."""
        known = session.start.projection
        if known is not None:
            return self._corrected(examples, known, session)
        if self.direction == "to-features":
            return self._to_features(examples, session.name)
        return self._from_scratch(examples)

    def _corrected(self, examples: "Examples", known: "Projection",
                   session: "Session") -> "Corrected":
        from zsl_cli.authoring.training import correction
        from zsl_cli.authoring.training.fitted import Corrected
        from zsl_cli.authoring.training.losses import SquaredDistance

        task = correction.correction_of(examples, known, session.start.plan.features.classifier)
        return Corrected.of(task.moved(self._solution(task.problem)), seen=examples.classes,
                            problem=task.problem, objective=SquaredDistance())

    def _from_scratch(self, examples: "Examples") -> "FromScratch":
        from zsl_cli.authoring.training import from_scratch
        from zsl_cli.authoring.training.fitted import FromScratch
        from zsl_cli.authoring.training.label_vectors import meanings
        from zsl_cli.authoring.training.losses import SquaredDistance

        vocabulary = examples.vocabulary
        vectors = meanings(vocabulary)
        problem = from_scratch.problem_of(examples, vectors[examples.classes])
        projection = from_scratch.projection_of(examples, problem, self._solution(problem), vectors,
                                               vocabulary.space)
        return FromScratch(projection=projection, seen=examples.classes, problem=problem,
                          objective=SquaredDistance(), vectors=vectors, rows=examples.rows)

    def _to_features(self, examples: "Examples", name: str) -> "OwnLabels":
        import numpy as np

        from zsl_cli.authoring.networks.projection import Projection
        from zsl_cli.authoring.training import from_scratch, scaling
        from zsl_cli.authoring.training.fitted import OwnLabels
        from zsl_cli.authoring.training.label_vectors import meanings, space_of
        from zsl_cli.support.vectors import unit_rows

        labels, vectors = tuple(examples.vocabulary.labels), meanings(examples.vocabulary)
        problem = from_scratch.problem_of(examples, vectors[examples.classes])
        mapped = unit_rows(vectors @ self._solution(problem))
        images = problem.inputs[:len(examples.rows)]  # they stay where they are
        projection = Projection(np.eye(images.shape[1], dtype=np.float32), unit_features=True,
                                space=space_of(name, labels, mapped))
        return OwnLabels(
            projection=scaling.rescaled(projection, images, mapped, examples.rows,
                                        problem.temperature),
            seen=examples.classes, labels=labels, vectors=mapped)

    def _solution(self, problem: "Problem") -> "NDArray[np.float32]":
        """What is added to M, ``[D, F]``."""
        wanted = problem.vectors[problem.target]
        if problem.offset is not None:
            wanted = wanted * problem.radius - problem.offset
        weights = problem.weights()
        return ridge(problem.inputs, wanted, weights / weights.sum(),
                     _DECAY if self.decay is None else self.decay, self.direction)


def ridge(features: "NDArray[np.float32]", vectors: "NDArray[np.float32]",
          weights: "NDArray[np.float32]", decay: float,
          direction: str = "to-labels") -> "NDArray[np.float32]":
    """M, float32 ``[D, F]``, of ridge regression.

    features: ``[n, F]``; vectors: the label vector of each image, ``[n, D]``.
    weights: of the images, ``[n]``; they sum to 1.
    direction: ``to-labels`` minimises ``Σ w ‖M v − t‖² + decay ‖M‖²``; ``to-features``
        minimises ``Σ w ‖v − Mᵀ t‖² + decay ‖M‖²``: labels are then compared as Mᵀ t, of unit
        length, among the features, which has fewer hubs (Shigeto et al., 2015).
    """
    import numpy as np

    x, y = features.astype(np.float64), vectors.astype(np.float64)
    if direction == "to-features":
        return _solve(y, x, weights, decay).astype(np.float32)
    return _solve(x, y, weights, decay).T.astype(np.float32)


def _solve(x: "NDArray[np.float64]", y: "NDArray[np.float64]", weights: "NDArray[np.float32]",
           decay: float) -> "NDArray[np.float64]":
    """B ``[columns of x, columns of y]`` of least ``Σ w ‖y − Bᵀ x‖² + decay ‖B‖²``."""
    import numpy as np

    weighted = x * weights[:, None]
    gram = weighted.T @ x + decay * np.eye(x.shape[1])
    return np.asarray(np.linalg.solve(gram, weighted.T @ y), np.float64)
