"""What ``model.json`` and ``vocabulary.json`` say, as dataclasses.

What the code relies on is a field and is checked here, when a manifest is read; ``entries`` has
all that the file says, what this version of zsl knows nothing of too.
"""

import os
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass, field, fields
from pathlib import Path
from typing import Any, Protocol, Self, TypeVar, cast

from zsl_cli.errors import FolderError
from zsl_cli.support import sources
from zsl_cli.support.calibration import Calibration, ConfidenceRule
from zsl_cli.support.manifest_entries import (
    Agreement,
    CheckpointEntry,
    Entries,
    FileEntry,
    Normalisation,
    PriorRoom,
    PublishedEntry,
    SentenceEncoder,
    TextEncoding,
)
from zsl_cli.support.preprocessing import Preprocessing
from zsl_cli.support.taught_entry import TaughtEntry
from zsl_cli.support.values import is_template

FORMAT = 1

ENCODER_FILE = "encoder.onnx"
LABEL_ENCODER_FILE = "label_encoder.onnx"
TOKENIZER_FILE = "tokenizer.json"
"""The last two, there or not there together, turn phrases into label vectors; the manifest's
``text`` says how they were meant to be used."""

CAPTIONS = "captions"
"""See ModelManifest.embedding."""

_MOST = 10**9
_LONGEST = 255  # bytes of a file's name

P = TypeVar("P")


class FolderManifest(Protocol):
    """What every kind of folder says of itself: at least which other files it has."""

    @property
    def files(self) -> Mapping[str, FileEntry]:
        """Every other file of the folder by its name."""

    @classmethod
    def from_entries(cls, entries: Entries, path: Path) -> Self:
        """The manifest that the JSON object in this file is. Raises FolderError."""


@dataclass(frozen=True)
class Manifest:
    """What folders with vectors, of models and vocabularies, say of themselves.

    space: the identity of the vector space. dimension: D.
    files: every other file of the folder by its name.
    sources: what all this comes from, dictionaries with ``name``, ``license`` and ``url``.
    entries: the whole JSON object.
    """

    name: str
    version: str
    space: str
    dimension: int
    files: Mapping[str, FileEntry]
    sources: tuple[dict[str, str], ...] = ()
    entries: Entries = field(default_factory=dict, repr=False)

    @classmethod
    def from_entries(cls, entries: Entries, path: Path) -> Self:
        """The manifest that a JSON object is.

        path: of the file, which messages name.

        Raises FolderError where an entry is missing or is not what it should be.
        """
        check_entries(entries, path, cls._required(), texts=("name", "space"))
        check_count(path, entries, "dimension")
        return cls(**cls._fields(entries, path), entries=entries)

    def fits(self, other: "Manifest") -> bool:
        """Whether a model and a vocabulary have vectors of one space."""
        return (self.space, self.dimension) == (other.space, other.dimension)

    @classmethod
    def _required(cls) -> tuple[str, ...]:
        return ("name", "version", "space", "dimension", "files")

    @classmethod
    def _fields(cls, entries: Entries, path: Path) -> dict[str, Any]:
        return {"name": entries["name"], "version": str(entries["version"]),
                "space": entries["space"], "dimension": entries["dimension"],
                "files": files_of(entries["files"], path),
                "sources": sources.completed(entries.get("sources"))}


