"""CalibrationRequest: which model, and the photos that its confidences are fitted on."""

from collections.abc import Sequence
from dataclasses import dataclass

from zsl_cli.errors import RequestError
from zsl_cli.support.limits import MAX_PIXELS
from zsl_cli.support.names import Name, check_names, names_of, set_names, set_paths
from zsl_cli.support.values import READING, check_device, set_numbers


@dataclass(frozen=True)
class CalibrationRequest:
    """What is asked of ``calibrate``; raises RequestError for values that make no sense.

    model: the name or the folder of a model.
    data: one or several sets of labelled photos, which weigh the same: folders of class folders or
        CSV files (see evaluation.datasets). Best are photos that the model was not trained on, of
        what it will be used for.
    captions: a CSV file of images and their captions, several an image, for the things beside the
        main one; images, split: see evaluation.captions.read.
    vocabulary: whose labels; by default the one that goes with the model.
    output: the folder to write; None for the model's own, which needs ``force``.
    force: whether an existing folder may be replaced, or changed.
    device: see Model.load. jobs, batch_size, max_pixels: see Classifier.classify.
    cache: whether embeddings are kept for the next time (see ``feature_cache``).
    """

    model: Name
    data: Name | Sequence[Name]
    captions: Name | None = None
    images: Name | None = None
    split: str | None = None
    vocabulary: Name | None = None
    output: Name | None = None
    force: bool = False
    device: str = "auto"
    jobs: int | None = None
    batch_size: int | None = None
    max_pixels: int = MAX_PIXELS
    cache: bool = True

    def __post_init__(self) -> None:
        for name in ("model", "captions", "images", "vocabulary"):
            if (value := getattr(self, name)) is not None or name == "model":
                check_names(name, [value])
        set_names(self, "data")
        set_paths(self, "output")
        if not names_of(self.data):
            raise RequestError("data: at least one set of labelled photos is expected")
        if self.captions is None and (self.images is not None or self.split is not None):
            raise RequestError("`images` and `split` are for `captions`")
        set_numbers(self, **READING)
        check_device(self.device)
