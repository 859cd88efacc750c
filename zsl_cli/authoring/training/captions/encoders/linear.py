"""A linear map over a frozen sentence encoder."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

from zsl_cli.authoring.training.captions.encoders.base import Encoder
from zsl_cli.errors import ZslError

if TYPE_CHECKING:
    from zsl_cli.authoring.training.captions.base_model import BaseModel
    from zsl_cli.authoring.training.captions.over_sentences import OverSentences
    from zsl_cli.authoring.training.reporter import Reporter


@dataclass(frozen=True)
class Linear(Encoder):
    """A linear map of the vector that the model's own label encoder has of a sentence inside, and
    of where it puts it. As strong as it is small: to choose first.

    It begins with the canonical correlations of images and sentences, and beside the model's own
    space; how much of either is chosen by holding out images.
    """

    name: ClassVar[str] = "linear"
    summary: ClassVar[str] = "a linear map over the model's label encoder, which stays as it is"

    def check(self, base: "BaseModel") -> None:
        """It takes one with a label encoder."""
        if not base.manifest.encodes_phrases:
            raise ZslError(f"{base.path}: this model has no label encoder, which "
                           "`encoder=linear` goes on from; give another `encoder` or `model`")

    def judge(self, base: "BaseModel") -> "Callable[[str], ZslError | None]":
        """One of which the label encoder knows nothing is no sentence."""
        from zsl_cli.embedding.label_encoder import LabelEncoder

        return LabelEncoder.load(base.path, base.manifest).why_not

    def read(self, sentences: Sequence[str], _trained: int, base: "BaseModel", dimension: int,
             reporter: "Reporter") -> "OverSentences":
        """See Encoder; the label encoder reads each sentence once."""
        from zsl_cli.authoring.training.captions.over_sentences import OverSentences

        side = base.sentences()
        reporter.start("encoding sentences", len(sentences), "sentences")
        return OverSentences(side, side.encode(sentences, reporter.advance), dimension, reporter)
