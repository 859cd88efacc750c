"""What is asked of a training on captions."""

from dataclasses import dataclass, field
from typing import Any

from zsl_cli.authoring.training import effects, schedule
from zsl_cli.authoring.training.captions.encoders import Encoder, Linear
from zsl_cli.authoring.training.parameters import default_of
from zsl_cli.authoring.training.request import Asked
from zsl_cli.errors import RequestError
from zsl_cli.support.limits import MAX_PIXELS
from zsl_cli.support.names import Name
from zsl_cli.support.values import Range, check_choice, check_kind, set_numbers

LOSSES = ("rank", "softmax")
VALIDATIONS = ("image", "none")


@dataclass(frozen=True)
class CaptionRequest(Asked):
    """What is asked of ``train_on_captions``.

    captions: a file of images and their captions (see evaluation.captions).
    output: the folder that log, curves and the model folder go to.
    encoder: of sentences, one of captions.encoders.
    images: the folder from which the paths of images go on; by default that of the file.
    split: only captions that the file says are of this split.
    validation_split: those that are validated with; by default a tenth of the images, as
        ``validation`` says.
    model: what gives the features, and the space that labels lie in: the name or the folder of a
        model.
    vocabulary: name or folder, of the model's space; by default the one that goes with the model.
    method: what is made small, one of LOSSES (see ranking). margin: of the ranking loss.
        hardest: the nearest mismatched pair alone counts, after a third of the epochs.
    dimension: of what is learned; the joint space has that of the model beside it.
    epochs: how often the images are gone through, at most, each time with one caption of each.
    batch_size: pairs that a step is made of. learning_rate: at the start, in units of each part's
        own scale; it falls to zero.
    validation: ``image`` or ``none``. patience: epochs without a better recall after which
        training stops; 0: never.
    seed: the same seed gives the same model.
    max_pixels: larger images are refused before decoding.
    device: ``auto``, ``cpu``, ``cuda`` or ``cuda:1``, for reading images.
    restart: throw away what an unfinished training has done in ``output``.
    force: replace a finished one there, once the new one is done.

    Raises RequestError for a value that is not allowed, and for a parameter that would do nothing.
    """

    captions: Name
    output: Name
    encoder: Encoder = field(default_factory=Linear)
    images: Name | None = None
    split: str | None = None
    validation_split: str | None = None
    model: Name = "default"
    vocabulary: Name | None = None
    method: str = "rank"
    margin: float = 0.2
    hardest: bool = False
    dimension: int = 128
    epochs: int = 60
    batch_size: int = 128
    learning_rate: float = 0.05
    validation: str = "image"
    patience: int = 10
    seed: int = 0
    max_pixels: int = MAX_PIXELS
    device: str = "auto"
    restart: bool = False
    force: bool = False

    def __post_init__(self) -> None:
        self._check_shared("captions", "images")
        check_kind("encoder", self.encoder, Encoder)
        check_choice("method", self.method, LOSSES)
        check_choice("validation", self.validation, VALIDATIONS)
        set_numbers(self, **schedule.ranges("epochs", "learning_rate", "patience", "seed"),
                    margin=Range(0, 2), dimension=Range(1, 4096, whole=True),
                    batch_size=Range(2, 65536, whole=True))
        ranking, validated = self.method == "rank", self.validation != "none"
        for name, holds, description in (
                ("margin", ranking, "`method=rank`"), ("hardest", ranking, "`method=rank`"),
                ("validation_split", validated, "training that is validated")):
            if not holds and getattr(self, name) != default_of(name, self):
                raise RequestError(effects.does_nothing(name, description))

    @property
    def in_epochs(self) -> bool:
        """Any is."""
        return True

    @property
    def reads(self) -> tuple[Any, ...]:
        """What must not lie where results are written."""
        return self.captions, self.images, self.model, self.vocabulary
