"""Labelled images: a folder of class folders, or a CSV of paths and labels."""

import csv
import os
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from zsl_cli.embedding.walk import SUFFIXES, Walk
from zsl_cli.errors import ZslError
from zsl_cli.evaluation import class_folders
from zsl_cli.support.numbering import without_numbers
from zsl_cli.support.wording import counted
from zsl_cli.vocabulary.names import class_names as names_of_classes
from zsl_cli.vocabulary.names.label import Match, normal_name
from zsl_cli.vocabulary.names.spelling import ALIKE
from zsl_cli.vocabulary.words.listed import meaning

if TYPE_CHECKING:
    from numpy.typing import NDArray

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
    repeated: how often an image is there again, by another name or in another line, with the
        same label; it counts once.
    contradictory: files that are there with several labels, and so count for none.
    """

    paths: tuple[Path, ...]
    rows: "NDArray[np.int64]"
    classes: tuple[Class, ...]
    loose: int = 0
    repeated: int = 0
    contradictory: tuple[Path, ...] = ()

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
        return replace(self, paths=tuple(self.paths[at] for at in chosen.tolist()),
                       rows=self.rows[chosen])


def read(path: str | os.PathLike[str], vocabulary: "Vocabulary") -> Dataset:
    """The labelled images of a folder or a CSV file, in a stable order.

    A folder's classes are the folders right in it, whatever lies deeper; they are named by an id,
    a name or a synonym of the vocabulary, or by an id and a name, ``n07710616_potato``. A CSV
    file has the columns ``path``, from the file's own folder on, and ``label``.

    Raises ZslError when there is no such set, or when not one of its images has a known label.
    """
    path = Path(path)
    groups, loose = _groups(path)
    texts = without_numbers(list(groups))
    classes = tuple(_class(name, text, len(files), vocabulary)
                    for (name, files), text in zip(groups.items(), texts, strict=True))
    pairs = [(file, one.match.row) for one, files in zip(classes, groups.values(), strict=True)
             if one.match for file in files]
    once, repeated, contradictory = _once(pairs)
    dataset = Dataset(tuple(file for file, _ in once),
                      np.array([row for _, row in once], np.int64), classes, loose, repeated,
                      contradictory)
    if not len(dataset):
        raise ZslError(f"{path}: {_why_nothing(path, dataset, vocabulary)}")
    return dataset


def class_names(path: str | os.PathLike[str]) -> list[str]:
    """What the classes of a set are called that have images, each once; raises ZslError as
    ``read``."""
    groups, _ = _groups(Path(path))
    texts = zip(without_numbers(list(groups)), groups.values(), strict=True)
    return list(dict.fromkeys(text for text, files in texts if files))


def _once(pairs: list[tuple[Path, int]]) -> tuple[list[tuple[Path, int]], int, tuple[Path, ...]]:
    """Each file once, with the row of its label; how often one is there again; and those of
    several labels, which are left out. Links, hard ones too, are the file they lead to."""
    rows: dict[object, set[int]] = {}
    first: dict[object, Path] = {}
    for file, row in pairs:
        identity = _identity(file)
        rows.setdefault(identity, set()).add(row)
        first.setdefault(identity, file)
    once = [(first[identity], of.pop()) for identity, of in rows.items() if len(of) == 1]
    contradictory = tuple(first[identity] for identity, of in rows.items() if len(of) > 1)
    again = len(pairs) - len(once) - sum(len(of) for of in rows.values() if len(of) > 1)
    return once, again, contradictory


def _identity(file: Path) -> object:
    """What two paths to one file have in common; the path itself where there is none."""
    try:
        status = os.stat(file)
    except (OSError, ValueError):
        return file
    return (status.st_dev, status.st_ino) if status.st_ino else file


def _class(name: str, text: str, images: int, vocabulary: "Vocabulary") -> Class:
    """What a class is, ``text`` being its name without the number of a numbered list."""
    match = meaning(text, vocabulary)
    if match or not images:
        return Class(name, images, match)
    like = normal_name(names_of_classes.read(text).name or text)
    return Class(name, images, None, tuple(vocabulary.spelling.like(like, least=ALIKE)))


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
    groups = {name: _images_in(folder / name) for name in class_folders.names_in(folder)}
    if not groups:
        raise ZslError(f"{folder}: no class folders in it; expected {_EXPECTED}")
    return groups, class_folders.images_beside(folder)


def _images_in(folder: Path) -> list[Path]:
    """The images in a class folder and below it; links are followed, as other programs do."""
    return [Path(image) for image, error in Walk(follow_links=True).images_in(str(folder))
            if error is None]


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


def _why_nothing(path: Path, dataset: Dataset, vocabulary: "Vocabulary") -> str:
    if dataset.contradictory:
        return "all of its images have several labels"
    if not dataset.unknown:
        return "no images in its class folders"
    one = dataset.unknown[0]
    like = f"; the nearest names are: {', '.join(one.nearest)}" if one.nearest else ""
    below = class_folders.classes_below(path)
    return (f"vocabulary {vocabulary.name!r} knows none of its "
            f"{counted(len(dataset.unknown), 'class', 'classes')}, such as {one.name!r}{like}"
            + (f"; are the classes in {below}?" if below else ""))
