"""An N-way classifier: the baseline without label vectors."""

from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

from zsl_cli.authoring.training.methods import shared
from zsl_cli.authoring.training.methods.base import Method
from zsl_cli.authoring.training.parameters import parameter

if TYPE_CHECKING:
    from zsl_cli.authoring.training.examples import Examples
    from zsl_cli.authoring.training.fitted import FromScratchWithLabels
    from zsl_cli.authoring.training.session import Session


@dataclass(frozen=True)
class Softmax(Method):
    """``−log softmax(M v + b)_label``, an image: label vectors are one-hot, so that M's rows are
    those of a classifier (the softmax baseline of Frome et al., 2013, section 4.1).

    To choose where the data's classes are all the labels that will ever be asked for: it knows no
    others.
    """

    decay: float | None = parameter(None, shared.DECAY)

    name: ClassVar[str] = "softmax"
    summary: ClassVar[str] = "the N-way baseline"
    own_labels: ClassVar[bool] = True

    def fit(self, examples: "Examples", session: "Session") -> "FromScratchWithLabels":
        """M begins with zero and has a bias; its radius keeps the products as they are."""
        import numpy as np

        from zsl_cli.authoring.networks.projection import Projection
        from zsl_cli.authoring.training import from_scratch, scaling
        from zsl_cli.authoring.training.fitted import FromScratchWithLabels
        from zsl_cli.authoring.training.label_vectors import space_of
        from zsl_cli.authoring.training.losses import CrossEntropy

        one_hot = np.eye(len(examples.classes), dtype=np.float32)
        problem = from_scratch.problem_of(examples, one_hot, constant=True)
        descent = from_scratch.descended(problem, CrossEntropy(), session, self.decay)
        change = descent.learned.change()
        vectors = np.hstack([one_hot, np.zeros((len(one_hot), 1), np.float32)])
        projection = Projection(
            np.ascontiguousarray(change[:, :-1]), bias=change[:, -1].copy(), radius=1.0,
            unit_features=True, space=space_of(session.name, examples.labels, vectors))
        projected = problem.inputs[:len(examples.rows)] @ change.T
        return FromScratchWithLabels(
            projection=scaling.rescaled(projection, projected, vectors, examples.target,
                                        problem.temperature),
            seen=examples.classes[descent.classes], history=descent.history, problem=problem,
            objective=CrossEntropy(), vectors=vectors, rows=examples.target,
            labels=examples.labels)
