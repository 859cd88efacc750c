"""Tables of common knowledge: the plain words of things, what they look like, beside what they are
seen, which of them hurt where they are wrong.

They were written from knowledge; some base rates were corrected later. A folder of them holds,
tab-separated in UTF-8, lines that begin with ``#`` being comments:

``everyday.tsv``   synset, its plain word, other plain words with commas between
``kinds.tsv``      the same for kinds between these and the names of things, for what is not sure
``looks.tsv``      synset, name, the classes that it resembles, each with a weight from 1 to 9
``beside.tsv``     synset, name, in how many of 1,000 photos of private libraries it is to be seen,
                   the classes it is seen with, each with the tenths of that class's photos, 1 to 9
``sensitive.tsv``  synset, name, what kind of word it is (weapon, underwear, disease, ...)
``classes.tsv``    synset and name of the classes that a network was trained on, as they are called
                   in looks.tsv and beside.tsv (``scuba diver 9; maillot (swimsuit) 6``)

Synsets are nouns of WordNet 3.0, and a name is any word of its synset, for whoever reads the table.
"""

import re
from collections.abc import Callable, Collection, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar

from zsl_cli.errors import ZslError
from zsl_cli.support.text_lists import whole_lines
from zsl_cli.support.wording import quoted, some

if TYPE_CHECKING:
    from zsl_cli.authoring.vocabularies.wordnet import WordNet

T = TypeVar("T")

FOLDER = Path(__file__).parent
TABLES = ("classes.tsv", "everyday.tsv", "kinds.tsv", "looks.tsv", "beside.tsv", "sensitive.tsv")
_ID = re.compile(r"n\d{8}")
_WEIGHTED = re.compile(r"(.+\S) +([1-9])")


@dataclass(frozen=True)
class Beside:
    """What stands beside other things in photos.

    base_rate: the share of ordinary photos that show it, 0 to 1.
    shares: the share of the photos of a class that show it, 0 to 1, by the class's id; 0 for a
        class that is not there.
    """

    base_rate: float
    shares: Mapping[str, float]


@dataclass(frozen=True)
class Knowledge:
    """The tables, by the ids of synsets.

    classes: the names of the classes that the network was trained on.
    everyday: plain words, the one that people use first. No two synsets share a word.
    kinds: those of kinds in between, which people rarely use for a thing whose name they know.
    looks: how much a thing resembles which class, 1 to 9.
    beside: with what it is seen.
    sensitive: what kind of word it is, of those that embarrass or hurt where they are wrong.
    """

    classes: Mapping[str, str]
    everyday: Mapping[str, tuple[str, ...]]
    kinds: Mapping[str, tuple[str, ...]]
    looks: Mapping[str, Mapping[str, float]]
    beside: Mapping[str, Beside]
    sensitive: Mapping[str, str]

    @property
    def plain(self) -> dict[str, tuple[str, ...]]:
        """The plain words of all ids that have some."""
        return {**self.everyday, **self.kinds}

    def check_classes(self, seen: Collection[str]) -> None:
        """Raise ZslError where a row speaks of a class that is not among the ids ``seen``, those of
        a classifier."""
        used = {*(id_ for weights in self.looks.values() for id_ in weights),
                *(id_ for beside in self.beside.values() for id_ in beside.shares)}
        if strange := sorted(used.difference(seen)):
            raise ZslError("the tables speak of classes that the classifier does not have: "
                           + some([f"{id_} ({self.classes[id_]})" for id_ in strange]))


def load(folder: Path | None = None, wordnet: "WordNet | None" = None) -> Knowledge:
    """The tables of a folder, those of the project in the place of files that it does not have
    (but its kinds beside its everyday words alone); all of the project's without a folder. With
    ``wordnet`` synsets and names are looked up there.

    Raises ZslError with file and line.
    """
    if folder is not None and not any((folder / name).is_file() for name in TABLES):
        raise ZslError(f"{folder}: none of the tables {', '.join(TABLES)} is there")
    classes, everyday, kinds, looks, beside, sensitive = (
        _Table(_place(folder, name), wordnet) for name in TABLES)
    names = classes.read(2, lambda row: row.cells[1])
    ids = {name: id_ for id_, name in names.items()}
    if len(ids) < len(names):
        twice = next(name for id_, name in names.items() if ids[name] != id_)
        raise ZslError(f"{classes.path}: two classes {quoted(twice)}; give each a name of its own")
    words: dict[str, str] = {}
    usual = everyday.read(3, lambda row: row.words(words))
    return Knowledge(
        classes=names,
        everyday=usual,
        kinds={} if kinds.path.parent == FOLDER != everyday.path.parent else kinds.read(
            3, lambda row: row.words(words), usual),
        looks=looks.read(3, lambda row: row.named().weights(ids)),
        beside=beside.read(4, lambda row: Beside(row.named().per_mille(2) / 1000, {
            id_: tenths / 10 for id_, tenths in row.weights(ids).items()})),
        sensitive=sensitive.read(3, lambda row: row.named().text(2)))


