"""Which photos count: by where they are, when they were taken, what is in them."""

import os
from collections.abc import Sequence
from dataclasses import dataclass
from glob import has_magic
from re import Pattern
from typing import TYPE_CHECKING

import numpy as np

from zsl_cli.embedding.patterns import any_of, composed
from zsl_cli.photos.catalogue import database
from zsl_cli.photos.catalogue.places import is_within
from zsl_cli.photos.search.period import Period

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from zsl_cli.classifier.classifier import Classifier
    from zsl_cli.photos.catalogue.catalogue import Catalogue
    from zsl_cli.photos.reporter import Reporter
    from zsl_cli.photos.search.request import SearchRequest


@dataclass(frozen=True)
class Places:
    """Folders and patterns, one of which a path has to be in or match; without any, all do.

    folders: absolute. below: of paths from the library on. absolute: of whole paths.
    """

    folders: tuple[str, ...]
    below: Pattern[str] | None
    absolute: Pattern[str] | None

    @classmethod
    def of(cls, texts: Sequence[str]) -> "Places":
        """Of what a user wrote: folders, and patterns of photos or of folders. Raises ZslError for
        what is no pattern."""
        folders = [text for text in texts if os.path.isdir(text) or (
            os.path.isabs(text) and not has_magic(text))]
        # What is a folder here may be meant below the library as well.
        patterns = [text for text in texts if text not in folders or not os.path.isabs(text)]
        both = [[text for text in patterns if os.path.isabs(text) == is_absolute]
                for is_absolute in (False, True)]
        below, absolute = (any_of(one for text in some for one in (text, _inside(text)))
                           for some in both)
        return cls(tuple(map(os.path.realpath, folders)), below, absolute)

    def __bool__(self) -> bool:
        return bool(self.folders or self.below or self.absolute)

    def have(self, path: str, library: str) -> bool:
        """Whether a path, absolute, counts, in a catalogue of this library."""
        if any(is_within(path, folder) for folder in self.folders):
            return True
        if self.absolute and self.absolute.fullmatch(_slashes(path)):
            return True
        start = len(os.path.join(library, "")) if library else 0
        return bool(self.below and self.below.fullmatch(_slashes(path[start:])))


def _inside(pattern: str) -> str:
    return f"{pattern.rstrip('/')}/**" if "/" in pattern.rstrip("/") else f"**/{pattern}/**"


def _slashes(path: str) -> str:
    return composed(path.replace(os.sep, "/").lstrip("/"))


@dataclass(frozen=True)
class Filter:
    """What a catalogue can say of a photo without its embedding."""

    within: Places
    paths: Places
    period: Period

    @classmethod
    def of(cls, request: "SearchRequest") -> "Filter":
        """That of a request. Raises ZslError."""
        folders = tuple(map(os.path.realpath, request.within))
        return cls(Places(folders, None, None), Places.of(request.paths),
                   Period.parse(request.since, request.until))

    def slots(self, catalogue: "Catalogue") -> "NDArray[np.int64] | None":
        """The slots of the photos that count, rising; None for all. Raises ZslError."""
        places = [one for one in (self.within, self.paths) if one]
        library = catalogue.identity.library
        if self.within and library and any(is_within(library, folder)
                                           for folder in self.within.folders):
            places.remove(self.within)
        if not places and not self.period:
            return None
        condition, values = self.period.condition
        counts: dict[int, str] = {}
        slots = []
        with database.explained(catalogue.folder):
            if places:
                counts = {id_: catalogue.full(path) for id_, path in catalogue.db.execute(
                    "SELECT id, path FROM folders")}
            for slot, folder, name in catalogue.db.execute(
                    "SELECT slot, folder, name FROM photos WHERE slot >= 0 AND gone IS NULL "
                    f"AND {condition}", values):
                if places:
                    if folder not in counts:  # damaged
                        continue
                    path = os.path.join(counts[folder], os.fsdecode(name))
                    if not all(one.have(path, library) for one in places):
                        continue
                slots.append(slot)
        return np.sort(np.array(slots, np.int64))


class Labels:
    """Only photos of which labels are probably true; computed from their embeddings."""

    def __init__(self, classifier: "Classifier", request: "SearchRequest",
                 reporter: "Reporter") -> None:
        """reporter: hears what each label was taken for. Raises UnknownLabelError for what is no
        label."""
        self._classifier = classifier
        self._least = request.confidence
        self._wanted = [classifier.candidates([label]) for label in request.labels]
        self._wanted += [classifier.candidates(under=[label]) for label in request.under]
        for nearest in self._wanted:
            reporter.loaded(classifier, nearest)

    def true_of(self, embeddings: "NDArray[np.float16]") -> "NDArray[np.bool_]":
        """Of which of n photos ``[n, D]`` each label is true, or one below it."""
        photos = embeddings.astype(np.float32)
        true = np.ones(len(photos), bool)
        for nearest in self._wanted:
            left = np.flatnonzero(true)
            sure = self._classifier.evidence(photos[left], nearest).confidences.max(
                axis=1, initial=0.0)
            true[left] = sure >= self._least
        return true
