"""The cross entropy of the softmax over label vectors."""

from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

from zsl_cli.authoring.training.methods.shared import TowardLabels

if TYPE_CHECKING:
    from zsl_cli.authoring.training.losses import CrossEntropy


@dataclass(frozen=True)
class CrossEntropySoftmax(TowardLabels):
    """``−log softmax(t · M v / temperature)_label``, an image, over the label vectors t of all
    labels in the data: the images' half of CLIP's loss (Radford et al., 2021), label vectors
    staying as they are.

    To choose where scores are to be probabilities: unlike ``rank`` it never has enough, so that
    what it has seen becomes ever surer.
    """

    name: ClassVar[str] = "cross-entropy"
    summary: ClassVar[str] = "of the softmax over the label vectors"

    def objective(self, _temperature: float) -> "CrossEntropy":
        """The same at any temperature."""
        from zsl_cli.authoring.training.losses import CrossEntropy

        return CrossEntropy()
