"""What of a labelled set does not count, told as it is found."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from zsl_cli.support.wording import counted, printable

if TYPE_CHECKING:
    from zsl_cli.errors import ImageError
    from zsl_cli.evaluation.datasets import Dataset
    from zsl_cli.vocabulary.vocabulary import Vocabulary

_SAID = 5  # examples of a kind that are named


@dataclass
class LeftOut:
    """What did not count, and why; each thing is said once."""

    say: Callable[[str], object]
    verbose: bool = False
    unknown: list[dict[str, Any]] = field(default_factory=list)
    empty: list[str] = field(default_factory=list)
    unreadable: dict[str, str] = field(default_factory=dict)
    unknown_lines: list[dict[str, str]] = field(default_factory=list)
    loose: int = 0
    images: int = 0

    def __bool__(self) -> bool:
        return bool(self.unknown or self.empty or self.unreadable or self.unknown_lines)

    def add_dataset(self, dataset: "Dataset", vocabulary: "Vocabulary") -> None:
        """Tell the classes of a set that do not count."""
        lines = []
        for one in dataset.unknown:
            like = f"; the nearest names are: {', '.join(one.nearest)}" if one.nearest else ""
            lines.append(f"class {one.name!r} is unknown to vocabulary {vocabulary.name!r}, "
                         f"{counted(one.images, 'image')} left out{like}")
            self.unknown.append({"class": one.name, "images": one.images,
                                 "vocabulary": vocabulary.name, "nearest": list(one.nearest)})
        self._say(lines, "unknown classes")
        new = [one.name for one in dataset.empty if one.name not in self.empty]
        self._say([f"class {name!r} has no images" for name in new], "empty classes")
        self.empty += new
        if dataset.loose and not self.loose:
            self.loose = dataset.loose
            self._say([f"{counted(self.loose, 'image')} left out, in no class folder"], "")
        self.images = max(self.images, len(dataset))

    def add_unreadable(self, failed: "Sequence[tuple[str, ImageError]]") -> None:
        """Tell the images that cannot be read."""
        new = {path: str(error) for path, error in failed if path not in self.unreadable}
        self._say([f"{path}: {message}" for path, message in new.items()],
                  "images that cannot be read")
        self.unreadable |= new

    def add_lines(self, file: str, lines: Sequence[str], vocabulary: "Vocabulary") -> None:
        """Tell the lines of a file that are no labels."""
        self._say([f"{file}: vocabulary {vocabulary.name!r} does not know {line!r}"
                   for line in lines], f"unknown labels in {file}")
        self.unknown_lines += [{"file": file, "label": line, "vocabulary": vocabulary.name}
                               for line in lines]

    def _say(self, lines: Sequence[str], what: str) -> None:
        shown = lines if self.verbose else lines[:_SAID]
        for line in shown:
            self.say(f"zsl: {printable(line)}")
        if len(lines) > len(shown):
            self.say(f"zsl: and {len(lines) - len(shown):,} more {printable(what)} "
                     "(--verbose names them all)")

    def to_dict(self) -> dict[str, Any]:
        """The same for JSON."""
        return {"unknown_classes": self.unknown, "empty_classes": self.empty,
                "unreadable": [{"path": path, "message": message}
                               for path, message in self.unreadable.items()],
                "unknown_labels": self.unknown_lines, "without_class": self.loose}

    def listed(self) -> list[tuple[str, list[str]]]:
        """The same for the page."""
        return [
            ("Classes that the vocabulary does not know",
             [f"{one['class']}: {counted(one['images'], 'image')}"
              + (f"; near it: {', '.join(one['nearest'])}" if one["nearest"] else "")
              for one in self.unknown]),
            ("Class folders without images", self.empty),
            ("Images that cannot be read",
             [f"{path}: {message}" for path, message in self.unreadable.items()]),
            ("Labels in a file that the vocabulary does not know",
             [f"{one['file']}: {one['label']}" for one in self.unknown_lines])]
