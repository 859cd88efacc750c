"""The confidences of a model that has just been exported: fitted to its calibration photographs
where these are labelled, else by the default rule."""

from pathlib import Path
from typing import TYPE_CHECKING

from zsl_cli.authoring.calibrating import calibrate_new
from zsl_cli.errors import ZslError
from zsl_cli.evaluation import datasets
from zsl_cli.vocabulary.vocabulary import Vocabulary

if TYPE_CHECKING:
    from zsl_cli.authoring.exporting.plan import Plan
    from zsl_cli.support.progress import Reporter


def fit(plan: "Plan", folder: Path, reporter: "Reporter") -> None:
    """Write the numbers into the model folder, where ``calibration_images`` is a folder with a
    folder for each class and a vocabulary has labels for two of them at least; and tell what is
    so."""
    images = plan.request.calibration_images
    own = folder / "vocab"
    vocabulary = Vocabulary.load(own) if own.is_dir() else plan.vocabulary
    if vocabulary is None or not isinstance(images, str | Path) or not Path(images).is_dir():
        return
    try:
        dataset = datasets.read(images, vocabulary)
        rule = calibrate_new(folder, vocabulary, dataset.paths, dataset.rows, reporter)
        reporter.say(f"confidences are {rule.origin}")
    except ZslError as error:
        reporter.detail(f"confidences are not fitted to the calibration images: {error}")
