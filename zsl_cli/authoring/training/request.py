"""What is asked of a training."""

from dataclasses import dataclass, field
from pathlib import Path

from zsl_cli.authoring.training.course import Course
from zsl_cli.authoring.training.methods.base import Method
from zsl_cli.authoring.training.methods.rank import Rank

UNFINISHED = "unfinished"


@dataclass(frozen=True)
class Request:
    """A training.

    data: a folder with a folder for each class, named by its label, or a CSV file of paths and
        labels (see evaluation.datasets).
    output: the folder that checkpoint, log, curves and the exported model go to.
    vocabulary: name or folder; its label vectors are what M maps onto.
    model: what gives the features: the name or the folder of a model, or a checkpoint. A model of
        the vocabulary's space is also where M begins.
    backbone: the checkpoint that the model folder was made from, where it is not found.
    architecture: of a checkpoint that does not say it (see networks.recognise).
    trust_pickle: run the code that the checkpoint brings.
    hold_out: a file of labels, one a line, whose images are left out.
    from_scratch: M begins with nought, whatever the model has.
    export: whether a model folder is made; quantize: its form, ``none``,
        ``int8`` or ``fp16``.
    max_pixels: larger images are refused before decoding; None: as embedding.images has it.
    device: ``auto``, ``cpu`` or ``cuda``.
    restart: throw away what an unfinished training has done in ``output``.
    force: replace a finished one there, once the new one is done.
    """

    data: Path
    output: Path
    method: Method = field(default_factory=Rank)
    vocabulary: str = "default"
    model: str = "default"
    backbone: Path | None = None
    architecture: str | None = None
    trust_pickle: bool = False
    hold_out: Path | None = None
    from_scratch: bool = False
    course: Course = field(default_factory=Course)
    export: bool = True
    quantize: str = "none"
    max_pixels: int | None = None
    device: str = "auto"
    restart: bool = False
    force: bool = False

    @property
    def work(self) -> Path:
        """Where the training is kept until it is finished."""
        return self.output / UNFINISHED

    @property
    def name(self) -> str:
        """What the trained model is called, and spaces and vocabularies of its own."""
        return self.output.absolute().name