def _place(folder: Path | None, name: str) -> Path:
    """Where a table lies."""
    own = FOLDER / name if folder is None else folder / name
    return own if own.is_file() else FOLDER / name


@dataclass(frozen=True)
class _Table:
    """A file of a row a synset."""

    path: Path
    wordnet: "WordNet | None"

    def read(self, columns: int, value: "Callable[[_Row], T]",
             others: Collection[str] = ()) -> dict[str, T]:
        """What ``value`` makes of the rows, by their ids; raises ZslError, also where an id is
        among ``others``, those of a table before."""
        values: dict[str, T] = {}
        for row in self._rows():
            if len(row.cells) != columns:
                raise row.error(f"{len(row.cells)} columns, and {columns} are expected, with a tab "
                                "between them")
            if not _ID.fullmatch(row.id) or (
                    self.wordnet is not None and row.id not in self.wordnet.synsets):
                raise row.error(f"{quoted(row.id)} is no noun synset of WordNet 3.0, such as "
                                "n02084071")
            if row.id in values or row.id in others:
                raise row.error(f"{row.id} has a row already")
            values[row.id] = value(row)
        return values

    def _rows(self) -> "Iterator[_Row]":
        for number, line in whole_lines(self.path):
            if line.strip() and not line.startswith("#"):
                cells = tuple(cell.strip() for cell in line.rstrip("\r\n").split("\t"))
                yield _Row(f"{self.path}, line {number}", cells, self.wordnet)


@dataclass(frozen=True)
class _Row:
    """Its cells, and the readers of cells."""

    where: str
    cells: tuple[str, ...]
    wordnet: "WordNet | None"

    @property
    def id(self) -> str:
        """The synset."""
        return self.cells[0]

    def error(self, what: str) -> ZslError:
        """What is wrong with the row."""
        return ZslError(f"{self.where}: {what}")

    def named(self) -> "_Row":
        """The row itself, once its name is known to be one of the synset's words."""
        if self.wordnet is not None:
            words = self.wordnet.synsets[self.id].words
            if self.cells[1] not in words:
                raise self.error(f"{quoted(self.cells[1])} is no word of {self.id}, which is "
                                 f"{', '.join(words)}")
        return self

    def text(self, column: int) -> str:
        """A cell that must not be empty."""
        if not self.cells[column]:
            raise self.error(f"column {column + 1} is empty")
        return self.cells[column]

    def words(self, taken: dict[str, str]) -> tuple[str, ...]:
        """The plain words, which are put among those that are ``taken`` by an id."""
        words = (self.text(1), *(word for one in self.cells[2].split(",") if (word := one.strip())))
        for word in words:
            if other := taken.get(word.lower()):
                raise self.error(f"{quoted(word)} is a word of {other} already; one of "
                                 "the two needs another")
            taken[word.lower()] = self.id
        return words

    def per_mille(self, column: int) -> int:
        """A number from 1 to 999; what is in all photos tells nothing, and its log-odds have no
        end."""
        cell = self.cells[column]
        if not (cell.isascii() and cell.isdigit() and len(cell) <= 3 and int(cell) >= 1):
            raise self.error(f"{quoted(cell)} is no number of photos in 1,000, from 1 to 999")
        return int(cell)

    def weights(self, classes: Mapping[str, str]) -> dict[str, float]:
        """The weights of classes, in the last cell, by their ids."""
        weights: dict[str, float] = {}
        for item in self.text(len(self.cells) - 1).split(";"):
            match = _WEIGHTED.fullmatch(item.strip())
            if not match:
                raise self.error(f"{quoted(item.strip())} is no class with a weight from 1 to 9 "
                                 "behind it; a semicolon parts two of them")
            name, weight = match.groups()
            if name not in classes:
                raise self.error(f"{quoted(name)} is none of the classes of classes.tsv")
            if classes[name] in weights:
                raise self.error(f"{quoted(name)} stands there twice")
            weights[classes[name]] = float(weight)
        return weights
