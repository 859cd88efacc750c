"""The squared distance to the label vector."""

from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

from zsl_cli.authoring.training.methods.shared import TowardLabels

if TYPE_CHECKING:
    from zsl_cli.authoring.training.losses import SquaredDistance


@dataclass(frozen=True)
class L2(TowardLabels):
    """``‖M v − t_label‖²``, an image (Socher et al., 2013, equation 1), the loss that DeViSE's is
    compared with (Frome et al., 2013).

    To choose for comparison: it knows nothing of wrong labels, and many embeddings end near labels
    that are near everything (hubs). ``ridge`` is its closed form.
    """

    name: ClassVar[str] = "l2"
    summary: ClassVar[str] = "squared distance to the label vector"

    def objective(self, _temperature: float) -> "SquaredDistance":
        """The same at any temperature."""
        from zsl_cli.authoring.training.losses import SquaredDistance

        return SquaredDistance()
