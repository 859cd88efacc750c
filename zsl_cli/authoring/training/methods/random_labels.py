"""DeViSE with label vectors that mean nothing."""

from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

from zsl_cli.authoring.training.methods.shared import HingeRanked

if TYPE_CHECKING:
    from zsl_cli.authoring.training.examples import Examples
    from zsl_cli.authoring.training.fitted import FromScratchWithLabels
    from zsl_cli.authoring.training.session import Session


@dataclass(frozen=True)
class RandomLabels(HingeRanked):
    """The loss of ``rank`` toward a random unit vector for each label of the vocabulary (the
    random embedding of Frome et al., 2013, table 1).

    To choose for comparison: what it loses is what the meaning of label vectors brings.
    """

    name: ClassVar[str] = "random"
    summary: ClassVar[str] = "rank with random label vectors"

    def fit(self, examples: "Examples", session: "Session") -> "FromScratchWithLabels":
        """M begins with zero; label vectors are drawn for all labels of the vocabulary."""
        from zsl_cli.authoring.training import from_scratch
        from zsl_cli.authoring.training.fitted import FromScratchWithLabels
        from zsl_cli.authoring.training.label_vectors import random_vectors, space_of

        vocabulary = examples.vocabulary
        labels = tuple(vocabulary.labels)
        vectors = random_vectors(len(labels), vocabulary.dimension, session.schedule.seed)
        fitted = from_scratch.fit(examples, vectors, space_of(session.name, labels, vectors),
                                 session, self.objective, self.decay)
        return FromScratchWithLabels(**vars(fitted), labels=labels)
