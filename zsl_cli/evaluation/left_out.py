"""What of a labelled set does not count, and why."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from zsl_cli.support.wording import counted

if TYPE_CHECKING:
    from zsl_cli.errors import ImageError, ZslError
    from zsl_cli.evaluation.datasets import Dataset
    from zsl_cli.vocabulary.vocabulary import Vocabulary


@dataclass(frozen=True)
class UnknownClass:
    """A class that no label of the vocabulary stands for; ``nearest`` are the names that are spelt
    most like it."""

    name: str
    images: int
    vocabulary: str
    nearest: tuple[str, ...] = ()


@dataclass(frozen=True)
class UnknownLine:
    """A line of a file of labels that is no label of the vocabulary."""

    file: str
    label: str
    vocabulary: str


@dataclass(frozen=True)
class Unreadable:
    """An image that cannot be read, and why."""

    path: str
    message: str


@dataclass(frozen=True)
class UnknownSentence:
    """A caption that no vector can be made of, and why."""

    caption: str
    message: str


@dataclass(frozen=True)
class LeftOut:
    """What did not count.

    loose: how many images lie in no class folder.
    repeated: how often an image was there again, with the same label.
    contradictory: images that are there with several labels.
    images: how many count, with the vocabulary that knows most of them.
    """

    unknown: tuple[UnknownClass, ...] = ()
    empty: tuple[str, ...] = ()
    unreadable: tuple[Unreadable, ...] = ()
    unknown_lines: tuple[UnknownLine, ...] = ()
    loose: int = 0
    images: int = 0
    repeated: int = 0
    contradictory: tuple[str, ...] = ()
    sentences: tuple[UnknownSentence, ...] = ()

    def __bool__(self) -> bool:
        return bool(self.unknown or self.empty or self.unreadable or self.unknown_lines
                    or self.contradictory or self.sentences)

    def to_dict(self) -> dict[str, Any]:
        """The same for JSON."""
        return {"unknown_classes": [{"class": one.name, "images": one.images,
                                     "vocabulary": one.vocabulary, "nearest": list(one.nearest)}
                                    for one in self.unknown],
                "empty_classes": list(self.empty),
                "unreadable": [vars(one) for one in self.unreadable],
                "unknown_labels": [vars(one) for one in self.unknown_lines],
                "without_class": self.loose,
                "repeated": self.repeated,
                "with_several_labels": list(self.contradictory)}

    def listed(self) -> list[tuple[str, list[str]]]:
        """The same for a page: headings, and a line for each thing."""
        return [
            ("Classes that the vocabulary does not know",
             [f"{one.name}: {counted(one.images, 'image')}"
              + (f"; near it: {', '.join(one.nearest)}" if one.nearest else "")
              for one in self.unknown]),
            ("Class folders without images", list(self.empty)),
            ("Images that cannot be read",
             [f"{one.path}: {one.message}" for one in self.unreadable]),
            ("Images with several labels", list(self.contradictory)),
            ("Captions that cannot be used",
             [f"{one.caption}: {one.message}" for one in self.sentences]),
            ("Labels in a file that the vocabulary does not know",
             [f"{one.file}: {one.label}" for one in self.unknown_lines])]


class Collector:
    """Collects what does not count, as it is found; each thing is told once."""

    def __init__(self, report: Callable[[Sequence[str], str], object]) -> None:
        """report: Reporter.left_out, or what is told the same."""
        self._report = report
        self._unknown: list[UnknownClass] = []
        self._empty: list[str] = []
        self._unreadable: dict[str, str] = {}  # why, by path
        self._unknown_lines: list[UnknownLine] = []
        self._loose = self._images = self._repeated = 0
        self._contradictory: dict[str, None] = {}
        self._sentences: dict[str, str] = {}  # why, by caption

    def add_dataset(self, dataset: "Dataset", vocabulary: "Vocabulary") -> None:
        """The classes of a set that do not count."""
        unknown = [UnknownClass(one.name, one.images, vocabulary.name, one.nearest)
                   for one in dataset.unknown]
        self._tell([f"class {one.name!r} is unknown to vocabulary {one.vocabulary!r}, "
                    f"{counted(one.images, 'image')} left out"
                    + (f"; the nearest names are: {', '.join(one.nearest)}" if one.nearest else "")
                    for one in unknown], "unknown classes")
        self._unknown += unknown
        new = [one.name for one in dataset.empty if one.name not in self._empty]
        self._tell([f"class {name!r} has no images" for name in new], "empty classes")
        self._empty += new
        if dataset.loose and not self._loose:
            self._loose = dataset.loose
            self._tell([f"{counted(self._loose, 'image')} left out, in no class folder"],
                       "images in no class folder")
        if dataset.repeated and not self._repeated:
            self._repeated = dataset.repeated
            self._tell([f"{counted(self._repeated, 'image')} left out, there already by another "
                        "name or in another line"], "images that are repeated")
        both = [path for path in map(str, dataset.contradictory) if path not in self._contradictory]
        self._tell([f"{path}: left out, since it has several labels" for path in both],
                   "images with several labels")
        self._contradictory |= dict.fromkeys(both)
        self._images = max(self._images, len(dataset))

    def add_unreadable(self, failed: "Sequence[tuple[str, ImageError]]") -> None:
        """The images that cannot be read, by path."""
        new = {path: error for path, error in failed if path not in self._unreadable}
        self._tell([f"{path}: {error}" for path, error in new.items()],
                   "images that cannot be read")
        self._unreadable |= {path: error.plain for path, error in new.items()}

    def add_sentences(self, failed: "Sequence[tuple[str, ZslError]]") -> None:
        """The captions that no vector can be made of."""
        new = {caption: str(error) for caption, error in failed if caption not in self._sentences}
        self._tell([*new.values()], "captions that cannot be used")
        self._sentences |= new

    def add_lines(self, file: str, lines: Sequence[str], vocabulary: "Vocabulary") -> None:
        """The lines of a file that are no labels."""
        self._tell([f"{file}: vocabulary {vocabulary.name!r} does not know {line!r}"
                    for line in lines], f"unknown labels in {file}")
        self._unknown_lines += [UnknownLine(file, line, vocabulary.name) for line in lines]

    def _tell(self, lines: Sequence[str], kind: str) -> None:
        if lines:
            self._report(lines, kind)

    def left_out(self) -> LeftOut:
        """All of it, so far."""
        return LeftOut(
            tuple(self._unknown), tuple(self._empty),
            tuple(Unreadable(path, message) for path, message in self._unreadable.items()),
            tuple(self._unknown_lines), self._loose, self._images, self._repeated,
            tuple(self._contradictory),
            tuple(UnknownSentence(caption, message)
                  for caption, message in self._sentences.items()))
