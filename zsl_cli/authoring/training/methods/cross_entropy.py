"""The cross entropy of the softmax over label vectors."""

from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

from zsl_cli.authoring.training.methods import shared
from zsl_cli.authoring.training.methods.base import Method
from zsl_cli.authoring.training.parameters import parameter

if TYPE_CHECKING:
    from zsl_cli.authoring.training.examples import Examples
    from zsl_cli.authoring.training.fitted import Corrected, FromNought
    from zsl_cli.authoring.training.session import Session


@dataclass(frozen=True)
class CrossEntropySoftmax(Method):
    """``−log softmax(t · M v / temperature)_label``, an image, over the label vectors t of all
    labels in the data: the images' half of CLIP's loss (Radford et al., 2021), label vectors
    staying as they are.

    To choose where scores are to be probabilities: unlike ``rank`` it never has enough, so that
    what it has seen becomes ever surer.
    """

    decay: float | None = parameter(None, shared.DECAY)
    shift: float | None = parameter(None, shared.SHIFT)

    name: ClassVar[str] = "cross-entropy"
    summary: ClassVar[str] = "of the softmax over the label vectors"
    goes_on: ClassVar[bool] = True

    def fit(self, examples: "Examples", session: "Session") -> "Corrected | FromNought":
        """The model's M moved, or one that begins with nought; label vectors are the
        vocabulary's."""
        from zsl_cli.authoring.training import toward_labels
        from zsl_cli.authoring.training.losses import CrossEntropy

        def objective_of(_temperature: float) -> CrossEntropy:
            return CrossEntropy()

        return toward_labels.fit(examples, session, objective_of, self.decay, self.shift)
