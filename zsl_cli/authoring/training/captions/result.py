"""What a training on captions has written and found out."""

from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from zsl_cli.authoring.training.fitted import History

if TYPE_CHECKING:
    from collections.abc import Mapping

    from zsl_cli.evaluation.left_out import LeftOut


@dataclass(frozen=True)
class CaptionResult:
    """What ``train_on_captions`` has written, and how the training went.

    output: the folder that all of it is in; model: the model folder.
    images, captions: how many were trained and validated on.
    history: the epochs; the one that was kept is 0 where none was better than the beginning.
    recalls: of the validation images by what was kept (see retrieval.recalls); empty without any.
    left_out: images that could not be read, and captions that could not be used.
    """

    output: Path
    model: Path
    images: int
    captions: int
    history: History
    recalls: "Mapping[str, float]"
    left_out: "LeftOut" = field(compare=False)
