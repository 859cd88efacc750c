"""What encoders over word vectors have in common."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from zsl_cli.authoring.training.captions.encoders.base import Encoder

if TYPE_CHECKING:
    from zsl_cli.authoring.training.captions.base_model import BaseModel
    from zsl_cli.authoring.training.captions.over_words import OverWords
    from zsl_cli.authoring.training.reporter import Reporter


@dataclass(frozen=True)
class OverWordVectors(Encoder):
    """An encoder over a vector of each word.

    vectors: a file of word vectors, or a vocabulary (see vocabularies.word_vectors): they stay as
        they are; None: vectors of the sentences' own words are learned.
    """

    vectors: str | None = None

    def check(self, _base: "BaseModel") -> None:
        """Any is a beginning."""

    def read(self, sentences: Sequence[str], trained: int, base: "BaseModel", dimension: int,
             reporter: "Reporter") -> "OverWords":
        """See Encoder."""
        from zsl_cli.authoring.training.captions import words
        from zsl_cli.authoring.training.captions.over_words import OverWords

        table = words.read(self.vectors, sentences[:trained], reporter)
        return OverWords(table, sentences, self.name, dimension, base.manifest.dimension)
