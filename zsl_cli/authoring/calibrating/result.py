"""What a calibration has fitted, and how good it is."""

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from zsl_cli.evaluation.left_out import LeftOut
    from zsl_cli.support.calibration import ConfidenceRule


@dataclass(frozen=True)
class Fit:
    """Numbers that were fitted to pairs of an image and a label.

    temperature: None where none was fitted. second_slope: of the log-odds by the hierarchy, in
        those of what stands beside, and second_least, the ``beside_least`` of them.
    images, pairs: how many; right: for how many pairs the label is true of the image.
    error_before, error_after: the calibration error (``metrics.equal_mass_error``) by the rule of
        before, and by the fit; that of each fifth of the images by a fit to the other four.
    labels: what the pairs are about, where that was chosen.
    """

    slope: float
    offset: float
    images: int
    pairs: int
    right: int
    error_before: float
    error_after: float
    temperature: float | None = None
    second_slope: float = 0.0
    second_least: float | None = None
    labels: tuple[str, ...] = ()


@dataclass(frozen=True)
class CalibrationResult:
    """What ``calibrate`` has written.

    folder: the model folder; rule: as its manifest has it now.
    main: of the main thing of an image; beside: of what stands beside it, if that was fitted.
    """

    folder: Path
    rule: "ConfidenceRule"
    main: Fit
    beside: Fit | None
    left_out: "LeftOut"
