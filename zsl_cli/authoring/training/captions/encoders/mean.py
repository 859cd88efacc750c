"""The mean of word vectors."""

from dataclasses import dataclass
from typing import ClassVar

from zsl_cli.authoring.training.captions.encoders.words import OverWordVectors


@dataclass(frozen=True)
class Mean(OverWordVectors):
    """``unit(W · mean of the words' vectors + b)``: where words stand does not matter."""

    name: ClassVar[str] = "mean"
    summary: ClassVar[str] = "a linear map of the mean of the words' vectors"
