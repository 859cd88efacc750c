"""Labelled images: a folder of class folders, or a CSV of paths and labels."""

import csv
import os
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from zsl_cli.embedding.walk import SUFFIXES, Walk, images_in
from zsl_cli.errors import ZslError
from zsl_cli.support.wording import counted
from zsl_cli.vocabulary.class_names import class_name
from zsl_cli.vocabulary.label import Match, normal_name
from zsl_cli.vocabulary.spelling import ALIKE

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from zsl_cli.vocabulary.label import Label
    from zsl_cli.vocabulary.vocabulary import Vocabulary

COLUMNS = ("path", "label")
"""What a CSV's first line has to name; further columns don't matter."""

_EXPECTED = ("a folder with a folder for each class, named by its label, or a CSV file with the "
             f"columns {' and '.join(COLUMNS)}")


@dataclass(frozen=True)
class Class:
    """What a class folder, or a label of a CSV, is called, and what that was taken to mean.

    match: None when the vocabulary knows no such label; ``nearest`` are then the names that are
        spelt most like it.
    images: how many there are, unreadable ones included.
    """

    name: str
    images: int
    match: Match | None
    nearest: tuple[str, ...] = ()


@dataclass(frozen=True)
class Dataset:
    """Images and their labels; those of unknown and of empty classes are left out.

    paths: n files, which need not be readable.
    rows: int64 ``[n]``, the vocabulary's row of each one's label.
    classes: all classes that were met, known or not, in their order.
    loose: images that lie beside the class folders and so have no label.
    """

    paths: tuple[Path, ...]
    rows: "NDArray[np.int64]"
    classes: tuple[Class, ...]
    loose: int = 0

    def __len__(self) -> int:
        return len(self.paths)

    @cached_property
    def labels(self) -> "NDArray[np.int64]":
        """The rows that occur, rising: the set's own classes. Folders that mean the same label
        are one class."""
        return np.unique(self.rows)

    @property
    def unknown(self) -> tuple[Class, ...]:
        """The classes that have images and that no label of the vocabulary stands for."""
        return tuple(one for one in self.classes if one.match is None and one.images)

    @property
    def empty(self) -> tuple[Class, ...]:
        """The class folders without a single image."""
        return tuple(one for one in self.classes if not one.images)

    def of(self, rows: "Iterable[int] | NDArray[np.int64]") -> "Dataset":
        """The images of these labels alone, classes as they are."""
        chosen = np.flatnonzero(np.isin(self.rows, np.fromiter(rows, np.int64)))
        return Dataset(tuple(self.paths[at] for at in chosen.tolist()), self.rows[chosen],
                       self.classes, self.loose)


def read(path: str | os.PathLike[str], vocabulary: "Vocabulary") -> Dataset:
    """The labelled images of a folder or a CSV file, in a stable order.

    A folder's classes are the folders right in it, whatever lies deeper; they are named by an id,
    a name or a synonym of the vocabulary, or by an id and a name, ``n07710616_potato``. A CSV
    file has the columns ``path``, from the file's own folder on, and ``label``.

    Raises ZslError when there is no such set, or when not one of its images has a known label.
    """
    path = Path(path)
    groups, loose = _groups(path)
    classes = tuple(_class(name, len(files), vocabulary) for name, files in groups.items())
    pairs = [(file, one.match.row) for one, files in zip(classes, groups.values(), strict=True)
             if one.match for file in files]
    dataset = Dataset(tuple(file for file, _ in pairs),
                      np.array([row for _, row in pairs], np.int64), classes, loose)
    if not len(dataset):
        raise ZslError(f"{path}: {_why_nothing(dataset, vocabulary)}")
    return dataset


def class_names(path: str | os.PathLike[str]) -> list[str]:
    """What the classes of a set are called that have images; raises ZslError as ``read``."""
    return [name for name, files in _groups(Path(path))[0].items() if files]


