"""DeViSE with label vectors that mean nothing."""

from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

from zsl_cli.authoring.training.methods import shared
from zsl_cli.authoring.training.methods.base import Method
from zsl_cli.authoring.training.parameters import parameter

if TYPE_CHECKING:
    from zsl_cli.authoring.training.examples import Examples
    from zsl_cli.authoring.training.fitted import FromNoughtWithLabels
    from zsl_cli.authoring.training.losses import HingeRank
    from zsl_cli.authoring.training.session import Session


@dataclass(frozen=True)
class RandomLabels(Method):
    """The loss of ``rank`` toward a random unit vector for each label of the vocabulary (the
    random embedding of Frome et al., 2013, table 1).

    To choose for comparison: what it loses is what the meaning of label vectors brings.
    """

    margin: float | None = parameter(None, shared.MARGIN)
    negatives: str = parameter("all", shared.NEGATIVES)
    samples: int = parameter(512, shared.SAMPLES)
    decay: float | None = parameter(None, shared.DECAY)

    name: ClassVar[str] = "random"
    summary: ClassVar[str] = "rank with random label vectors"

    def fit(self, examples: "Examples", session: "Session") -> "FromNoughtWithLabels":
        """M begins with nought; label vectors are drawn for all labels of the vocabulary."""
        from zsl_cli.authoring.training import from_nought
        from zsl_cli.authoring.training.fitted import FromNoughtWithLabels
        from zsl_cli.authoring.training.label_vectors import random_vectors, space_of

        vocabulary = examples.vocabulary
        labels = tuple(vocabulary.labels)
        vectors = random_vectors(len(labels), vocabulary.dimension, session.course.seed)
        fitted = from_nought.fit(examples, vectors, space_of(session.name, labels, vectors),
                                 session, self.objective, self.decay)
        return FromNoughtWithLabels(**vars(fitted), labels=labels)

    def objective(self, temperature: float) -> "HingeRank":
        """What is made small where inner products divided by this are log-probabilities."""
        from zsl_cli.authoring.training.losses import HingeRank

        return HingeRank.at(temperature, self.margin, self.negatives, self.samples)
