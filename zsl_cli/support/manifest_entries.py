"""What a model's manifest is made of, each part a dataclass."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

Entries = Mapping[str, Any]
"""A JSON object."""


@dataclass(frozen=True)
class FileEntry:
    """The SHA-256 (hexadecimal) and the size of a file of the folder."""

    sha256: str
    bytes: int


@dataclass(frozen=True)
class Normalisation:
    """What is subtracted from pixel values from 0 to 255, and what divides them: one number for
    all channels or one each."""

    mean: tuple[float, ...]
    std: tuple[float, ...]


@dataclass(frozen=True)
class SentenceEncoder:
    """What a label encoder's text tower is, where it is a sentence encoder and a map from its
    vectors: the class, the SHA-256 of its weights, and over how many landmarks the map goes."""

    encoder: str
    sha256: str
    landmarks: int


@dataclass(frozen=True)
class TextEncoding:
    """What a model says of its label encoder.

    templates: what labels are put into before they are encoded, each with one ``{}``.
    """

    templates: tuple[str, ...]
    sentence_encoder: SentenceEncoder | None = None

    def to_entries(self) -> dict[str, Any]:
        """As the manifest has it."""
        return {"templates": list(self.templates), **(
            asdict(self.sentence_encoder) if self.sentence_encoder else {})}


@dataclass(frozen=True)
class Agreement:
    """How closely two encoders agree, on the same images, or on the same phrases.

    images: how many of either.
    max_difference: the largest absolute difference of two numbers.
    min_cosine, mean_cosine: over the images.
    top_10: the share of the ten nearest labels that both give, where there are labels.
    """

    images: int
    max_difference: float
    min_cosine: float
    mean_cosine: float
    top_10: float | None = None

    def to_entries(self) -> dict[str, float | int]:
        """As the manifest has it: rounded."""
        figures = {
            "images": self.images, "max_difference": float(f"{self.max_difference:.3g}"),
            "min_cosine": round(self.min_cosine, 6), "mean_cosine": round(self.mean_cosine, 6)}
        return figures if self.top_10 is None else {**figures, "top_10": round(self.top_10, 4)}


@dataclass(frozen=True)
class CheckpointEntry:
    """The checkpoint that a model was made from: its file names and its SHA-256."""

    file: str
    sha256: str


@dataclass(frozen=True)
class PublishedEntry:
    """The ready ONNX model that a model was imported from.

    layout: how its files lay. files: their SHA-256 by name.
    repository, revision: of the hub that they were pulled from.
    assumed: what no file said and was taken for granted, in words.
    """

    layout: str
    files: Mapping[str, str]
    repository: str | None = None
    revision: str | None = None
    assumed: tuple[str, ...] = ()


@dataclass(frozen=True)
class PriorRoom:
    """Where a model that was made without a label prior has room for one.

    dimension: the one that may hold it. image: what every embedding has there.
    phrase: the length of the dimensions before it in what the label encoder gives; the last
        dimension fills it up to unit length.
    """

    dimension: int
    image: float
    phrase: float