def meaning(name: str, vocabulary: "Vocabulary") -> Match | None:
    """The label that a class is named by, or None.

    An id in front counts alone where the vocabulary has ids of its kind, since the name behind it
    may have other senses.
    """
    if match := vocabulary.look_up(name):
        return match
    id_, words = class_name(name)
    row = vocabulary.rows.get(id_ or name.strip().partition("_")[0])
    if row is not None and (id_ or not _is_its_own_id(vocabulary.label(row))):
        return Match(name, row)
    if id_ and vocabulary.has_wordnet_ids:
        return None
    return vocabulary.look_up(words) or vocabulary.look_up(words.replace("-", " "))


def _is_its_own_id(label: "Label") -> bool:
    """As in a vocabulary of words, where a class hot_dog is nothing hot."""
    return normal_name(label.id) == normal_name(label.name)


def _class(name: str, images: int, vocabulary: "Vocabulary") -> Class:
    match = meaning(name, vocabulary)
    if match or not images:
        return Class(name, images, match)
    text = normal_name(class_name(name)[1] or name)
    return Class(name, images, None, tuple(vocabulary.spelling.like(text, least=ALIKE)))


def _groups(path: Path) -> tuple[dict[str, list[Path]], int]:
    """The images of each class, and how many there are without one."""
    if path.is_dir():
        return _folders(path)
    if path.suffix.lower() in SUFFIXES and path.is_file():
        raise ZslError(f"{path}: an image by itself; expected {_EXPECTED}")
    if path.is_file():
        return _csv(path), 0
    raise ZslError(f"{path}: no such folder or CSV file")


def _folders(folder: Path) -> tuple[dict[str, list[Path]], int]:
    """The images of each class folder, and how many there are beside them."""
    try:
        names = sorted(entry.name for entry in os.scandir(folder)
                       if entry.is_dir() and not entry.name.startswith("."))
    except OSError as error:
        raise ZslError(f"{folder}: {error.strerror or error}") from error
    groups = {name: [Path(image) for image in images_in(str(folder / name))] for name in names}
    if not groups:
        raise ZslError(f"{folder}: no class folders in it; expected {_EXPECTED}")
    everything = sum(1 for _, error in Walk().images_in(str(folder)) if error is None)
    return groups, everything - sum(map(len, groups.values()))


def _csv(path: Path) -> dict[str, list[Path]]:
    groups: dict[str, list[Path]] = {}
    for line, file, label in _lines(path):
        if not file or not label:
            raise ZslError(f"{path}, line {line}: path or label is empty")
        groups.setdefault(label, []).append(path.parent / file)
    if not groups:
        raise ZslError(f"{path}: no images are listed in it")
    return groups


def _lines(path: Path) -> Iterator[tuple[int, str, str]]:
    """Line number, path and label; raises ZslError."""
    try:
        with path.open(encoding="utf-8-sig", errors="surrogateescape", newline="") as file:
            reader = csv.DictReader(file, restval="")
            fields = reader.fieldnames or ()
            if missing := [name for name in COLUMNS if name not in fields]:
                raise ZslError(f"{path}: the first line names no column {' or '.join(missing)}; "
                               f"expected {_EXPECTED}")
            for row in reader:
                yield reader.line_num, row["path"].strip(), row["label"].strip()
    except OSError as error:
        raise ZslError(f"{path}: {error.strerror or error}") from error
    except csv.Error as error:
        raise ZslError(f"{path}: no CSV file ({error})") from error


def _why_nothing(dataset: Dataset, vocabulary: "Vocabulary") -> str:
    if not dataset.unknown:
        return "no images in its class folders"
    one = dataset.unknown[0]
    like = f"; the nearest names are: {', '.join(one.nearest)}" if one.nearest else ""
    return (f"vocabulary {vocabulary.name!r} knows none of its "
            f"{counted(len(dataset.unknown), 'class', 'classes')}, such as {one.name!r}{like}")
