"""Captioned images: a CSV with a line for each caption."""

import csv
import os
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from zsl_cli.errors import ZslError

COLUMNS = ("image", "caption")
"""What the first line of the CSV has to name; ``split`` counts as well, others don't matter."""

_SPLIT = "split"


@dataclass(frozen=True)
class Captioned:
    """Images, in the order of the file, and what their captions say.

    paths: n files, which need not be there; captions: of each, one or several.
    """

    paths: tuple[Path, ...]
    captions: tuple[tuple[str, ...], ...]

    def __len__(self) -> int:
        return len(self.paths)


def read(path: str | os.PathLike[str], images: str | os.PathLike[str] | None = None,
         split: str | None = None) -> Captioned:
    """The images of a CSV file with the columns ``image`` and ``caption``; an image with several
    captions has a line for each.

    images: the folder from which the paths of images go on; by default that of the file.
    split: only lines that have this in their column ``split``.

    Raises ZslError when there are none.
    """
    path = Path(path)
    folder = path.parent if images is None else Path(images)
    if not folder.is_dir():
        raise ZslError(f"{folder}: no such folder")
    groups: dict[str, list[str]] = {}
    splits: set[str] = set()
    for line, image, caption, part in _lines(path, split is not None):
        if not image or not caption:
            raise ZslError(f"{path}, line {line}: image or caption is empty")
        splits.add(part)
        if split is None or part == split:
            groups.setdefault(image, []).append(caption)
    if not groups:
        raise ZslError(f"{path}: no line is of the split {split!r}, but of "
                       + ", ".join(sorted(splits)) if splits else
                       f"{path}: no captions are listed in it")
    return Captioned(tuple(folder / image for image in groups), tuple(map(tuple, groups.values())))


def _lines(path: Path, with_split: bool) -> Iterator[tuple[int, str, str, str]]:
    """Line number, image, caption and split; raises ZslError."""
    columns = (*COLUMNS, _SPLIT) if with_split else COLUMNS
    try:
        with path.open(encoding="utf-8-sig", errors="surrogateescape", newline="") as file:
            reader = csv.DictReader(file, restval="")
            fields = reader.fieldnames or ()
            if missing := [name for name in columns if name not in fields]:
                raise ZslError(f"{path}: the first line names no column {' or '.join(missing)}; "
                               "expected a CSV file with the columns "
                               f"{' and '.join(columns)}, and a line for each caption")
            for row in reader:
                yield (reader.line_num, row["image"].strip(), row["caption"].strip(),
                       row.get(_SPLIT, "").strip())
    except OSError as error:
        raise ZslError(f"{path}: {error.strerror or error}") from error
    except csv.Error as error:
        raise ZslError(f"{path}: no CSV file ({error})") from error
