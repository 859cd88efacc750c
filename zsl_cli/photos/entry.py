"""Entry: what is known of one photo of a library."""

from dataclasses import dataclass

from zsl_cli.classifier.predictions import Prediction


@dataclass(frozen=True)
class Entry(Prediction):
    """The prediction for one photo, and the file that it is of.

    size: bytes; mtime: seconds since 1970, to the microsecond; both None where the file could
        not even be looked at.
    thumbnail: a small JPEG of what the model saw, where a report wants one.
    """

    size: int | None = None
    mtime: float | None = None
    thumbnail: bytes | None = None


@dataclass(frozen=True)
class Provenance:
    """What labels were made with: the names of the model and the vocabulary, and the version of
    zsl."""

    model: str
    vocabulary: str
    version: str
