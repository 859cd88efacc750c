"""What is asked of a training."""

from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from zsl_cli.authoring.training import effects
from zsl_cli.authoring.training.methods.base import Method
from zsl_cli.authoring.training.methods.rank import Rank
from zsl_cli.authoring.training.schedule import Schedule
from zsl_cli.support import folders
from zsl_cli.support.limits import MAX_PIXELS, QUANTIZE
from zsl_cli.support.names import Name, set_paths, set_texts
from zsl_cli.support.values import COUNT, check_choice, check_device, check_kind, set_numbers

UNFINISHED = "unfinished"


class Asked:
    """What all trainings are asked: of their requests, dataclasses with these fields."""

    output: Name
    model: Name
    vocabulary: Name | None
    max_pixels: int
    device: str

    def _check_shared(self, *paths: str) -> None:
        """Have these fields be a Path, models and vocabularies a text; raises RequestError for a
        value that no training allows."""
        set_paths(self, "output", *paths)
        set_texts(self, "model", "vocabulary")
        check_device(self.device)
        set_numbers(self, max_pixels=COUNT)

    @property
    def work(self) -> Path:
        """Where the training is kept until it is finished."""
        return Path(self.output) / UNFINISHED

    @property
    def name(self) -> str:
        """What the trained model is called, and spaces and vocabularies of its own."""
        return folders.name_of(Path(self.output))


@dataclass(frozen=True)
class TrainRequest(Asked):
    """What is asked of ``train``.

    data: a folder with a folder for each class, named by its label, or a CSV file of paths and
        labels (see evaluation.datasets).
    output: the folder that checkpoint, log, curves and the exported model go to.
    method: how M is made: one of training.methods, or your own. schedule: see Schedule.
    vocabulary: name or folder; its label vectors are what M maps onto.
    model: what gives the features: the name or the folder of a model, or a checkpoint. A model of
        the vocabulary's space is also where M begins.
    backbone: the checkpoint that the model folder was made from, where it is not found.
    architecture: of a checkpoint that does not say it (see networks.recognise).
    trust_pickle: run the code that the checkpoint brings.
    hold_out: a file of labels, one a line, whose images are left out.
    from_scratch: M begins with zero, whatever the model has.
    export: whether a model folder is made; quantize: its form, ``none``,
        ``int8`` or ``fp16``.
    max_pixels: larger images are refused before decoding.
    device: ``auto``, ``cpu``, ``cuda`` or ``cuda:1``.
    restart: throw away what an unfinished training has done in ``output``.
    force: replace a finished one there, once the new one is done.

    ``data``, ``output``, ``backbone`` and ``hold_out`` become a Path, ``model`` and ``vocabulary``
    a text. Raises RequestError for a value that is not allowed, for a schedule that the method
    cannot take, and for a parameter that would do nothing.
    """

    data: Name
    output: Name
    method: Method = field(default_factory=Rank)
    vocabulary: Name = "default"
    model: Name = "default"
    backbone: Name | None = None
    architecture: str | None = None
    trust_pickle: bool = False
    hold_out: Name | None = None
    from_scratch: bool = False
    schedule: Schedule = field(default_factory=Schedule)
    export: bool = True
    quantize: str = "none"
    max_pixels: int = MAX_PIXELS
    device: str = "auto"
    restart: bool = False
    force: bool = False

    def __post_init__(self) -> None:
        self._check_shared("data", "backbone", "hold_out")
        check_choice("quantize", self.quantize, QUANTIZE)
        check_kind("method", self.method, Method)
        check_kind("schedule", self.schedule, Schedule)
        self.method.check_schedule(self.schedule)
        effects.check(self, self.method, self.schedule)

    @property
    def in_epochs(self) -> bool:
        """Whether the method is trained so."""
        return self.method.in_epochs

    @property
    def reads(self) -> tuple[Any, ...]:
        """What must not lie where results are written."""
        return self.data, self.model, self.vocabulary, self.backbone, self.hold_out
