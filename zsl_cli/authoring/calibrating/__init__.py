"""Calibrating: the numbers by which a model's products become confidences, from photos.

    from zsl_cli.authoring.calibrating import CalibrationRequest, calibrate

    result = calibrate(CalibrationRequest("models/mine", ["photos"], output="models/calibrated"))

``main_rule`` has what class folders tell of the main thing of a photo, ``beside_rule`` what
captions tell of the things beside it.
"""

from zsl_cli.authoring.calibrating.calibrate import calibrate, calibrate_new
from zsl_cli.authoring.calibrating.request import CalibrationRequest
from zsl_cli.authoring.calibrating.result import CalibrationResult, Fit

__all__ = ["CalibrationRequest", "CalibrationResult", "Fit", "calibrate", "calibrate_new"]
