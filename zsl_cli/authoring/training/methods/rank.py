"""The hinge rank loss of DeViSE."""

from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

from zsl_cli.authoring.training.methods import shared
from zsl_cli.authoring.training.methods.base import Method
from zsl_cli.authoring.training.parameters import parameter

if TYPE_CHECKING:
    from zsl_cli.authoring.training.examples import Examples
    from zsl_cli.authoring.training.fitted import Corrected, FromNought
    from zsl_cli.authoring.training.losses import HingeRank
    from zsl_cli.authoring.training.session import Session


@dataclass(frozen=True)
class Rank(Method):
    """``Σ_{j ≠ label} max(0, margin − t_label · M v + t_j · M v)``, an image: every wrong label
    that comes nearer than the margin is pushed away (Frome et al., 2013, equation 1).

    To choose first: only the order of labels counts, so that those which nobody trained on keep
    their place best. With very many labels in the data ``negatives=sampled`` is quicker;
    ``negatives=first`` is the paper's own way.
    """

    margin: float | None = parameter(None, shared.MARGIN)
    negatives: str = parameter("all", shared.NEGATIVES)
    samples: int = parameter(512, shared.SAMPLES)
    decay: float | None = parameter(None, shared.DECAY)
    shift: float | None = parameter(None, shared.SHIFT)

    name: ClassVar[str] = "rank"
    summary: ClassVar[str] = "hinge rank loss (DeViSE)"
    goes_on: ClassVar[bool] = True

    def fit(self, examples: "Examples", session: "Session") -> "Corrected | FromNought":
        """The model's M moved, or one that begins with nought; label vectors are the
        vocabulary's."""
        from zsl_cli.authoring.training import toward_labels

        return toward_labels.fit(examples, session, self.objective, self.decay, self.shift)

    def objective(self, temperature: float) -> "HingeRank":
        """What is made small where inner products divided by this are log-probabilities."""
        from zsl_cli.authoring.training.losses import HingeRank

        return HingeRank.at(temperature, self.margin, self.negatives, self.samples)
