"""Entry: what is known of one photo of a library."""

from dataclasses import dataclass
from typing import NamedTuple


class Found(NamedTuple):
    """A label that was found in a photo, and its score from 0 to 1."""

    id: str
    label: str
    score: float


class Failure(NamedTuple):
    """Why a photo could not be labelled; ``kind`` as in errors.ImageError."""

    kind: str
    message: str


@dataclass(frozen=True)
class Entry:
    """One photo: its labels, best first, or the failure that kept it from being read.

    size: bytes; mtime: seconds since 1970, to the microsecond; both None where the file could
        not even be looked at.
    version: of the zsl that labelled it.
    thumbnail: a small JPEG of what the model saw, where a report wants one.
    """

    path: str
    size: int | None = None
    mtime: float | None = None
    labels: tuple[Found, ...] = ()
    failure: Failure | None = None
    version: str | None = None
    thumbnail: bytes | None = None


@dataclass(frozen=True)
class Made:
    """What the labels were made with: the names of the model and the vocabulary, and the version
    of zsl."""

    model: str
    vocabulary: str
    version: str
