"""What was taught to a vocabulary: labels, names and vectors over those of its base."""

import hashlib
import io
import json
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Self

import numpy as np

from zsl_cli.errors import FolderError
from zsl_cli.support import folders
from zsl_cli.support.manifests import VocabularyManifest
from zsl_cli.vocabulary.beside import Beside
from zsl_cli.vocabulary.names.label import Label
from zsl_cli.vocabulary.search.nearest import as_float32
from zsl_cli.vocabulary.search.second import ExactOfTwo, Patched, Seconds

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from numpy.typing import NDArray

    from zsl_cli.support.taught_entry import TaughtEntry
    from zsl_cli.vocabulary.search.nearest import Hnsw


@dataclass(frozen=True)
class Definitions:
    """New labels, in the order of their rows behind the base's, and further names, by the ids of
    labels of the base."""

    labels: tuple[Label, ...] = ()
    synonyms: "Mapping[str, tuple[str, ...]]" = field(default_factory=dict)

    def to_lines(self) -> str:
        """A JSON object a line: a label, or the further names of one."""
        lines = [label.to_json() for label in self.labels]
        lines += [json.dumps({"id": id_, "further": list(names)}, ensure_ascii=False)
                  for id_, names in self.synonyms.items()]
        return "".join(f"{line}\n" for line in lines)

    @classmethod
    def from_lines(cls, lines: "Iterable[bytes]") -> Self:
        """The inverse of to_lines; raises ValueError for anything else."""
        labels, synonyms = [], {}
        for line in lines:
            try:
                entries = json.loads(line)
            except RecursionError as error:
                raise ValueError("not a label") from error
            if isinstance(entries, dict) and "further" in entries:
                id_, names = entries.get("id"), entries["further"]
                if not isinstance(id_, str) or not isinstance(names, list) or not all(
                        isinstance(name, str) for name in names):
                    raise ValueError("not the names of a label")
                synonyms[id_] = tuple(names)
            else:
                labels.append(Label.from_json(line))
        return cls(tuple(labels), synonyms)

    def named(self, label: Label) -> Label:
        """A label of the base, with the names that it was given."""
        further = self.synonyms.get(label.id)
        return replace(label, synonyms=(*label.synonyms, *further)) if further else label


@dataclass(frozen=True)
class Taught:
    """The overlay over a base of so many labels.

    rows, vectors: int64 ``[m]``, rising, and float32 ``[m, D]``, of labels with another vector
        than the base's, all new ones included.
    around: those of labels with another vector for where they stand beside other things.
    """

    definitions: Definitions
    rows: "NDArray[np.int64]"
    vectors: "NDArray[np.float32]"
    seconds: Seconds
    around: Seconds

    @classmethod
    def load(cls, folder: Path, manifest: VocabularyManifest) -> Self:
        """Of a taught vocabulary. Raises FolderError."""
        entry = manifest.taught
        assert entry is not None
        definitions = read_definitions(folder, manifest, entry)
        if len(definitions.labels) != entry.labels:
            raise FolderError(f"{folder / entry.definitions}: {entry.labels} new labels are "
                              f"expected, and {len(definitions.labels)} are there")
        starts = np.cumsum([len(entry.rows), len(entry.second_rows), len(entry.beside_rows)])
        vectors = np.empty((0, manifest.dimension), np.float32)
        if entry.vectors is not None:
            vectors = _array(folder, entry.vectors, manifest, (int(starts[2]), manifest.dimension))
        first, second, third = np.split(vectors, starts[:2])
        return cls(definitions, np.array(entry.rows, np.int64), first,
                   Seconds(np.array(entry.second_rows, np.int64), second),
                   Seconds(np.array(entry.beside_rows, np.int64), third))

    @property
    def labels_digest(self) -> str:
        """What tells the new labels from any others; empty where there are none."""
        if not self.definitions.labels:
            return ""
        lines = Definitions(self.definitions.labels).to_lines()
        return hashlib.sha256(lines.encode("utf-8", "backslashreplace")).hexdigest()

    def beside(self, index: "Hnsw", vectors: "NDArray[np.floating]") -> "Hnsw | Patched":
        """The search in an index over the vectors of the base, and beside it among those of all
        ``vectors``, ``[N', D]``, that differ."""
        indexed = len(vectors) - len(self.definitions.labels)
        rows = np.union1d(self.rows, self.seconds.rows)
        if not len(rows):
            return index
        return Patched(index, indexed, rows, ExactOfTwo(
            as_float32(vectors[rows]), self.seconds.among(rows)), int((self.rows < indexed).sum()))

    def over_beside(self, beside: Beside) -> Beside:
        """The vectors of what stands beside other things, of those of the base."""
        if not len(self.around):
            return beside
        vectors = beside.vectors.copy()
        vectors[np.searchsorted(beside.rows, self.around.rows)] = self.around.vectors
        return Beside(beside.rows, vectors)

    def over(self, vectors: "NDArray[np.floating]") -> "NDArray[np.floating]":
        """The vectors of all labels, ``[N', D]``, of those of the base ``[N, D]``, in its type; the
        base's own array where all stay."""
        if not len(self.rows):
            return vectors
        every = np.empty((len(vectors) + len(self.definitions.labels), vectors.shape[1]),
                         vectors.dtype)
        every[:len(vectors)] = vectors
        every[self.rows] = self.vectors
        return every


def read_definitions(folder: Path, manifest: VocabularyManifest,
                     entry: "TaughtEntry") -> Definitions:
    """The new labels and names of a taught vocabulary. Raises FolderError."""
    content = folders.read_file(folder, entry.definitions, manifest)
    try:
        return Definitions.from_lines(content.splitlines())
    except ValueError as error:
        raise FolderError(f"{folder / entry.definitions}: {error}") from error


def read_centre(folder: Path, manifest: VocabularyManifest) -> "NDArray[np.float32] | None":
    """The mean embedding of photos that a taught vocabulary has, float32 ``[D]``, or None. Raises
    FolderError."""
    entry = manifest.taught
    if entry is None or entry.centre is None:
        return None
    return _array(folder, entry.centre, manifest, (manifest.dimension,))


def _array(folder: Path, name: str, manifest: VocabularyManifest,
           shape: tuple[int, ...]) -> "NDArray[np.float32]":
    content = folders.read_file(folder, name, manifest)
    try:
        array = np.load(io.BytesIO(content), allow_pickle=False)
    except Exception as error:  # a damaged file fails in as many ways as it has bytes
        raise FolderError(f"{folder / name}: not the array that is expected: {error}") from error
    if not isinstance(array, np.ndarray) or array.shape != shape or array.dtype.kind != "f" or (
            not np.isfinite(array).all()):
        raise FolderError(f"{folder / name}: {list(shape)} finite numbers are expected")
    return array.astype(np.float32)
