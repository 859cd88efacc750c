"""The squared distance to the label vector."""

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
class L2(Method):
    """``‖M v − t_label‖²``, an image (Socher et al., 2013, equation 1), the loss that DeViSE's is
    compared with (Frome et al., 2013).

    To choose for comparison: it knows nothing of wrong labels, and many embeddings end near labels
    that are near everything (hubs). ``ridge`` is its closed form.
    """

    decay: float | None = parameter(None, shared.DECAY)
    shift: float | None = parameter(None, shared.SHIFT)

    name: ClassVar[str] = "l2"
    summary: ClassVar[str] = "squared distance to the label vector"
    goes_on: ClassVar[bool] = True

    def fit(self, examples: "Examples", session: "Session") -> "Corrected | FromNought":
        """The model's M moved, or one that begins with nought; label vectors are the
        vocabulary's."""
        from zsl_cli.authoring.training import toward_labels
        from zsl_cli.authoring.training.losses import SquaredDistance

        def objective_of(_temperature: float) -> SquaredDistance:
            return SquaredDistance()

        return toward_labels.fit(examples, session, objective_of, self.decay, self.shift)
