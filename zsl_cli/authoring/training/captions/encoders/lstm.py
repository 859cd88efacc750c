"""An LSTM over word vectors."""

from dataclasses import dataclass
from typing import ClassVar

from zsl_cli.authoring.training.captions.encoders.words import OverWordVectors


@dataclass(frozen=True)
class Lstm(OverWordVectors):
    """``unit(W · h + b)``, h the last hidden state of a long short-term memory (Hochreiter and
    Schmidhuber, 1997) over the words' vectors: the encoder of Kiros et al., 2014. It wants many
    captions: with some thousands the mean of the vectors is as good.
    """

    name: ClassVar[str] = "lstm"
    summary: ClassVar[str] = "an LSTM over the words' vectors, as Kiros et al. have it"