@dataclass(frozen=True)
class ModelManifest(Manifest):
    """What a model folder says of itself. What is not needed to run the model may be None.

    architecture, features: the network, and where in it its features are, for people.
    embedding: how images get into the space: by M (``projection``), into that of a classifier's
        own rows (``classes``), by the network alone (``embedding``), or beside another model's
        space by what was learned from captions (``captions``).
    weights: the form of the encoders, ``float32``, ``fp16`` or ``int8``.
    projection: the numbers of M beside its arrays, where there is one.
    parity: of which form the agreement is (``text float32`` is that of the label encoder): of
        ``float32`` with PyTorch, of ``published`` with the graph that was imported, of
        ``pipeline`` of photographs with ``compared_with``, of the others with ``float32``.
    compared_with: the library whose own pipeline that is, and its version.
    assumed: what nothing said and was taken for granted, in words.
    published: what the model was imported from, if it was.
    prior_room: where a label prior may go, if it may.
    made_by: the command, where another one than an export or an import made it.
    """

    input: Preprocessing = field(kw_only=True)
    normalisation: Normalisation | None = field(default=None, kw_only=True)
    architecture: str | None = field(default=None, kw_only=True)
    features: str | None = field(default=None, kw_only=True)
    embedding: str | None = field(default=None, kw_only=True)
    weights: str | None = field(default=None, kw_only=True)
    projection: Entries | None = field(default=None, kw_only=True)
    calibration: Calibration = field(default_factory=Calibration, kw_only=True)
    confidence: ConfidenceRule = field(default_factory=ConfidenceRule, kw_only=True)
    text: TextEncoding | None = field(default=None, kw_only=True)
    checkpoint: CheckpointEntry | None = field(default=None, kw_only=True)
    published: PublishedEntry | None = field(default=None, kw_only=True)
    prior_room: PriorRoom | None = field(default=None, kw_only=True)
    parity: Mapping[str, Agreement] = field(default_factory=dict, kw_only=True)
    compared_with: str | None = field(default=None, kw_only=True)
    assumed: tuple[str, ...] = field(default=(), kw_only=True)
    license: str | None = field(default=None, kw_only=True)
    exported_by: str | None = field(default=None, kw_only=True)
    made_by: str | None = field(default=None, kw_only=True)

    @property
    def encodes_phrases(self) -> bool:
        """Whether the folder has a label encoder."""
        return self.text is not None

    @property
    def trained_on_captions(self) -> bool:
        """Whether its label encoder was trained on whole sentences."""
        return self.embedding == CAPTIONS

    @classmethod
    def _required(cls) -> tuple[str, ...]:
        return (*super()._required(), "input")

    @classmethod
    def _fields(cls, entries: Entries, path: Path) -> dict[str, Any]:
        def part(kind: type, name: str) -> Any:
            try:
                return kind(**entries.get(name, {}))
            except (TypeError, ValueError) as error:
                raise FolderError(f"{path}: {name}: {error}") from error

        checkpoint, projection = entries.get("checkpoint"), entries.get("projection")
        return super()._fields(entries, path) | {
            name: entries.get(name) for name in (
                "architecture", "features", "embedding", "weights", "compared_with", "license",
                "exported_by", "made_by")} | {
            "assumed": _texts(entries.get("assumed")),
            "input": part(Preprocessing, "input"),
            "normalisation": _normalisation(entries.get("normalisation")),
            "calibration": part(Calibration, "calibration"),
            "confidence": part(ConfidenceRule, "confidence"),
            "text": _text(entries, path),
            "projection": projection if isinstance(projection, dict) else None,
            "checkpoint": CheckpointEntry(
                str(checkpoint.get("file")), str(checkpoint.get("sha256")))
            if isinstance(checkpoint, dict) else None,
            "prior_room": _lenient(PriorRoom, entries.get("prior_room")),
            "published": _lenient(PublishedEntry, entries.get("published")),
            "parity": _parity(entries.get("parity"))}

    def to_entries(self) -> dict[str, Any]:
        """The JSON object that ``from_entries`` makes this manifest of, where zsl wrote it."""
        optional = {
            "normalisation": self.normalisation and asdict(self.normalisation),
            "architecture": self.architecture, "features": self.features,
            "embedding": self.embedding, "weights": self.weights, "projection": self.projection,
            "calibration": self.calibration.to_entries(),
            "confidence": asdict(self.confidence) if self.confidence.fitted_on else None,
            "text": self.text and self.text.to_entries(),
            "checkpoint": self.checkpoint and asdict(self.checkpoint),
            "prior_room": self.prior_room and asdict(self.prior_room),
            "published": self.published and asdict(self.published),
            "parity": {name: one.to_entries() for name, one in self.parity.items()},
            "compared_with": self.compared_with, "assumed": [*self.assumed] or None,
            "made_by": self.made_by}
        return {
            "name": self.name, "version": self.version, "space": self.space,
            "dimension": self.dimension, "input": asdict(self.input),
            **{name: value for name, value in optional.items() if value is not None},
            "license": self.license, "sources": list(self.sources),
            "exported_by": self.exported_by,
            "files": {name: asdict(entry) for name, entry in self.files.items()}}


@dataclass(frozen=True)
class VocabularyManifest(Manifest):
    """What a vocabulary folder says of itself.

    labels: how many there are.
    prior_dimension: the dimension of the label vectors that holds the label prior; those before
        it are what labels mean, those behind it fill the vectors up to unit length.
    hnsw: parameters of the index in the place of those that suit so many labels.
    beside: the rows, rising, of the labels that have a second vector, for where they stand beside
        the main thing of an image.
    taught: of one that is made over another by lessons, what that is.
    """

    labels: int = field(kw_only=True)
    prior_dimension: int | None = field(default=None, kw_only=True)
    hnsw: Entries = field(default_factory=dict, kw_only=True)
    beside: tuple[int, ...] = field(default=(), kw_only=True)
    taught: TaughtEntry | None = field(default=None, kw_only=True)

    @classmethod
    def of_phrases(cls, space: str, dimension: int, labels: int = 0) -> Self:
        """The manifest of labels that lie in no folder, but are encoded when they are asked for."""
        entries = {"name": "phrases", "version": "1", "space": space, "dimension": dimension,
                   "labels": labels, "files": {}}
        return cls("phrases", "1", space, dimension, {}, (), entries, labels=labels)

    @classmethod
    def _required(cls) -> tuple[str, ...]:
        return ("name", "version", "space", "dimension", "labels", "files")

    @classmethod
    def _fields(cls, entries: Entries, path: Path) -> dict[str, Any]:
        check_count(path, entries, "labels")
        prior, dimension = entries.get("prior_dimension"), entries["dimension"]
        if prior is not None and (type(prior) is not int or not 1 <= prior < dimension):
            raise FolderError(f"{path}: prior_dimension {prior!r} is not a whole number from 1 to "
                              f"{dimension - 1}: the dimensions before it are what labels mean")
        return super()._fields(entries, path) | {
            "labels": entries["labels"], "prior_dimension": prior, "hnsw": entries.get("hnsw", {}),
            "beside": _rising(entries.get("beside", []), entries["labels"], path),
            "taught": TaughtEntry.from_entries(entries["taught"], entries, path)
            if "taught" in entries else None}


