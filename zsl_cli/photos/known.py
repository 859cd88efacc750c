"""What catalogues know of photos that are asked about: these are not read again."""

import os
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import groupby, islice
from typing import TYPE_CHECKING, Any

import numpy as np

from zsl_cli.classifier.predictions import Prediction
from zsl_cli.photos.catalogue import places
from zsl_cli.photos.catalogue.borrowing import lenders
from zsl_cli.photos.catalogue.identity import Encoder, Identity
from zsl_cli.photos.photo import Stamp

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from zsl_cli.classifier.classifier import Classifier
    from zsl_cli.classifier.keyword_rule import KeywordRule
    from zsl_cli.embedding.images import ImageSource
    from zsl_cli.errors import ImageError
    from zsl_cli.photos.catalogue.borrowing import Lender
    from zsl_cli.support.manifests import ModelManifest
    from zsl_cli.vocabulary.search.nearest import Nearest

    Half = NDArray[np.float16]

_TOGETHER = 256  # photos that are answered at once


@dataclass(frozen=True)
class Known:
    """A photo that a catalogue has read: size in bytes and CRC-32 of the file, and its embedding,
    float16 ``[D]``."""

    path: str
    size: int
    crc: int
    embedding: "Half"


class KnownEmbeddings:
    """The embeddings of photos that have not changed since a catalogue of this user read them."""

    def __init__(self, sources: "list[Lender]") -> None:
        self._lenders = sources
        self._folder: tuple[str | None, str] = (None, "")  # as it was asked for, and in full

    @classmethod
    @contextmanager
    def of(cls, model: "ModelManifest") -> "Iterator[KnownEmbeddings]":
        """Those of a model; a catalogue that can't be read knows none."""
        with lenders(places.every(), Identity("", Encoder.of(model))) as found:
            yield cls(found)

    def get(self, path: str) -> "Half | None":
        """float16 ``[D]``, or None for a photo that has to be read."""
        known = self.find(path)
        return None if known is None else known.embedding

    def find(self, path: str) -> "Known | None":
        """What is known of a photo, or None for one that has to be read."""
        folder, name = os.path.split(path)
        if folder != self._folder[0]:
            self._folder = folder, os.path.realpath(folder)
        for lender in self._lenders:
            row = lender.photo(self._folder[1], name)
            if row is not None and row[3] is not None and _is_unchanged(path, row) and (
                    embedding := lender.embedding(row)) is not None:
                return Known(path, row[0], row[3], embedding)
        return None

    def with_content(self, size: int, crc: int) -> "Known | None":
        """A photo of this size and CRC-32, wherever it was."""
        for lender in self._lenders:
            for path, row in lender.photos_of(size, crc):
                if (embedding := lender.embedding(row)) is not None:
                    return Known(path, size, crc, embedding)
        return None

    def sample(self, number: int) -> "Half":
        """Embeddings of up to about so many photos, float16 ``[n, D]``, evenly of all."""
        return np.concatenate([lender.sample(number) for lender in self._lenders]) if (
            self._lenders) else np.empty((0, 0), np.float16)


def _is_unchanged(path: str, row: tuple[Any, ...]) -> bool:
    try:
        stamp = Stamp.of(os.stat(path))
    except (OSError, ValueError):
        return False
    return (stamp.size, stamp.mtime, stamp.ctime) == row[:3]


def predict(classifier: "Classifier", sources: "Iterable[tuple[str, ImageSource | ImageError]]",
            nearest: "Nearest", *, known: KnownEmbeddings, top: int, threshold: float,
            rule: "KeywordRule | None", **reading: Any) -> Iterator[Prediction]:
    """As Classifier.predict, in the order of the sources, but what is known is not read."""

    def embedded() -> "Iterator[tuple[Half | None, tuple[str, ImageSource | ImageError]]]":
        for name, source in sources:
            yield known.get(source) if isinstance(source, str) else None, (name, source)

    for is_known, group in groupby(embedded(), lambda one: one[0] is not None):
        if not is_known:
            yield from classifier.predict((source for _, source in group), nearest, top=top,
                                          threshold=threshold, rule=rule, **reading)
            continue
        while block := list(islice(group, _TOGETHER)):
            embeddings = np.array([embedding for embedding, _ in block], np.float32)
            answers = classifier.answer(embeddings, nearest, top, threshold, rule)
            yield from classifier.predictions(
                zip((name for _, (name, _) in block), answers, strict=True), nearest)
