"""What a training has written and found out."""

from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from zsl_cli.authoring.training.fitted import History

if TYPE_CHECKING:
    from zsl_cli.authoring.training.selection import Choice
    from zsl_cli.evaluation.left_out import LeftOut


@dataclass(frozen=True)
class TrainResult:
    """What ``train`` has written, and how the training went.

    output: the folder that all of it is in; checkpoint: what zsl's export reads.
    model: the model folder, if one was exported.
    own_vocabulary: that of the label vectors that the method has made, if it makes some; vocabulary
        is what goes with the model, by name or path: that one, or the one that was asked for.
    images, classes: how many were trained and validated on. seen: the ids of the labels that were
        trained on.
    history: of M; network_history: of the network, where it was trained, too.
    choice: how decay and shift were chosen, if they were.
    left_out: what of the data did not count.
    """

    output: Path
    checkpoint: Path
    model: Path | None
    own_vocabulary: Path | None
    vocabulary: str
    images: int
    classes: int
    seen: tuple[str, ...]
    history: History
    network_history: History
    choice: "Choice | None"
    left_out: "LeftOut" = field(compare=False)
