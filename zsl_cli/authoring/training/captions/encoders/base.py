"""What a sentence encoder is, before anything is read."""

from abc import ABC, abstractmethod
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

from zsl_cli.authoring.training.parameters import check_values

if TYPE_CHECKING:
    from zsl_cli.authoring.training.captions.base_model import BaseModel
    from zsl_cli.authoring.training.captions.joint import SentenceEncoding
    from zsl_cli.authoring.training.reporter import Reporter
    from zsl_cli.errors import ZslError


@dataclass(frozen=True)
class Encoder(ABC):
    """A way to encode sentences: a frozen dataclass in a file of its own, whose fields are its
    parameters. A line in ``encoders.ENCODERS`` has the command line offer it.

    name: what it is called. summary: what it does, in some words.
    """

    name: ClassVar[str]
    summary: ClassVar[str]

    def __post_init__(self) -> None:
        """Raises RequestError for a parameter that is not allowed."""
        check_values(self)

    @abstractmethod
    def check(self, base: "BaseModel") -> None:
        """Raise ZslError for a model that is no beginning, before any image is read."""

    def judge(self, _base: "BaseModel") -> "Callable[[str], ZslError | None]":
        """What says why a sentence can't be learned from; by default any can. Raises ZslError."""
        return lambda _sentence: None

    @abstractmethod
    def read(self, sentences: Sequence[str], trained: int, base: "BaseModel", dimension: int,
             reporter: "Reporter") -> "SentenceEncoding":
        """The encoder, to be trained on sentences, which are then known by their numbers; the first
        ``trained`` are those that may be learned from. Raises ZslError."""
