"""The sum of word vectors."""

from dataclasses import dataclass
from typing import ClassVar

from zsl_cli.authoring.training.captions.encoders.words import OverWordVectors


@dataclass(frozen=True)
class Sum(OverWordVectors):
    """``unit(W · sum of the words' vectors + b)``: as ``mean``, but b, which is what all sentences
    share, counts less the longer the sentence is.
    """

    name: ClassVar[str] = "sum"
    summary: ClassVar[str] = "a linear map of the sum of the words' vectors"