def _rising(rows: Any, labels: int, path: Path) -> tuple[int, ...]:
    """Rows of so many labels, each below the next."""
    if not (isinstance(rows, list) and all(type(row) is int for row in rows)
            and all(below < row for below, row in zip([-1, *rows], [*rows, labels], strict=True))):
        raise FolderError(f"{path}: beside: rows of labels, rising, are expected")
    return tuple(rows)


def check_entries(entries: Entries, path: Path, required: Iterable[str], *,
                  texts: Iterable[str]) -> None:
    """Raise FolderError unless these entries of a manifest are there, some of them ``texts``, and
    its format is the one that is read here."""
    missing = [key for key in ("format", *required) if key not in entries]
    if missing:
        raise FolderError(f"{path}: lacks {', '.join(missing)}")
    if entries["format"] != FORMAT:
        raise FolderError(f"{path}: format {entries['format']!r}, and this version of zsl "
                          f"reads format {FORMAT}")
    for key in texts:
        if not isinstance(entries[key], str):
            raise FolderError(f"{path}: {key} {entries[key]!r} is not a text")


def check_count(path: Path, entries: Entries, key: str) -> None:
    """Raise FolderError unless an entry of a manifest counts something."""
    if type(entries[key]) is not int or not 1 <= entries[key] <= _MOST:  # True, too, is an int
        raise FolderError(f"{path}: {key} {entries[key]!r} is not a whole number above 0 that "
                          "makes sense")


def files_of(entries: Any, path: Path) -> dict[str, FileEntry]:
    """What a manifest's ``files`` is. Raises FolderError."""
    if not isinstance(entries, dict) or not all(
            isinstance(entry, dict) and isinstance(entry.get("sha256"), str)
            and type(entry.get("bytes")) is int and is_plain_name(name)
            for name, entry in entries.items()):
        raise FolderError(f"{path}: \"files\" must give the sha256 and bytes of plain file names")
    return {name: FileEntry(entry["sha256"], entry["bytes"]) for name, entry in entries.items()}


def is_plain_name(name: str) -> bool:
    """Whether a file can be called so and then lies inside the folder."""
    try:
        length = len(os.fsencode(name))
    except UnicodeEncodeError:  # half of a surrogate pair
        return False
    return (length <= _LONGEST and name == os.path.basename(name)
            and name not in ("", ".", "..") and "\0" not in name)


def _text(entries: Entries, path: Path) -> TextEncoding | None:
    """What a model's manifest says of its label encoder. Raises FolderError."""
    parts = {LABEL_ENCODER_FILE in entries["files"], TOKENIZER_FILE in entries["files"],
             "text" in entries}
    if len(parts) > 1:
        raise FolderError(f"{path}: {LABEL_ENCODER_FILE}, {TOKENIZER_FILE} (in \"files\") and "
                          "\"text\" belong together, and not all are there")
    if "text" not in entries:
        return None
    text = entries["text"]
    templates = text.get("templates") if isinstance(text, dict) else None
    if not isinstance(templates, list):
        raise FolderError(f"{path}: text: a list, templates, is expected")
    for template in templates:
        if not is_template(template):
            raise FolderError(f"{path}: text: template {template!r} is not a text with one {{}} "
                              "in it")
    return TextEncoding(tuple(templates), _lenient(SentenceEncoder, text))


def _normalisation(entry: Any) -> Normalisation | None:
    return _lenient(Normalisation, {
        name: tuple(values) for name, values in _object(entry).items() if isinstance(values, list)})


def _parity(entry: Any) -> dict[str, Agreement]:
    read = {name: _lenient(Agreement, one) for name, one in _object(entry).items()}
    return {name: one for name, one in read.items() if one is not None}


def _texts(entry: Any) -> tuple[str, ...]:
    return tuple(map(str, entry)) if isinstance(entry, list) else ()


def _object(entry: Any) -> Entries:
    return entry if isinstance(entry, dict) else {}


def _lenient(kind: type[P], entry: Any) -> P | None:
    """A dataclass of those entries that are its fields; None where some are missing, since what
    is there for people alone makes no folder unusable."""
    names = {one.name for one in fields(cast("Any", kind))}
    try:
        return kind(**{name: value for name, value in _object(entry).items() if name in names})
    except TypeError:
        return None
