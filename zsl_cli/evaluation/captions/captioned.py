"""Captioned: images, and the captions of each, out of a file."""

import os
from dataclasses import dataclass
from pathlib import Path

from zsl_cli.errors import ZslError
from zsl_cli.evaluation.captions import forms
from zsl_cli.support.wording import quoted


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
    """The images of a file of captions in one of the forms that ``forms`` understands.

    images: the folder from which the paths of images go on; by default that of the file.
    split: only captions that the file says are of this split.

    Raises ZslError for a file of another form, or when there are none.
    """
    path = Path(path)
    folder = path.parent if images is None else Path(images)
    if not folder.is_dir():
        raise ZslError(f"{folder}: no such folder")
    groups: dict[str, list[str]] = {}
    splits: set[str] = set()
    for line in forms.read(path, with_split=split is not None):
        if not line.image or not line.caption:
            raise ZslError(f"{path}, {line.where}: image or caption is empty")
        _check_caption(line, path)
        splits.add(line.split)
        if split is None or line.split == split:
            groups.setdefault(line.image, []).append(line.caption)
    if not groups:
        raise ZslError(f"{path}: no line is of the split {split!r}, but of "
                       + ", ".join(sorted(splits)) if splits else
                       f"{path}: no captions are listed in it")
    return Captioned(tuple(folder / image for image in groups), tuple(map(tuple, groups.values())))


def _check_caption(line: forms.Line, path: Path) -> None:
    """The bytes of a path may be any, those of a caption are words."""
    try:
        line.caption.encode()
    except UnicodeEncodeError as error:
        raise ZslError(f"{path}, {line.where}: {quoted(line.caption)} is not UTF-8 text; convert "
                       "the file first (iconv -t utf-8)") from error
